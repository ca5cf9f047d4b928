"""How requests share a retrieval, and how one is taken back."""

from typing import Any

import pytest

from tests.unit.builders import (
    NO_CAPACITY,
    NOW,
    REASON,
    archive_request,
    claimed,
    inventory_request,
    job,
    joined_by,
    on_two_jobs,
    opened,
    opened_anew,
    refused,
    released,
    started,
)
from thaw import attempts, bounds, endings, joining
from thaw.joining import CancelRefused, Join, NotJoinedYet
from thaw.refusals import Refusal
from thaw.retrieval import EXPEDITED_BACKLOG, Doubt, Retrieval
from thaw.states import State
from thaw.tiers import Tier

HOUR_MS = 3_600_000
AVAILABLE_UNTIL = 1_767_240_000_000 + 24 * HOUR_MS
"""Of the jobs that the builders complete: 24 hours after 2026-01-01T04:00Z."""


def succeeded() -> Retrieval:
    running = started(opened(), "job-1", NOW)
    done = endings.ended(running, 1, job(running, 1, "job-1"), NOW + 4 * HOUR_MS)
    assert done is not None
    return done


def joined(record: Retrieval, name: str = "request-2", tier: str = "Standard", now_ms: int = NOW) -> Retrieval:
    return joined_by(record, archive_request(name, tier), now_ms)


def test_a_plain_request_is_claimed_at_once_and_an_expedited_one_waits_for_its_release() -> None:
    plain, hasty = opened(), opened(archive_request(tier="Expedited"))
    assert (plain.state, plain.attempt, plain.due_in) == (State.INITIATING, 1, plain.due_in)
    assert (hasty.state, hasty.attempt, hasty.due_in) == (State.WAITING, 0, EXPEDITED_BACKLOG)
    foreign = opened(archive_request(tier="Expedited"), foreign=True)
    assert foreign.state is State.INITIATING, "no unit of ours serves another account's vault"


def test_a_repeated_request_is_in_already() -> None:
    assert joining.join(opened(), archive_request(tier="Bulk"), NOW) is Join.ALREADY
    assert joining.join(succeeded(), archive_request(), NOW) is Join.ALREADY


def test_what_waits_takes_the_faster_of_the_two_tiers() -> None:
    slow = refused(opened(archive_request(tier="Bulk")))
    assert joined(slow, tier="Standard").tier is Tier.STANDARD
    hurried = joined(slow, tier="Expedited")
    assert (hurried.tier, hurried.due_in, hurried.due_at) == (Tier.EXPEDITED, EXPEDITED_BACKLOG, NOW)
    assert joined(refused(opened()), tier="Bulk").tier is Tier.STANDARD


def test_what_is_in_progress_gets_a_further_attempt_at_a_faster_tier_only() -> None:
    running = started(opened(), "job-1", NOW)
    assert joined(running, tier="Bulk").state is State.IN_PROGRESS
    assert joined(running, tier="Standard").state is State.IN_PROGRESS
    again = joined(running, tier="Expedited")
    assert (again.state, again.tier, set(again.jobs)) == (State.WAITING, Tier.EXPEDITED, {"1"})


def test_the_first_output_serves_everyone() -> None:
    both = on_two_jobs()
    done = endings.ended(both, 1, job(both, 1, "job-1", Tier="Standard"), NOW)
    assert done is not None
    assert (done.state, done.served_by, done.job_id, done.tier) == (State.SUCCEEDED, 1, "job-1", Tier.STANDARD)
    other = endings.ended(done, 2, job(both, 2, "job-2"), NOW)
    assert other is not None
    noted = {"2": done.jobs["2"].model_copy(update={"ended_at": AVAILABLE_UNTIL - 24 * HOUR_MS})}
    assert other == done.model_copy(update={"revision": done.revision + 1, "jobs": noted}), "for who comes later"
    assert endings.ended(other, 2, job(both, 2, "job-2"), NOW) is None


def test_a_finished_one_is_joined_while_its_output_is_worth_it() -> None:
    last_ms = AVAILABLE_UNTIL - bounds.OUTPUT_WORTH_JOINING_SECONDS * 1000
    assert joined(succeeded(), now_ms=last_ms).state is State.SUCCEEDED
    assert joining.join(succeeded(), archive_request("late"), last_ms + 1) is Join.OVER


