"""What is bought for a backlog, and when each of it may start."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import NOW, archive_request, claimed, joined_by, opened, released, started, unit
from thaw import bounds, capacity, planning
from thaw.capacity import Settings, Slot, Unit
from thaw.planning import Demand, Plan, Waiting
from thaw.retrieval import Reason, Retrieval
from thaw.states import OPEN, State

MIB = 1024 * 1024
HOUR_SECONDS = 3600
FIVE_MINUTES_MS = 5 * 60 * 1000
HASTY = Settings(max_units=2, drain_within_seconds=300, try_beyond_guarantee=False)


def waiting(count: int, bytes_each: int | None = None, due_in_ms: int = 0) -> list[Waiting]:
    return [Waiting(f"retrieval-{number:05}", NOW + due_in_ms, bytes_each) for number in range(count)]


def settings(max_units: int = 2, hours: int = 1, beyond: bool = False) -> Settings:
    return Settings(max_units=max_units, drain_within_seconds=hours * HOUR_SECONDS, try_beyond_guarantee=beyond)


EXPIRIES = st.floats(-100, 40 * 86400) | st.floats(-100, 3000)
UNITS = st.lists(EXPIRIES, max_size=3).map(lambda ends: [unit(n, end) for n, end in enumerate(ends)])
BACKLOGS = st.lists(
    st.tuples(st.integers(-1000, 3000) | st.integers(3000, 30000), st.none() | st.integers(1, 200 * 1024 * MIB)),
    max_size=40,
).map(lambda each: [Waiting(f"retrieval-{n:02}", NOW + due * 1000, size) for n, (due, size) in enumerate(each)])
SETTINGS = st.builds(settings, st.integers(0, 4), st.integers(1, 48), st.booleans())


def slots_of(parts: list[tuple[int, int, int, int]], first_ms: int) -> list[Slot]:
    """Args: parts: of each the gap before it and its length in seconds, the units, and whose it is."""
    made, at = [], first_ms
    for gap_seconds, seconds, units, number in parts:
        starts_at = at + gap_seconds * 1000
        at = starts_at + seconds * 1000
        made.append(Slot(id=f"retrieval-{number:02}", starts_at=starts_at, ends_at=at, units=units))
    return made


SLOTS = st.builds(
    slots_of,
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(1, 400), st.integers(1, 2), st.integers(0, 80)),
        max_size=12,
        unique_by=lambda part: part[3],
    ),
    st.integers(-3600, 900).map(lambda seconds: NOW + seconds * 1000),
)
"""Some of them of what waits again."""


@given(units=UNITS, backlog=BACKLOGS, before=SLOTS, allowed=SETTINGS)
def test_a_plan_keeps_to_the_ceiling_and_buys_only_what_is_wanted(
    units: list[Unit], backlog: list[Waiting], before: list[Slot], allowed: Settings
) -> None:
    plan = planning.plan(units, backlog, before, NOW, allowed)
    serving = len(capacity.valid(units, NOW))
    assert plan.buy >= 0
    assert plan.buy == 0 or serving + plan.buy <= min(allowed.max_units, 2)
    assert plan.buy == 0 or (backlog and plan.wanted > serving)
    assert plan.wanted >= serving


@given(units=UNITS, backlog=BACKLOGS, before=SLOTS, allowed=SETTINGS)
def test_what_is_wanted_is_enough_and_one_less_is_not(
    units: list[Unit], backlog: list[Waiting], before: list[Slot], allowed: Settings
) -> None:
    """For what begins within the time to drain, and for what may get a slot now."""
    missing = planning.plan(units, backlog, before, NOW, allowed).wanted - len(capacity.valid(units, NOW))
    within = allowed.drain_within_seconds
    needed = {seconds: lacking(units, backlog, before, seconds) for seconds in (within, max(within, 900))}
    assert all(missing * seconds >= lack - 1e-6 * abs(lack) for seconds, lack in needed.items())
    assert missing == 0 or any((missing - 1) * seconds < lack for seconds, lack in needed.items())


def lacking(units: list[Unit], backlog: list[Waiting], before: list[Slot], seconds: int) -> float:
    """So many unit-seconds; none where nothing is due within the time."""
    until = NOW + seconds * 1000
    due, waits = [each for each in backlog if each.due_at <= until], {each.id for each in backlog}
    work = sum(max(100.0, (each.bytes or 0) / 150e6) for each in due)
    work += sum(
        slot.units * (slot.ends_at - max(NOW, slot.starts_at)) / 1000
        for slot in before
        if slot.ends_at > NOW and slot.starts_at <= until and slot.id not in waits
    )
    there = sum(min(seconds, (each.expires_ms - NOW) / 1000) for each in capacity.valid(units, NOW))
    return work - there if due else 0.0


@given(units=UNITS, backlog=BACKLOGS, before=SLOTS, allowed=SETTINGS)
def test_after_the_plan_is_carried_out_nothing_more_is_bought(
    units: list[Unit], backlog: list[Waiting], before: list[Slot], allowed: Settings
) -> None:
    plan = planning.plan(units, backlog, before, NOW, allowed)
    bought = [unit(10 + number, 28 * 86400) for number in range(plan.buy)]
    assert planning.plan(units + bought, backlog, [], NOW, allowed).buy == 0


@pytest.mark.parametrize(
    ("retrievals", "max_units", "buys", "wants"),
    [(1, 0, 0, 1), (1, 2, 1, 1), (36, 2, 1, 1), (37, 2, 2, 2), (72, 1, 1, 2), (73, 2, 2, 3), (1000, 2, 2, 28)],
)
def test_a_unit_is_worth_36_retrievals_an_hour(retrievals: int, max_units: int, buys: int, wants: int) -> None:
    plan = planning.plan([], waiting(retrievals), [], NOW, settings(max_units))
    assert plan == Plan(buy=buys, wanted=wants)


def test_bytes_count_where_they_take_longer_than_the_guarantee() -> None:
    """45 GB are 300 seconds of a unit: three slots."""
    assert planning.plan([], waiting(12, 45 * 10**9), [], NOW, settings()).buy == 1
    assert planning.plan([], waiting(13, 45 * 10**9), [], NOW, settings()).buy == 2


def test_nothing_is_bought_where_nothing_waits() -> None:
    assert planning.plan([], [], [], NOW, settings()) == Plan(buy=0, wanted=0)
    busy = [Slot(id="retrieval-1", starts_at=NOW, ends_at=NOW + 10**7, units=1)]
    assert planning.plan([unit(1)], [], busy, NOW, settings()) == Plan(buy=0, wanted=1)


def test_a_units_end_is_glaciers_to_say() -> None:
    """31 January to 28 February: the month's end is read, never computed."""
    ends = Unit(capacity_id="unit", start_date="2026-01-31T12:00:00.000Z", expiration_date="2026-02-28T12:00:00.000Z")
    end_ms = 1_772_280_000_000
    assert capacity.valid([ends], end_ms - 1) == [ends]
    assert capacity.valid([ends], end_ms) == []
    assert planning.plan([ends], waiting(1), [], end_ms - 100_000, settings()).buy == 0
    assert planning.plan([ends], waiting(1), [], end_ms - 99_000, settings()).buy == 1


