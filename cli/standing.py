"""How a request stands, told from the table's records of it: its own, and the retrieval that it is in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from cli.expected import ends_by_ms
from thaw.records import RequestRecord
from thaw.retrieval import Retrieval
from thaw.states import TERMINAL, State

UNKNOWN = "unknown"
"""No request of this id has been taken in: it is on the queue, was rejected, is a dead letter, or was never sent."""

ARRIVING = "arriving"
"""Taken in, and not in a retrieval yet: its message is being worked on, or comes again."""


class Outcome(StrEnum):
    """What a request came to, as far as it has."""

    OPEN = "open"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Standing:
    """One request. `retrieval` is None where it is in none; of an inventory in pages it is that of the newest page."""

    request_id: str
    state: str
    """One of the retrievals' states, UNKNOWN or ARRIVING."""
    retrieval: Retrieval | None = None

    @property
    def outcome(self) -> Outcome:
        if self.state == State.SUCCEEDED:
            return Outcome.GOOD
        return Outcome.BAD if self.state in TERMINAL else Outcome.OPEN

    def ends_by_ms(self, now_ms: int) -> int | None:
        return ends_by_ms(self.retrieval, now_ms) if self.retrieval else None

    def told(self, now_ms: int) -> dict[str, Any]:
        """For a script: named as in the events, without what does not apply."""
        record = self.retrieval
        told: dict[str, Any] = {"requestId": self.request_id, "state": self.state}
        if record is None:
            return told
        told |= {
            "retrievalId": record.retrieval_id,
            "accountId": record.account_id,
            "vaultName": record.vault_name,
            "action": record.action,
            "archiveId": record.archive_id,
            "byteRange": record.byte_range,
            "tier": record.tier,
            "attempt": record.attempt,
            "page": record.page_of(self.request_id) if record.requests[self.request_id].follow else None,
            "jobId": job_id(record),
            "archiveSizeInBytes": record.archive_size_in_bytes,
            "inventorySizeInBytes": record.inventory_size_in_bytes,
            "sha256TreeHash": record.sha256_tree_hash,
            "usuallyEndsBy": iso(self.ends_by_ms(now_ms)),
            "outputAvailableUntil": iso(record.output_available_until),
            "reason": record.reason.model_dump() if record.reason else None,
        }
        return {name: value for name, value in told.items() if value is not None}


def job_id(record: Retrieval) -> str | None:
    """The job that served, or else the newest of those under way."""
    newest = max(record.jobs, key=int, default=None)
    return record.job_id or (record.jobs[newest].job_id if newest is not None else None)


def standing_of(request_id: str, request: RequestRecord | None, record: Retrieval | None) -> Standing:
    """How a request stands.

    Args:
        request: its own record; None where there is none.
        record: the retrieval that has it, whichever generation or page; None where none has.
    """
    if record is not None:
        state = State.CANCELLED if record.requests[request_id].cancelled else record.state
        return Standing(request_id, state, record)
    if request is None:
        return Standing(request_id, UNKNOWN)
    return Standing(request_id, State.CANCELLED if request.cancelled else ARRIVING)


def iso(epoch_ms: int | None) -> str | None:
    """As times are told in events."""
    if epoch_ms is None:
        return None
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock_time(epoch_ms: int | None) -> str:
    """A time as people read it; nothing for None."""
    return "" if epoch_ms is None else f"{datetime.fromtimestamp(epoch_ms / 1000, UTC):%a %d %b %H:%M UTC}"
