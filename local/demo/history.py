"""What the events told of each request, and what it comes down to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.demo.examples import Request

INITIATED = "Retrieval Initiated"
DELAYED = "Retrieval Delayed"
SUCCEEDED = "Retrieval Succeeded"
FAILED = "Retrieval Failed"
CANCELLED = "Retrieval Cancelled"
REJECTED = "Request Rejected"
LISTED = "Inventory Listed"
PURCHASED = "Capacity Purchased"

_LATE = timedelta(minutes=5)
"""A notification that came is told of sooner."""


@dataclass(frozen=True)
class Told:
    """An event, and when it was received."""

    at: datetime
    detail_type: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a request. What does not apply is left empty."""

    end: str
    """The detail type of its last event; an empty string where none has ended it."""
    tier: str | None = None
    """Of the job that served it."""
    delays: tuple[str, ...] = ()
    """The codes of the reasons why it had to wait, in order."""
    code: str | None = None
    """Why it was rejected or failed."""
    wrong_fields: tuple[str, ...] = ()
    """What a rejection names."""
    shares_job_with: tuple[str, ...] = ()
    pages: int = 0
    told_late: bool = False
    """Whether the end of its job was found rather than notified of."""
    output_right: bool | None = None
    """Whether the output has the hash and the bytes that it should; None without an output."""

    def differences(self, expected: Outcome) -> list[str]:
        """What is otherwise than expected, one line for each field."""
        pairs = ((name, getattr(self, name), getattr(expected, name)) for name in self.__dataclass_fields__)
        return [f"{name} is {is_!r}, expected {should!r}" for name, is_, should in pairs if is_ != should]


@dataclass
class History:
    """A request that was sent, and the events about it."""

    request: Request
    sent_at: datetime | None = None
    told: list[Told] = field(default_factory=list)
    outputs_right: list[bool] = field(default_factory=list)
    """Of each output that was looked at."""

    @property
    def end(self) -> Told | None:
        """The event that ended it. A listing in pages ends after the last page."""
        ends = {FAILED, CANCELLED, REJECTED, LISTED if self.request.follows_pages else SUCCEEDED}
        return next((told for told in self.told if told.detail_type in ends), None)

    @property
    def succeeded(self) -> list[Told]:
        """One for each page of an inventory; otherwise at most one."""
        return self._of(SUCCEEDED)

    @property
    def state(self) -> str:
        """In a word, for counting."""
        if self.sent_at is None:
            return "to be sent"
        last = self.told[-1].detail_type if self.told else ""
        words = {INITIATED: "in progress", DELAYED: "delayed"}
        if self.end is not None:
            return {LISTED: "succeeded"}.get(self.end.detail_type, self.end.detail_type.split()[-1].lower())
        return words.get(last, "in progress" if self.succeeded else "waiting")

    @property
    def job_ids(self) -> list[str]:
        return [told.detail["jobId"] for told in self.succeeded]

    @property
    def waited(self) -> timedelta | None:
        """From sending until the end was known."""
        return self.end.at - self.sent_at if self.end and self.sent_at else None

    @property
    def until_started(self) -> timedelta | None:
        """From sending until the job that served it was initiated."""
        if not self.succeeded or self.sent_at is None:
            return None
        return datetime.fromisoformat(self.succeeded[0].detail["initiatedAt"]) - self.sent_at

    @property
    def told_after(self) -> timedelta:
        """From the end of its job, the latest of several, until that was told."""
        gaps = [told.at - datetime.fromisoformat(told.detail["completedAt"]) for told in self.succeeded]
        return max(gaps, default=timedelta())

    def outcome(self, others: Iterable[History]) -> Outcome:
        """`others` are those who may share its job."""
        end = self.end
        if end is None:
            return Outcome("")
        reason = end.detail.get("reason") or {}
        shared = (other.request.request_id for other in others if set(other.job_ids) & set(self.job_ids))
        return Outcome(
            end=end.detail_type,
            tier=self.succeeded[-1].detail["tier"] if self.succeeded else None,
            delays=tuple(told.detail["reason"]["code"] for told in self._of(DELAYED)),
            code=reason.get("code"),
            wrong_fields=tuple(sorted(error["field"] for error in reason.get("errors") or ())),
            shares_job_with=tuple(sorted(name for name in shared if name != self.request.request_id)),
            pages=len(end.detail.get("jobIds", ())),
            told_late=self.told_after > _LATE,
            output_right=all(self.outputs_right) if self.outputs_right else None,
        )

    def _of(self, detail_type: str) -> list[Told]:
        return [told for told in self.told if told.detail_type == detail_type]