def test_neither_a_failure_nor_a_finished_inventory_is_joined() -> None:
    failure = refused(opened(), Refusal.PERMANENT)
    assert joining.join(failure, archive_request("late"), NOW) is Join.OVER
    running = started(opened(inventory_request()), "job-1", NOW)
    assert isinstance(joining.join(running, inventory_request("second"), NOW), Retrieval)
    done = endings.ended(running, 1, job(running, 1, "job-1"), NOW)
    assert done is not None
    assert joining.join(done, inventory_request("late"), NOW) is Join.OVER


def test_a_record_takes_a_hundred_requests() -> None:
    record = opened()
    for number in range(2, 101):
        record = joined(record, f"request-{number}")
    assert len(record.requests) == 100
    assert joining.join(record, archive_request("one-more"), NOW) is Join.FULL
    assert joining.join(record, archive_request("request-7"), NOW) is Join.ALREADY


# Taking back


def test_what_has_not_started_is_taken_back() -> None:
    waits = refused(opened())
    gone = joining.cancel(waits, "request-1", NOW)
    assert gone is not None
    assert (gone.state, gone.due_at) == (State.CANCELLED, None)
    assert joining.cancel(gone, "request-1", NOW) is None


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (opened(), "AlreadyStarted"),
        (started(opened(), "job-1", NOW), "AlreadyStarted"),
        (succeeded(), "AlreadyEnded"),
        (refused(opened(), Refusal.PERMANENT), "AlreadyEnded"),
    ],
)
def test_what_has_started_is_not_taken_back(record: Retrieval, code: str) -> None:
    with pytest.raises(CancelRefused) as told:
        joining.cancel(record, "request-1", NOW)
    assert told.value.code == code


def test_a_request_that_is_still_on_its_way_is_waited_for() -> None:
    with pytest.raises(NotJoinedYet):
        joining.cancel(opened(), "request-9", NOW)


def test_without_the_hasty_one_the_others_go_on_at_their_own_tier() -> None:
    waits = joined(refused(opened(archive_request(tier="Bulk"))), "hasty", "Expedited")
    slower = joining.cancel(waits, "hasty", NOW)
    assert slower is not None
    assert (slower.state, slower.tier, slower.due_in == EXPEDITED_BACKLOG) == (State.WAITING, Tier.BULK, False)


def test_without_the_hasty_one_a_job_in_progress_goes_on() -> None:
    hurried = joined(started(opened(), "job-1", NOW), "hasty", "Expedited")
    back = joining.cancel(hurried, "hasty", NOW)
    assert back is not None
    assert (back.state, back.tier, set(back.jobs)) == (State.IN_PROGRESS, Tier.STANDARD, {"1"})
    with pytest.raises(CancelRefused):
        joining.cancel(hurried, "request-1", NOW)


def test_taking_back_one_never_hurries_the_others() -> None:
    """A and C accept Standard where there is no capacity, B insists on Expedited; C is taken back."""
    record = opened(archive_request("a", "Expedited", expeditedFallback="Standard"))
    record = joined(record, "b", "Expedited")
    more = joined_by(record, archive_request("c", "Expedited", expeditedFallback="Standard"))
    fallen = refused(claimed(released(more, NOW), NOW), Refusal.CAPACITY)
    assert fallen.tier is Tier.STANDARD
    left = joining.cancel(fallen, "c", NOW)
    assert left is not None
    assert (left.tier, left.due_in) == (Tier.STANDARD, fallen.due_in)


def test_without_the_only_one_who_fell_back_the_others_go_on_at_their_own_tier() -> None:
    """Else a job would be begun for nobody."""
    record = joined(opened(archive_request(tier="Expedited")), "b", "Standard")
    fallen = refused(claimed(released(record, NOW), NOW), Refusal.CAPACITY)
    assert fallen.tier is Tier.STANDARD
    left = joining.cancel(fallen, "b", NOW)
    assert left is not None
    assert (left.state, left.tier, left.due_in) == (State.WAITING, Tier.EXPEDITED, EXPEDITED_BACKLOG)


@pytest.mark.parametrize("tier", ["Bulk", "Expedited"])
def test_who_joins_cuts_no_delay_short(tier: str) -> None:
    """A job that should have ended runs on, and a faster attempt beside it was refused."""
    now_ms = NOW + 6 * 3_600_000
    hurried = joined(started(opened(), "job-1", NOW), "b", "Expedited", now_ms)
    waits = refused(claimed(released(hurried, now_ms), now_ms), Refusal.THROTTLED, now_ms)
    assert (waits.state, waits.due_at) > (State.IN_PROGRESS, now_ms)
    more = joined(waits, "c", tier, now_ms + 1)
    assert (more.state, more.due_at, more.reason) == (State.IN_PROGRESS, waits.due_at, REASON)


