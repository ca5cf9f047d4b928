"""When a retrieval is likely to have ended, read off its record."""

from thaw.retrieval import Retrieval
from thaw.states import State
from thaw.tiers import USUAL_SECONDS, Tier


def ends_by_ms(record: Retrieval, now_ms: int) -> int | None:
    """The time, in epoch milliseconds, by which an open retrieval usually has ended; None for one that has ended.

    That is the upper end of what Glacier promises for its tier, from its start or its next try; of what takes longer it
    is now. Of several jobs the first output serves. An inventory's further pages are not in it.
    """
    if not record.is_open:
        return None
    ends = [max(now_ms, job.started_at + _usual_ms(job.tier)) for job in record.jobs.values()]
    if record.state is not State.IN_PROGRESS:
        next_try = record.expected_at or record.due_at if record.state is State.WAITING else None
        ends.append(max(now_ms, next_try or 0) + _usual_ms(record.tier))
    return min(ends, default=None)


def _usual_ms(tier: Tier) -> int:
    return USUAL_SECONDS[tier] * 1000
