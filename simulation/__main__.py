"""`python -m simulation`: runs seeds, and shows of what fails the shortest schedule and a timeline."""

from __future__ import annotations

import argparse
import os
import sys

from rich.console import Console

from local.arguments import a_number
from local.dynamodb_local.tables import ENDPOINT_VARIABLE
from simulation.limits import BEYOND, WITHIN, Limits
from simulation.report import show_failure, show_run, show_totals
from simulation.results import ResultsFile
from simulation.shards import run_seeds
from simulation.world import World

_SHOWN_FAILURES = 3


def main() -> int:
    given = _arguments()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    limits = BEYOND if given.beyond else WITHIN
    if given.seed is not None:
        return _again(console, given.seed, limits)
    engine = "-dynamodb-local" if ENDPOINT_VARIABLE in os.environ else ""
    file = ResultsFile.of_this_code(f"{'beyond' if given.beyond else 'within'}{engine}")
    if given.afresh:
        file.path.unlink(missing_ok=True)
    seeds = range(given.first, given.first + given.seeds)
    totals = run_seeds(seeds, file, limits, given.workers, console)
    all_is_well = show_totals(console, totals, file.path)
    if totals.failed:
        with World.deployed() as world:
            for failed in sorted(totals.failed, key=lambda result: result.seed)[:_SHOWN_FAILURES]:
                show_failure(console, world, failed.seed, limits)
    return 0 if all_is_well else 1


def _again(console: Console, seed: int, limits: Limits) -> int:
    with World.deployed() as world:
        failed = show_run(console, world, seed, limits)
        if failed:
            show_failure(console, world, seed, limits)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulation", description="Thaw's promises under faults.")
    parser.add_argument("--seeds", type=a_number(int, 1), default=100, help="how many (default: 100)")
    parser.add_argument("--from", type=a_number(int, 0), default=0, dest="first", help="the first (default: 0)")
    parser.add_argument("--seed", type=int, help="this one alone, with its timeline")
    parser.add_argument("--workers", type=a_number(int, 1), default=2, help="processes (default: 2)")
    parser.add_argument("--afresh", action="store_true", help="runs what was run before once more")
    parser.add_argument("--beyond", action="store_true", help="beyond the bounds: is what then happens told?")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
