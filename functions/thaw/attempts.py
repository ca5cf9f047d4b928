"""The moves of a retrieval that follow from its attempts: a claim, and all that Glacier may answer to it.

How a job ends is in `endings`.

Each function takes the record as it stands and returns the record after one write, or None where there is nothing to
change; applied again to its own result, it finds itself done.
"""

from collections.abc import Iterator
from typing import Any

from thaw import bounds
from thaw.refusals import Refusal, delay_ms
from thaw.retrieval import (
    ENDED,
    EXPEDITED_BACKLOG,
    NO_CLAIM,
    NOT_WAITING,
    SLOT_UNIT,
    Asker,
    Reason,
    Retrieval,
    StartedJob,
    expires_after_end,
    shard,
)
from thaw.states import State
from thaw.tiers import LOOK_EVERY_SECONDS, Tier, faster, fastest, first_look_seconds

CODE_JOB_VANISHED = "JobVanished"
CODE_OUTCOME_UNKNOWN = "OutcomeUnknown"
CODE_GIVEN_UP = "GivenUp"

_LOOK_MISSED_MS = 30 * 60 * 1000
"""So long who wants a faster job waits for an answer about those there are."""

WAIT_TOLD_FROM_SECONDS = 60
"""A shorter wait for a turn is not worth an event."""

WAIT_TOLD_AGAIN_FROM_SECONDS = 15 * 60
"""What was told of a wait is corrected when it becomes so much longer."""


def claim_fields(key: str, claim: str, now_ms: int) -> dict[str, Any]:
    """What a claim writes, beside the state, the attempt's number and the revision."""
    until = now_ms + bounds.CLAIM_SECONDS * 1000
    return {
        "claim": claim,
        "claim_until": until,
        "due_in": shard(key),
        "due_at": until + bounds.SETTLED_AFTER_CLAIM_SECONDS * 1000,
        "waiting_since": None,
        "expected_at": None,
        "reason": None,
    }


def may_call(claimed: Retrieval, now_ms: int, time_left_ms: int) -> bool:
    """Whether a call begun now is over before the claim and the function end."""
    assert claimed.claim_until is not None
    call_ms = bounds.CALL_SECONDS * 1000
    return now_ms + call_ms <= claimed.claim_until and call_ms < time_left_ms


def wait(record: Retrieval, until_ms: int, now_ms: int, **changes: Any) -> Retrieval:
    """Waiting for the next attempt, which begins no sooner than `until_ms`; told where the changes give a reason."""
    fields = {**NOT_WAITING, **NO_CLAIM, "due_at": until_ms, **changes, "waiting_since": now_ms}
    waiting = record.changed(to=State.WAITING, told=fields["reason"] is not None, **fields)
    due_in = EXPEDITED_BACKLOG if waiting.needs_release else shard(record.key)
    return waiting.model_copy(update={"due_in": due_in})


def released(record: Retrieval, slot_at: int, slot: str, why: Reason, now_ms: int) -> Retrieval | None:
    """top_up lets an Expedited retrieval start at `slot_at`, on a unit or on demand, and says why only then."""
    if not _in_backlog(record):
        return None
    told = _is_news(record, slot_at, now_ms)
    return record.changed(
        told=told,
        reason=why if told else record.reason,
        slot=slot,
        due_in=shard(record.key),
        due_at=slot_at,
        waiting_since=now_ms,
        expected_at=None if told else told_until(record),
    )


def told_until(record: Retrieval) -> int | None:
    """Until when it waits, as it was told: so it is told again from the record."""
    return record.expected_at or (record.due_at if record.reason else None)


def queued(record: Retrieval, expected_at: int, why: Reason, now_ms: int) -> Retrieval | None:
    """top_up has no slot yet for an Expedited retrieval; its requests are told, and again if it gets much later."""
    if not _in_backlog(record) or not _is_news(record, expected_at, now_ms):
        return None
    return record.changed(told=True, reason=why, expected_at=expected_at)


def _in_backlog(record: Retrieval) -> bool:
    return record.state is State.WAITING and record.due_in == EXPEDITED_BACKLOG


def _is_news(record: Retrieval, until_ms: int, now_ms: int) -> bool:
    """Whether a wait until then is worth an event, after what was told of it before."""
    assert record.due_at is not None
    if until_ms - now_ms <= WAIT_TOLD_FROM_SECONDS * 1000:
        return False
    told_ms = (record.expected_at or record.due_at) if record.reason is not None else None
    return told_ms is None or until_ms - told_ms > WAIT_TOLD_AGAIN_FROM_SECONDS * 1000


