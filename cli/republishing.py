"""The events of what stands in the table, put on the bus once more, with the ids that they had."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from cli.errors import Exit, Problem
from thaw.bounds import (
    MESSAGE_LIVES_SECONDS,
    OUTPUT_WORTH_JOINING_SECONDS,
    REQUEST_KEPT_SECONDS,
    RETRIEVAL_KEPT_SECONDS,
)
from thaw.capacity import Capacity
from thaw.edge.bus import ENTRIES_AT_MOST, Bus
from thaw.edge.items import from_wire
from thaw.events import Event, Record, events, read_record
from thaw.retrieval import Retrieval

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_UNIT_BYTES = 8 * 1024
"""An eventually consistent read unit of a scan."""
TRIES_AT_MOST = 6
_FIRST_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Span:
    """A span of time, in epoch milliseconds; `until` is not in it."""

    since: int
    until: int

    def touches(self, first: int, last: int) -> bool:
        """Whether any of the time from `first` to `last` is in it."""
        return first < self.until and last >= self.since


@dataclass(frozen=True)
class Size:
    """How large a table is, as DynamoDB last counted it, some hours ago."""

    items: int
    bytes: int

    @property
    def read_units(self) -> int:
        """What a scan takes."""
        return -(-self.bytes // READ_UNIT_BYTES)


def size_of(client: DynamoDBClient, table_name: str) -> Size:
    """Asks DynamoDB for a table's size."""
    table = client.describe_table(TableName=table_name)["Table"]
    return Size(table.get("ItemCount", 0), table.get("TableSizeBytes", 0))


def told_in(record: Record, now_ms: int) -> tuple[int, int]:
    """From when until when the present state of a record may have been told, in epoch milliseconds.

    Of an ended retrieval that is its end, to the second; of an open one all of its life so far, as its record does
    not say when it last changed.
    """
    match record:
        case Retrieval():
            return _retrieval_told_in(record, now_ms)
        case Capacity():
            return (0, now_ms)
        case _:
            came = record.expires_at - REQUEST_KEPT_SECONDS
            late = MESSAGE_LIVES_SECONDS if record.kind == "request" and record.contents else 1
            return (came * 1000, (came + late) * 1000)


def _retrieval_told_in(record: Retrieval, now_ms: int) -> tuple[int, int]:
    if record.is_open or record.expires_at is None:
        return (record.opened_at, now_ms)
    ended_ms = (record.expires_at - RETRIEVAL_KEPT_SECONDS) * 1000
    last_ms = ended_ms + 999
    if any(asker.since > record.sequence for asker in record.requests.values()):  # who joined after the end
        last_ms = max(last_ms, (record.output_available_until or 0) - OUTPUT_WORTH_JOINING_SECONDS * 1000)
    return (ended_ms, now_ms if record.duplicates else last_ms)


def events_of(item: Mapping[str, Any], span: Span, now_ms: int) -> list[Event]:
    """The events of an item's present state, if they may have been told in a span. Raises ValueError."""
    record = read_record(item)
    if isinstance(record, Retrieval):
        # A past generation's copy tells all that it told when it was the current one.
        record = record.model_copy(update={"kind": "retrieval"})
    return events(None, record) if record is not None and span.touches(*told_in(record, now_ms)) else []


@dataclass
class Progress:
    """How far it has come."""

    items: int = 0
    read_units: float = 0
    published: int = 0
    unreadable: int = 0


class Republisher:
    """Scans the table once, and puts on the bus what it tells of a span.

    Args:
        units_per_second: of the table's read capacity to take at most.
        events_per_second: to put at most.
    """

    def __init__(
        self, client: DynamoDBClient, table_name: str, bus: Bus, units_per_second: float, events_per_second: float
    ) -> None:
        self._client = client
        self._name = table_name
        self._bus = bus
        self._reading = Pace(units_per_second)
        self._putting = Pace(events_per_second)
        self._page_items = max(1, round(units_per_second * READ_UNIT_BYTES / 1024))

    def run(self, span: Span, now_ms: int, told: Callable[[Progress], None]) -> Progress:
        """Republishes, and tells how far it has come after each page and each call.

        Raises:
            Problem: the bus refuses an event, however often it is put.
        """
        progress = Progress()
        found = self._events(span, now_ms, progress, told)
        while some := list(islice(found, ENTRIES_AT_MOST)):
            self._put(some)
            progress.published += len(some)
            told(progress)
            self._putting.after(len(some))
        return progress

    def _events(self, span: Span, now_ms: int, progress: Progress, told: Callable[[Progress], None]) -> Iterator[Event]:
        for items in self._pages(progress):
            for item in items:
                progress.items += 1
                try:
                    yield from events_of(item, span, now_ms)
                except ValueError:
                    progress.unreadable += 1
            told(progress)

    def _pages(self, progress: Progress) -> Iterator[list[dict[str, Any]]]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._name,
            ReturnConsumedCapacity="TOTAL",
            PaginationConfig={"PageSize": self._page_items},
        )
        for page in pages:
            units = page["ConsumedCapacity"].get("CapacityUnits", 0.0)
            progress.read_units += units
            yield [from_wire(item) for item in page["Items"]]
            self._reading.after(units)

    def _put(self, some: list[Event]) -> None:
        """What the bus refuses is put again."""
        codes: list[str | None] = []
        for tried in range(TRIES_AT_MOST):
            if tried:
                time.sleep(_FIRST_PAUSE_SECONDS * 2**tried)
            codes = self._bus.put(some)
            some = [event for event, code in zip(some, codes, strict=True) if code is not None]
            if not some:
                return
        code = next(each for each in codes if each is not None)
        advice = "Mend it, and republish the same span: events keep their ids."
        raise Problem(f"The bus refuses a {some[0].detail_type}: {code}", advice, Exit.AWS)


class Pace:
    """Not more than so many a second."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._free_at = time.monotonic()

    def after(self, taken: float) -> None:
        """Waits until so many more may be taken."""
        now = time.monotonic()
        self._free_at = max(now, self._free_at + taken / self._per_second)
        time.sleep(self._free_at - now)
