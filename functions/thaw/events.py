"""The events: what each tells, and how they follow from the difference of a record before and after a write.

A pure function of two records: a record seen again gives the same events with the same ids, and the table alone gives
those of its present state once more.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from thaw.byte_range import ByteRange
from thaw.capacity import Capacity
from thaw.event_details import (
    CANCELLED,
    DELAYED,
    DUPLICATE,
    FAILED,
    INITIATED,
    LISTED,
    PURCHASED,
    REJECTED,
    SHORT,
    SUCCEEDED,
    CapacityPurchasedEvent,
    CapacityShortEvent,
    DuplicateJobEvent,
    InventoryListedEvent,
    InventoryTold,
    ReasonTold,
    RequestRejectedEvent,
    RetrievalEvent,
    WrongField,
)
from thaw.records import RejectionRecord, RequestRecord
from thaw.retrieval import Asker, Retrieval
from thaw.states import State


@dataclass(frozen=True)
class Event:
    """An event as it goes on the bus."""

    detail_type: str
    detail: Mapping[str, Any]


Record = Retrieval | RequestRecord | RejectionRecord | Capacity
_RECORDS: dict[str, type[Record]] = {
    "retrieval": Retrieval,
    "past": Retrieval,
    "request": RequestRecord,
    "rejection": RejectionRecord,
    "capacity": Capacity,
}


def read_record(item: Mapping[str, Any] | None) -> Record | None:
    """An item of the table as its model; None for what is never told (how far a listing came, where a page is).

    Raises:
        ValueError: it is no record of ours.
    """
    if item is None:
        return None
    kind = str(item.get("kind"))
    if kind in ("listing", "page"):
        return None
    if kind not in _RECORDS:
        raise ValueError(f"no kind of record: {kind[:20]}")
    return _RECORDS[kind].model_validate(item)


def events(old: Record | None, new: Record | None) -> list[Event]:
    """What a write tells; with `old` None, what the present state of the record tells."""
    if isinstance(new, Retrieval):
        before = old if isinstance(old, Retrieval) and old.generation == new.generation else None
        return list(_of_retrieval(before, new))
    if isinstance(new, Capacity):
        return list(_of_capacity(old if isinstance(old, Capacity) else None, new))
    if isinstance(new, RejectionRecord) and old is None:
        return [_rejected(new)]
    if isinstance(new, RequestRecord) and new.cancelled:
        return list(_of_taken_back(old if isinstance(old, RequestRecord) else None, new))
    return []


def _of_retrieval(old: Retrieval | None, new: Retrieval) -> Iterator[Event]:
    """Of a past generation's copy only what was noted since: the rest was told when it was the current one."""
    if new.kind == "retrieval":
        yield from _of_requests(old, new)
    elif old is None:
        return
    known = old.duplicates if old else {}
    yield from (_duplicate(new, job_id) for job_id in new.duplicates if job_id not in known)


def _of_requests(old: Retrieval | None, new: Retrieval) -> Iterator[Event]:
    detail_type = _state_told(new)
    for request_id, asker in new.requests.items():
        before = old.requests.get(request_id) if old else None
        if asker.cancelled:
            if before is None or not before.cancelled:
                yield _of_request(CANCELLED, new, request_id, asker)
        elif detail_type and (before is None or (old and old.sequence != new.sequence)):
            yield _of_request(detail_type, new, request_id, asker)
            if asker.follow and detail_type == SUCCEEDED and not new.has_further_page:
                yield _listed(new, request_id, asker)


def _state_told(record: Retrieval) -> str | None:
    """What the state of a record tells to each of its requests, if anything."""
    if record.state is State.SUCCEEDED:
        return SUCCEEDED
    if record.state is State.FAILED:
        return FAILED
    if record.is_open and record.reason is not None:
        return DELAYED
    return INITIATED if record.state is State.IN_PROGRESS else None


def _of_request(detail_type: str, record: Retrieval, request_id: str, asker: Asker) -> Event:
    sequence = asker.since if detail_type == CANCELLED else max(record.sequence, asker.since)
    told = RetrievalEvent(
        event_id=_event_id(detail_type, _lifetime(record), sequence, request_id),
        sequence=sequence,
        request_id=request_id,
        retrieval_id=record.retrieval_id,
        account_id=record.account_id,
        vault_name=record.vault_name,
        action=record.action,
        archive_id=record.archive_id,
        byte_range=record.byte_range,
        inventory=_inventory(record, request_id, record.next_marker if detail_type == SUCCEEDED else None),
        context=_context(asker.context),
        **({"tier": asker.tier} if detail_type == CANCELLED else _progress(detail_type, record)),
    )
    return Event(detail_type, told.model_dump(mode="json", by_alias=True))


def _progress(detail_type: str, record: Retrieval) -> dict[str, Any]:
    """The part of an event that depends on how far its retrieval has come. A cancelled request has none: for the others
    it goes on."""
    known = {
        "archive_size_in_bytes": record.archive_size_in_bytes,
        "tree_hash_aligned": _tree_hash_aligned(record),
        "tier": record.tier,
    }
    if detail_type == SUCCEEDED:
        return known | {
            "job_id": record.job_id,
            "attempt": record.served_by,
            "inventory_size_in_bytes": record.inventory_size_in_bytes,
            "sha256_tree_hash": record.sha256_tree_hash,
            "archive_sha256_tree_hash": record.archive_sha256_tree_hash,
            "initiated_at": record.created,
            "completed_at": record.completed,
            "output_available_until": _iso(record.output_available_until),
        }
    if detail_type == INITIATED:
        return known | _started(record)
    reason = ReasonTold(code=record.reason.code, message=record.reason.message) if record.reason else None
    until = _iso(record.expected_at or record.due_at) if detail_type == DELAYED else None
    return known | {"attempt": record.attempt, "reason": reason, "delayed_until": until}


