"""What follows from an attempt: each answer of Glacier's, and none."""

import pytest

from tests.unit.builders import (
    NOW,
    REASON,
    archive_request,
    claimed,
    job,
    joined_by,
    on_two_jobs,
    opened,
    released,
    started,
)
from thaw import attempts, bounds, endings
from thaw.refusals import Refusal
from thaw.retrieval import EXPEDITED_BACKLOG, SLOT_ON_DEMAND, SLOT_UNIT, Reason, Retrieval
from thaw.states import State
from thaw.tiers import Tier, first_look_seconds

DAY_MS = 86_400_000
NO_CAPACITY = Reason(code="InsufficientCapacityException", message="There is insufficient capacity.")


def refused(record: Retrieval, refusal: Refusal, now_ms: int = NOW, reason: Reason = REASON) -> Retrieval:
    after = attempts.refused(record, record.attempt, refusal, reason, now_ms)
    assert after is not None
    return after


def hasty(slot: str, **fields: str) -> Retrieval:
    """An Expedited attempt that was just claimed."""
    return claimed(released(opened(archive_request(tier="Expedited", **fields)), NOW, slot), NOW)


@pytest.mark.parametrize("refusal", [Refusal.THROTTLED, Refusal.POLICY, Refusal.DENIED, Refusal.LIMIT])
def test_a_refusal_that_passes_is_waited_out_ever_longer_and_told(refusal: Refusal) -> None:
    record, waits = opened(), []
    for _ in range(12):
        record = refused(record, refusal)
        assert (record.state, record.reason, record.sequence) == (State.WAITING, REASON, record.revision)
        waits.append((record.due_at or 0) - NOW)
        record = claimed(record, NOW)
    assert waits[0] < waits[3] < max(waits) <= 3_600_000


def test_a_permanent_refusal_fails_with_glaciers_words() -> None:
    gone = Reason(code="ResourceNotFoundException", message="The archive was not found.")
    record = refused(opened(), Refusal.PERMANENT, reason=gone)
    assert (record.state, record.reason) == (State.FAILED, gone)


def _hurried_while_it_started() -> Retrieval:
    """In progress on job-1 at Standard; meanwhile someone came who wants it Expedited."""
    joined = joined_by(opened(), archive_request("request-2", "Expedited"))
    return started(joined, "job-1", NOW)


def test_who_came_with_a_faster_tier_during_a_refused_attempt_waits_for_no_slower_one() -> None:
    joined = joined_by(opened(archive_request(tier="Bulk")), archive_request("request-2"))
    assert refused(joined, Refusal.THROTTLED).tier is Tier.STANDARD


def test_only_an_expedited_attempt_falls_back() -> None:
    """Who came for Expedited meanwhile is not put off with the tier of the attempt that was refused."""
    joined = joined_by(opened(), archive_request("request-2", "Expedited"))
    after = refused(joined, Refusal.CAPACITY, reason=NO_CAPACITY)
    assert (after.state, after.tier, after.due_in) == (State.WAITING, Tier.EXPEDITED, EXPEDITED_BACKLOG)


def test_of_two_jobs_the_one_that_should_end_first_is_looked_at_first() -> None:
    hasty = on_two_jobs()
    assert hasty.due_at == NOW + first_look_seconds(Tier.EXPEDITED) * 1000


@pytest.mark.parametrize("status", ["InProgress", "Succeeded", "Failed"])
def test_where_the_slower_job_served_during_a_start_the_faster_one_is_no_duplicate(status: str) -> None:
    slower = started(opened(archive_request(tier="Bulk")), "job-1", NOW)
    hurried = joined_by(slower, archive_request("request-2"))
    starting = claimed(hurried, NOW)
    served = endings.ended(starting, 1, job(starting, 1, "job-1"), NOW)
    assert served is not None
    assert served.state is State.SUCCEEDED
    late = job(starting, 2, "job-2", status)
    if late.is_over:
        known = endings.ended(served, 2, late, NOW)
    else:
        known = attempts.started(served, 2, Tier.STANDARD, "job-2", NOW)
    assert known is not None
    assert (known.state, known.job_id, known.duplicates, known.sequence) == (
        State.SUCCEEDED,
        "job-1",
        {},
        served.sequence,
    )
    assert endings.ended(known, 2, job(starting, 2, "job-2"), NOW) is None