def live_tier(record: Retrieval) -> Tier | None:
    """The fastest tier at which a job of the record is in progress."""
    return fastest([job.tier for job in record.jobs.values()]) if record.jobs else None


def wants_faster(record: Retrieval) -> bool:
    """Whether someone asks for a faster tier than any job in progress has."""
    live = live_tier(record)
    return live is None or faster(record.wanted_tier(), live)


def in_progress(record: Retrieval, now_ms: int, **changes: Any) -> Retrieval:
    """In progress on the jobs it has. Where someone wants a faster one, it is due at once.

    It is told where it was not in progress, as who joined it meanwhile has heard nothing yet; where a delay that was
    told is over, or one begins; and where it goes on with another job than the one told.
    """
    fields = {**NOT_WAITING, **NO_CLAIM, "delays": 0, "denied_since": None, **changes}
    running = record.changed(to=State.IN_PROGRESS, **fields)
    is_news = record.state is not State.IN_PROGRESS or (record.reason, fields["reason"]) != (None, None)
    if is_news or running.newest_job != record.newest_job:
        running = running.model_copy(update={"sequence": running.revision})
    due_at = now_ms if wants_faster(running) else _next_look_ms(running, now_ms)
    return running.model_copy(update={"due_in": shard(record.key), "due_at": due_at})


def _next_look_ms(record: Retrieval, now_ms: int) -> int:
    return min(_look_ms(job, now_ms) for job in record.jobs.values())


def _look_ms(job: StartedJob, now_ms: int) -> int:
    first_ms = _first_look_ms(job)
    return first_ms if first_ms > now_ms else now_ms + LOOK_EVERY_SECONDS[job.tier] * 1000


def _first_look_ms(job: StartedJob) -> int:
    return job.started_at + first_look_seconds(job.tier) * 1000


def job_is_overdue(record: Retrieval, now_ms: int) -> bool:
    """Whether a job of the record should have ended by now, and nobody heard of it."""
    return any(_first_look_ms(job) <= now_ms for job in record.jobs.values())


def upgraded(record: Retrieval, now_ms: int) -> Retrieval | None:
    """A further attempt at the faster tier that someone wants beside the jobs in progress, unless one was refused just
    now: then it is due later."""
    if record.state is not State.IN_PROGRESS or not wants_faster(record) or (record.due_at or 0) > now_ms:
        return None
    return wait(record, now_ms, now_ms, tier=_tier_beside_jobs(record))


def _tier_beside_jobs(running: Retrieval) -> Tier:
    """Of the further attempt: that of the one refused just now, which may be a fallback, or what is wanted."""
    asked = {asker.tier for asker in running.waiting_requests().values()}
    live = live_tier(running)
    was_refused = running.tier in asked and live is not None and faster(running.tier, live)
    return running.tier if was_refused else running.wanted_tier()


def started(record: Retrieval, attempt: int, tier: Tier, job_id: str, now_ms: int) -> Retrieval | None:
    """The job of an attempt became known: from InitiateJob's reply, a listing, or a notification.

    A slower job may have served while this attempt was under way. Or the attempt was given up for absent (beyond the
    bounds): while the retrieval is open, and nothing else was begun, its job is adopted, otherwise it is a duplicate.
    """
    known = record.jobs.get(str(attempt))
    if record.took_over(attempt) and not (claims(record, attempt) or is_in_doubt(record, attempt)):
        return None
    if (known is not None and known.job_id == job_id) or job_id in (record.job_id, *record.over, *record.duplicates):
        return None
    # A claim that was taken over may be hours old.
    begun_ms = min(now_ms, record.doubt.claim_until) if record.doubt else now_ms
    jobs = {**record.jobs, str(attempt): StartedJob(job_id=job_id, tier=tier, started_at=begun_ms)}
    newest = attempt == record.attempt and known is None and attempt != record.served_by
    if newest and record.state in (State.INITIATING, State.WAITING):
        unseen_since = record.unseen_since if record.jobs else None
        return in_progress(record, now_ms, jobs=jobs, tier=tier, unseen_since=unseen_since, doubt=None)
    no_doubt: dict[str, Any] = {"doubt": None} if newest else {}
    if newest and record.state is State.SUCCEEDED and faster(tier, record.tier):
        return record.changed(jobs=jobs, **no_doubt)
    return record.changed(duplicates=record.with_duplicates(job_id), **no_doubt)