def test_who_wants_a_faster_one_than_was_refused_waits_for_no_delay() -> None:
    late_ms = NOW + 14 * HOUR_MS
    bulk = started(opened(archive_request(tier="Bulk")), "job-1", NOW)
    waits = refused(claimed(joined(bulk, "b", "Standard", late_ms), late_ms), Refusal.POLICY, late_ms)
    assert waits.state is State.IN_PROGRESS
    hurried = joined(waits, "c", "Expedited", late_ms + 1)
    assert (hurried.state, hurried.due_in, hurried.due_at) == (State.WAITING, EXPEDITED_BACKLOG, late_ms + 1)


def test_who_joins_does_not_forestall_the_look_at_a_job_that_is_said_to_be_completed() -> None:
    bulk = started(opened(inventory_request(tier="Bulk", followPages=True)), "job-1", NOW)
    hurried = joined_by(bulk, inventory_request("request-2", "Standard", followPages=True))
    waits = refused(claimed(hurried, NOW))
    due = endings.due_now(waits, 1, job(waits, 1, "job-1"), NOW + 1000)
    assert due is not None
    more = joined_by(due, inventory_request("request-3", "Bulk", followPages=True), NOW + 1001)
    assert (more.state, more.due_at) == (State.IN_PROGRESS, NOW + 1000)


# Pages of an inventory


def page(marker: str | None, **asked: Any) -> Retrieval:
    running = started(opened(inventory_request(**{"followPages": True, **asked})), "job-1", NOW)
    return ended_page(running, marker)


def ended_page(running: Retrieval, marker: str | None) -> Retrieval:
    (attempt, mine) = running.newest_job or (0, None)
    assert mine is not None
    done = job(running, attempt, mine.job_id, InventoryRetrievalParameters={"Marker": marker}, Tier=mine.tier)
    ended = endings.ended(running, attempt, done, NOW)
    assert ended is not None
    return ended


def test_the_next_page_begins_where_the_last_ended() -> None:
    part = {"InventoryRetrievalParameters": {"Limit": "10", "StartDate": "2013-03-20T17:03:43Z"}, "Format": "CSV"}
    ended = page("here", tier="Bulk", jobParameters=part, context={"case": 7})
    following = joining.next_page("table", ended, NOW)
    assert following is not None
    assert following.inventory == ended.inventory.model_copy(update={"marker": "here"}) if ended.inventory else None
    assert (following.page, following.pages, following.tier) == (2, ["job-1"], Tier.BULK)
    assert following.requests["request-1"].context == '{"case":7}'
    assert following.key != ended.key
    assert joining.next_page("table", ended, NOW) == following, "made again it is the same"


def test_the_next_page_is_asked_for_as_fast_as_anyone_wants_though_a_slower_job_served() -> None:
    bulk = started(opened(inventory_request(tier="Bulk", followPages=True)), "job-1", NOW)
    hurried = joined_by(bulk, inventory_request("request-2", "Standard", followPages=True))
    ended = ended_page(hurried, "here")
    assert ended.tier is Tier.BULK
    following = joining.next_page("table", ended, NOW)
    assert following is not None
    assert following.tier is Tier.STANDARD


def test_the_next_page_is_asked_for_at_the_tier_whose_job_failed_where_a_slower_one_served() -> None:
    bulk = started(opened(inventory_request(tier="Bulk")), "job-1", NOW)
    hurried = joined_by(bulk, inventory_request("request-2", "Standard", followPages=True))
    both = started(claimed(hurried, NOW), "job-2", NOW)
    left = endings.ended(both, 2, job(both, 2, "job-2", StatusCode="Failed"), NOW)
    assert left is not None
    assert (left.state, left.wanted_tier()) == (State.IN_PROGRESS, Tier.BULK)
    following = joining.next_page("table", ended_page(left, "here"), NOW)
    assert following is not None
    (asker,) = following.requests.values()
    assert (following.tier, asker.tier, asker.asked) == (Tier.STANDARD, Tier.STANDARD, None)


