"""The moves of a retrieval that follow from the end of a job, whoever told of it.

As in `attempts`, each function takes the record as it stands and returns the record after one write, or None.
"""

from typing import Any

from thaw import bounds
from thaw.attempts import claims, failed, in_progress, is_in_doubt, passed_over, started, told_until, wait, without
from thaw.job import GlacierJob
from thaw.retrieval import ENDED, Doubt, Reason, Retrieval, StartedJob, expires_after_end
from thaw.states import State
from thaw.tiers import Tier, faster, fastest

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
        "output_available_until": output_until_ms(available_from),
        "expires_at": expires_after_end(now_ms),
    }
    if job.ArchiveSizeInBytes is not None:
        fields["archive_size_in_bytes"] = job.ArchiveSizeInBytes
    tier = tier_of(job)
    return fields | ({"tier": tier} if tier else {})


def ended(record: Retrieval, attempt: int, job: GlacierJob, now_ms: int) -> Retrieval | None:
    """A job that carries this record's tag is completed, in whatever state the record is."""
    if job.JobId in record.over and not job.succeeded:
        return None  # otherwise it was taken for vanished, and was there all the time (beyond the bounds)
    if not record.is_open:
        return _told_after_the_end(record, attempt, job, now_ms)
    known = is_of_attempt(record, attempt, job)
    if record.took_over(attempt) and not (known or claims(record, attempt)):
        return None
    if record.took_over(attempt) and not _serves_anew(record, job):
        return passed_over(record, attempt, now_ms)
    if job.JobId in record.over and output_is_gone(job, now_ms):
        return _noted(record, job.JobId)
    extra = not known and not _fits(record, attempt)
    if job.succeeded:
        tier = tier_of(job) or (record.jobs[str(attempt)].tier if known else record.tier)
        left = without(record, attempt) if known else record.jobs
        over = [each for each in record.over if each != job.JobId]
        duplicates = record.with_duplicates(*_in_vain(left, attempt, tier))
        fields = success_fields(job, attempt, now_ms)
        fields |= {"tier": tier, "duplicates": duplicates, "jobs": left, "over": over}
        fields |= {"doubt": _doubt(record) if attempt != record.attempt else None}
        return record.changed(to=State.SUCCEEDED, told=True, **fields)
    if not extra:
        return _job_failed(record, attempt, job, now_ms)
    return _noted(record, job.JobId)


def _doubt(record: Retrieval) -> Doubt | None:
    """What is not known of a retrieval that an older job serves while its newest attempt is made."""
    if record.state is not State.INITIATING or record.claim_until is None:
        return None
    claimed_by = record.doubt.generation if record.doubt else record.generation
    return Doubt(tier=record.tier, claim_until=record.claim_until, generation=claimed_by)


def _in_vain(left: dict[str, StartedJob], attempt: int, tier: Tier) -> list[str]:
    """Jobs begun since that of an attempt, at no faster tier: only where that one was taken for lost."""
    return [job.job_id for name, job in left.items() if int(name) >= attempt and not faster(job.tier, tier)]


def _told_after_the_end(record: Retrieval, attempt: int, job: GlacierJob, now_ms: int) -> Retrieval | None:
    """Whoever asks for the bytes anew takes over what is left, and has to know how it ended."""
    if job.JobId in record.over:
        return _noted(record, job.JobId)
    if is_of_attempt(record, attempt, job):
        left = record.jobs[str(attempt)]
        return record.changed(jobs=_with_end(record, attempt, job, now_ms)) if left.ended_at is None else None
    claimed = record.doubt.tier if record.doubt and is_in_doubt(record, attempt) else record.tier
    known = started(record, attempt, tier_of(job) or claimed, job.JobId, now_ms)
    if known is None or not is_of_attempt(known, attempt, job):
        return known
    return known.model_copy(update={"jobs": _with_end(known, attempt, job, now_ms)})


def _with_end(record: Retrieval, attempt: int, job: GlacierJob, now_ms: int) -> dict[str, StartedJob]:
    end = {"ended_at": job.completed_ms or now_ms, "failed": job.failed}
    return {**record.jobs, str(attempt): record.jobs[str(attempt)].model_copy(update=end)}


