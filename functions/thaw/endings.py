"""The moves of a retrieval that follow from the end of a job, whoever told of it.

As in `attempts`, each function takes the record as it stands and returns the record after one write, or None.
"""

from typing import Any

from thaw import bounds
from thaw.attempts import failed, in_progress, started, told_until, without
from thaw.job import GlacierJob
from thaw.retrieval import ENDED, Reason, Retrieval, expires_after_end
from thaw.states import State
from thaw.tiers import Tier

CODE_JOB_FAILED = "JobFailed"


def success_fields(job: GlacierJob, attempt: int, now_ms: int) -> dict[str, Any]:
    """What a job that succeeded writes into its record, beside the state."""
    available_from = job.completed_ms or now_ms
    fields: dict[str, Any] = {
        **ENDED,
        "job_id": job.JobId,
        "served_by": attempt,
        "created": job.CreationDate,
        "completed": job.CompletionDate,
        "sha256_tree_hash": job.SHA256TreeHash,
        "archive_sha256_tree_hash": job.ArchiveSHA256TreeHash,
        "inventory_size_in_bytes": job.InventorySizeInBytes,
        "next_marker": job.next_marker,
        "output_available_until": available_from + bounds.OUTPUT_KEPT_SECONDS * 1000,
        "expires_at": expires_after_end(now_ms),
    }
    if job.ArchiveSizeInBytes is not None:
        fields["archive_size_in_bytes"] = job.ArchiveSizeInBytes
    tier = tier_of(job)
    return fields | ({"tier": tier} if tier else {})


def ended(record: Retrieval, attempt: int, job: GlacierJob, now_ms: int) -> Retrieval | None:
    """A job that carries this record's tag is completed, in whatever state the record is."""
    mine = record.jobs.get(str(attempt))
    known = mine is not None and mine.job_id == job.JobId
    if job.JobId in record.over and not job.succeeded:
        return None  # otherwise it was taken for vanished, and was there all the time (beyond the bounds)
    if not record.is_open:
        return None if known else _told_after_the_end(record, attempt, job, now_ms)
    extra = not known and not _fits(record, attempt)
    duplicates = record.with_duplicate(job.JobId) if extra else record.duplicates
    if job.succeeded:
        left = without(record, attempt) if known else record.jobs
        over = [each for each in record.over if each != job.JobId]
        fields = {**success_fields(job, attempt, now_ms), "duplicates": duplicates, "jobs": left, "over": over}
        return record.changed(to=State.SUCCEEDED, told=True, **fields)
    if not extra:
        return _job_failed(record, attempt, job, now_ms)
    return record.changed(duplicates=duplicates) if duplicates != record.duplicates else None


def _told_after_the_end(record: Retrieval, attempt: int, job: GlacierJob, now_ms: int) -> Retrieval | None:
    if job.JobId not in record.over:
        return started(record, attempt, tier_of(job) or record.tier, job.JobId, now_ms)
    if job.JobId in record.duplicates:
        return None
    return record.changed(duplicates=record.with_duplicate(job.JobId))


def _fits(record: Retrieval, attempt: int) -> bool:
    """Whether a job not yet recorded can be that of the newest attempt."""
    return attempt == record.attempt and str(attempt) not in record.jobs


def tier_of(job: GlacierJob) -> Tier | None:
    """The job's tier, where Glacier says it."""
    return Tier(job.Tier) if job.Tier in set(Tier) else None


def due_now(record: Retrieval, attempt: int, job: GlacierJob, now_ms: int) -> Retrieval | None:
    """A job is completed, but Glacier has to be asked for more of it: it is recorded and due at once."""
    known = started(record, attempt, tier_of(job) or record.tier, job.JobId, now_ms) or record
    if known.state is not State.IN_PROGRESS or (known is record and (known.due_at or 0) <= now_ms):
        return None
    sooner: dict[str, Any] = {"due_at": now_ms, "expected_at": told_until(known)}
    return known.changed(**sooner) if known is record else known.model_copy(update=sooner)


def _job_failed(record: Retrieval, attempt: int, job: GlacierJob, now_ms: int) -> Retrieval:
    """Glacier's word: the retrieval fails with its newest attempt's job, and goes on where a newer attempt is due."""
    less = record.model_copy(update={"jobs": without(record, attempt), "over": [*record.over, job.JobId]})
    newer_is_due = record.state is State.WAITING
    newer_is_claimed = record.state is State.INITIATING and str(attempt) in record.jobs
    if newer_is_due or newer_is_claimed:
        return less.changed()
    if attempt < record.attempt and less.jobs:
        return in_progress(less, now_ms)
    reason = Reason(code=CODE_JOB_FAILED, message=job.StatusMessage or "Glacier ended the job as Failed.")
    return failed(less, reason, now_ms)
