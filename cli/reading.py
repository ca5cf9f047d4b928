"""The table's records, read for people: by their ids or by the due index, never by a scan."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from cli.at_once import chunks, in_order
from cli.errors import Exit, Problem
from cli.standing import ARRIVING, Standing, standing_of
from thaw.capacity import ITEM_ID as CAPACITY_ID
from thaw.capacity import Capacity
from thaw.edge.items import from_wire, to_wire
from thaw.edge.table import Table
from thaw.records import RejectionRecord, RequestRecord, request_id_of_item
from thaw.retrieval import EXPEDITED_BACKLOG, SHARDS, Retrieval, Stored, item_id, page_key, past_id

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_AT_ONCE = 100
"""BatchGetItem's limit."""
_CALLS_AT_ONCE = 4
_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_FOR_EVER_MS = 2**53

Model = TypeVar("Model", bound=Stored)


class Reader:
    """Reads are eventually consistent, for half the price: whoever waits for a change reads again.

    Args:
        client: its retries are welcome; several threads use it.
        table_name: of the retrieval table.
    """

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._name = table_name
        self._table = Table(client, table_name)

    # Requests

    def standings(self, request_ids: Iterable[str]) -> Iterator[Standing]:
        """How each of these requests stands, in their order."""
        for found in in_order(self._standings, chunks(request_ids, READ_AT_ONCE), _CALLS_AT_ONCE):
            yield from found

    def pages(self, request_id: str) -> list[Retrieval]:
        """The retrievals of a request: one, or of an inventory in pages one for each that has begun; none yet."""
        first = self._first(request_id, self.requests([request_id]).get(request_id), {})
        return [first, *self._following(first, request_id)] if first is not None else []

    def _standings(self, request_ids: Sequence[str]) -> list[Standing]:
        requests = self.requests(request_ids)
        keys = {request.key for request in requests.values() if request.key is not None}
        current = self._read(Retrieval, {item_id(key) for key in keys})
        return [self._standing(each, requests.get(each), current) for each in request_ids]

    def _standing(self, request_id: str, request: RequestRecord | None, current: dict[str, Retrieval]) -> Standing:
        record = self._first(request_id, request, current)
        if record is not None:
            record = [record, *self._following(record, request_id)][-1]
            if has_further_page(record, request_id):  # which can't be seen yet
                return Standing(request_id, ARRIVING, record)
        return standing_of(request_id, request, record)

    def _first(self, request_id: str, request: RequestRecord | None, read: dict[str, Retrieval]) -> Retrieval | None:
        """The retrieval that a request joined: the current one of its bytes, or an earlier generation."""
        if request is None or request.key is None:
            return None
        item = item_id(request.key)
        current = read.get(item) or self._read_one(Retrieval, item)
        if current is None or request_id in current.requests:
            return current
        for generation in range(current.generation - 1, 0, -1) if request.done else ():
            past = self._read_one(Retrieval, past_id(current.key, generation))
            if past is not None and request_id in past.requests:
                return past
        return None

    def _following(self, record: Retrieval, request_id: str) -> Iterator[Retrieval]:
        """The further pages of an inventory that were begun for a request, as far as they can be seen."""
        page: Retrieval | None = record
        while page is not None and page.job_id is not None and has_further_page(page, request_id):
            page = self._read_one(Retrieval, item_id(page_key(self._name, page.job_id)))
            if page is not None:
                yield page

    def requests(self, request_ids: Collection[str]) -> dict[str, RequestRecord]:
        """The records of those of these requests (at most READ_AT_ONCE) that have been taken in, by their ids."""
        records = self._read(RequestRecord, {request_id_of_item(each) for each in request_ids})
        return {record.request_id: record for record in records.values()}

    def rejections(self, message_ids: Iterable[str]) -> dict[str, RejectionRecord]:
        """Those of these messages that were rejected, by their ids."""
        found: dict[str, RejectionRecord] = {}
        for some in chunks(message_ids, READ_AT_ONCE):
            records = self._read(RejectionRecord, {f"message/{each}" for each in some})
            found |= {record.message_id: record for record in records.values()}
        return found

    # Retrievals

    def open_retrievals(self) -> Iterator[Retrieval]:
        """Every retrieval that is open now, by the due index."""
        yield from self.due([*map(str, range(SHARDS)), EXPEDITED_BACKLOG], _FOR_EVER_MS)

    def due(self, partitions: Iterable[str], until_ms: int = _FOR_EVER_MS) -> Iterator[Retrieval]:
        """The open retrievals that are due in these partitions of the due index up to a time."""
        items = (item for partition in partitions for item in self._table.due(partition, until_ms))
        seen: set[str] = set()  # what moves to another partition meanwhile comes twice
        for found in in_order(lambda ids: self._read(Retrieval, ids), chunks(items, READ_AT_ONCE), _CALLS_AT_ONCE):
            new = [record for record in found.values() if record.is_open and record.id not in seen]
            seen.update(record.id for record in new)
            yield from new

    def capacity(self) -> Capacity | None:
        """What top_up decides on; None before its first decision."""
        return self._read_one(Capacity, CAPACITY_ID)

    # The calls themselves

    def _read_one(self, model: type[Model], item: str) -> Model | None:
        return self._read(model, [item]).get(item)

    def _read(self, model: type[Model], ids: Collection[str]) -> dict[str, Model]:
        """The records with these item ids (at most READ_AT_ONCE), by them; those that are gone are left out."""
        found: dict[str, Model] = {}
        keys: list[Any] = [to_wire({"id": each}) for each in dict.fromkeys(ids)]
        pause_seconds = _PAUSE_SECONDS
        while keys:
            reply = self._client.batch_get_item(RequestItems={self._name: {"Keys": keys}})
            for item in map(from_wire, reply["Responses"].get(self._name, [])):
                found[item["id"]] = readable(model, item)
            keys = list(reply["UnprocessedKeys"].get(self._name, {"Keys": []})["Keys"])
            if keys:  # DynamoDB throttles
                time.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        return found


def readable(model: type[Model], item: dict[str, Any]) -> Model:
    """An item as its model. Raises a Problem that names an item which is none of Thaw's."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        advice = "See RecordUnreadable in docs/operate.md."
        raise Problem(f"The table's item {item['id']} can't be read: {error}", advice, Exit.BAD_NEWS) from None


def has_further_page(record: Retrieval, request_id: str) -> bool:
    """Whether a retrieval is a page of an inventory after which another was begun for a request."""
    return request_id in record.followers() and record.has_further_page
