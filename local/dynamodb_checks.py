"""What DynamoDB refuses and moto lets pass, as far as a function's mistake could hide in it, and what moto fails at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

_CHECKED = ("put_item", "update_item", "delete_item", "query", "transact_write_items")
_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_PLACEHOLDERS = {"ExpressionAttributeNames": re.compile(r"#\w+"), "ExpressionAttributeValues": re.compile(r":\w+")}


@contextmanager
def checked() -> Iterator[None]:
    """While entered, moto's DynamoDB answers such calls with a ValidationException."""
    with ExitStack() as stack:
        for name in _CHECKED:
            stack.enter_context(mock.patch.object(DynamoHandler, name, _before(getattr(DynamoHandler, name))))
        yield


def _before(original: Callable[[DynamoHandler], Any]) -> Callable[[DynamoHandler], Any]:
    def handle(handler: DynamoHandler) -> Any:
        for parts in _parts(handler.body):
            _check_placeholders(parts)
        if "Item" in handler.body:
            table = handler.dynamodb_backend.get_table(handler.body["TableName"])
            wrong = wrong_index_key(table, handler.body["Item"])
            if wrong:
                raise MockValidationException(wrong)
        return original(handler)

    return handle


def _parts(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What has expressions of its own: the steps of a transaction, or else the call itself."""
    if "TransactItems" not in body:
        yield body
        return
    for step in body["TransactItems"]:
        yield from step.values()


def _check_placeholders(parts: Mapping[str, Any]) -> None:
    expressions = " ".join(parts.get(name, "") for name in _EXPRESSIONS)
    for given_as, pattern in _PLACEHOLDERS.items():
        used, given = set(pattern.findall(expressions)), set(parts.get(given_as) or ())
        if given - used:
            raise MockValidationException(f"Value provided in {given_as} unused in expressions: {sorted(given - used)}")
        if used - given:
            raise MockValidationException(f"An expression uses what {given_as} does not define: {sorted(used - given)}")


def wrong_index_key(table: Table, item: Mapping[str, Any]) -> str | None:
    """What is wrong with an item that has an index's key of another type, or None."""
    types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    wrong = any(name in types and types[name] not in value for name, value in item.items())
    return "One or more parameter values were invalid: Type mismatch for Index Key" if wrong else None
