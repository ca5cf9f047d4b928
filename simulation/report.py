"""What the simulator shows: figures of many runs, and one run line by line."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from simulation.limits import Limits
from simulation.results import Totals, legal_moves
from simulation.run import KINDS, Run
from simulation.shrink import shrink
from simulation.strikes import EVERY_CALL, SERVICES
from simulation.timeline import Timeline, schedule_lines
from simulation.world import World


def show_totals(console: Console, totals: Totals, path: Path) -> bool:
    """Whether all is well: no promise was broken, and in a long run everything was tried."""
    console.print(_figures("struck", {kind: totals.faults[kind] for kind in KINDS}))
    console.print(_by_service(totals))
    console.print(_figures("moves", {move: totals.moves[move] for move in legal_moves()}))
    console.print(_figures("workloads", dict(totals.themes)))
    console.print(
        f"{totals.seeds} seeds: {totals.calls:,} AWS calls, {totals.jobs:,} jobs, {totals.units:,} units, "
        f"{totals.days / 365:,.1f} years. Kept in {path}"
    )
    console.print(
        f"{totals.in_vain:,} jobs in vain, {totals.duplicates:,} told as duplicates; "
        f"{totals.in_doubt:,} units told as in doubt; {totals.carried_on:,} times a listing was left to the next run"
    )
    missing, hardly = totals.uncovered(KINDS), totals.hardly_covered(KINDS)
    if hardly:
        console.print(f"Hardly covered: {'; '.join(hardly)}", style="yellow")
    if missing:
        console.print(f"Not covered: {'; '.join(missing)}", style="bold red" if totals.is_long else "yellow")
    verdict = f"{len(totals.failed)} seeds broke a promise" if totals.failed else "No promise was broken."
    console.print(verdict, style="bold red" if totals.failed else "bold green")
    return not totals.failed and not (missing and totals.is_long)


def _by_service(totals: Totals) -> Table:
    table = Table(title="struck, by service", box=box.SIMPLE, title_justify="left", title_style="bold")
    table.add_column("")
    for service in SERVICES:
        table.add_column(service, justify="right")
    for kind in sorted(EVERY_CALL):
        table.add_row(kind, *(f"{totals.struck_at[f'{service} {kind}']:,}" for service in SERVICES))
    return table


def _figures(title: str, counts: dict[str, int]) -> Table:
    table = Table(title=title, box=box.SIMPLE, show_header=False, title_justify="left", title_style="bold")
    columns = 3
    cells = [(name, f"{count:,}") for name, count in sorted(counts.items())]
    rows = -(-len(cells) // columns)
    for _ in range(columns):
        table.add_column()
        table.add_column(justify="right")
    for row in range(rows):
        chosen = [cells[index] if index < len(cells) else ("", "") for index in range(row, rows * columns, rows)]
        table.add_row(*(text for cell in chosen for text in cell))
    return table


def show_run(console: Console, world: World, seed: int, limits: Limits) -> bool:
    """One seed's run; whether it broke a promise."""
    run = Run(world, seed, limits=limits)
    _show(console, run, f"Seed {seed}, {run.workload.theme}")
    return bool(run.violations)


def show_failure(console: Console, world: World, seed: int, limits: Limits) -> None:
    """The shortest schedule with which a seed still fails, and what then goes on."""
    failed = Run(world, seed, limits=limits).perform()
    if not failed.violations:
        console.print(f"Seed {seed} does not fail here.", style="yellow")
        return
    with console.status(f"Seed {seed}: looking for the shortest schedule that still fails") as status:
        short = shrink(world, failed, lambda size: status.update(f"Seed {seed}: {size} steps and choices still fail"))
    again = Run(world, seed, short.chooser.chosen, short.without, limits)
    _show(console, again, f"Seed {seed}: the shortest schedule that still fails")


def _show(console: Console, run: Run, title: str) -> None:
    timeline = Timeline(run)
    run.perform()
    console.rule(title)
    for line in schedule_lines(run):
        console.print(f"  {line}", soft_wrap=True, markup=False)
    console.rule("Timeline")
    for line in timeline.lines():
        console.print(line, soft_wrap=True, markup=False)
    console.rule()
    for violation in run.violations:
        console.print(f"BROKEN  {violation}", style="bold red", soft_wrap=True, markup=False)
    if not run.violations:
        console.print("No promise was broken.", style="green")
