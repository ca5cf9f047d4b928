"""`python -m simulation.mutate`: how many seeds it takes to catch each mutation, and which promise it breaks."""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from simulation.mutation import Mutation
from simulation.mutations import MUTATIONS
from simulation.run import Run
from simulation.world import World

SEEDS_AT_MOST = 1000


@dataclass(frozen=True)
class Caught:
    """How many seeds it took to catch a mutation; `seeds` None: none did."""

    name: str
    seeds: int | None
    violations: tuple[str, ...] = ()
    """Of those promises that it must break."""


@contextmanager
def mutated(world: World, mutation: Mutation) -> Iterator[None]:
    """While entered, the functions have the fault."""
    code = world.code
    with tempfile.TemporaryDirectory() as folder:
        faulty = Path(shutil.copytree(code, Path(folder) / "functions"))
        mutation.apply(faulty)
        world.use_code(faulty)
        try:
            yield
        finally:
            world.use_code(code)


def catch(world: World, mutation: Mutation, first: int = 0, at_most: int = SEEDS_AT_MOST) -> Caught:
    """Runs seeds on mutated code until one breaks a promise as the mutation must; any other is no catch."""
    with mutated(world, mutation):
        for number in range(at_most):
            broken = Run(world, first + number, limits=mutation.limits).perform().violations
            violations = tuple(str(violation) for violation in broken if mutation.sees(violation))
            if violations:
                return Caught(mutation.name, number + 1, violations)
    return Caught(mutation.name, None)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation.mutate", description="Can the checkers fail?")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--only", help="those whose name has this text")
    given = parser.parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    chosen = [mutation for mutation in MUTATIONS if (given.only or "") in mutation.name]
    with multiprocessing.get_context("spawn").Pool(given.workers, _deploy) as pool:
        work = [(mutation, given.first) for mutation in chosen]
        results = []
        for caught in track(pool.imap(_catch, work), "mutations", len(work), console=console):
            results.append(caught)
            console.print(_seeds(caught))
    console.print(_table(results))
    missed = [caught.name for caught in results if caught.seeds is None]
    verdict = f"Not caught: {', '.join(missed)}" if missed else f"All {len(results)} caught."
    console.print(verdict, style="bold red" if missed else "bold green")
    return 1 if missed else 0


_world: World
_stack = ExitStack()


def _deploy() -> None:
    global _world
    _world = _stack.enter_context(World.deployed())


def _catch(what: tuple[Mutation, int]) -> Caught:
    return catch(_world, *what)


def _seeds(caught: Caught) -> str:
    return f"{caught.seeds or 'not':>4}  {caught.name}"


def _table(results: list[Caught]) -> Table:
    table = Table(box=box.SIMPLE)
    table.add_column("mutation")
    table.add_column("seeds", justify="right")
    table.add_column("caught by")
    for caught in results:
        table.add_row(caught.name, str(caught.seeds or "-"), "".join(caught.violations[:1])[:150])
    return table


if __name__ == "__main__":
    sys.exit(main())
