"""`thaw estimate`: what a submit would cost, and how long it would take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cli.checking import Requests, check
from cli.command import command
from cli.errors import Exit
from cli.estimating import Choice, Workload, cheapest, choices, perhaps_slower_than_standard, slower_than_standard
from cli.output import Output, table
from cli.params import DEADLINE
from cli.pricing import LIST_PRICES_REGION, list_prices, prices_of
from cli.quantities import count_text, dollars_text, duration_text, size_text
from cli.request_file import RequestFile
from cli.request_options import source_options
from cli.stack import Stack
from thaw.capacity import UNIT_SECONDS_EACH
from thaw.tiers import Tier


@command(
    "estimate",
    examples=(
        "thaw estimate inventory.json",
        "thaw estimate inventory.json --description 'photos/2019/*' --by 2d",
        "thaw estimate inventory.csv --vault photos --by 2030-03-01T08:00+01:00 --prices my-region.toml",
    ),
)
@source_options
@click.option("--by", metavar="TIME", type=DEADLINE, help="Until when it is to be done: a time, or 90m, 6h, 2d.")
@click.option(
    "--units-there", type=click.IntRange(0, 2), default=0, help="Capacity units that are there already and paid for."
)
@click.option("--prices", "prices_path", metavar="FILE", type=Path, help="In the place of cli/prices.toml.")
def estimate(
    stack: Stack, out: Output, source: Requests, by: datetime | None, units_there: int, prices_path: Path | None
) -> None:
    """Says what each tier would cost for these requests, and how long it would take; nothing is asked of AWS.

    It takes what `thaw submit` takes. All are reckoned at each tier in turn, whatever tier they name. The cost is
    Glacier's (bytes, requests, units) and Thaw's own, without what fetching the outputs costs. Exit code 1: no way
    is sure to be done in time.
    """
    work = Workload()
    check(source, out, also=work.add)
    prices = list_prices() if prices_path is None else prices_of(prices_path)
    vault = source.vault if isinstance(source, RequestFile) else None
    if prices_path is None and vault is not None and vault.region != LIST_PRICES_REGION:
        out.note(f"The vault is in {vault.region}, and the prices are those of {LIST_PRICES_REGION}; see --prices.")
    ways = choices(work, prices, units_there)
    within_seconds = None if by is None else (by - datetime.now(UTC)).total_seconds()
    best = cheapest(ways, within_seconds)
    out.data(_told(work, ways, best))
    out.show(_work_text(work))
    out.show()
    out.show(_choice_table(ways))
    out.show()
    for line in [*_warnings(work, ways), _best_text(ways, best, by)]:
        out.show(line)
    if best is None:
        raise SystemExit(Exit.BAD_NEWS)


def _work_text(work: Workload) -> str:
    parts = [f"{count_text(work.archives, 'archive')}, {size_text(work.bytes)}"]
    if work.of_unknown_size:
        parts.append(f"{work.of_unknown_size:,} of unknown size, reckoned as 0")
    if work.inventories:
        parts.append(f"{count_text(work.inventories, 'inventory', 'inventories')}, at Standard where Expedited is said")
    return "; ".join(parts) + "."


def _choice_table(ways: Sequence[Choice]) -> Any:
    numbers = ("Bytes", "Requests", "Units", "Thaw", "Total")
    shown = table("", *numbers, "Done after", right=numbers)
    for way in ways:
        costs = (way.retrieval_dollars, way.request_dollars, way.unit_dollars, way.thaw_dollars, way.dollars)
        shown.add_row(way.name, *map(dollars_text, costs), _time_text(way))
    return shown


def _time_text(way: Choice) -> str:
    if way.latest_seconds is None:
        return "minutes each while there is room; not guaranteed"
    soonest, latest = duration_text(way.soonest_seconds), duration_text(way.latest_seconds)
    rate = f" ({_guaranteed_per_hour(way)} an hour guaranteed)" if way.units else ""
    return f"{latest if soonest == latest else f'{soonest} to {latest}'}{rate}"


def _guaranteed_per_hour(way: Choice) -> int:
    return (way.units or 0) * 3600 // UNIT_SECONDS_EACH


def _warnings(work: Workload, ways: Sequence[Choice]) -> list[str]:
    standard = next(way for way in ways if way.tier is Tier.STANDARD)
    lines = [
        f"{way.name} is slower than Standard for so many: {duration_text(way.latest_seconds or 0)}"
        f" against {duration_text(standard.latest_seconds or 0)}."
        for way in slower_than_standard(ways)
    ]
    lines += [
        f"{way.name} may be slower than Standard: {duration_text(way.latest_seconds or 0)}"
        f" against {_time_text(standard)}."
        for way in perhaps_slower_than_standard(ways)
    ]
    if work.large:
        lines.append(f"{count_text(work.large, 'archive')} of more than 250 MB may take longer than Expedited's 5 min.")
    return lines


def _best_text(ways: Sequence[Choice], best: Choice | None, by: datetime | None) -> str:
    until = f" that is done by {by.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if by else ""
    if best is not None:
        return f"Cheapest{until}: {best.name}, {dollars_text(best.dollars)}."
    sure = [way for way in ways if way.latest_seconds is not None]
    fastest = min(sure, key=lambda way: way.latest_seconds or 0)
    latest = duration_text(fastest.latest_seconds or 0)
    return f"None is sure to be done in time. The fastest is {fastest.name}, which may take {latest}."


def _told(work: Workload, ways: Sequence[Choice], best: Choice | None) -> dict[str, Any]:
    slower = slower_than_standard(ways)
    return {
        "archives": work.archives,
        "inventories": work.inventories,
        "bytes": work.bytes,
        "ofUnknownSize": work.of_unknown_size,
        "choices": [
            {
                "tier": way.tier,
                "units": way.units,
                "retrievalDollars": float(way.retrieval_dollars),
                "requestDollars": float(way.request_dollars),
                "unitDollars": float(way.unit_dollars),
                "thawDollars": float(way.thaw_dollars),
                "dollars": float(way.dollars),
                "guaranteedPerHour": _guaranteed_per_hour(way) if way.units is not None else None,
                "soonestSeconds": round(way.soonest_seconds),
                "latestSeconds": None if way.latest_seconds is None else round(way.latest_seconds),
                "slowerThanStandard": way in slower,
                "cheapest": way is best,
            }
            for way in ways
        ],
    }