@given(units=UNITS, backlog=BACKLOGS, before=SLOTS)
def test_slots_keep_the_guarantee_in_every_five_minutes(
    units: list[Unit], backlog: list[Waiting], before: list[Slot]
) -> None:
    serving = capacity.valid(units, NOW)
    slots = planning.slots(backlog, units, before, NOW, settings())
    times = [slot_at for _, slot_at in slots.given]
    waits, new = {each.id for each in backlog}, {each.id for each, _ in slots.given}
    assert {slot.id for slot in slots.taken} - new == {slot.id for slot in before if slot.ends_at > NOW} - waits
    if not serving:
        return
    assert times == sorted(times)
    assert new <= {slot.id for slot in slots.taken}
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(slots.taken)), "no time is given twice"
    for at in times:
        in_window = [each for each in times if at <= each < at + FIVE_MINUTES_MS]
        there = [each for each in serving if each.expires_ms > in_window[-1]]
        assert len(in_window) <= 3 * len(there), "3 in 5 minutes for each unit that is still there"


@given(units=UNITS, backlog=BACKLOGS, before=SLOTS, beyond=st.booleans())
def test_a_slot_is_never_before_its_retrieval_is_due_and_near_enough_for_the_queue(
    units: list[Unit], backlog: list[Waiting], before: list[Slot], beyond: bool
) -> None:
    given_out = planning.slots(backlog, units, before, NOW, settings(beyond=beyond)).given
    assert len({each.id for each, _ in given_out}) == len(given_out)
    for each, slot_at in given_out:
        assert max(NOW, each.due_at) <= slot_at <= NOW + bounds.RESUME_DELAY_AT_MOST_SECONDS * 1000


