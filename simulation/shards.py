"""Many seeds, in processes side by side; each has a deployment of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from simulation.limits import Limits
from simulation.results import Result, ResultsFile, Totals
from simulation.run import Run
from simulation.world import World

_world: World
_stack = ExitStack()


def run_seeds(seeds: Sequence[int], file: ResultsFile, limits: Limits, workers: int, console: Console) -> Totals:
    """Runs those of the seeds that the file does not have; the totals of all of them."""
    totals, wanted = Totals(), set(seeds)
    for result in file.read():
        if result.seed in wanted:
            wanted.discard(result.seed)
            totals.add(result)
    if totals.seeds:
        console.print(f"{totals.seeds} seeds were run before, and are kept in {file.path}")
    with _progress(console) as progress:
        bar = progress.add_task("seeds", total=len(wanted), failed="")
        for result in _results(sorted(wanted), limits, workers):
            file.add(result)
            totals.add(result)
            failed = f"[red]{len(totals.failed)} failed" if totals.failed else "none failed"
            progress.update(bar, advance=1, failed=failed)
            if result.violations:
                progress.console.print(f"[red]seed {result.seed}[/]: {result.violations[0]}", soft_wrap=True)
    return totals


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TextColumn("{task.fields[failed]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.1f} seeds/s")


def _results(seeds: list[int], limits: Limits, workers: int) -> Iterator[Result]:
    if workers == 1:
        _deploy()
        yield from (_run((seed, limits)) for seed in seeds)
        return
    with multiprocessing.get_context("spawn").Pool(workers, _deploy) as pool:
        yield from pool.imap_unordered(_run, [(seed, limits) for seed in seeds])


def _deploy() -> None:
    global _world
    _world = _stack.enter_context(World.deployed())


def _run(what: tuple[int, Limits]) -> Result:
    seed, limits = what
    return Result.of(Run(_world, seed, limits=limits).perform())