def test_who_took_a_request_back_hears_nothing_of_the_next_page() -> None:
    """They were told of its cancellation, once."""
    throttled = refused(opened(inventory_request(followPages=True)))
    left = joining.cancel(joined_by(throttled, inventory_request("request-2", followPages=True)), "request-1", NOW)
    assert left is not None
    running = started(claimed(left, NOW), "job-1", NOW)
    following = joining.next_page("table", ended_page(running, "here"), NOW)
    assert following is not None
    assert list(following.requests) == ["request-2"]


def test_the_next_page_is_of_those_who_want_it_and_no_faster_than_they_ask() -> None:
    shared = started(opened(inventory_request()), "job-1", NOW)
    for name, asked in {"request-2": {"followPages": True}, "request-3": {}}.items():
        shared = joined_by(shared, inventory_request(name, "Bulk", **asked))
    ended = ended_page(shared, "here")
    following = joining.next_page("table", ended, NOW)
    assert following is not None
    assert (list(following.requests), following.tier) == (["request-2"], Tier.BULK)
    assert {name: _why_not_cancelled(ended, name) for name in ended.requests} == {
        "request-1": "AlreadyEnded",
        "request-2": "AlreadyStarted",
        "request-3": "AlreadyEnded",
    }


def test_what_was_stored_as_followed_for_all_of_its_requests_is_followed_for_each() -> None:
    stored = page("here", followPages=False).item() | {"followPages": True}
    assert list(Retrieval.model_validate(stored).followers()) == ["request-1"]
    assert not Retrieval.model_validate(stored | {"followPages": False}).followers()


def _why_not_cancelled(record: Retrieval, request_id: str) -> str:
    with pytest.raises(CancelRefused) as told:
        joining.cancel(record, request_id, NOW)
    return told.value.code


def test_of_an_inventory_that_goes_on_it_is_not_said_that_it_has_ended() -> None:
    with pytest.raises(CancelRefused) as told:
        joining.cancel(page("here"), "request-1", NOW)
    assert (told.value.code, "pages that follow" in told.value.message) == ("AlreadyStarted", True)
    with pytest.raises(CancelRefused) as told:
        joining.cancel(page(None), "request-1", NOW)
    assert told.value.code == "AlreadyEnded"


def test_the_last_page_has_no_next() -> None:
    assert joining.next_page("table", page(None), NOW) is None
    most = page("here").model_copy(update={"page": bounds.PAGES_AT_MOST})
    assert joining.next_page("table", most, NOW) is None
    assert joining.next_page("table", page("here", followPages=False), NOW) is None


def left_over() -> Retrieval:
    """Served by job-2 at Expedited, while job-1 at Standard goes on."""
    both = on_two_jobs()
    done = endings.ended(both, 2, job(both, 2, "job-2", Tier="Expedited"), NOW)
    assert done is not None
    assert set(done.jobs) == {"1"}
    return done


def test_the_next_generation_takes_over_the_jobs_that_are_left() -> None:
    anew = opened_anew(left_over(), archive_request("later", "Bulk"), NOW + 26 * HOUR_MS)
    assert (anew.state, anew.generation, anew.attempt, anew.taken_over) == (State.IN_PROGRESS, 2, 2, 2)
    assert (anew.jobs, anew.tier, anew.claim) == (left_over().jobs, Tier.STANDARD, None)
    assert anew.due_at == NOW + 26 * HOUR_MS, "nobody has asked for it since"


def test_who_wants_it_faster_gets_an_attempt_when_the_jobs_that_are_left_were_looked_at() -> None:
    now_ms = NOW + 26 * HOUR_MS
    anew = opened_anew(left_over(), archive_request("later", "Expedited"), now_ms)
    assert (anew.state, anew.attempt, anew.due_at) == (State.IN_PROGRESS, 2, now_ms)
    joins = joined_by(anew, archive_request("also", "Expedited"), now_ms)
    assert (joins.state, joins.due_at) == (State.IN_PROGRESS, now_ms)
    running = attempts.still_running(joins, now_ms)
    assert running is not None
    assert (running.state, running.tier, set(running.jobs)) == (State.WAITING, Tier.EXPEDITED, {"1"})


def test_who_wants_it_faster_waits_for_no_look_that_is_denied() -> None:
    now_ms = NOW + 26 * HOUR_MS
    anew = opened_anew(left_over(), archive_request("later", "Expedited"), now_ms)
    denied = attempts.unseen(anew, Refusal.DENIED, REASON, now_ms)
    assert denied is not None
    assert (denied.state, denied.tier, denied.unseen_since) == (State.WAITING, Tier.EXPEDITED, now_ms)