@pytest.mark.parametrize(("units", "rate"), [(1, 3), (2, 6)])
def test_a_long_backlog_drains_at_the_guaranteed_rate(units: int, rate: int) -> None:
    """Run after run, an hour long: neither faster than the guarantee nor slower."""
    serving = [unit(number) for number in range(units)]
    backlog, before, times = waiting(500), list[Slot](), list[int]()
    for minute in range(0, 60, 5):
        now_ms = NOW + minute * 60_000
        slots = planning.slots(backlog, serving, before, now_ms, settings())
        before = slots.taken
        times += [slot_at for _, slot_at in slots.given]
        gone = {each.id for each, _ in slots.given}
        backlog = [each for each in backlog if each.id not in gone]
    assert len([at for at in times if at < NOW + 3_600_000]) == rate * 12
    assert all(len([each for each in times if at <= each < at + FIVE_MINUTES_MS]) <= rate for at in times)


def test_what_was_given_a_slot_and_waits_all_the_same_counts_once() -> None:
    """top_up died between writing the slots and releasing."""
    three = waiting(3)
    allowed = Settings(max_units=2, drain_within_seconds=300, try_beyond_guarantee=False)
    given_out = planning.slots(three, [unit(1)], [], NOW, allowed).taken
    assert len(given_out) == 3
    assert planning.plan([unit(1)], three, given_out, NOW, allowed).buy == 0
    again = planning.slots(three, [unit(1)], given_out, NOW + 1000, allowed)
    assert [slot_at - NOW for _, slot_at in again.given] == [1000, 101_000, 201_000]


