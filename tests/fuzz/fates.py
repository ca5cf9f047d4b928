"""What has to become of each change in the table: events, an object under unreadable/, or nothing to tell.

Whether a record can be read is for its model to say; and which events it makes, for the pure rule. That publish does
accordingly, and that nothing is passed over in silence but what the rules here name, is what is checked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools.shared.dynamodb_deserializer import TypeDeserializer

from local.cloud import Cloud
from thaw.capacity import Capacity
from thaw.edge.unreadable import PREFIX
from thaw.events import Event, Record, events, read_record
from thaw.records import RejectionRecord, RequestRecord
from thaw.retrieval import Retrieval
from thaw.states import State

NEVER_TOLD = ("listing", "page")
"""The kinds of records that no event is made of."""
_WIRE = TypeDeserializer()
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError)


@dataclass
class Changes:
    """Every change of an item since it was made, as the stream has it."""

    cloud: Cloud
    records: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cloud.on_change = self.records.append

    def assert_each_has_its_end(self) -> None:
        told, kept = self._told_and_kept()
        for record in self.records:
            if record["eventName"] != "REMOVE":
                _assert_ended(record["dynamodb"], told, is_kept=record["dynamodb"]["SequenceNumber"] in kept)

    def assert_told_or_kept(self, records: list[Mapping[str, Any]], real: list[Mapping[str, Any]]) -> None:
        """Of records that are not the stream's own: they may be kept for what else is wrong in them than what the item
        was, or became.

        Args:
            real: of which they were made.
        """
        told, kept = self._told_and_kept()
        right = [_without_images(record) for record in real]
        for record in records:
            is_kept = record["dynamodb"]["SequenceNumber"] in kept
            if not is_kept or _without_images(record) in right:
                _assert_ended(record["dynamodb"], told, is_kept=is_kept)

    def _told_and_kept(self) -> tuple[set[str], set[str]]:
        kept = {key.removeprefix(PREFIX).removesuffix(".json") for key in self.cloud.stored_objects()}
        return {event.detail["eventId"] for event in self.cloud.events}, kept


def _without_images(record: Mapping[str, Any]) -> dict[str, Any]:
    of_place = {"OldImage", "NewImage", "SequenceNumber"}
    change = {name: value for name, value in record["dynamodb"].items() if name not in of_place}
    images = {name: None for name in ("OldImage", "NewImage") if isinstance(record["dynamodb"].get(name), dict)}
    return {**record, "dynamodb": {**change, **images}}


def _assert_ended(change: Mapping[str, Any], told: set[str], *, is_kept: bool) -> None:
    shown = json.dumps(change, default=str)[:1500]
    try:
        old, new = (_image(change[image]) if image in change else None for image in ("OldImage", "NewImage"))
        before, after = read_record(old), read_record(new)
        right = events(before, after)
    except _UNREADABLE:
        assert is_kept, f"makes no sense, and is not kept: {shown}"
        return
    assert new is not None, f"says nothing, and is not kept: {shown}"
    assert not is_kept, f"is kept as unreadable, but can be read: {shown}"
    assert all(_id(event) in told for event in right), f"was not told: {shown}"
    assert right or _has_nothing_to_tell(str(new.get("kind")), before, after), f"is passed over in silence: {shown}"


def _image(wire: Mapping[str, Any]) -> dict[str, Any]:
    """As publish gets it: the library takes an empty number for 0."""
    return {name: _WIRE.deserialize(value) for name, value in wire.items()}


def _id(event: Event) -> str:
    return str(event.detail["eventId"])


def _has_nothing_to_tell(kind: str, old: Record | None, new: Record | None) -> bool:
    """Whether silence is right: told was all before, or nothing has happened yet that a user waits for."""
    match new:
        case None:
            return kind in NEVER_TOLD
        case RejectionRecord():
            return old is not None
        case RequestRecord():
            return not new.cancelled or (isinstance(old, RequestRecord) and old.cancelled)
        case Capacity():
            before = old if isinstance(old, Capacity) else Capacity(revision=0)
            return new.short in (None, before.short) and all(unit in before.bought for unit in new.bought)
        case Retrieval():
            return _retrieval_has_nothing_to_tell(old, new)
    raise AssertionError(f"no rule for {kind}")


def _retrieval_has_nothing_to_tell(old: Record | None, new: Retrieval) -> bool:
    if new.kind == "past":  # all that it says was told when it was the current one
        return True
    quiet_states = new.state in (State.WAITING, State.INITIATING) and new.reason is None
    told_before = isinstance(old, Retrieval) and old.generation == new.generation and old.sequence == new.sequence
    return quiet_states or told_before or not new.waiting_requests() or new.state is State.CANCELLED