def test_nobody_waits_longer_for_a_look_that_is_denied_than_what_is_left_can_be_of_use() -> None:
    anew = opened_anew(left_over(), archive_request("later", "Bulk"), NOW + 26 * HOUR_MS)
    denied = attempts.unseen(anew, Refusal.DENIED, REASON, NOW + 26 * HOUR_MS)
    assert denied is not None
    assert denied.state is State.IN_PROGRESS
    again = attempts.unseen(denied, Refusal.DENIED, REASON, NOW + 30 * HOUR_MS)
    assert again is not None
    assert (again.state, again.jobs, again.tier, again.reason) == (State.WAITING, {}, Tier.BULK, None)


def test_a_refusal_for_good_is_not_made_up_for_by_a_job_that_was_taken_over() -> None:
    now_ms = NOW + 26 * HOUR_MS
    running = attempts.still_running(opened_anew(left_over(), archive_request("later", "Expedited"), now_ms), now_ms)
    assert running is not None
    failed = refused(claimed(released(running, now_ms), now_ms), Refusal.PERMANENT, now_ms)
    assert (failed.state, failed.reason, set(failed.jobs)) == (State.FAILED, REASON, {"1"})
    again = opened_anew(failed, archive_request("again", "Bulk"), now_ms)
    assert (again.state, again.attempt, again.taken_over) == (State.IN_PROGRESS, 3, 3)


@pytest.mark.parametrize(
    ("end", "hours", "taken_over"),
    [
        ({"StatusCode": "Failed"}, 20, False),
        ({"CompletionDate": "2026-01-01T04:00:00.000Z"}, 22, True),
        ({"CompletionDate": "2026-01-01T04:00:00.000Z"}, 23, False),
        ({"CompletionDate": "2026-01-01T10:00:00.000Z"}, 28, True),
    ],
    ids=str,
)
def test_of_a_job_whose_end_was_told_it_is_known_whether_it_serves(
    end: dict[str, str], hours: int, taken_over: bool
) -> None:
    done = left_over()
    told = endings.ended(done, 1, job(done, 1, "job-1", **end), NOW + 11 * HOUR_MS)
    assert told is not None
    assert told.sequence == done.sequence, "it is told to nobody"
    anew = opened_anew(told, archive_request("later", "Bulk"), NOW + hours * HOUR_MS)
    assert bool(anew.jobs) == taken_over


def in_doubt(now_ms: int = NOW) -> Retrieval:
    """Served by job-1 at Bulk, while nobody knows whether a job at Standard was started."""
    slow = started(opened(inventory_request(tier="Bulk"), now_ms=now_ms), "job-1", now_ms)
    fast = joined_by(slow, inventory_request("fast", "Standard"), now_ms)
    claimed_ = claimed(fast, now_ms)
    done = endings.ended(claimed_, 1, job(claimed_, 1, "job-1", Tier="Bulk"), now_ms)
    assert done is not None
    assert (done.state, done.tier, done.doubt) == (
        State.SUCCEEDED,
        Tier.BULK,
        Doubt(tier=Tier.STANDARD, claim_until=now_ms + bounds.CLAIM_SECONDS * 1000, generation=1),
    )
    return done


def test_a_claim_in_doubt_is_taken_over_too() -> None:
    anew = opened_anew(in_doubt(), inventory_request("later", "Standard"), NOW + 60_000)
    assert (anew.state, anew.attempt, anew.tier) == (State.INITIATING, 2, Tier.STANDARD)
    assert anew.due_at == NOW + (bounds.CLAIM_SECONDS + bounds.SETTLED_AFTER_CLAIM_SECONDS) * 1000
    assert anew.tag == in_doubt().tag, "under which its job would be listed"
    running = attempts.started(anew, 2, Tier.STANDARD, "job-2", NOW + 600_000)
    assert running is not None
    assert (running.state, set(running.jobs)) == (State.IN_PROGRESS, {"2"})


def test_a_claim_taken_over_that_came_to_nothing_is_no_loss() -> None:
    anew = opened_anew(in_doubt(), inventory_request("later", "Bulk"), NOW + 60_000)
    again = attempts.absent(anew, 2, NOW + 600_000)
    assert again is not None
    assert (again.state, again.tier, again.lost, again.reason) == (State.WAITING, Tier.BULK, 0, None)
    assert claimed(again, NOW + 600_000).tag.generation == 2


