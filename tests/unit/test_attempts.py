"""What follows from an attempt: each answer of Glacier's, and none."""

import pytest

from tests.unit.builders import (
    DAY_MS,
    NO_CAPACITY,
    NOW,
    REASON,
    archive_request,
    claimed,
    job,
    joined_by,
    on_two_jobs,
    opened,
    refused,
    released,
    started,
)
from thaw import attempts, bounds, endings, joining
from thaw.refusals import Refusal
from thaw.retrieval import EXPEDITED_BACKLOG, SLOT_ON_DEMAND, SLOT_UNIT, Reason, Retrieval
from thaw.states import State
from thaw.tiers import Tier, first_look_seconds


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
    late = job(starting, 2, "job-2", status, Tier="Standard")
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
    assert known.doubt is None
    over = endings.ended(known, 2, late if late.is_over else job(starting, 2, "job-2"), NOW) or known
    assert (over.sequence, over.jobs["2"].ended_at is not None) == (served.sequence, True)
    assert endings.ended(over, 2, job(starting, 2, "job-2"), NOW) is None


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
    mended = refused(claimed(record, NOW), Refusal.POLICY, NOW + 3 * DAY_MS)
    assert refused(claimed(mended, NOW), Refusal.DENIED, NOW + 4 * DAY_MS).state is State.WAITING


