"""Buying units: never two for one need, whatever is lost, repeated or late; and releasing what waits."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.builders import NOW, archive_request
from thaw import attempts, bounds, joining
from thaw.capacity import Capacity, Settings, Unit
from thaw.edge.glacier import Refused
from thaw.edge.table import Table
from thaw.refusals import Refusal
from thaw.retrieval import EXPEDITED_BACKLOG, SLOT_ON_DEMAND, SLOT_UNIT, Reason, Retrieval
from thaw.work.topping_up import ToppingUp

SETTLED_MS = (bounds.CLAIM_SECONDS + bounds.SETTLED_AFTER_CLAIM_SECONDS) * 1000


class Seller:
    """Glacier's capacity: what was bought, and what its listing shows of it."""

    def __init__(self) -> None:
        self.there: list[Unit] = []
        self.hidden = False
        self.purchases = 0
        self.listings = 0
        self.answer: Refusal | None = None
        self.done_all_the_same = False
        self.listing_refused: Refusal | None = None
        self.meanwhile: Callable[[], None] | None = None
        """Happens while a purchase is under way."""

    def units(self) -> list[Unit]:
        self.listings += 1
        if self.listing_refused is not None:
            raise Refused(self.listing_refused, Reason(code="AccessDeniedException", message="no"))
        return [] if self.hidden else list(self.there)

    def buy(self) -> str:
        self.purchases += 1
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        if self.answer is None or self.done_all_the_same:
            self.there.append(_unit(f"unit-{self.purchases}"))
        if self.answer is not None:
            raise Refused(self.answer, Reason(code=f"{self.answer}", message="no"))
        return f"unit-{self.purchases}"


def _unit(name: str) -> Unit:
    start, end = (datetime.fromtimestamp(NOW / 1000 + day * 86400, UTC).isoformat() for day in (0, 31))
    return Unit(capacity_id=name, start_date=start, expiration_date=end)