def _noted(record: Retrieval, duplicate: str) -> Retrieval | None:
    return record.changed(duplicates=record.with_duplicates(duplicate)) if duplicate not in record.duplicates else None


def _serves_anew(record: Retrieval, job: GlacierJob) -> bool:
    """Whether a completed job gives a retrieval something that was opened after its start, or even after its end: then
    what an output has to be to be shared."""
    if not job.succeeded or job.completed_ms is None or job.completed_ms > record.opened_at:
        return job.succeeded
    return not record.is_inventory and is_worth_joining(output_until_ms(job.completed_ms), record.opened_at)


def is_worth_joining(available_until_ms: int, now_ms: int) -> bool:
    """Whether an output is there for long enough to serve who asks now."""
    return available_until_ms - now_ms >= bounds.OUTPUT_WORTH_JOINING_SECONDS * 1000


def output_until_ms(completed_ms: int) -> int:
    """Until when Glacier has the output of a job, at least."""
    return completed_ms + bounds.OUTPUT_KEPT_SECONDS * 1000


def is_of_attempt(record: Retrieval, attempt: int, job: GlacierJob) -> bool:
    """Whether the record names it as the job of that attempt, and has not seen it end."""
    mine = record.jobs.get(str(attempt))
    return mine is not None and mine.job_id == job.JobId


def _fits(record: Retrieval, attempt: int) -> bool:
    """Whether a job not yet recorded can be that of the newest attempt."""
    return attempt == record.attempt and str(attempt) not in record.jobs


def tier_of(job: GlacierJob) -> Tier | None:
    """The job's tier, where Glacier says it."""
    return Tier(job.Tier) if job.Tier in set(Tier) else None


def output_is_gone(job: GlacierJob, now_ms: int) -> bool:
    """Whether a completed job is so old that Glacier need not have it any more."""
    return job.completed_ms is not None and output_until_ms(job.completed_ms) <= now_ms


def due_now(record: Retrieval, attempt: int, job: GlacierJob, now_ms: int) -> Retrieval | None:
    """A job is completed, but Glacier has to be asked for more of it: it is recorded, and due at once, before a further
    attempt. While one is under way there is nothing to do but to come again."""
    known = started(record, attempt, tier_of(job) or record.tier, job.JobId, now_ms) or record
    if record.state is State.WAITING and known is record and is_of_attempt(record, attempt, job):
        return in_progress(record, now_ms).model_copy(update={"due_at": now_ms})
    if known.state is not State.IN_PROGRESS:
        return None if known is record else known
    if known is record and (known.due_at or 0) <= now_ms:
        return None
    sooner: dict[str, Any] = {"due_at": now_ms, "expected_at": told_until(known)}
    return known.changed(**sooner) if known is record else known.model_copy(update=sooner)


def _job_failed(record: Retrieval, attempt: int, job: GlacierJob, now_ms: int) -> Retrieval:
    """Glacier's word: the retrieval fails by it, unless a newer job runs, or a further attempt is to be made; which is
    not repeated for ever."""
    mine, left, lost = record.jobs.get(str(attempt)), without(record, attempt), record.lost + 1
    less: dict[str, Any] = {"jobs": left, "over": [*record.over, job.JobId], "lost": lost}
    if record.state is State.WAITING or (record.state is State.INITIATING and mine is not None):
        return record.changed(**less)  # another attempt decides
    tier, tried = record.wanted_tier(), [mine.tier if mine else record.tier, *(each.tier for each in left.values())]
    further = faster(tier, fastest(tried)) and lost < bounds.LOST_AT_MOST
    newer_runs = any(int(name) > attempt for name in left)
    if not further and not newer_runs:
        reason = Reason(code=CODE_JOB_FAILED, message=job.StatusMessage or "Glacier ended the job as Failed.")
        return failed(record.model_copy(update=less), reason, now_ms)
    if record.state is State.INITIATING:
        return in_progress(record, now_ms, **less) if left else wait(record, now_ms, now_ms, tier=tier, **less)
    if not left:
        return wait(record, max(record.due_at or 0, now_ms), now_ms, tier=tier, reason=record.reason, **less)
    newest = record.model_copy(update=less).newest_job
    return record.changed(told=record.reason is None and newest != record.newest_job, **less)
