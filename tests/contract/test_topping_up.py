"""The backlog: decided on as a whole by one at a time, and released at the rate of its units."""

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from tests.contract.units_site import Site, unit_named
from tests.unit.builders import NOW
from thaw import attempts, bounds
from thaw.capacity import Capacity
from thaw.refusals import Refusal
from thaw.retrieval import SLOT_ON_DEMAND, SLOT_UNIT
from thaw.states import State

HOUR_SECONDS = 3600


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


def test_what_comes_while_another_decides_is_released_by_that_one(site: Site) -> None:
    """Whoever was woken for it found the lock held, and left word."""

    def one_more_comes() -> None:
        site.wait(1, first=1)
        site.run()

    site.wait(1)
    site.seller.meanwhile = one_more_comes
    site.run()
    assert (site.seller.purchases, site.waiting(), len(site.resumed)) == (1, 0, 2)
    assert site.capacity.lock is None


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


def _one_of_four_terabytes_after_a_small_one(site: Site) -> None:
    """It has the one unit for seven hours and more."""
    site.seller.there = [unit_named("there")]
    site.wait(1)
    site.now_ms += 1
    site.wait(1, first=1, archiveSizeInBytes=4 * 10**12)
    site.run(drain_within_seconds=8 * HOUR_SECONDS)
    assert [slot.ends_at - slot.starts_at for slot in site.capacity.slots] == [100_000, 26_666_667]


@pytest.mark.parametrize("ends", ["cancelled", "refused"])
def test_for_what_has_ended_nothing_is_bought_and_nobody_waits(site: Site, ends: str) -> None:
    """Forty-seven small ones come: 4,700 s of one unit, of eight hours."""
    _one_of_four_terabytes_after_a_small_one(site)
    if ends == "cancelled":
        site.cancel(1)
    else:
        assert site.refuse(1, Refusal.PERMANENT).state is State.FAILED
    site.now_ms += 1000
    site.wait(47, first=2)
    site.run(drain_within_seconds=8 * HOUR_SECONDS)
    assert site.seller.purchases == 0
    assert site.record(2).slot == SLOT_UNIT
    assert site.record(2).due_at == NOW + 100_001


def test_what_has_a_slot_and_goes_on_keeps_it(site: Site) -> None:
    _one_of_four_terabytes_after_a_small_one(site)
    site.wait(1, first=2)
    site.run(drain_within_seconds=8 * HOUR_SECONDS)
    assert (site.seller.purchases, site.waiting()) == (0, 1)
    site.wait(47, first=3)
    site.run(drain_within_seconds=8 * HOUR_SECONDS)
    assert site.seller.purchases == 1


def test_what_has_begun_keeps_its_place_in_the_rate_whatever_became_of_it(site: Site) -> None:
    site.seller.there = [unit_named("there")]
    site.wait(1, archiveSizeInBytes=4 * 10**12)
    site.run(drain_within_seconds=8 * HOUR_SECONDS)
    site.now_ms += 10_000
    assert site.refuse(0, Refusal.PERMANENT).state is State.FAILED
    site.wait(1, first=1)
    site.run()
    assert site.record(1).due_at == NOW + 100_000


def test_a_slot_of_a_record_that_is_gone_is_free_and_of_one_that_makes_no_sense_is_kept(
    site: Site, dynamodb: DynamoDBClient
) -> None:
    _one_of_four_terabytes_after_a_small_one(site)
    key = {"id": {"S": site.record(1).id}}
    dynamodb.put_item(TableName=site.table.name, Item=key | {"kind": {"S": "retrieval"}})
    site.wait(1, first=2)
    site.run(drain_within_seconds=8 * HOUR_SECONDS)
    assert site.waiting() == 1
    dynamodb.delete_item(TableName=site.table.name, Key=key)
    site.run(drain_within_seconds=8 * HOUR_SECONDS)
    assert site.record(2).due_at == NOW + 100_001


