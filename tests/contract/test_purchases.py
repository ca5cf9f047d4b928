"""Buying units: never two for one need, whatever is lost, repeated or late."""

import pytest

from tests.contract.units_site import Site, unit_named
from tests.unit.builders import NOW
from thaw import bounds
from thaw.refusals import Refusal
from thaw.retrieval import SLOT_UNIT

SETTLED_MS = (bounds.CLAIM_SECONDS + bounds.SETTLED_AFTER_CLAIM_SECONDS) * 1000


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


def test_a_unit_that_comes_after_its_purchase_was_given_up_is_told(site: Site) -> None:
    """It took effect beyond all bounds, and another was bought in its place: that is named, and no third is bought."""
    site.wait(1)
    site.seller.answer = Refusal.UNKNOWN
    site.run(max_units=1)
    site.now_ms += SETTLED_MS + 1
    site.seller.answer = None
    site.run(max_units=1)
    site.seller.there.append(unit_named("late"))
    site.now_ms += 300_000
    site.run(max_units=1)
    site.run(max_units=1)
    assert site.seller.purchases == 2
    assert [(unit.capacity_id, unit.in_doubt) for unit in site.capacity.bought] == [("unit-2", False), ("late", True)]


def test_ours_is_told_though_someone_elses_was_taken_for_it(site: Site) -> None:
    """Someone buys a unit while the reply to our purchase is lost, and the listing shows theirs first."""
    site.wait(1)
    site.seller.answer = Refusal.UNKNOWN
    site.seller.meanwhile = lambda: site.seller.there.append(unit_named("theirs"))
    site.run()
    site.run()
    site.seller.there.append(unit_named("ours"))
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
    site.seller.there.append(unit_named("someone else's"))
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
