"""moto's DynamoDB made to write as DynamoDB writes: all of an operation or nothing, one stream record for each change.

moto sends two records for an update that creates an item, records of transactions that were cancelled, and
records of writes that changed nothing; and a failed update can leave a half-made item. Here each write goes
through one place that sees the item before and after it.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table
from moto.dynamodb.responses import DynamoHandler

from local.deploy import ACCOUNT_ID, REGION, Deployment
from local.dynamodb_checks import checked, wrong_index_key
from local.dynamodb_comparisons import compared
from local.meter import Attributes, WriteMeter

OnRecord = Callable[[Table, dict[str, Any]], None]
TTL_IDENTITY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_MAX_TRANSACTION_ITEMS = 100
_TOKEN_SECONDS = 600
"""How long the token of a transaction keeps it from being done again."""


class Writes:
    """Every write to a table of moto's: measured, atomic, and told to `on_record` when it changed something."""

    def __init__(self, meter: WriteMeter, on_record: OnRecord) -> None:
        self.meter = meter
        self.on_record = on_record
        self._done: dict[str, tuple[float, Any, Any]] = {}
        """Transactions by their tokens: when, what, and the answer."""

    def clear(self) -> None:
        self._done.clear()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Puts this in the way of moto's DynamoDB while entered."""
        with ExitStack() as stack:
            for name in ("put_item", "update_item", "delete_item"):
                replacement = self._around(getattr(DynamoDBBackend, name))
                stack.enter_context(mock.patch.object(DynamoDBBackend, name, replacement))
            transact = lambda backend, transact_items: self._transact(backend, transact_items)  # noqa: E731
            stack.enter_context(mock.patch.object(DynamoDBBackend, "transact_write_items", transact))
            stack.enter_context(mock.patch.object(StreamShard, "add", _told_elsewhere))
            once = self._once(DynamoHandler.transact_write_items)
            stack.enter_context(mock.patch.object(DynamoHandler, "transact_write_items", once))
            stack.enter_context(checked())
            stack.enter_context(compared())
            yield

    def deployed(self, deployment: Deployment) -> None:
        """The tables are where CloudFormation made them."""

    def items(self) -> list[Attributes]:
        """Every item of every table, as the API has attributes: {"id": {"S": "…"}}."""
        items: list[Any] = [item for table in _tables() for item in table.items.values()]
        return [item.to_json()["Attributes"] for item in items]

    def expire(self, now_seconds: float) -> None:
        """Deletes what the tables' time to live says, with the stream records that tell who did it."""
        for table in _tables():
            self._expire(table, now_seconds)

    def _expire(self, table: Table, now_seconds: float) -> None:
        attribute = table.ttl.get("AttributeName") if table.ttl["TimeToLiveStatus"] == "ENABLED" else None
        if attribute is None or table.has_range_key:
            return
        items: dict[DynamoType, Any] = table.items
        for hash_key, item in list(items.items()):
            expiry = item.attrs.get(attribute)
            if expiry is not None and expiry.type == "N" and float(expiry.value) < now_seconds:
                del items[hash_key]
                self._tell(table, item, None, expired=True)

    def _around(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def write(backend: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            table = backend.get_table(table_name)
            with self._write(table, *backend.get_keys_value(table, key), factor=1):
                return original(backend, table_name, key, *args, **kwargs)

        return write

    @contextmanager
    def _write(self, table: Table, hash_key: DynamoType, range_key: DynamoType | None, factor: int) -> Iterator[None]:
        before = copy.deepcopy(table.get_item(hash_key, range_key))
        old = _attributes(before)
        try:
            yield
        except ConditionalCheckFailed:
            self.meter.refused(old, factor)
            raise
        except Exception:
            _restore(table, hash_key, range_key, before)
            raise
        after = table.get_item(hash_key, range_key)
        new = _attributes(after)
        self.meter.wrote(table, old, new, factor)
        if old != new:
            self._tell(table, before, after)

    def _tell(self, table: Table, before: Item | None, after: Item | None, *, expired: bool = False) -> None:
        shard = table.stream_shard
        if shard is None:
            return
        event = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
        view = (table.stream_specification or {})["StreamViewType"]
        number = shard.starting_sequence_number + len(shard.items)
        record = StreamRecord(table, view, event, before, after, number)
        if expired:
            record.record["userIdentity"] = TTL_IDENTITY
        shard.items.append(record)
        self.on_record(table, record.record)

    def _once(self, original: Callable[[DynamoHandler], Any]) -> Callable[[DynamoHandler], Any]:
        """A transaction with the token of an earlier one, as the SDK's retries have it, is that one."""

        def transact_write_items(handler: DynamoHandler) -> Any:
            token, now_seconds = handler.body.get("ClientRequestToken"), time.time()
            if token is None:
                return original(handler)
            done_at_seconds, items, result = self._done.get(token, (-math.inf, None, None))
            if now_seconds - done_at_seconds > _TOKEN_SECONDS:
                items, result = handler.body["TransactItems"], original(handler)
                self._done[token] = (now_seconds, items, result)
            if items != handler.body["TransactItems"]:
                raise JsonRESTError("IdempotentParameterMismatchException", "The token was used with other parameters")
            return result

        return transact_write_items

    def _transact(self, backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        if len(transact_items) > _MAX_TRANSACTION_ITEMS:
            raise TooManyTransactionsException
        steps = [_Step(backend, item) for item in transact_items]
        if len({(step.table.name, step.hash_key, step.range_key) for step in steps}) < len(steps):
            raise MultipleTransactionsException
        outcomes = [step.check() for step in steps]
        if any(code for code, _, _ in outcomes):
            for step in steps:
                self.meter.refused(_attributes(step.current), factor=2)
            raise TransactionCanceledException(outcomes)
        with ExitStack() as all_or_nothing:
            for step in reversed(steps):  # left, and so told of, in their order
                if step.operation != "ConditionCheck":
                    all_or_nothing.enter_context(self._write(step.table, step.hash_key, step.range_key, factor=2))
            for step in steps:
                step.perform()


def _tables() -> Iterable[Table]:
    tables: Iterable[Table] = dynamodb_backends[ACCOUNT_ID][REGION].tables.values()
    return tables


def _told_elsewhere(shard: StreamShard, old: Item | None, new: Item | None) -> None:
    """What moto itself would add to a stream; `Writes` does it once the write is whole."""


class _Step:
    """One write, or check, of a transaction."""

    def __init__(self, backend: DynamoDBBackend, item: dict[str, Any]) -> None:
        if len(item) != 1:
            raise TransactWriteSingleOpException
        self.operation, self.parts = next(iter(item.items()))
        self.backend = backend
        self.table = backend.get_table(self.parts["TableName"])
        key = self.parts["Item"] if self.operation == "Put" else self.parts["Key"]
        self.hash_key, self.range_key = backend.get_keys_value(self.table, key)
        self.current = self.table.get_item(self.hash_key, self.range_key)

    def check(self) -> tuple[str | None, str | None, dict[str, Any] | None]:
        """The cancellation reason that this step gives: code, message, and the item if it was asked for."""
        wrong = wrong_index_key(self.table, self.parts.get("Item", {}))
        if wrong:
            return "ValidationError", wrong, None
        condition = get_filter_expression(
            self.parts.get("ConditionExpression"),
            self.parts.get("ExpressionAttributeNames"),
            self.parts.get("ExpressionAttributeValues"),
        )
        if condition.expr(self.current):
            return None, None, None
        wanted = self.parts.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return (
            "ConditionalCheckFailed",
            str(ConditionalCheckFailed().message),
            _attributes(self.current) if wanted else None,
        )

    def perform(self) -> None:
        name = self.table.name
        if self.operation == "Put":
            _put(self.backend, name, self.parts["Item"])
        elif self.operation == "Delete":
            _delete(self.backend, name, self.parts["Key"])
        elif self.operation == "Update":
            _update(
                self.backend,
                name,
                self.parts["Key"],
                update_expression=self.parts["UpdateExpression"],
                expression_attribute_names=self.parts.get("ExpressionAttributeNames"),
                expression_attribute_values=self.parts.get("ExpressionAttributeValues"),
            )


_put = DynamoDBBackend.put_item
_delete = DynamoDBBackend.delete_item
_update: Callable[..., Item] = DynamoDBBackend.update_item


def _attributes(item: Item | None) -> Attributes | None:
    return None if item is None else item.to_json()["Attributes"]


def _restore(table: Table, hash_key: DynamoType, range_key: DynamoType | None, before: Item | None) -> None:
    items: dict[DynamoType, Any] = table.items if range_key is None else table.items[hash_key]
    key = hash_key if range_key is None else range_key
    if before is None:
        items.pop(key, None)
    else:
        items[key] = before