def test_a_permanent_refusal_of_a_faster_attempt_leaves_the_older_job() -> None:
    waits = attempts.upgraded(_hurried_while_it_started(), NOW)
    assert waits is not None
    record = refused(claimed(released(waits, NOW), NOW), Refusal.PERMANENT)
    assert (record.state, set(record.jobs), record.tier) == (State.IN_PROGRESS, {"1"}, Tier.STANDARD)
    assert attempts.upgraded(record, NOW) is None


def test_beside_a_job_that_should_have_ended_a_refused_attempt_waits_all_the_same() -> None:
    """The older job is looked at before the next attempt, which is not made in the same breath."""
    late_ms = NOW + DAY_MS
    waits = attempts.upgraded(_hurried_while_it_started(), late_ms)
    assert waits is not None
    record = refused(claimed(released(waits, late_ms), late_ms), Refusal.CAPACITY, late_ms)
    assert record.state is State.IN_PROGRESS
    assert record.due_at is not None
    assert record.due_at >= late_ms + 60_000
    assert attempts.upgraded(record, late_ms) is None
    assert attempts.upgraded(record, record.due_at) is not None


def test_a_denied_permission_is_waited_for_two_days_only() -> None:
    record = refused(opened(), Refusal.DENIED)
    record = refused(claimed(record, NOW + 2 * DAY_MS), Refusal.DENIED, NOW + 2 * DAY_MS)
    assert record.state is State.WAITING
    assert refused(claimed(record, NOW), Refusal.DENIED, NOW + 2 * DAY_MS + 1).state is State.FAILED
    mended = refused(claimed(record, NOW), Refusal.THROTTLED, NOW + 3 * DAY_MS)
    assert refused(claimed(mended, NOW), Refusal.DENIED, NOW + 4 * DAY_MS).state is State.WAITING


def test_nothing_waits_for_ever() -> None:
    record = refused(opened(), Refusal.POLICY, NOW + 90 * DAY_MS + 1)
    assert record.state is State.FAILED
    assert record.reason is not None
    assert record.reason.code == "GivenUp"
    assert REASON.code in record.reason.message


def test_without_capacity_on_demand_it_falls_back() -> None:
    record = refused(hasty(SLOT_ON_DEMAND, expeditedFallback="Bulk"), Refusal.CAPACITY, reason=NO_CAPACITY)
    assert (record.state, record.tier, record.due_at) == (State.WAITING, Tier.BULK, NOW)
    assert record.due_in != EXPEDITED_BACKLOG
    assert record.reason is not None
    assert "Falls back to Bulk" in record.reason.message


@pytest.mark.parametrize(
    "record", [hasty(SLOT_UNIT, expeditedFallback="Standard"), hasty(SLOT_ON_DEMAND), hasty(SLOT_UNIT)]
)
def test_with_a_unit_or_without_a_fallback_it_waits_for_capacity(record: Retrieval) -> None:
    waits = refused(record, Refusal.CAPACITY, reason=NO_CAPACITY)
    assert (waits.state, waits.tier, waits.due_in) == (State.WAITING, Tier.EXPEDITED, EXPEDITED_BACKLOG)
    assert (waits.due_at or 0) > NOW
    assert waits.slot is None


def test_an_unknown_outcome_is_told_and_settled_by_a_listing_only() -> None:
    record = attempts.unknown(opened(), 1, REASON)
    assert record is not None
    assert record.state is State.INITIATING
    assert record.due_at == opened().due_at
    again = attempts.absent(record, 1, NOW)
    assert again is not None
    assert (again.state, again.lost) == (State.WAITING, 1)


def test_after_four_lost_ones_it_fails() -> None:
    record = opened()
    for _ in range(3):
        lost = attempts.absent(record, record.attempt, NOW)
        assert lost is not None
        record = claimed(lost, NOW)
    last = attempts.absent(record, record.attempt, NOW)
    assert last is not None
    assert (last.state, last.attempt) == (State.FAILED, 4)