def test_the_job_of_a_claim_that_was_taken_over_may_have_ended_meanwhile() -> None:
    anew = opened_anew(in_doubt(), inventory_request("later", "Standard"), NOW + 2 * HOUR_MS)
    ended_before = {"CompletionDate": "2026-01-01T01:00:00.000Z"}
    stale = endings.ended(anew, 2, job(anew, 2, "job-2", **ended_before), NOW + 3 * HOUR_MS)
    assert stale is not None
    assert (stale.state, stale.jobs) == (State.WAITING, {})
    ended_since = {"CompletionDate": "2026-01-01T02:30:00.000Z"}
    done = endings.ended(anew, 2, job(anew, 2, "job-2", **ended_since), NOW + 3 * HOUR_MS)
    assert done is not None
    assert (done.state, done.job_id) == (State.SUCCEEDED, "job-2")


def test_a_claim_in_doubt_that_is_settled_is_taken_over_as_its_job() -> None:
    known = attempts.started(in_doubt(), 2, Tier.STANDARD, "job-2", NOW + 60_000)
    assert known is not None
    assert (known.doubt, set(known.jobs)) == (None, {"2"})
    anew = opened_anew(known, inventory_request("later", "Standard"), NOW + 120_000)
    assert (anew.state, set(anew.jobs)) == (State.IN_PROGRESS, {"2"})


def test_nobody_waits_for_a_claim_in_doubt_of_days_ago() -> None:
    anew = opened_anew(in_doubt(), inventory_request("later", "Standard"), NOW + 30 * HOUR_MS)
    assert (anew.state, anew.attempt, anew.taken_over) == (State.INITIATING, 1, 0)


def test_a_job_that_can_be_of_no_use_any_more_is_not_taken_over() -> None:
    anew = opened_anew(left_over(), archive_request("later", "Bulk"), NOW + 30 * HOUR_MS)
    assert (anew.state, anew.attempt, anew.taken_over, anew.jobs) == (State.INITIATING, 1, 0, {})


@pytest.mark.parametrize(
    "end",
    [
        {"StatusCode": "Failed"},
        {"CompletionDate": "2026-01-01T05:00:00.000Z"},
        {"CompletionDate": "2025-12-31T04:00:00.000Z"},
    ],
    ids=str,
)
def test_a_job_taken_over_that_gives_nothing_costs_nothing(end: dict[str, str]) -> None:
    anew = opened_anew(left_over(), archive_request("later", "Standard"), NOW + 26 * HOUR_MS)
    again = endings.ended(anew, 1, job(anew, 1, "job-1", **end), NOW + 26 * HOUR_MS)
    assert again is not None
    assert (again.state, again.jobs, again.over, again.lost) == (State.WAITING, {}, [], 0)
    assert again.reason is None
    second = endings.ended(again, 1, job(anew, 1, "job-1", **end), NOW + 26 * HOUR_MS)
    assert second is None, "told once more it changes nothing"
    assert attempts.started(again, 1, Tier.STANDARD, "job-1", NOW + 26 * HOUR_MS) is None


def test_a_job_taken_over_that_has_gone_is_no_loss() -> None:
    anew = opened_anew(left_over(), archive_request("later", "Standard"), NOW + 26 * HOUR_MS)
    again = attempts.vanished(anew, 1, NOW + 26 * HOUR_MS)
    assert again is not None
    assert (again.state, again.lost, again.reason) == (State.WAITING, 0, None)


def test_a_delay_after_a_refusal_is_waited_out_though_a_job_taken_over_gives_nothing() -> None:
    late_ms = NOW + 26 * HOUR_MS
    anew = opened_anew(left_over(), archive_request("later", "Expedited"), late_ms)
    running = attempts.still_running(anew, late_ms)
    assert running is not None
    delayed = refused(claimed(released(running, late_ms), late_ms), now_ms=late_ms)
    assert (delayed.state, delayed.reason) == (State.IN_PROGRESS, REASON), "the job should have ended: it is looked at"
    again = attempts.vanished(delayed, 1, late_ms)
    assert again is not None
    assert (again.state, again.due_at, again.reason) == (State.WAITING, delayed.due_at, REASON)


