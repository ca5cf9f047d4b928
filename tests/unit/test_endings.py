"""How jobs end, and what becomes of the others of their retrieval."""

import pytest

from tests.unit.builders import (
    DAY_MS,
    NOW,
    REASON,
    archive_request,
    claimed,
    inventory_request,
    job,
    joined_by,
    on_two_jobs,
    opened,
    refused,
    released,
    started,
)
from thaw import attempts, bounds, endings
from thaw.events import events
from thaw.refusals import Refusal
from thaw.retrieval import Reason, Retrieval
from thaw.states import State
from thaw.tiers import Tier


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
    assert (served.state, served.job_id, list(served.duplicates)) == (State.SUCCEEDED, "job-1", ["job-2"])


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
    noted = endings.ended(failed, 1, job(running, 1, "job-1"), later_ms)
    assert noted is not None
    assert (noted.state, noted.sequence, noted.duplicates) == (State.FAILED, failed.sequence, {})
    assert endings.ended(noted, 1, job(running, 1, "job-1"), later_ms) is None


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


def _ended(record: Retrieval, attempt: int, status: str, now_ms: int = NOW) -> Retrieval:
    after = endings.ended(record, attempt, job(record, attempt, f"job-{attempt}", status), now_ms)
    assert after is not None
    return after


def test_of_two_jobs_the_one_that_was_taken_for_lost_serves_and_the_other_is_the_duplicate() -> None:
    """Beyond the bounds: its job is listed too late, and a second one was begun."""
    waits = attempts.absent(opened(), 1, NOW)
    assert waits is not None
    served = _ended(claimed(waits, NOW), 1, "Succeeded")
    assert (served.job_id, served.duplicates) == ("job-1", {})
    second = attempts.started(served, 2, Tier.STANDARD, "job-2", NOW)
    assert second is not None
    assert (second.job_id, list(second.duplicates)) == ("job-1", ["job-2"])


def _on_three_tiers(now_ms: int = NOW) -> Retrieval:
    """In progress at Bulk and at Standard; an Expedited attempt was just claimed."""
    bulk = started(opened(archive_request(tier="Bulk")), "job-1", NOW)
    standard = started(claimed(joined_by(bulk, archive_request("standard")), NOW), "job-2", NOW)
    return claimed(released(joined_by(standard, archive_request("fast", "Expedited"), now_ms), now_ms), now_ms)


def test_of_three_jobs_the_two_faster_fail() -> None:
    third_failed = _ended(started(_on_three_tiers(), "job-3", NOW), 3, "Failed")
    assert (third_failed.tier, set(third_failed.jobs)) == (Tier.STANDARD, {"1", "2"})
    left = _ended(third_failed, 2, "Failed")
    assert (left.state, left.tier, set(left.jobs)) == (State.IN_PROGRESS, Tier.BULK, {"1"})
    assert not attempts.wants_faster(left), "Glacier's word: what failed is not begun again"
    assert left.sequence == left.revision


@pytest.mark.parametrize("newer_attempt", ["failed", "refused"])
def test_the_newest_job_is_the_newest_of_those_there_are_whatever_was_attempted_since(newer_attempt: str) -> None:
    claim = _on_three_tiers()
    if newer_attempt == "failed":
        third_gone = _ended(started(claim, "job-3", NOW), 3, "Failed")
    else:
        third_gone = refused(claim, Refusal.PERMANENT)
    left = _ended(third_gone, 2, "Failed", NOW + 1)
    running = attempts.in_progress(left, NOW + 2)
    told = [event.detail for event in events(left, running)]
    assert {(each["jobId"], each["attempt"], each["tier"]) for each in told} == {("job-1", 1, "Bulk")}


def test_an_older_job_that_fails_cuts_no_delay_short() -> None:
    late_ms = NOW + 14 * 3_600_000
    waits = refused(_on_three_tiers(late_ms), Refusal.THROTTLED, late_ms)
    left = _ended(waits, 1, "Failed", late_ms + 1)
    assert (left.state, left.due_at, left.reason, set(left.jobs)) == (State.IN_PROGRESS, waits.due_at, REASON, {"2"})