class Site:
    """The table, the seller, a clock, and as many top_ups as a test wants."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.seller = Seller()
        self.now_ms = NOW
        self.resumed: list[Retrieval] = []
        self.runs = 0

    def resume_when_due(self, record: Retrieval, now_ms: int) -> bool:
        self.resumed.append(record)
        return True

    def wait(self, count: int, first: int = 0) -> None:
        for number in range(first, first + count):
            asked = archive_request(f"request-{number}", "Expedited")
            record = joining.opened(f"{number:032x}", 1, asked, "123456789012", False, "claim", self.now_ms)
            assert self.table.create(record) is None

    def run(self, max_units: int = 2, owner: str | None = None, drain_within_seconds: int = 3600) -> None:
        self.runs += 1
        settings = Settings(max_units=max_units, drain_within_seconds=drain_within_seconds, try_beyond_guarantee=False)
        seller: Any = self.seller
        queue: Any = self
        owner = owner or f"run-{self.runs}"
        ToppingUp(self.table, seller, queue, settings, owner, lambda: 60_000, lambda: self.now_ms).run()

    @property
    def capacity(self) -> Capacity:
        capacity = self.table.get_capacity()
        assert capacity is not None
        return capacity

    def waiting(self) -> int:
        return len(list(self.table.due(EXPEDITED_BACKLOG, 10**15)))


@pytest.fixture
def site(table: Table) -> Site:
    return Site(table)


def test_where_nothing_waits_nobody_is_asked(site: Site) -> None:
    site.run()
    assert site.seller.listings == 0
    assert site.table.get_capacity() is None


def test_without_leave_to_buy_all_are_tried_on_demand_and_the_shortage_is_told(site: Site) -> None:
    site.wait(40)
    site.run(max_units=0)
    assert site.seller.purchases == 0
    assert site.waiting() == 0
    assert {record.slot for record in site.resumed} == {SLOT_ON_DEMAND}
    short = site.capacity.short
    assert short is not None
    assert (short.units, short.wanted, short.waiting) == (0, 2, 40)
    assert site.capacity.lock is None


def test_a_unit_is_bought_and_what_waits_released_at_its_rate(site: Site) -> None:
    site.wait(12)
    site.run()
    assert site.seller.purchases == 1
    assert [unit.capacity_id for unit in site.capacity.bought] == ["unit-1"]
    assert site.capacity.intent is None
    assert {record.slot for record in site.resumed} == {SLOT_UNIT}
    due = sorted((record.due_at or 0) - NOW for record in site.resumed)
    assert due == [number * 100_000 for number in range(10)]
    site.now_ms += 300_000
    site.run()
    assert site.seller.purchases == 1
    assert site.waiting() == 0


@pytest.mark.parametrize(("waiting", "max_units", "bought"), [(36, 2, 1), (37, 2, 2), (90, 2, 2), (90, 1, 1)])
def test_as_many_are_bought_as_the_backlog_needs_and_the_ceiling_allows(
    site: Site, waiting: int, max_units: int, bought: int
) -> None:
    site.wait(waiting)
    for _ in range(2):
        site.run(max_units)
        site.now_ms += 1000
    assert site.seller.purchases == bought


@pytest.mark.parametrize("done", [True, False])
def test_while_the_outcome_is_unknown_nothing_more_is_bought(site: Site, done: bool) -> None:
    site.wait(9)
    site.seller.answer, site.seller.done_all_the_same, site.seller.hidden = Refusal.UNKNOWN, done, True
    while site.now_ms <= NOW + SETTLED_MS:
        site.run(max_units=1)
        assert site.seller.purchases == 1
        assert site.waiting() == 9, "what waits for a unit goes on waiting for it"
        site.now_ms += 60_000
    site.seller.answer, site.seller.hidden = None, False
    site.run(max_units=1)
    assert len(site.seller.there) == 1
    assert site.seller.purchases == (1 if done else 2)
    assert [unit.capacity_id for unit in site.capacity.bought] == [site.seller.there[0].capacity_id]


def test_a_function_that_died_in_the_middle_is_waited_out(site: Site) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    site.wait(1)
    site.seller.meanwhile = die
    with pytest.raises(KeyboardInterrupt):
        site.run()
    for _ in range(8):
        site.run()
        site.now_ms += 60_000
        assert site.seller.purchases == 1
    site.now_ms = NOW + SETTLED_MS + 60_000
    site.run()
    assert site.seller.purchases == 2
    assert len(site.seller.there) == 1


def test_a_unit_that_is_listed_late_is_not_bought_again(site: Site) -> None:
    site.wait(1)
    site.seller.hidden = True
    for _ in range(3):
        site.run()
        site.now_ms += 60_000
    assert site.capacity.intent is not None
    assert site.waiting() == 1
    site.seller.hidden = False
    site.run()
    assert site.seller.purchases == 1
    assert site.waiting() == 0


def test_a_unit_that_a_later_listing_misses_is_not_bought_again(site: Site) -> None:
    site.wait(1)
    site.run()
    site.seller.hidden = True
    site.now_ms += 10_000
    site.wait(20, first=1)
    site.run()
    assert site.seller.purchases == 1
    assert {record.slot for record in site.resumed} == {SLOT_UNIT}


@pytest.mark.parametrize("owner", ["run-1", "another"])
def test_one_decides_at_a_time_even_under_the_same_name(site: Site, owner: str) -> None:
    """A schedule's event that Lambda delivers twice, at once."""

    def another() -> None:
        site.wait(1, first=50)
        site.run(max_units=2, owner=owner)

    site.wait(1)
    site.seller.meanwhile = another
    site.run(max_units=2, owner="run-1")
    site.run()
    assert site.seller.purchases == 1
    assert site.waiting() == 0


def test_one_whose_lock_ran_out_buys_nothing_more(site: Site) -> None:
    def overtaken() -> None:
        site.now_ms += (bounds.FUNCTION_TIMEOUT_SECONDS + 1) * 1000
        site.run(max_units=2)

    site.wait(40)
    site.seller.meanwhile = overtaken
    site.run(max_units=2)
    assert site.seller.purchases == 1
    site.run(max_units=2)
    site.run(max_units=2)
    assert site.seller.purchases == 2
    assert len(site.capacity.bought) == 2


class Killed(BaseException):
    """The end of a process."""


def test_what_dies_between_the_slots_and_the_releases_buys_no_second_unit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty-five are what one unit does in the hour that is left; those that had a slot and wait yet count once."""

    def dies(*_: object) -> None:
        raise Killed

    site.wait(35)
    with monkeypatch.context() as patch:
        patch.setattr(site.table, "change", dies)
        with pytest.raises(Killed):
            site.run()
    assert site.capacity.slots
    site.now_ms += bounds.FUNCTION_TIMEOUT_SECONDS * 1000 + 1
    site.run()
    assert site.seller.purchases == 1


def test_the_backlog_is_that_of_whoever_has_the_lock(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one reads what waits, another buys for it and releases it."""
    site.wait(9)
    read, overtaken = site.table.get_capacity, False

    def slow() -> Capacity | None:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            site.run(max_units=2, drain_within_seconds=900)
        return read()

    monkeypatch.setattr(site.table, "get_capacity", slow)
    site.run(max_units=2, drain_within_seconds=900)
    assert site.seller.purchases == 1