def test_the_time_before_a_later_slot_is_used() -> None:
    """Someone refused waits for ten minutes, and then has a slot: until then the units are free."""
    refused = waiting(1, due_in_ms=600_000)
    before = planning.slots(refused, [unit(1)], [], NOW, settings()).taken
    others = [Waiting(f"other-{number}", NOW, None) for number in range(7)]
    given_out = planning.slots(others, [unit(1)], before, NOW, settings()).given
    assert [(slot_at - NOW) // 1000 for _, slot_at in given_out] == [0, 100, 200, 300, 400, 500, 700]


def test_time_in_which_nothing_runs_is_no_work() -> None:
    allowed = Settings(max_units=2, drain_within_seconds=300, try_beyond_guarantee=False)
    later = planning.slots(waiting(1, due_in_ms=600_000), [unit(1)], [], NOW, allowed).taken
    two = [Waiting(f"other-{number}", NOW, None) for number in range(2)]
    assert planning.plan([unit(1)], two, later, NOW, allowed).buy == 0


def test_what_is_due_only_after_the_time_to_drain_is_no_work_for_that_time() -> None:
    """Its last start had no answer, and the next comes hours later: one unit serves it then, and others now."""
    later = waiting(30, due_in_ms=6 * HOUR_SECONDS * 1000)
    now = [Waiting(f"other-{number}", NOW) for number in range(20)]
    assert planning.plan([], later, [], NOW, settings()) == Plan(buy=0, wanted=0)
    assert planning.plan([unit(1)], now + later, [], NOW, settings()) == Plan(buy=0, wanted=1)
    then_ms = NOW + 6 * HOUR_SECONDS * 1000
    assert planning.plan([], later, [], then_ms, settings()).buy == 1


def test_a_unit_is_bought_before_a_slot_is_given() -> None:
    """Else what has little time to drain would be released, and refused, without one for ever."""
    soon = waiting(1, due_in_ms=900_000)
    assert planning.slots(soon, [], [], NOW, HASTY).given
    assert planning.plan([], soon, [], NOW, HASTY).buy == 1


def test_what_comes_after_the_time_to_drain_is_set_against_what_the_units_do_until_then() -> None:
    later, three = waiting(1, due_in_ms=840_000), [Waiting(f"other-{number}", NOW) for number in range(3)]
    assert planning.plan([unit(1)], three + later, [], NOW, HASTY).buy == 0
    slots = planning.slots(later, [unit(1)], [], NOW, HASTY).taken
    assert planning.plan([unit(1)], three, slots, NOW, HASTY).buy == 0
    assert planning.plan([unit(1)], [*three, Waiting("other-4", NOW), *later], [], NOW, HASTY).buy == 1


def test_what_is_denied_is_tried_when_it_is_due_and_holds_up_no_one() -> None:
    """A denial takes no time of a unit; and who is never tried would never learn that the permission is there."""
    denied = [Waiting(f"denied-{number}", NOW + number * 600_000 - 600_000) for number in range(4)]
    others = waiting(100)
    ids = frozenset(each.id for each in denied)
    before = planning.slots(denied, [unit(1)], [], NOW, settings()).taken
    given_out = planning.slots(denied + others, [unit(1)], before, NOW, settings(), ids)
    times = {each.id: (slot_at - NOW) // 1000 for each, slot_at in given_out.given}
    assert [times.pop(name) for name in ("denied-0", "denied-1", "denied-2")] == [0, 0, 600]
    assert list(times.values()) == list(range(0, 1000, 100))
    assert {slot.id for slot in given_out.taken} == {*times}


def slot(record: Retrieval, starts_in_seconds: int, units: int = 1) -> Slot:
    """An hour of the units."""
    starts_at = NOW + starts_in_seconds * 1000
    return Slot(id=record.id, starts_at=starts_at, ends_at=starts_at + HOUR_SECONDS * 1000, units=units)


@pytest.mark.parametrize("state", State)
def test_a_slot_is_needed_until_its_retrieval_has_ended(state: State) -> None:
    record = opened(archive_request(tier="Expedited")).model_copy(update={"state": state, "due_in": "1"})
    running = slot(record, -10)
    demand = Demand.of([record], [running], set(), NOW)
    if state in OPEN:
        assert demand.slots == [running]
    else:
        (left,) = demand.slots
        assert left.ends_at == NOW + 90_000


@pytest.mark.parametrize(("units", "starts_in", "ends_in"), [(1, -10, 90), (2, -10, 40), (1, 0, 100), (1, -200, -100)])
def test_what_has_ended_leaves_its_place_in_the_rate(units: int, starts_in: int, ends_in: int) -> None:
    gone = slot(opened(), starts_in, units)
    (left,) = Demand.of([], [gone], set(), NOW).slots
    assert (left.starts_at, left.ends_at) == (gone.starts_at, NOW + ends_in * 1000)


def test_what_ended_before_its_slot_leaves_nothing() -> None:
    gone = slot(opened(), 1)
    assert Demand.of([], [gone], set(), NOW).slots == []
    assert Demand.of([], [gone], {gone.id}, NOW).slots == [gone], "nobody can read whether it has ended"


def test_what_goes_on_with_a_slower_job_needs_no_unit() -> None:
    """Its Expedited requests were taken back, or fell back; or it is another retrieval of the same bytes."""
    slower = started(opened(), "job-1", NOW)
    assert Demand.of([slower], [slot(slower, 1)], set(), NOW).slots == []
    hurried = joined_by(slower, archive_request("urgent", "Expedited"))
    faster = started(claimed(released(hurried, NOW, "unit"), NOW), "job-2", NOW)
    assert Demand.of([faster], [slot(faster, 1)], set(), NOW).slots == [slot(faster, 1)]


def test_who_has_a_slot_and_waits_again_is_counted_though_the_index_does_not_have_it_yet() -> None:
    again = opened(archive_request(tier="Expedited"))
    assert Demand.of([again], [slot(again, 1)], set(), NOW).backlog == [Waiting(again.id, NOW, None)]


def test_without_units_or_beyond_the_guarantee_all_start_when_they_are_due() -> None:
    backlog = waiting(100) + waiting(1, due_in_ms=60_000)
    for units, allowed in ([], settings(0)), ([unit(1)], settings(beyond=True)):
        given_out = planning.slots(backlog, units, [], NOW, allowed).given
        assert sorted(slot_at for _, slot_at in given_out) == [NOW] * 100 + [NOW + 60_000]


def test_a_shortage_says_what_to_set_once() -> None:
    plan = planning.plan([], waiting(40), [], NOW, settings(0))
    short = planning.short_of(plan, 0, 40, NOW, settings(0), None)
    assert short is not None
    assert (short.units, short.wanted, short.max_units, short.waiting) == (0, 2, 0, 40)
    assert "maxUnits to 2" in short.reason.message
    assert planning.worth_telling(None, short)
    assert not planning.worth_telling(short, short.model_copy(update={"at": NOW + 86_400_000 - 1, "waiting": 50}))
    assert planning.worth_telling(short, short.model_copy(update={"at": NOW + 86_400_000}))
    assert planning.worth_telling(short, short.model_copy(update={"reason": Reason(code="other", message="")}))


def test_no_shortage_where_there_is_enough_or_nothing_waits() -> None:
    assert planning.short_of(Plan(buy=0, wanted=1), 1, 3, NOW, settings(), None) is None
    assert planning.short_of(Plan(buy=0, wanted=2), 1, 0, NOW, settings(), None) is None