def given_back(record: Retrieval, attempt: int, now_ms: int) -> Retrieval | None:
    """A claim whose call was never made."""
    if not claims(record, attempt):
        return _settled(record, attempt)
    return wait(record, now_ms, now_ms, tier=_next_tier(record))


def _next_tier(claimed: Retrieval) -> Tier:
    """That of the attempt just made, which may be a fallback; or the faster one of who came meanwhile."""
    asking = claimed.waiting_requests().values()
    return fastest([claimed.tier, *(asker.tier for asker in asking if asker.since > (claimed.claimed_at or 0))])


def refused(record: Retrieval, attempt: int, refusal: Refusal, reason: Reason, now_ms: int) -> Retrieval | None:
    """Glacier refused the attempt: nothing was done."""
    if not claims(record, attempt):
        return _settled(record, attempt)
    if refusal is Refusal.PERMANENT:
        return failed(record, reason, now_ms)
    if refusal is Refusal.CAPACITY and record.tier is Tier.EXPEDITED and record.slot != SLOT_UNIT:
        record = _taking_less(record)
        fallen = _fall_back(record, reason, now_ms)
        if fallen is not None:
            return fallen
    denied_since = _denied_since(record, refusal, now_ms)
    if refusal is Refusal.DENIED and now_ms - (denied_since or now_ms) > bounds.DENIED_AT_MOST_SECONDS * 1000:
        return failed(record, reason, now_ms)
    if now_ms - record.opened_at > bounds.OPEN_AT_MOST_SECONDS * 1000:
        told = f"Waited for {bounds.OPEN_AT_MOST_SECONDS // 86400} days; last: {reason.code}: {reason.message}"
        return failed(record, Reason(code=CODE_GIVEN_UP, message=told), now_ms)
    until = now_ms + delay_ms(refusal, record.delays + 1, record.retrieval_id)
    counted: dict[str, Any] = {"delays": record.delays + 1, "denied_since": denied_since, "reason": reason}
    counted["tier"] = _next_tier(record)
    if job_is_overdue(record, now_ms):
        # An older job should have ended by now. As in progress it is looked at before the next attempt.
        return in_progress(record, now_ms, **counted).model_copy(update={"due_at": until})
    return wait(record, until, now_ms, **counted)


def _denied_since(record: Retrieval, refusal: Refusal, now_ms: int) -> int | None:
    """Whoever is throttled learns nothing of what they may do; any other refusal is of what may be done."""
    if refusal is Refusal.DENIED:
        return record.denied_since or now_ms
    return record.denied_since if refusal is Refusal.THROTTLED else None


def claims(record: Retrieval, attempt: int) -> bool:
    """Whether nobody knows yet what comes of the call that the attempt makes."""
    return record.state is State.INITIATING and record.attempt == attempt


def is_in_doubt(record: Retrieval, attempt: int) -> bool:
    """Whether the retrieval has ended, and nobody knows if the job of its newest attempt was started."""
    return not record.is_open and record.doubt is not None and record.attempt == attempt


def _settled(record: Retrieval, attempt: int) -> Retrieval | None:
    """It was not, as is known now."""
    return record.changed(doubt=None) if is_in_doubt(record, attempt) else None


def _taking_less(record: Retrieval) -> Retrieval:
    """Each request that accepts a slower tier asks for that one."""
    requests = {
        name: _with_tier(asker, asker.fallback) if asker.fallback is not None and not asker.cancelled else asker
        for name, asker in record.requests.items()
    }
    return record.model_copy(update={"requests": requests})


def _fall_back(record: Retrieval, reason: Reason, now_ms: int) -> Retrieval | None:
    """The slower tier that some of the requests ask for, or the job that runs at it; the others go on waiting."""
    asked: list[Tier] = [asker.tier for asker in record.waiting_requests().values()]
    slower = [tier for tier in asked if faster(Tier.EXPEDITED, tier)]
    if not slower or record.lost >= bounds.LOST_AT_MOST:
        return None
    tier, live = fastest(slower), live_tier(record)
    told = Reason(code=reason.code, message=f"{reason.message} Falls back to {tier}.")
    if live is None or faster(tier, live):
        return wait(record, now_ms, now_ms, reason=told, tier=tier, denied_since=None)
    return None if wants_faster(record) else in_progress(record, now_ms, reason=told, tier=live)


def _with_tier(asker: Asker, tier: Tier) -> Asker:
    return asker.model_copy(update={"tier": tier, "fallback": None})