def test_no_call_is_made_that_could_outlive_its_claim_or_its_function() -> None:
    record = opened()
    call_ms = bounds.CALL_SECONDS * 1000
    last_ms = NOW + bounds.CLAIM_SECONDS * 1000 - call_ms
    assert attempts.may_call(record, last_ms, call_ms + 1)
    assert not attempts.may_call(record, last_ms + 1, 10**6)
    assert not attempts.may_call(record, NOW, call_ms)


# Jobs that end


def test_where_a_job_failed_that_was_given_up_for_absent_the_next_attempt_tells() -> None:
    waits = attempts.absent(opened(), 1, NOW)
    assert waits is not None
    after = endings.ended(waits, 1, job(waits, 1, "job-1", "Failed"), NOW)
    assert after is not None
    assert (after.state, after.over, after.due_at) == (State.WAITING, ["job-1"], waits.due_at)
    assert endings.ended(after, 1, job(waits, 1, "job-1", "Failed"), NOW) is None


def test_a_job_that_is_back_after_it_was_taken_for_vanished_ends_its_retrieval() -> None:
    running = started(opened(), "job-1", NOW)
    waits = attempts.vanished(running, 1, NOW + DAY_MS)
    assert waits is not None
    back = job(waits, 1, "job-1")
    served = endings.ended(waits, 1, back, NOW + DAY_MS)
    assert served is not None
    assert (served.state, served.job_id, list(served.duplicates), served.over) == (State.SUCCEEDED, "job-1", [], [])
    again = started(claimed(waits, NOW + DAY_MS), "job-2", NOW + DAY_MS)
    served = endings.ended(again, 1, back, NOW + DAY_MS)
    assert served is not None
    assert (served.state, served.job_id, list(served.duplicates)) == (State.SUCCEEDED, "job-1", ["job-1"])


def test_a_job_that_is_back_after_another_served_is_told_once() -> None:
    waits = attempts.vanished(started(opened(), "job-1", NOW), 1, NOW + DAY_MS)
    assert waits is not None
    running = started(claimed(waits, NOW + DAY_MS), "job-2", NOW + DAY_MS)
    served = endings.ended(running, 2, job(running, 2, "job-2"), NOW + DAY_MS)
    assert served is not None
    told = endings.ended(served, 1, job(running, 1, "job-1"), NOW + DAY_MS)
    assert told is not None
    assert (told.state, told.job_id, list(told.duplicates)) == (State.SUCCEEDED, "job-2", ["job-1"])
    assert endings.ended(told, 1, job(running, 1, "job-1"), NOW + DAY_MS) is None


def test_a_job_that_is_back_after_another_failed_is_told() -> None:
    """It was paid for, and so was the one that took its place."""
    waits = attempts.vanished(started(opened(), "job-1", NOW), 1, NOW + DAY_MS)
    assert waits is not None
    running = started(claimed(waits, NOW + DAY_MS), "job-2", NOW + DAY_MS)
    failed = endings.ended(running, 2, job(running, 2, "job-2", "Failed"), NOW + DAY_MS)
    assert failed is not None
    told = endings.ended(failed, 1, job(running, 1, "job-1"), NOW + DAY_MS)
    assert told is not None
    assert (told.state, list(told.duplicates)) == (State.FAILED, ["job-1"])
    assert endings.ended(told, 1, job(running, 1, "job-1"), NOW + DAY_MS) is None


@pytest.mark.parametrize("status", ["InProgress", "Succeeded"])
def test_a_job_that_turns_up_once_its_retrieval_was_given_up_is_told_once(status: str) -> None:
    """It may be charged, and has an output: whoever asked was told that there is none."""
    record = opened()
    for attempt in range(1, bounds.LOST_AT_MOST + 1):
        waits = attempts.absent(record, attempt, NOW)
        assert waits is not None
        record = claimed(waits, NOW) if waits.is_open else waits
    assert (record.state, record.attempt) == (State.FAILED, bounds.LOST_AT_MOST)
    for attempt in (record.attempt, 1):
        late = job(record, attempt, f"job-{attempt}", status)
        if late.is_over:
            told = endings.ended(record, attempt, late, NOW)
        else:
            told = attempts.started(record, attempt, Tier.STANDARD, late.JobId, NOW)
        assert told is not None
        assert (told.state, told.jobs, next(iter(told.duplicates))) == (State.FAILED, {}, late.JobId)
        assert endings.ended(told, attempt, job(record, attempt, late.JobId), NOW) is None
        record = told