def _started(record: Retrieval) -> dict[str, Any]:
    assert record.newest_job is not None
    attempt, job = record.newest_job
    return {"attempt": attempt, "tier": job.tier, "job_id": job.job_id, "initiated_at": _iso(job.started_at)}


def _inventory(record: Retrieval, request_id: str, next_marker: str | None) -> InventoryTold | None:
    part = record.inventory
    if part is None:
        return None
    return InventoryTold(**part.model_dump(), page=record.page_of(request_id), next_marker=next_marker)


def _tree_hash_aligned(record: Retrieval) -> bool | None:
    if record.is_inventory:
        return None
    if record.byte_range is None:
        return True
    return ByteRange.parse(record.byte_range).tree_hash_aligned(record.archive_size_in_bytes)


def _listed(record: Retrieval, request_id: str, asker: Asker) -> Event:
    sequence = max(record.sequence, asker.since)
    told = InventoryListedEvent(
        event_id=_event_id(LISTED, _lifetime(record), sequence, request_id),
        sequence=sequence,
        request_id=request_id,
        retrieval_id=record.retrieval_id,
        account_id=record.account_id,
        vault_name=record.vault_name,
        job_ids=[*record.pages[asker.pages_before :], *([record.job_id] if record.job_id else [])],
        next_marker=record.next_marker,
        context=_context(asker.context),
    )
    return Event(LISTED, told.model_dump(mode="json", by_alias=True))


def _duplicate(record: Retrieval, job_id: str) -> Event:
    told = DuplicateJobEvent(
        event_id=_event_id(DUPLICATE, _lifetime(record), 0, job_id),
        sequence=record.duplicates[job_id],
        retrieval_id=record.retrieval_id,
        account_id=record.account_id,
        vault_name=record.vault_name,
        job_id=job_id,
    )
    return Event(DUPLICATE, told.model_dump(mode="json", by_alias=True))


def _rejected(record: RejectionRecord) -> Event:
    errors = [WrongField(field=error.field, message=error.message) for error in record.errors]
    told = RequestRejectedEvent(
        event_id=_event_id(REJECTED, record.message_id, 1, ""),
        sequence=1,
        request_id=record.request_id,
        message_id=record.message_id,
        reason=ReasonTold(code=record.code, message=record.message, errors=errors),
        context=_context(record.context),
    )
    return Event(REJECTED, told.model_dump(mode="json", by_alias=True))


def _of_taken_back(old: RequestRecord | None, new: RequestRecord) -> Iterator[Event]:
    """A cancellation of what was not known, and later its request, should it come."""
    before = old if old is not None and old.cancelled else None
    if before is None:
        message = "No request of this id was known. Should it arrive, it is not started."
        yield _taken_back(new, 1, ReasonTold(code="NotKnown", message=message))
    if new.contents is not None and (before is None or before.contents is None):
        message = "This id was cancelled before its request arrived. Take a new id to ask again."
        yield _taken_back(new, 2, ReasonTold(code="CancelledBefore", message=message))


def _taken_back(record: RequestRecord, sequence: int, reason: ReasonTold) -> Event:
    told = RetrievalEvent(
        event_id=_event_id(CANCELLED, "", sequence, record.request_id),
        sequence=sequence,
        request_id=record.request_id,
        reason=reason,
        context=_context(record.context) if sequence > 1 else None,
    )
    return Event(CANCELLED, told.model_dump(mode="json", by_alias=True))


_IN_DOUBT = ReasonTold(
    code="PurchaseInDoubt",
    message="A purchase had no reply, and then the list of units had this one, which was not there before: the"
    " purchase bought it, or someone else did.",
)


def _of_capacity(old: Capacity | None, new: Capacity) -> Iterator[Event]:
    told_before = old.bought if old else []
    for unit in (unit for unit in new.bought if unit not in told_before):
        purchased = CapacityPurchasedEvent(
            event_id=_event_id(PURCHASED, unit.capacity_id, 0, ""),
            sequence=unit.sequence,
            capacity_id=unit.capacity_id,
            start_date=unit.start_date,
            expiration_date=unit.expiration_date,
            reason=_IN_DOUBT if unit.in_doubt else None,
        )
        yield Event(PURCHASED, purchased.model_dump(mode="json", by_alias=True))
    short = new.short
    if short is not None and (old is None or old.short != short):
        told = CapacityShortEvent(
            event_id=_event_id(SHORT, "", short.at, ""),
            sequence=short.sequence,
            units=short.units,
            units_wanted=short.wanted,
            max_units=short.max_units,
            retrievals_waiting=short.waiting,
            reason=ReasonTold(code=short.reason.code, message=short.reason.message),
        )
        yield Event(SHORT, told.model_dump(mode="json", by_alias=True))


def _lifetime(record: Retrieval) -> str:
    """Once its record has expired, the same request makes the same retrieval id again."""
    return f"{record.retrieval_id} {record.opened_at}"


def _event_id(detail_type: str, record: str, sequence: int, request_id: str) -> str:
    text = json.dumps([detail_type, record, sequence, request_id])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _context(text: str | None) -> dict[str, Any] | None:
    parsed: dict[str, Any] | None = json.loads(text) if text is not None else None
    return parsed


def _iso(epoch_ms: int | None) -> str | None:
    if epoch_ms is None:
        return None
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
