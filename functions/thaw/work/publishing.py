"""From the table's stream to the event bus: at least once, and in order for one record."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.exceptions import InvalidModelTypeError
from aws_lambda_powertools.utilities.parser.models import DynamoDBStreamRecordModel

from thaw.edge.bus import Bus
from thaw.edge.unreadable import Unreadable
from thaw.event_details import DUPLICATE
from thaw.events import Event, Record, events, read_record
from thaw.work.telemetry import count, logger

ROUNDS_AT_ONCE = 3
"""How often, within one run, what the bus refused is put again."""


_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, InvalidModelTypeError)
"""What is raised where a record has not the form of the stream's, or a number in it is none."""


@dataclass(frozen=True)
class Change:
    """A record of the stream: its sequence number, the item it is about, and the events it makes."""

    sequence_number: str
    item_id: str
    events: tuple[Event, ...]


def read_changes(records: list[dict[str, Any]], unreadable: Unreadable) -> list[Change]:
    """The records of the table's stream; one that makes no sense is kept aside and holds up no other."""
    changes = []
    for record in records:
        try:
            changes.append(_read_change(record))
        except _UNREADABLE as error:
            count("RecordUnreadable")
            logger.error("stream record unreadable", kept_as=unreadable.keep(record), error=type(error).__name__)
    return changes


def _read_change(record: dict[str, Any]) -> Change:
    stream = parse(event=record, model=DynamoDBStreamRecordModel).dynamodb
    if not isinstance(stream.Keys["id"], str) or (stream.NewImage is None and record.get("eventName") != "REMOVE"):
        raise ValueError("no id, or not what the item became")
    old, new = _record(stream.OldImage), _record(stream.NewImage)
    return Change(stream.SequenceNumber, stream.Keys["id"], tuple(events(old, new)))


def _record(image: object) -> Record | None:
    return read_record(image) if isinstance(image, dict) else None


def publish(changes: list[Change], bus: Bus) -> str | None:
    """Puts the events of these changes on the bus.

    Where the bus refuses an event of an item, later changes of that item wait; those of others go on.

    Returns:
        the sequence number of the first change that is not wholly published, else None.
    """
    open_changes = [change for change in changes if change.events]
    for _ in range(ROUNDS_AT_ONCE):
        refused_items: set[str] = set()
        while heads := _heads(open_changes, refused_items):
            refused = _put(heads, bus)
            refused_items |= {change.item_id for change in refused}
            done = {change.sequence_number for change in heads} - {change.sequence_number for change in refused}
            open_changes = [change for change in open_changes if change.sequence_number not in done]
        if not open_changes:
            return None
    logger.warning("events not published", changes=len(open_changes))
    return open_changes[0].sequence_number


def _heads(changes: list[Change], without: set[str]) -> list[Change]:
    """The first open change of each item."""
    heads: dict[str, Change] = {}
    for change in changes:
        if change.item_id not in without:
            heads.setdefault(change.item_id, change)
    return list(heads.values())


def _put(changes: list[Change], bus: Bus) -> list[Change]:
    """Returns the changes of which the bus refused an event."""
    outcomes = iter(bus.put([event for change in changes for event in change.events]))
    refused = []
    for change in changes:
        codes = [code for code in (next(outcomes) for _ in change.events) if code is not None]
        count("EventsPublished", len(change.events) - len(codes))
        count("DuplicateJob", sum(event.detail_type == DUPLICATE for event in change.events))
        if codes:
            refused.append(change)
            logger.warning("event refused by the bus", codes=sorted(set(codes)))
    return refused