def test_of_a_job_that_nobody_was_allowed_to_see_nothing_more_is_told() -> None:
    """Its retrieval failed for that, which was told."""
    running, denied = started(opened(), "job-1", NOW), Reason(code="AccessDeniedException", message="No.")
    looked = attempts.unseen(running, Refusal.DENIED, denied, NOW + DAY_MS)
    assert looked is not None
    later_ms = NOW + DAY_MS + (bounds.DENIED_AT_MOST_SECONDS + 1) * 1000
    failed = attempts.unseen(looked, Refusal.DENIED, denied, later_ms)
    assert failed is not None
    assert (failed.state, failed.reason, failed.over) == (State.FAILED, denied, [])
    assert endings.ended(failed, 1, job(running, 1, "job-1"), later_ms) is None


def test_a_failed_job_fails_its_retrieval() -> None:
    running = started(opened(), "job-1", NOW)
    failed = endings.ended(running, 1, job(running, 1, "job-1", "Failed", StatusMessage="Archive gone"), NOW)
    assert failed is not None
    assert failed.state is State.FAILED
    assert failed.reason == Reason(code="JobFailed", message="Archive gone")


@pytest.mark.parametrize("attempt", [1, 2])
def test_one_of_two_jobs_may_fail_and_its_news_may_come_twice(attempt: int) -> None:
    both = on_two_jobs()
    news = job(both, attempt, f"job-{attempt}", "Failed")
    left = endings.ended(both, attempt, news, NOW)
    assert left is not None
    assert (left.state, set(left.jobs)) == (State.IN_PROGRESS, {str(3 - attempt)})
    assert attempts.upgraded(left, NOW) is None, "what Glacier failed is not started again beside a job that goes on"
    assert endings.ended(left, attempt, news, NOW) is None
    done = endings.ended(left, 3 - attempt, job(both, 3 - attempt, f"job-{3 - attempt}"), NOW)
    assert done is not None
    assert (done.state, list(done.duplicates)) == (State.SUCCEEDED, [])
    assert endings.ended(done, attempt, news, NOW) is None


def test_an_end_can_overtake_the_job_id() -> None:
    record = opened()
    done = endings.ended(record, 1, job(record, 1, "job-1"), NOW)
    assert done is not None
    assert (done.state, done.job_id, list(done.duplicates)) == (State.SUCCEEDED, "job-1", [])
    assert attempts.started(done, 1, Tier.STANDARD, "job-1", NOW) is None


def test_a_second_job_of_one_attempt_is_a_duplicate() -> None:
    running = started(opened(), "job-1", NOW)
    twice = attempts.started(running, 1, Tier.STANDARD, "job-1b", NOW)
    assert twice is not None
    assert (twice.state, list(twice.duplicates)) == (State.IN_PROGRESS, ["job-1b"])
    assert attempts.started(twice, 1, Tier.STANDARD, "job-1b", NOW) is None


def test_a_job_is_not_taken_for_vanished_before_glacier_must_know_it() -> None:
    running = started(opened(), "job-1", NOW)
    known_ms = NOW + bounds.SETTLED_AFTER_CLAIM_SECONDS * 1000
    assert attempts.vanished(running, 1, known_ms - 1) is None
    again = attempts.vanished(running, 1, known_ms)
    assert again is not None
    assert (again.state, again.lost) == (State.WAITING, 1)


def test_the_output_is_available_for_a_day_from_its_completion() -> None:
    running = started(opened(), "job-1", NOW)
    done = endings.ended(running, 1, job(running, 1, "job-1"), NOW + 9 * DAY_MS)
    assert done is not None
    assert done.output_available_until == NOW + 4 * 3_600_000 + DAY_MS
    assert done.expires_at == (NOW + 9 * DAY_MS) // 1000 + bounds.RETRIEVAL_KEPT_SECONDS


def test_records_outlive_every_message_and_a_retrieval_its_requests() -> None:
    assert bounds.REQUEST_KEPT_SECONDS >= bounds.OPEN_AT_MOST_SECONDS + 28 * 86400
    assert bounds.RETRIEVAL_KEPT_SECONDS > bounds.REQUEST_KEPT_SECONDS