def test_an_output_that_is_there_for_long_enough_serves_the_next_generation() -> None:
    anew = opened_anew(left_over(), archive_request("later", "Bulk"), NOW + 20 * HOUR_MS)
    done = endings.ended(anew, 1, job(anew, 1, "job-1", CompletionDate="2026-01-01T04:00:00.000Z"), NOW + 21 * HOUR_MS)
    assert done is not None
    assert (done.state, done.job_id, done.served_by) == (State.SUCCEEDED, "job-1", 1)


def test_what_an_inventory_had_listed_before_it_was_asked_for_anew_is_not_taken_over() -> None:
    slow = started(opened(inventory_request(tier="Bulk")), "job-1", NOW)
    fast = joining.join(slow, inventory_request("fast", "Standard"), NOW)
    assert isinstance(fast, Retrieval)
    both = started(claimed(fast, NOW), "job-2", NOW)
    done = endings.ended(both, 2, job(both, 2, "job-2"), NOW + 4 * HOUR_MS)
    assert done is not None
    anew = opened_anew(done, inventory_request("later", "Bulk"), NOW + 8 * HOUR_MS)
    before = endings.ended(anew, 1, job(anew, 1, "job-1", CompletionDate="2026-01-01T07:00:00.000Z"), NOW + 8 * HOUR_MS)
    assert before is not None
    assert before.state is State.WAITING
    since = endings.ended(anew, 1, job(anew, 1, "job-1", CompletionDate="2026-01-01T09:00:00.000Z"), NOW + 9 * HOUR_MS)
    assert since is not None
    assert since.state is State.SUCCEEDED


def three_tiers() -> Retrieval:
    """Served by job-2 at Standard, while job-1 goes on at Bulk, and an attempt at Expedited is in doubt."""
    slow = started(opened(archive_request(tier="Bulk")), "job-1", NOW)
    mid = started(claimed(joined_by(slow, archive_request("mid", "Standard")), NOW), "job-2", NOW)
    fast = claimed(released(joined_by(mid, archive_request("fast", "Expedited")), NOW), NOW)
    done = endings.ended(fast, 2, job(fast, 2, "job-2", Tier="Standard"), NOW)
    assert done is not None
    assert (done.doubt is not None, set(done.jobs)) == (True, {"1"})
    return done


def served_meanwhile() -> Retrieval:
    """The next generation, served by job-1 before anybody knew of the claim."""
    second = opened_anew(three_tiers(), archive_request("second", "Bulk"), NOW + 19 * HOUR_MS)
    ended = job(second, 1, "job-1", Tier="Bulk", CompletionDate="2026-01-01T03:00:00.000Z")
    served = endings.ended(second, 1, ended, NOW + 19 * HOUR_MS)
    assert served is not None
    assert (second.tag, served.state, served.doubt) == (three_tiers().tag, State.SUCCEEDED, second.doubt)
    return served


def test_a_claim_that_is_handed_on_keeps_its_tag() -> None:
    third = opened_anew(served_meanwhile(), archive_request("third", "Expedited"), NOW + 21 * HOUR_MS)
    assert (third.state, third.tag) == (State.INITIATING, three_tiers().tag)


def test_the_job_of_a_claim_that_was_taken_over_is_noted_after_the_end() -> None:
    started_late = attempts.started(served_meanwhile(), 3, Tier.EXPEDITED, "job-3", NOW + 19 * HOUR_MS)
    assert started_late is not None
    assert (started_late.doubt, set(started_late.jobs), started_late.duplicates) == (None, {"3"}, {})
    ended_late = endings.ended(served_meanwhile(), 3, job(three_tiers(), 3, "job-3", Tier=None), NOW + 19 * HOUR_MS)
    assert ended_late is not None
    assert (ended_late.doubt, ended_late.jobs["3"].tier, ended_late.duplicates) == (None, Tier.EXPEDITED, {})


def test_a_claim_that_is_known_not_to_have_started_a_job_is_in_doubt_no_more() -> None:
    for settled in (
        attempts.refused(in_doubt(), 2, Refusal.THROTTLED, REASON, NOW + 1000),
        attempts.given_back(in_doubt(), 2, NOW + 1000),
    ):
        assert settled is not None
        assert (settled.state, settled.doubt, settled.sequence) == (State.SUCCEEDED, None, in_doubt().sequence)