def test_who_was_refused_and_waits_keeps_no_one_else_from_the_unit(site: Site) -> None:
    site.wait(1)
    site.run()
    (released,) = site.resumed
    later = site.now_ms + 600_000
    site.table.change(released, lambda now: attempts.wait(now, later, site.now_ms))
    site.run(drain_within_seconds=300)
    site.wait(1, first=1)
    site.run(drain_within_seconds=300)
    assert site.seller.purchases == 1
    assert site.resumed[-1].due_at == site.now_ms


def test_a_unit_that_comes_after_its_purchase_was_given_up_is_told(site: Site) -> None:
    """It took effect beyond all bounds, and another was bought in its place: that is named, and no third is bought."""
    site.wait(1)
    site.seller.answer = Refusal.UNKNOWN
    site.run(max_units=1)
    site.now_ms += SETTLED_MS + 1
    site.seller.answer = None
    site.run(max_units=1)
    site.seller.there.append(_unit("late"))
    site.now_ms += 300_000
    site.run(max_units=1)
    site.run(max_units=1)
    assert site.seller.purchases == 2
    assert [(unit.capacity_id, unit.in_doubt) for unit in site.capacity.bought] == [("unit-2", False), ("late", True)]


def test_ours_is_told_though_someone_elses_was_taken_for_it(site: Site) -> None:
    """Someone buys a unit while the reply to our purchase is lost, and the listing shows theirs first."""
    site.wait(1)
    site.seller.answer = Refusal.UNKNOWN
    site.seller.meanwhile = lambda: site.seller.there.append(_unit("theirs"))
    site.run()
    site.run()
    site.seller.there.append(_unit("ours"))
    site.run()
    assert [(unit.capacity_id, unit.in_doubt) for unit in site.capacity.bought] == [("theirs", True), ("ours", True)]


def test_a_purchase_with_a_reply_is_never_in_doubt(site: Site) -> None:
    site.wait(1)
    site.run()
    assert site.capacity.bought
    assert site.capacity.in_doubt is None


def test_a_purchase_is_in_doubt_for_half_a_day(site: Site) -> None:
    site.wait(1)
    site.seller.answer, site.seller.done_all_the_same = Refusal.UNKNOWN, True
    site.run()
    site.run()
    assert site.capacity.in_doubt is not None
    site.now_ms += bounds.PURCHASE_IN_DOUBT_SECONDS * 1000 + 60_001
    site.run()
    listings = site.seller.listings
    site.seller.there.append(_unit("someone else's"))
    site.run()
    assert site.seller.listings == listings
    assert len(site.capacity.bought) == 1


@pytest.mark.parametrize("refusal", [Refusal.LIMIT, Refusal.THROTTLED, Refusal.DENIED, Refusal.PERMANENT])
def test_a_refused_purchase_is_tried_again_later_only(site: Site, refusal: Refusal) -> None:
    site.wait(1)
    site.seller.answer = refusal
    site.run()
    site.wait(1, first=1)
    site.run()
    assert site.seller.purchases == 1
    assert site.waiting() == 0
    assert site.capacity.intent is None
    site.now_ms += 3_600_000
    site.seller.answer = None
    site.wait(1, first=2)
    site.run()
    assert len(site.seller.there) == 1


def test_a_refused_purchase_is_told_as_such_until_the_next_try(site: Site) -> None:
    site.wait(1)
    site.seller.answer = Refusal.DENIED
    site.run()
    told = site.capacity.short
    assert told is not None
    assert told.reason.code == Refusal.DENIED
    site.now_ms += 1000
    site.wait(1, first=1)
    site.run()
    assert site.capacity.short == told


def test_where_the_units_may_not_be_listed_nothing_is_bought_and_all_are_tried_on_demand(site: Site) -> None:
    site.wait(3)
    site.seller.listing_refused = Refusal.DENIED
    site.run()
    assert site.seller.purchases == 0
    assert site.waiting() == 0
    assert {record.slot for record in site.resumed} == {SLOT_ON_DEMAND}
    assert site.capacity.short is not None
    assert site.capacity.short.reason.code == "AccessDeniedException"


def test_where_no_listing_can_be_had_all_wait_for_the_next_run(site: Site) -> None:
    site.wait(3)
    site.seller.listing_refused = Refusal.UNKNOWN
    site.run()
    assert (site.seller.purchases, site.waiting()) == (0, 3)
    assert site.capacity.lock is None
