"""Every call of each kind of retrieval, struck in the ways that tell most; `make sweep` strikes in all of them.

Which those are: by turns, the caller dies once the call took effect, or is told that it failed. A call that can't be
repeated is struck in each way that it alone knows; a purchase, which few lives have, also in all that leave something
else behind, and a start in every third of them, which are others in the next life: over all lives, in each. Who may
start no jobs may again after three hours, and in the first life after more than two days: hundreds of looks are alike
by then.
"""

from itertools import cycle, islice

import pytest

from local.calls import Call
from simulation.choices import Choice
from simulation.lives import LIVES, Life
from simulation.strikes import NEVER_REPEATED, OUTAGE, WITHDRAWN
from simulation.sweep import TELLING_WAYS, WAYS, Cell, Ways, cells_of, first_ways_of, seconds_of, strike, ways_of
from simulation.world import World

AT_MONEY = ("dies after", "dies, effect late", "loses reply", "done, keeps failing", "throttled")


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_each_call_may_be_struck(world: World, life: Life) -> None:
    cells = list(cells_of(world, life, quick_ways(LIVES.index(life)), life.about))
    broken = [
        (cell.strikes, outcome.violations) for cell in cells for outcome in [strike(world, cell)] if outcome.violations
    ]
    assert broken == []


def quick_ways(turn: int) -> Ways:
    turns = islice(cycle(TELLING_WAYS), turn % len(TELLING_WAYS), None)
    at_money = {"InitiateJob": AT_MONEY[turn % 3 :: 3], "PurchaseProvisionedCapacity": AT_MONEY}
    all_ways_of = first_ways_of if turn else ways_of

    def ways(call: Call) -> list[Choice]:
        if call.operation not in NEVER_REPEATED:
            return [next(turns)]
        return [way for way in all_ways_of(call) if way.kind in at_money[call.operation] or way not in WAYS]

    return ways


def test_every_call_of_a_life_is_among_the_cells(world: World) -> None:
    """From the request on the queue to its last event, each in every way; reconcile's looks in between as well."""
    life = LIVES[0]
    cells = list(cells_of(world, life, ways_of))
    points = [point for cell in cells for point, _ in cell.strikes]
    assert any(point.startswith("reconcile Query") for point in points)
    assert [point for point in dict.fromkeys(points) if not point.startswith("reconcile")] == [
        "initiate PutItem 1",
        "initiate PutItem 2",
        "initiate InitiateJob 1",
        "initiate PutItem 3",
        "publish PutEvents 1",
        "complete UpdateItem 1",
        "publish PutEvents 2",
    ]
    assert min(points.count(point) for point in points) >= 16


def test_pairs_strike_again_at_what_follows(world: World) -> None:
    life = LIVES[0]
    first = next(cell for cell in cells_of(world, life, first_ways_of) if cell.strikes[0][1].kind == "dies after")
    outcome = strike(world, first)
    pairs = list(seconds_of(outcome))
    assert {pair.strikes[0] for pair in pairs} == set(first.strikes)
    assert [strike(world, pair).violations for pair in pairs[:6]] == [()] * 6
    at_money = [pair.strikes[1][1] for pair in pairs if pair.strikes[1][0] == "initiate InitiateJob 1"]
    own = {"policy full", "denied", WITHDRAWN, "overtaken"}
    assert {way.kind for way in at_money} == {way.kind for way in WAYS} | own


def test_what_waits_out_an_outage_is_not_late(world: World) -> None:
    """A slot's message can't be sent for an hour, which is nobody's delay but the queue's."""
    struck = Cell("Expedited, unit there", (("top_up SendMessage 1", Choice(OUTAGE, 3600.0)),))
    assert strike(world, struck).violations == ()


def test_a_strike_that_comes_to_nothing_is_told_apart(world: World) -> None:
    """The listing has nothing so new that it could leave it out; and where no call is made none is struck."""
    lives = {life.name: life for life in LIVES}
    cells = cells_of(world, lives["Expedited, unit there"], ways_of)
    late = next(cell for cell in cells if cell.strikes[0][1].kind == "listed late")
    known = Cell(late.life, (("top_up ListProvisionedCapacity 1", Choice("listed late", 0.5)),))
    assert (strike(world, late).in_vain, strike(world, known).in_vain) == (False, True)
    with pytest.raises(AssertionError, match="did not come to"):
        strike(world, Cell("Standard", (("top_up PutItem 1", Choice("dies before")),)))


def test_a_lock_whose_holder_died_is_waited_out(world: World) -> None:
    """The job had ended before the lock did: found by the pairs."""
    died, overtaken = Choice("dies after"), Choice("overtaken", 19)
    cell = Cell("Expedited, unit there", (("top_up SendMessage 1", died), ("initiate InitiateJob 1", overtaken)))
    assert strike(world, cell).violations == ()


def test_no_second_strike_takes_the_place_of_the_life_s_own(world: World) -> None:
    """It would be another life."""
    outcome = strike(world, Cell("reply lost", (("initiate PutItem 1", Choice("dies after")),)))
    points = {point for point, _ in outcome.seconds}
    assert "initiate PutItem 3" in points
    assert "initiate InitiateJob 1" not in points