def unknown(record: Retrieval, attempt: int, reason: Reason) -> Retrieval | None:
    """No answer: whether the job was started is unknown, and only a listing settles it."""
    if not claims(record, attempt) or record.reason is not None:
        return None
    return record.changed(told=True, reason=reason)


def unseen(record: Retrieval, refusal: Refusal, reason: Reason, now_ms: int) -> Retrieval | None:
    """Glacier gave no answer about the record's jobs. It stays due; but what will not mend by itself is told, and not
    borne for ever; and who wants it faster does not wait for ever for a look."""
    overdue_ms = now_ms - (record.due_at or 0)
    if record.state not in (State.INITIATING, State.IN_PROGRESS) or overdue_ms < 0:
        return None
    denied = refusal in (Refusal.DENIED, Refusal.PERMANENT)
    unseen_since = (record.unseen_since or now_ms) if denied else record.unseen_since
    if denied:
        over = _unseen_for_long(record, unseen_since or now_ms, reason, now_ms)
        if over is not None:
            return over
    if record.state is State.IN_PROGRESS and wants_faster(record) and (denied or overdue_ms > _LOOK_MISSED_MS):
        tier = _tier_beside_jobs(record)
        return wait(record, now_ms, now_ms, tier=tier, delays=0, unseen_since=unseen_since)
    if not denied:
        return None
    until = now_ms + delay_ms(Refusal.DENIED, record.delays + 1, record.retrieval_id)
    counted: dict[str, Any] = {"delays": record.delays + 1, "unseen_since": unseen_since, "reason": reason}
    return record.changed(told=True, due_at=until, expected_at=None, **counted)


def _unseen_for_long(record: Retrieval, unseen_since: int, reason: Reason, now_ms: int) -> Retrieval | None:
    """What becomes of it where looks are denied for so long that what is looked at can be of no use; else None."""
    of_no_use = next((int(name) for name, job in record.jobs.items() if _is_of_no_use(record, name, job, now_ms)), None)
    if of_no_use is not None:
        return passed_over(record, of_no_use, now_ms)
    claim = record.doubt if record.state is State.INITIATING else None
    is_old = claim is not None and now_ms >= serves_until_ms(claim.claim_until, claim.tier)
    if claim is not None and (is_old or faster(record.wanted_tier(), claim.tier)):
        return passed_over(record, record.attempt, now_ms)
    if now_ms - max([unseen_since, *_begun_ms(record)]) <= bounds.DENIED_AT_MOST_SECONDS * 1000:
        return None
    # Its jobs stay in the record: how they ended is told by this, should anything be heard of them later.
    return failed(record.model_copy(update={"jobs": {}}), reason, now_ms, jobs=record.jobs)


def _is_of_no_use(record: Retrieval, attempt: str, job: StartedJob, now_ms: int) -> bool:
    """Of one that was taken over: whether it is so old that nobody has to see how it ended."""
    return record.took_over(int(attempt)) and now_ms >= serves_until_ms(job.started_at, job.tier)


def serves_until_ms(started_at: int, tier: Tier) -> int:
    """For how long a job, of which nothing was heard since its start, may have an output to share."""
    return started_at + (first_look_seconds(tier) + bounds.OUTPUT_KEPT_SECONDS) * 1000


def _begun_ms(record: Retrieval) -> Iterator[int]:
    """When its claim, and its jobs, were begun: what is new has as long to be seen as what was there before."""
    yield from (job.started_at for job in record.jobs.values())
    if record.claim_until is not None:
        yield record.claim_until - bounds.CLAIM_SECONDS * 1000


def absent(record: Retrieval, attempt: int, now_ms: int) -> Retrieval | None:
    """A whole listing, made after the claim and the bounds, does not have the attempt's job: it was never started."""
    if not claims(record, attempt):
        return None
    if record.took_over(attempt):
        return passed_over(record, attempt, now_ms)
    told = Reason(code=CODE_OUTCOME_UNKNOWN, message="The start of the job could not be confirmed.")
    # A denial that was told meanwhile is over, and says nothing of the start.
    reason = record.reason if record.reason is not None and record.unseen_since is None else told
    return _again(record, _next_tier(record), reason, now_ms, delay_seconds=_unconfirmed_delay_seconds(record))


def _unconfirmed_delay_seconds(record: Retrieval) -> int:
    """None beside a job in progress, which has to be looked at meanwhile."""
    if record.jobs:
        return 0
    delays_seconds = bounds.UNCONFIRMED_DELAYS_SECONDS
    return delays_seconds[min(record.lost, len(delays_seconds) - 1)]


