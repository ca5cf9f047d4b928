"""`python -m simulation.sweep`: each kind of retrieval, struck at every AWS call of its life, in every way.

The calls are those of the undisturbed life. With `--pairs` each disturbed life is struck a second time, at every call
that it makes from the first strike on.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import dropwhile
from multiprocessing.pool import Pool
from string import ascii_lowercase

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from local.calls import Call
from simulation.choices import Choice, Schedule
from simulation.limits import WITHIN
from simulation.lives import LIVES, Life
from simulation.run import Run
from simulation.strikes import NEVER_REPEATED, OUTAGE, SWITCH, WITHDRAWN, own_kinds
from simulation.world import World
from thaw import bounds

_LIVES = {life.name: life for life in LIVES}
_ALL_MARKED = 1023.0
_OUTAGE_SECONDS = 3600.0
"""Long enough for dead letters."""
_BACK_AFTER_SECONDS = 3 * 3600.0

WAYS = (
    Choice("dies before"),
    Choice("dies after"),
    Choice("dies, effect late", WITHIN.effect_seconds),
    Choice("loses request"),
    Choice("loses reply"),
    Choice("times out before"),
    Choice("times out, effect late", WITHIN.effect_seconds),
    Choice("500 before"),
    Choice("500 after"),
    Choice("throttled"),
    Choice("keeps failing"),
    Choice("done, keeps failing"),
    Choice("keeps throttling"),
    Choice("stalls before"),
    Choice("stalls after"),
    Choice(OUTAGE, _OUTAGE_SECONDS),
    Choice("slow reply", 45.0),
    Choice(SWITCH, 45.0),
)
"""Each way in which any call can fail, as late as the bounds allow; and its reply, or the call itself, that is so late
that the caller just lives on."""

Ways = Callable[[Call], list[Choice]]
"""The strikes at a call."""

_HOLDS, _IN_VAIN, _BROKEN = "[green]·[/]", "[dim]o[/]", "[red]✗[/]"
_LETTERS = dict(zip((way.kind for way in WAYS), ascii_lowercase, strict=False))
"""The columns of the grid."""

_AMOUNTS = {
    "overtaken": 19.0,
    "listed late": WITHIN.listing_lag_seconds,
    "appears late": WITHIN.listing_lag_seconds,
    "described late": WITHIN.listing_lag_seconds,
    "index behind": WITHIN.index_lag_seconds,
    "entries refused": _ALL_MARKED,
    "keys unprocessed": _ALL_MARKED,
    WITHDRAWN: bounds.DENIED_AT_MOST_SECONDS + 3600.0,
}
TELLING_WAYS = [way for way in WAYS if way.kind in ("dies after", "done, keeps failing")]
"""Nothing more is done, or the caller is told otherwise. Who dies before a call is where they were after the one before
it."""


def ways_of(call: Call) -> list[Choice]:
    """In which ways a call can fail."""
    own = [Choice(kind, _AMOUNTS.get(kind, 0.0)) for kind in own_kinds(call)]
    if call.operation == "PutEvents":
        own.append(Choice("entries refused", 1.0))
    return [*WAYS, *own]


def telling_ways_of(call: Call) -> list[Choice]:
    """Every way for a call on which money hangs, else those that tell most."""
    return ways_of(call) if call.operation in NEVER_REPEATED else TELLING_WAYS


def first_ways_of(call: Call) -> list[Choice]:
    """Of two strikes the first. A permission is back after some looks: each of hundreds that are alike would else be
    struck, in lives of which each takes seconds."""
    return [replace(way, amount=_BACK_AFTER_SECONDS) if way.kind == WITHDRAWN else way for way in telling_ways_of(call)]


@dataclass(frozen=True)
class Cell:
    """One strike, or two, at a life."""

    life: str
    strikes: tuple[tuple[str, Choice], ...]
    """At which point what."""

    @property
    def schedule(self) -> Schedule:
        return dict(self.strikes)


@dataclass(frozen=True)
class Outcome:
    cell: Cell
    violations: tuple[str, ...]
    in_vain: bool
    """Whether the last strike came to nothing: there was nothing so new that a listing could leave it out."""
    seconds: tuple[tuple[str, Choice], ...]
    """Every strike at a call from that one on, in the ways that tell most; but at none that the life itself strikes."""

    @property
    def sign(self) -> str:
        return _BROKEN if self.violations else _IN_VAIN if self.in_vain else _HOLDS


def undisturbed(world: World, life: Life) -> dict[str, Call]:
    """The calls of a life that nothing else strikes, by their points."""
    run = _perform(world, life, {})
    assert not run.violations, f"{life.name}: {run.violations}"
    missed = life.given.keys() - run.chooser.chosen.keys()
    assert not missed, f"{life.name} did not come to {missed}"
    lacking = [about for about in life.about if not any(point.startswith(about) for point in run.points)]
    assert not lacking, f"{life.name} has no call that begins with {lacking}"
    return dict(run.points)


def cells_of(world: World, life: Life, ways: Ways, about: tuple[str, ...] = ("",)) -> Iterator[Cell]:
    """Every strike in these ways, at points that begin so."""
    for point, call in undisturbed(world, life).items():
        if point not in life.given and point.startswith(about):
            yield from (Cell(life.name, ((point, way),)) for way in ways(call))


def strike(world: World, cell: Cell) -> Outcome:
    """Lives the life with the strike."""
    life = _LIVES[cell.life]
    run = _perform(world, life, cell.schedule)
    missed = cell.schedule.keys() - run.chooser.chosen.keys()
    assert not missed, f"{cell} did not come to {missed}"
    last, choice = cell.strikes[-1]
    after = list(dropwhile(lambda point: point != last, run.points))[1:]
    seconds = ((point, way) for point in after if point not in life.given for way in telling_ways_of(run.points[point]))
    broken = tuple(str(violation) for violation in run.violations)
    return Outcome(cell, broken, choice.kind not in run.struck, tuple(seconds))


def seconds_of(outcome: Outcome) -> Iterator[Cell]:
    """Every second strike after a first; one of the two is at a call that the life is about."""
    cell = outcome.cell
    about = _LIVES[cell.life].about
    ((first, _),) = cell.strikes
    for point, way in outcome.seconds:
        if first.startswith(about) or point.startswith(about):
            yield Cell(cell.life, (*cell.strikes, (point, way)))


def _perform(world: World, life: Life, schedule: Schedule) -> Run:
    return Run(world, 0, {**life.given, **schedule}, planned=life.workload).perform()


# --------------------------------------------------------------------------------------------- the command


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation.sweep", description="Strikes at every call.")
    parser.add_argument("--pairs", action="store_true", help="at every pair of calls")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--life", help="this one alone")
    given = parser.parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    lives = [life for life in LIVES if given.life in (None, life.name)]
    outcomes = []
    with multiprocessing.get_context("spawn").Pool(given.workers, _deploy) as pool:
        for number, life in enumerate(lives, 1):
            title = f"{number}/{len(lives)} {life.name}"
            firsts = pool.apply(_cells, (life, first_ways_of if given.pairs else ways_of))
            mine = _struck(pool, firsts, title, console)
            if given.pairs:
                pairs = [cell for outcome in mine for cell in seconds_of(outcome)]
                mine = _struck(pool, pairs, f"{title}, pairs", console)
            _show(console, life, mine, grid=not given.pairs)
            outcomes += mine
    _conclude(console, outcomes, grid=not given.pairs)
    return 1 if any(outcome.violations for outcome in outcomes) else 0


_world: World
_stack = ExitStack()


def _struck(pool: Pool, cells: list[Cell], title: str, console: Console) -> list[Outcome]:
    outcomes = pool.imap(_strike, cells, 4)
    return list(track(outcomes, title, len(cells), console=console, transient=True))


def _deploy() -> None:
    global _world
    _world = _stack.enter_context(World.deployed())


def _cells(life: Life, ways: Ways) -> list[Cell]:
    return list(cells_of(_world, life, ways))


def _strike(cell: Cell) -> Outcome:
    return strike(_world, cell)


def _show(console: Console, life: Life, outcomes: Sequence[Outcome], *, grid: bool) -> None:
    """What came of one life, as soon as it is known."""
    broken = [outcome for outcome in outcomes if outcome.violations]
    console.print(_grid(life.name, outcomes) if grid else f"{life.name}: {len(outcomes)} pairs, {len(broken)} broken")
    for outcome in broken:
        where = ", then ".join(f"{point}: {choice}" for point, choice in outcome.cell.strikes)
        console.print(f"[red]{life.name}[/], {where}: {outcome.violations[0]}", soft_wrap=True)


def _conclude(console: Console, outcomes: Sequence[Outcome], *, grid: bool) -> None:
    if grid:
        console.print(", ".join(f"[bold]{letter}[/] {kind}" for kind, letter in _LETTERS.items()))
        console.print(f"{_HOLDS} holds, {_BROKEN} breaks a promise, {_IN_VAIN} came to nothing")
    broken = sum(bool(outcome.violations) for outcome in outcomes)
    struck = sum(not outcome.in_vain for outcome in outcomes)
    holds = f"{struck} cells, and every one holds."
    console.print(f"{broken} of {struck} cells break a promise" if broken else holds, style="bold")


def _grid(life: str, outcomes: Iterable[Outcome]) -> Table:
    """A row for each call, a column for each way."""
    by_point: dict[str, dict[str, str]] = {}
    for outcome in outcomes:
        ((point, choice),) = outcome.cell.strikes
        cells = by_point.setdefault(point, {})
        if cells.get(choice.kind) != _BROKEN:
            cells[choice.kind] = outcome.sign
    table = Table(title=life, box=box.SIMPLE, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    table.add_column("call", no_wrap=True)
    for letter in _LETTERS.values():
        table.add_column(letter, no_wrap=True, min_width=1)
    table.add_column("its own")
    for point, cells in by_point.items():
        own = [f"{sign} {kind}" for kind, sign in cells.items() if kind not in _LETTERS]
        table.add_row(point, *(cells.get(kind, "") for kind in _LETTERS), ", ".join(own))
    return table


if __name__ == "__main__":
    sys.exit(main())