def test_a_throttle_or_no_answer_says_nothing_of_a_permission() -> None:
    denied = refused(opened(), Refusal.DENIED)
    throttled = refused(claimed(denied, NOW + DAY_MS), Refusal.THROTTLED, NOW + 3 * DAY_MS)
    assert (throttled.state, throttled.denied_since) == (State.WAITING, denied.denied_since)
    unsure = attempts.unknown(claimed(throttled, NOW + 3 * DAY_MS), 3, REASON)
    assert unsure is not None
    assert unsure.denied_since == denied.denied_since
    again = attempts.absent(unsure, 3, NOW + 3 * DAY_MS)
    assert again is not None
    assert refused(claimed(again, NOW), Refusal.DENIED, NOW + 3 * DAY_MS).state is State.FAILED


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
    record, delays_seconds = opened(), []
    for _ in range(3):
        lost = attempts.absent(record, record.attempt, NOW)
        assert lost is not None
        delays_seconds.append(((lost.due_at or 0) - NOW) // 1000)
        record = claimed(lost, NOW)
    assert tuple(delays_seconds) == bounds.UNCONFIRMED_DELAYS_SECONDS
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


def test_who_accepts_the_tier_of_a_job_in_progress_shares_it_where_there_is_no_capacity() -> None:
    asked = archive_request("request-2", "Expedited", expeditedFallback="Standard")
    both = joined_by(started(opened(), "job-1", NOW), asked)
    shared = refused(claimed(released(both, NOW), NOW), Refusal.CAPACITY, reason=NO_CAPACITY)
    assert (shared.state, shared.tier, set(shared.jobs)) == (State.IN_PROGRESS, Tier.STANDARD, {"1"})
    assert shared.reason is not None
    assert shared.reason.message.endswith("Falls back to Standard.")
    assert not attempts.wants_faster(shared)


@pytest.mark.parametrize("again", ["throttled", "given back", "absent"])
def test_who_fell_back_does_not_wait_for_who_insists(again: str) -> None:
    record = joined_by(
        opened(archive_request(tier="Expedited")), archive_request("b", "Expedited", expeditedFallback="Standard")
    )
    fallen = refused(claimed(released(record, NOW), NOW), Refusal.CAPACITY)
    claim = claimed(fallen, NOW)
    if again == "throttled":
        after: Retrieval | None = refused(claim, Refusal.THROTTLED)
    else:
        after = (attempts.given_back if again == "given back" else attempts.absent)(claim, claim.attempt, NOW)
    assert after is not None
    assert (after.state, after.tier, after.due_in == EXPEDITED_BACKLOG) == (State.WAITING, Tier.STANDARD, False)


def test_denials_before_glacier_had_no_room_are_not_counted_against_the_fallback() -> None:
    """Whoever is told that there is no room was allowed to ask."""
    denied = refused(hasty(SLOT_ON_DEMAND, expeditedFallback="Bulk"), Refusal.DENIED)
    later_ms = NOW + (bounds.DENIED_AT_MOST_SECONDS - 60) * 1000
    fallen = refused(claimed(released(denied, later_ms), later_ms), Refusal.CAPACITY, later_ms, NO_CAPACITY)
    assert (fallen.state, fallen.tier) == (State.WAITING, Tier.BULK)
    again = refused(claimed(fallen, later_ms), Refusal.DENIED, later_ms + 3_600_000)
    assert again.state is State.WAITING


def test_denials_to_start_are_not_counted_against_the_look_for_a_job() -> None:
    """Of what was started after two days without permission nobody gives up because of them."""
    denied = refused(opened(), Refusal.DENIED)
    later_ms = NOW + (bounds.DENIED_AT_MOST_SECONDS - 60) * 1000
    unsure = attempts.unknown(claimed(refused(claimed(denied, later_ms), Refusal.DENIED), later_ms), 3, REASON)
    assert unsure is not None
    first_ms = later_ms + 3_600_000
    looked = attempts.unseen(unsure, Refusal.DENIED, REASON, first_ms)
    assert looked is not None
    assert looked.state is State.INITIATING
    last_ms = first_ms + (bounds.DENIED_AT_MOST_SECONDS + 1) * 1000
    given_up = attempts.unseen(looked, Refusal.DENIED, REASON, last_ms)
    assert given_up is not None
    assert given_up.state is State.FAILED


def test_a_look_that_is_put_off_says_until_when() -> None:
    """Whatever was told before of the job."""
    running = started(opened(), "job-1", NOW)
    looked = attempts.unseen(running, Refusal.DENIED, REASON, NOW + DAY_MS)
    assert looked is not None
    sooner = endings.due_now(looked, 1, job(looked, 1, "job-1"), NOW + DAY_MS + 1000)
    assert sooner is not None
    again = attempts.unseen(sooner, Refusal.DENIED, REASON, NOW + DAY_MS + 2000)
    assert again is not None
    assert attempts.told_until(again) == again.due_at


def test_who_fell_back_beside_a_job_that_should_have_ended_does_not_wait_for_who_insists() -> None:
    late_ms = NOW + 14 * 3_600_000
    bulk = started(opened(archive_request(tier="Bulk")), "job-1", NOW)
    both = joined_by(bulk, archive_request("b", "Expedited"), late_ms)
    both = joined_by(both, archive_request("c", "Expedited", expeditedFallback="Standard"), late_ms)
    fallen = refused(claimed(released(both, late_ms), late_ms), Refusal.CAPACITY, late_ms)
    delayed = refused(claimed(fallen, late_ms), Refusal.THROTTLED, late_ms)
    assert (delayed.state, delayed.tier) == (State.IN_PROGRESS, Tier.STANDARD)
    assert delayed.due_at is not None
    again = attempts.still_running(delayed, delayed.due_at)
    assert again is not None
    assert (again.state, again.tier) == (State.WAITING, Tier.STANDARD)


def test_an_accepted_fallback_is_remembered_though_someone_else_insists() -> None:
    running = joined_by(
        started(opened(), "job-1", NOW), archive_request("b", "Expedited", expeditedFallback="Standard")
    )
    both = joined_by(running, archive_request("c", "Expedited"))
    waits = refused(claimed(released(both, NOW), NOW), Refusal.CAPACITY, reason=NO_CAPACITY)
    assert waits.state is State.WAITING
    left = joining.cancel(waits, "c", NOW)
    assert left is not None
    assert (left.state, left.tier, set(left.jobs)) == (State.IN_PROGRESS, Tier.STANDARD, {"1"})


def test_who_is_not_allowed_to_look_gives_up_two_days_after_the_newest_job() -> None:
    running = started(opened(), "job-1", NOW)
    looked = attempts.unseen(running, Refusal.DENIED, REASON, NOW + DAY_MS)
    assert looked is not None
    hurried = joined_by(looked, archive_request("fast", "Expedited"), NOW + 2 * DAY_MS)
    both = started(claimed(released(hurried, NOW + 2 * DAY_MS), NOW + 2 * DAY_MS), "job-2", NOW + 2 * DAY_MS)
    two_days_ms = (bounds.DENIED_AT_MOST_SECONDS + 1) * 1000
    still = attempts.unseen(both, Refusal.DENIED, REASON, NOW + DAY_MS + two_days_ms)
    assert still is not None
    assert still.state is State.IN_PROGRESS, "beside a job begun a day ago"
    failed = attempts.unseen(both, Refusal.DENIED, REASON, NOW + 2 * DAY_MS + two_days_ms)
    assert failed is not None
    assert failed.state is State.FAILED
    seen = attempts.still_running(both, NOW + 3 * DAY_MS)
    assert seen is not None
    assert seen.unseen_since is None


def test_who_is_not_allowed_to_look_for_a_claim_of_unknown_age_gives_up_as_well() -> None:
    """In a damaged record nothing says when the claim was taken, and there is no job beside it."""
    damaged = claimed(opened(), NOW).model_copy(update={"claim_until": None})
    looked = attempts.unseen(damaged, Refusal.DENIED, REASON, NOW + DAY_MS)
    assert looked is not None
    assert looked.state is State.INITIATING
    failed = attempts.unseen(looked, Refusal.DENIED, REASON, NOW + DAY_MS + (bounds.DENIED_AT_MOST_SECONDS + 1) * 1000)
    assert failed is not None
    assert failed.state is State.FAILED


def test_a_denial_that_is_over_is_no_reason_why_a_start_came_to_nothing() -> None:
    """For two hours nobody was allowed to list jobs; then the listing does not have it, for the fourth time."""
    record = opened().model_copy(update={"lost": bounds.LOST_AT_MOST - 1})
    denied = attempts.unseen(record, Refusal.DENIED, REASON, NOW + DAY_MS)
    assert denied is not None
    failed = attempts.absent(denied, 1, NOW + DAY_MS + 7_200_000)
    assert failed is not None
    assert failed.reason is not None
    assert (failed.state, failed.reason.code) == (State.FAILED, attempts.CODE_OUTCOME_UNKNOWN)