def test_a_claim_that_came_to_nothing_leaves_the_job_that_is_left() -> None:
    second = opened_anew(three_tiers(), archive_request("second", "Bulk"), NOW + 19 * HOUR_MS)
    on = attempts.absent(second, 3, NOW + 19 * HOUR_MS)
    assert on is not None
    assert (on.state, on.tier, set(on.jobs), on.doubt) == (State.IN_PROGRESS, Tier.BULK, {"1"}, None)


def test_the_job_of_a_claim_that_was_taken_over_is_looked_at_by_the_time_of_the_claim() -> None:
    anew = opened_anew(in_doubt(), inventory_request("later", "Standard"), NOW + 3 * HOUR_MS)
    running = attempts.started(anew, 2, Tier.STANDARD, "job-2", NOW + 3 * HOUR_MS)
    assert running is not None
    assert running.due_at == NOW + bounds.CLAIM_SECONDS * 1000 + 19_800_000, "five hours and a half after"


def test_after_a_fallback_nobody_waits_for_a_look_at_a_job_that_is_known_to_give_nothing() -> None:
    now_ms = NOW + 26 * HOUR_MS
    anew = opened_anew(left_over(), archive_request("later", "Expedited", expeditedFallback="Standard"), now_ms)
    running = attempts.still_running(anew, now_ms)
    assert running is not None
    fell = refused(claimed(released(running, now_ms), now_ms), Refusal.CAPACITY, now_ms, NO_CAPACITY)
    assert fell.state is State.IN_PROGRESS
    over = endings.ended(fell, 1, job(fell, 1, "job-1", "Failed"), now_ms + 1000)
    assert over is not None
    assert (over.state, over.due_at, over.tier) == (State.WAITING, now_ms + 1000, Tier.STANDARD)


def test_before_the_first_look_nobody_begins_a_faster_job_by_a_clock_that_is_behind() -> None:
    now_ms = NOW + 26 * HOUR_MS
    anew = opened_anew(left_over(), archive_request("later", "Bulk"), now_ms)
    joins = joined_by(anew, archive_request("faster", "Expedited"), now_ms - 500)
    assert (joins.state, joins.due_at) == (State.IN_PROGRESS, now_ms)


@pytest.mark.parametrize(("minutes", "goes_on"), [(10, False), (31, True)])
def test_who_wants_it_faster_waits_only_so_long_for_a_look_without_an_answer(minutes: int, goes_on: bool) -> None:
    now_ms = NOW + 20 * HOUR_MS
    anew = opened_anew(left_over(), archive_request("later", "Expedited"), now_ms)
    after = attempts.unseen(anew, Refusal.UNKNOWN, REASON, now_ms + minutes * 60_000)
    assert (after is not None) == goes_on
    if after is not None:
        assert (after.state, after.tier, after.unseen_since) == (State.WAITING, Tier.EXPEDITED, None)


def test_who_wants_it_faster_than_a_claim_in_doubt_waits_for_no_listing_that_is_denied() -> None:
    slow = started(opened(archive_request(tier="Bulk")), "job-1", NOW)
    mid = claimed(joined_by(slow, archive_request("mid", "Standard")), NOW)
    done = endings.ended(mid, 1, job(mid, 1, "job-1", Tier="Bulk", CompletionDate="2026-01-01T00:00:30.000Z"), NOW)
    assert done is not None
    assert done.doubt is not None
    now_ms = NOW + 20 * HOUR_MS
    anew = opened_anew(done, archive_request("later", "Expedited"), now_ms)
    assert (anew.state, anew.tier) == (State.INITIATING, Tier.STANDARD)
    denied = attempts.unseen(anew, Refusal.DENIED, REASON, now_ms)
    assert denied is not None
    assert (denied.state, denied.tier, denied.doubt) == (State.WAITING, Tier.EXPEDITED, None)


def test_a_look_that_was_denied_is_no_refusal_of_a_start() -> None:
    record = opened_anew(left_over(), archive_request("later", "Standard"), NOW + 20 * HOUR_MS)
    for hours in (20, 22, 24):
        looked = attempts.unseen(record, Refusal.DENIED, REASON, NOW + hours * HOUR_MS)
        assert looked is not None
        record = looked
    assert record.delays == 3
    again = attempts.vanished(record, 1, NOW + 26 * HOUR_MS)
    assert again is not None
    assert (again.state, again.delays, again.reason, again.unseen_since) == (State.WAITING, 0, None, None)