def test_of_an_older_job_that_fails_beside_a_faster_one_nobody_hears() -> None:
    """What is waited for is the faster one; and it is as fast as ever that its requests ask."""
    both = on_two_jobs()
    after = endings.ended(both, 1, job(both, 1, "job-1", "Failed"), NOW)
    assert after is not None
    assert (after.state, after.reason, list(after.jobs)) == (State.IN_PROGRESS, None, ["2"])
    assert (after.sequence, after.due_at) == (both.sequence, both.due_at)


def test_where_a_faster_attempt_is_due_a_slower_job_fails_alone() -> None:
    """Whether or not it should have ended by then."""
    for now_ms in (NOW, NOW + 6 * 3_600_000):
        hurried = joined_by(started(opened(), "job-1", NOW), archive_request("fast", "Expedited"), now_ms)
        waits = refused(claimed(released(hurried, now_ms), now_ms), Refusal.THROTTLED, now_ms)
        left = _ended(waits, 1, "Failed", now_ms + 1)
        assert (left.state, left.tier, left.jobs) == (State.WAITING, Tier.EXPEDITED, {})


def test_a_message_that_says_too_little_has_its_job_looked_at_before_a_further_attempt() -> None:
    bulk = started(opened(inventory_request(tier="Bulk", followPages=True)), "job-1", NOW)
    hurried = joined_by(bulk, inventory_request("request-2", "Standard", followPages=True))
    waits = refused(claimed(hurried, NOW), Refusal.POLICY)
    looked = endings.due_now(waits, 1, job(waits, 1, "job-1"), NOW + 1000)
    assert looked is not None
    assert (looked.state, looked.due_at, set(looked.jobs)) == (State.IN_PROGRESS, NOW + 1000, {"1"})
    assert endings.due_now(looked, 1, job(waits, 1, "job-1"), NOW + 1000) is None


@pytest.mark.parametrize("older_job", [False, True])
@pytest.mark.parametrize("reply_first", [True, False])
def test_a_failure_ends_nothing_while_a_faster_attempt_is_wanted(reply_first: bool, older_job: bool) -> None:
    """Whichever comes first, InitiateJob's reply or the job's end."""
    record = opened()
    if older_job:
        bulk = started(opened(archive_request(tier="Bulk")), "job-1", NOW)
        record = claimed(joined_by(bulk, archive_request("standard")), NOW)
    record = joined_by(record, archive_request("fast", "Expedited"))
    attempt = record.attempt
    record = started(record, f"job-{attempt}", NOW) if reply_first else record
    left = _ended(record, attempt, "Failed")
    assert left.is_open
    assert left.requests["fast"].tier is Tier.EXPEDITED
    assert left.wanted_tier() is Tier.EXPEDITED
    assert (left.state, left.due_at) == (State.IN_PROGRESS if older_job else State.WAITING, NOW)


def test_what_glacier_fails_is_not_fallen_back_to_for_ever() -> None:
    """Someone insists on Expedited, for which there is no capacity; and each Standard job fails."""
    record = joined_by(opened(archive_request(tier="Expedited")), archive_request("b"))
    failures = 0
    for _ in range(3 * bounds.LOST_AT_MOST):
        tried = refused(claimed(released(record, NOW), NOW), Refusal.CAPACITY)
        if tried.tier is Tier.EXPEDITED:
            break
        running = started(claimed(tried, NOW), f"job-{tried.attempt + 1}", NOW)
        waits = attempts.upgraded(running, NOW)
        assert waits is not None
        record = _ended(waits, running.attempt, "Failed")
        failures += 1
    assert failures == bounds.LOST_AT_MOST


def test_a_duplicate_is_told_though_its_message_says_too_little() -> None:
    waits = attempts.absent(opened(inventory_request(followPages=True)), 1, NOW)
    assert waits is not None
    claim = claimed(waits, NOW)
    told = endings.due_now(claim, 1, job(claim, 1, "job-1"), NOW)
    assert told is not None
    assert (told.state, list(told.duplicates)) == (State.INITIATING, ["job-1"])
