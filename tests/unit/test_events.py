"""What a record tells is the same, word for word, when it is told again from the table later."""

from tests.unit.builders import DAY_MS, NOW, archive_request, job, joined_by, opened, started
from thaw import attempts, endings, joining, records
from thaw.capacity import Capacity, Intent, Short, Unit
from thaw.events import Event, Record, events
from thaw.retrieval import Reason
from thaw.tiers import Tier


def told(*written: Record) -> list[Event]:
    """By a record's writes, one after the other."""
    pairs = zip([None, *written], written, strict=False)
    return [event for old, new in pairs for event in events(old, new)]


def test_capacity_is_told_again_as_it_was_told() -> None:
    first, second = (
        Unit(capacity_id=name, start_date="2026-01-01T00:00:00Z", expiration_date="2026-02-01T00:00:00Z")
        for name in ("unit-1", "unit-2")
    )
    reason = Reason(code="MaxUnits", message="no more")
    short = Short(at=NOW, units=1, wanted=2, max_units=1, waiting=50, reason=reason)
    locked = Capacity(revision=1, lock="a", lock_until=NOW)
    bought = locked.changed(bought=[first])
    is_short = bought.changed(short=short)
    more = is_short.changed(intent=Intent(until=NOW, seen=[])).changed(bought=[*is_short.bought, second], intent=None)
    last = more.changed(lock=None)
    first_told = told(locked, bought, is_short, more, last)
    assert [event.detail["sequence"] for event in first_told] == [2, 3, 5]
    assert sorted(map(repr, told(last))) == sorted(map(repr, first_told))


def test_a_duplicate_is_told_again_as_it_was_told() -> None:
    running = started(opened(), "job-1", NOW)
    twice = attempts.started(running, 1, Tier.STANDARD, "job-1b", NOW)
    assert twice is not None
    later = attempts.still_running(twice, NOW + 30 * 3_600_000)
    assert later is not None
    (first_told,) = (event for event in told(running, twice) if event.detail_type == "Duplicate Job")
    assert first_told.detail["sequence"] == twice.revision < later.revision
    assert first_told in told(later)


def test_a_request_taken_back_is_told_again_as_it_was_told() -> None:
    request = archive_request("request-1")
    gone = records.taken_back("request-1", NOW)
    late = records.arrived_late(request, gone)
    codes = ["NotKnown", "CancelledBefore"]
    assert [event.detail["reason"]["code"] for event in told(gone, late)] == codes
    assert told(late) == told(gone, late)
    # A record that someone repairs by hand may change in ways that no write of ours does.
    odd = gone.model_copy(update={"cancelled": False})
    assert told(odd, gone) == told(gone)
    assert told(odd.model_copy(update={"contents": late.contents}), late) == told(late)


def test_what_was_told_of_units_stands_when_a_write_whose_reply_was_lost_is_decided_again() -> None:
    unit = Unit(capacity_id="unit-1", start_date="2026-01-01T00:00:00Z", expiration_date="2026-02-01T00:00:00Z")
    short = Short(at=NOW, units=1, wanted=2, max_units=1, waiting=50, reason=Reason(code="MaxUnits", message="no more"))
    first = Capacity(revision=3, lock="a").changed(bought=[unit], short=short)
    others = first.changed(again=True)
    decided_again = others.changed(bought=[unit], short=short)
    assert told(first, others, decided_again) == told(first)


def test_who_joins_while_a_faster_job_is_waited_for_that_is_not_needed_any_more_is_told_that_one_runs() -> None:
    running = started(opened(), "job-1", NOW)
    hurried = joined_by(running, archive_request("fast", "Expedited"))
    joined = joined_by(hurried, archive_request("slow", "Bulk"))
    left = joining.cancel(joined, "fast", NOW)
    assert left is not None
    last = [event for event in told(running, hurried, joined, left) if event.detail["requestId"] == "slow"]
    assert [(event.detail_type, event.detail["jobId"]) for event in last] == [("Retrieval Initiated", "job-1")]
    assert last[0] in told(left)


def test_no_event_has_the_id_of_one_that_was_told_of_the_same_request_when_its_first_records_had_expired() -> None:
    lives = [started(opened(now_ms=at_ms), f"job-{at_ms}", at_ms) for at_ms in (NOW, NOW + 140 * DAY_MS)]
    (first,), (again,) = (told(each) for each in lives)
    assert first.detail["retrievalId"] == again.detail["retrievalId"]
    assert first.detail["eventId"] != again.detail["eventId"]


def test_a_cancelled_request_keeps_the_tier_with_which_it_was_told() -> None:
    running = started(opened(), "job-1", NOW)
    first = joined_by(running, archive_request("first", "Expedited"))
    second = joined_by(first, archive_request("second", "Expedited"))
    left = joining.cancel(second, "second", NOW)
    assert left is not None
    refused = attempts.failed(left, Reason(code="AccessDeniedException", message="No."), NOW)
    (cancelled,) = (event for event in told(second, left) if event.detail_type == "Retrieval Cancelled")
    assert (refused.requests["first"].tier, cancelled.detail["tier"]) == (Tier.STANDARD, "Expedited")
    assert cancelled in told(refused)


def test_a_delay_is_told_again_as_it_was_told_though_its_job_is_looked_at_sooner() -> None:
    hurried = joined_by(started(opened(), "job-1", NOW), archive_request("fast", "Expedited"))
    goes_on = attempts.failed(hurried, Reason(code="AccessDeniedException", message="No."), NOW)
    old_message = job(goes_on, 1, "job-1")
    sooner = endings.due_now(goes_on, 1, old_message, NOW)
    assert sooner is not None
    assert (goes_on.due_at or 0) > (sooner.due_at or 0) == NOW
    assert told(sooner) == told(hurried, goes_on)[-len(told(sooner)) :] != []
