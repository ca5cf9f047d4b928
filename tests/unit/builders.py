"""Requests, records and jobs for the tests of the rules."""

import json
from datetime import UTC, datetime
from typing import Any

from thaw import attempts, joining
from thaw.capacity import Unit
from thaw.job import GlacierJob
from thaw.refusals import Refusal
from thaw.request import RetrievalRequest, parse
from thaw.retrieval import SLOT_ON_DEMAND, Reason, Retrieval
from thaw.states import State

KEY = "0123456789abcdef" * 2
ACCOUNT = "123456789012"
NOW = 1_767_225_600_000
"""2026-01-01T00:00:00Z, in epoch milliseconds."""
DAY_MS = 86_400_000
MIB = 1024 * 1024

ARCHIVE_ID = ("NkbByEejwEggmBz2fTHgJrg0XBoDfjP4q6iu87-TjhqG6eGoOY9Z8i1_AUyUsuhPAdTqLHy8" * 2)[:138]
"""As long as Glacier's are."""

REASON = Reason(code="ThrottlingException", message="Rate exceeded")
NO_CAPACITY = Reason(code="InsufficientCapacityException", message="There is insufficient capacity.")


def archive_message(request_id: str = "request-1", tier: str = "Standard", **fields: Any) -> dict[str, Any]:
    """A request for an archive as it stands on the queue; `jobParameters` among the fields are added to its own."""
    job = {"Type": "archive-retrieval", "ArchiveId": ARCHIVE_ID, "Tier": tier, **fields.pop("jobParameters", {})}
    return {"requestId": request_id, "vaultName": "photos", "jobParameters": job, **fields}


def inventory_message(request_id: str = "request-1", tier: str = "Standard", **fields: Any) -> dict[str, Any]:
    """A request for an inventory as it stands on the queue; `jobParameters` among the fields are added to its own."""
    job = {"Type": "inventory-retrieval", "Tier": tier, **fields.pop("jobParameters", {})}
    return {"requestId": request_id, "vaultName": "photos", "jobParameters": job, **fields}


def request(message: dict[str, Any]) -> RetrievalRequest:
    """The message, parsed as from the queue."""
    parsed = parse(json.dumps(message))
    assert isinstance(parsed, RetrievalRequest)
    return parsed


def archive_request(request_id: str = "request-1", tier: str = "Standard", **fields: Any) -> RetrievalRequest:
    return request(archive_message(request_id, tier, **fields))


def inventory_request(request_id: str = "request-1", tier: str = "Standard", **fields: Any) -> RetrievalRequest:
    return request(inventory_message(request_id, tier, **fields))


def opened(asked: RetrievalRequest | None = None, *, foreign: bool = False, now_ms: int = NOW) -> Retrieval:
    """The first record for a request: claimed, or waiting for a release."""
    return joining.opened(KEY, 1, asked or archive_request(), ACCOUNT, foreign, "claim-0", now_ms)


def opened_anew(ended: Retrieval, asked: RetrievalRequest, now_ms: int) -> Retrieval:
    """The first record of the next generation, as intake writes it."""
    fresh = joining.opened(ended.key, ended.generation + 1, asked, ACCOUNT, ended.foreign, "claim-0", now_ms)
    return joining.taking_over(fresh, ended, now_ms)


def claimed(record: Retrieval, now_ms: int) -> Retrieval:
    """The record after the claim that the table writes."""
    fields = attempts.claim_fields(record.key, f"claim-{record.attempt + 1}", now_ms)
    fields |= {"attempt": record.attempt + 1, "claimed_at": record.revision + 1}
    return record.changed(to=State.INITIATING, **fields)


def released(record: Retrieval, now_ms: int, slot: str = SLOT_ON_DEMAND) -> Retrieval:
    """The record after top_up let it go."""
    freed = attempts.released(record, now_ms, slot, REASON, now_ms)
    assert freed is not None
    return freed


def started(record: Retrieval, job_id: str, now_ms: int) -> Retrieval:
    """The record after the reply to its newest attempt's InitiateJob."""
    running = attempts.started(record, record.attempt, record.tier, job_id, now_ms)
    assert running is not None
    return running


def refused(
    record: Retrieval, refusal: Refusal = Refusal.THROTTLED, now_ms: int = NOW, reason: Reason = REASON
) -> Retrieval:
    """The record after Glacier refused its newest attempt."""
    after = attempts.refused(record, record.attempt, refusal, reason, now_ms)
    assert after is not None
    return after


def joined_by(record: Retrieval, asked: RetrievalRequest, now_ms: int = NOW) -> Retrieval:
    """The record after it took a further request in."""
    record_now = joining.join(record, asked, now_ms)
    assert isinstance(record_now, Retrieval)
    return record_now


def on_two_jobs(now_ms: int = NOW) -> Retrieval:
    """In progress on job-1 at Standard and, because of a later request, on job-2 at Expedited."""
    standard = started(opened(now_ms=now_ms), "job-1", now_ms)
    hurried = joined_by(standard, archive_request("request-2", "Expedited"), now_ms)
    return started(claimed(released(hurried, now_ms), now_ms), "job-2", now_ms)


def job(record: Retrieval, attempt: int, job_id: str, status: str = "Succeeded", **fields: Any) -> GlacierJob:
    """What Glacier says of a job started for an attempt."""
    known = {
        "JobId": job_id,
        "StatusCode": status,
        "Completed": status != "InProgress",
        "JobDescription": record.tag_of(attempt).describe(record.description),
        "CreationDate": "2026-01-01T00:00:00.000Z",
        "CompletionDate": None if status == "InProgress" else "2026-01-01T04:00:00.000Z",
        "InventoryRetrievalParameters": {"Marker": None} if record.is_inventory else None,
    }
    return GlacierJob.model_validate(known | fields)


def unit(number: int, expires_in_seconds: float = 20 * 86400) -> Unit:
    expires = datetime.fromtimestamp(NOW / 1000 + expires_in_seconds, UTC)
    date = expires.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Unit(capacity_id=f"unit-{number}", start_date="2025-12-01T00:00:00.000Z", expiration_date=date)