def vanished(record: Retrieval, attempt: int, now_ms: int) -> Retrieval | None:
    """Glacier does not know a job that nobody saw end; of one just started that says nothing yet."""
    job = record.jobs.get(str(attempt))
    if job is None or not record.is_open or now_ms < job.started_at + bounds.SETTLED_AFTER_CLAIM_SECONDS * 1000:
        return None
    if record.took_over(attempt):
        return passed_over(record, attempt, now_ms)
    left, over = without(record, attempt), [*record.over, job.job_id]
    if record.state is not State.IN_PROGRESS:
        return record.changed(jobs=left, over=over)
    told = Reason(code=CODE_JOB_VANISHED, message="The job vanished before it was seen to end.")
    return _again(record, record.wanted_tier(), told, now_ms, jobs=left, over=over)


def passed_over(record: Retrieval, attempt: int, now_ms: int) -> Retrieval:
    """A job that was taken over gives the retrieval nothing: that is no loss of its own. Another attempt is made, no
    sooner than one that was refused."""
    left = without(record, attempt)
    again = record.model_copy(update={"jobs": left})
    if record.state is State.WAITING or (record.state is State.INITIATING and not claims(record, attempt)):
        return record.changed(jobs=left)
    seen: dict[str, Any] = {"jobs": left, "unseen_since": None, "doubt": None}
    if not wants_faster(again):
        return in_progress(record, now_ms, tier=live_tier(again), **seen)
    seen["tier"] = again.wanted_tier()
    was_refused = record.state is State.IN_PROGRESS and record.delays > 0 and record.unseen_since is None
    if not was_refused:
        return wait(record, now_ms, now_ms, delays=0, **seen)
    return wait(record, max(record.due_at or 0, now_ms), now_ms, reason=record.reason, **seen)


def _again(
    record: Retrieval, tier: Tier, reason: Reason, now_ms: int, *, delay_seconds: int = 0, **changes: Any
) -> Retrieval:
    """One job less, and another attempt at what no other job serves, unless too many were lost."""
    lost = record.lost + 1
    again = record.model_copy(update=changes)
    if lost >= bounds.LOST_AT_MOST:
        message = f"{reason.message} Given up after {lost} attempts."
        return failed(again, reason.model_copy(update={"message": message}), now_ms, lost=lost)
    if not wants_faster(again):
        return in_progress(record, now_ms, lost=lost, unseen_since=None, **changes)
    known = {"reason": reason} if delay_seconds else {}
    return wait(again, now_ms + delay_seconds * 1000, now_ms, lost=lost, unseen_since=None, tier=tier, **known)


def without(record: Retrieval, attempt: int) -> dict[str, StartedJob]:
    """The record's jobs but that of one attempt."""
    return {name: job for name, job in record.jobs.items() if name != str(attempt)}


def still_running(record: Retrieval, now_ms: int) -> Retrieval | None:
    """Its jobs were looked at and go on."""
    if record.state is not State.IN_PROGRESS or (record.due_at or 0) > now_ms:
        return None
    seen = record.model_copy(update={"unseen_since": None})
    return upgraded(seen, now_ms) or in_progress(seen, now_ms)


def failed(record: Retrieval, reason: Reason, now_ms: int, **changes: Any) -> Retrieval:
    """An end without output; but while an older job is in progress the retrieval goes on with that one. A job that was
    taken over is none where nobody would have had it."""
    tier = live_tier(record)
    has_own = any(not record.took_over(int(name)) for name in record.jobs)
    if tier is not None and not has_own and not _suffices(record, tier):
        tier = None
    if tier is not None:
        requests = {name: _no_faster(asker, tier) for name, asker in record.requests.items()}
        return in_progress(record, now_ms, tier=tier, requests=requests, reason=reason, **changes)
    ended = {**ENDED, "reason": reason, "expires_at": expires_after_end(now_ms), **changes}
    return record.changed(to=State.FAILED, told=True, **ended)


def _suffices(record: Retrieval, tier: Tier) -> bool:
    """Whether someone asked for no faster one."""
    asking = record.waiting_requests().values()
    return any(asker.asked is None and not faster(asker.tier, tier) for asker in asking)


def _no_faster(asker: Asker, tier: Tier) -> Asker:
    """Who was cancelled was told with the tier that they asked for. An inventory's next page is another job: it begins
    at the tier that was asked for."""
    if asker.cancelled or not faster(asker.tier, tier):
        return asker
    return _with_tier(asker, tier).model_copy(update={"asked": asker.asked or asker.tier})