def test_for_what_glacier_denies_to_start_nothing_is_bought(site: Site) -> None:
    """Neither while it waits nor while it has a slot, which it is given all the same: it may be mended by now."""
    site.seller.there = [unit_named("there")]
    site.wait(9)
    site.run()
    for number in range(9):
        site.refuse(number, Refusal.DENIED)
    site.now_ms += 900_000
    site.run(drain_within_seconds=300)
    site.now_ms += 1000
    assert site.waiting() < 9
    site.wait(1, first=9)
    site.run(drain_within_seconds=300)
    assert site.seller.purchases == 0
    site.wait(4, first=10)
    site.run(drain_within_seconds=300)
    assert site.seller.purchases == 1, "for the others"


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


def _forty_wait_for_a_unit_of_someone_elses(site: Site) -> None:
    """For twenty minutes, while each listing is answered."""
    site.seller.there = [unit_named("there")]
    site.wait(60)
    for _ in range(4):
        site.run(max_units=0, drain_within_seconds=2 * HOUR_SECONDS)
        site.now_ms += 300_000
    site.resumed.clear()


@pytest.mark.parametrize("minutes", [0, 15])
def test_listings_that_are_missed_for_a_while_cost_nobody_the_unit(site: Site, minutes: int) -> None:
    _forty_wait_for_a_unit_of_someone_elses(site)
    waiting = site.waiting()
    site.seller.listing_refused = Refusal.UNKNOWN
    for _ in range(0, minutes + 1, 5):
        site.run(max_units=0)
        assert (site.waiting(), site.resumed) == (waiting, [])
        site.now_ms += 300_000
    site.seller.listing_refused = None
    site.run(max_units=0, drain_within_seconds=2 * HOUR_SECONDS)
    assert {record.slot for record in site.resumed} == {SLOT_UNIT}
    assert site.waiting() > 0, "the others wait for their turn"


def test_without_a_listing_for_longer_all_are_tried_on_demand(site: Site) -> None:
    _forty_wait_for_a_unit_of_someone_elses(site)
    site.seller.listing_refused = Refusal.UNKNOWN
    for _ in range(4):
        site.run()
        site.now_ms += 300_001
    assert site.waiting() == 0
    assert site.seller.purchases == 0
    assert {record.slot for record in site.resumed} == {SLOT_ON_DEMAND}


def test_patience_begins_anew_with_each_listing_and_with_who_comes(site: Site) -> None:
    """None is had at first; then one is; then none for a day, in which nobody waits."""
    site.seller.there = [unit_named("there")]
    site.wait(20)
    for refused in (Refusal.UNKNOWN, None, Refusal.UNKNOWN, Refusal.UNKNOWN):
        site.seller.listing_refused = refused
        site.run(max_units=1)
        site.now_ms += 420_000
    assert site.waiting() == 10, "those that had no slot in the one run with a list"
    site.seller.listing_refused = None
    while site.waiting():
        site.run(max_units=1)
        site.now_ms += 300_000
    site.seller.listing_refused = Refusal.UNKNOWN
    site.wait(1, first=50)
    site.run(max_units=1)
    site.cancel(50)
    site.now_ms += 24 * HOUR_SECONDS * 1000
    site.wait(1, first=51)
    site.run(max_units=1)
    assert site.waiting() == 1


def test_whose_patience_ends_is_released_and_no_one_else(site: Site) -> None:
    """Who came later hears until when they wait."""
    site.wait(1)
    site.seller.listing_refused = Refusal.UNKNOWN
    site.run()
    site.now_ms += 900_001
    site.wait(1, first=1)
    site.run()
    assert [record.retrieval_id for record in site.resumed] == [site.record(0).retrieval_id]
    assert (site.waiting(), site.record(1).expected_at) == (1, site.now_ms + 900_000)


def test_who_waits_for_a_listing_is_told_until_when(site: Site) -> None:
    site.wait(1)
    site.seller.listing_refused = Refusal.UNKNOWN
    site.now_ms += 600_000
    site.run()
    told = site.record(0)
    assert told.reason is not None
    assert (told.reason.code, told.expected_at) == ("AccessDeniedException", site.now_ms + 900_000)
