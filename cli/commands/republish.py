"""`thaw republish`: events once more, for a span of time."""

from __future__ import annotations

from datetime import datetime

import click

from cli.agreement import agree
from cli.command import command
from cli.errors import Exit, Interrupted, Problem
from cli.output import Output
from cli.params import INSTANT
from cli.pricing import list_prices
from cli.quantities import count_text, dollars_text, duration_text, size_text
from cli.republishing import Progress, Republisher, Size, Span, size_of
from cli.stack import Stack
from thaw.edge.bus import Bus
from thaw.edge.clock import now_ms

_MONTHS = "--from 2026-03-02T09:00:00Z --to 2026-03-02T11:00:00Z"


@command("republish", examples=(f"thaw republish {_MONTHS}", f"thaw republish {_MONTHS} --yes --events-per-second 20"))
@click.option("--from", "since", type=INSTANT, required=True, metavar="TIME", help="Events of then or later.")
@click.option("--to", "until", type=INSTANT, metavar="TIME", help="Events of before; without it, up to now.")
@click.option(
    "--read-units-per-second",
    default=100.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Of the table's read capacity; each reads 8 KB.",
)
@click.option(
    "--events-per-second",
    default=100.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Mind what your consumers can take.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
def republish(
    stack: Stack,
    out: Output,
    since: datetime,
    until: datetime | None,
    read_units_per_second: float,
    events_per_second: float,
    yes: bool,
) -> None:
    """Tells the present state of all that changed within a span of time once more, for consumers that missed it.

    The events are made from the table by Thaw's own rules and keep the eventId that they had: who has seen one can
    drop it. Of what is open still, all that was open in the span is told. The table has no index on time, so all of
    it is read.
    """
    now = now_ms()
    span = Span(_ms(since), min(_ms(until), now) if until else now)
    if span.since >= span.until:
        raise Problem("The span is empty.", "--from must be before --to, and not in the future.")
    table_name = stack.output("RetrievalTableName")
    out.note(_what_it_takes(size_of(stack.dynamodb, table_name), read_units_per_second))
    agree("Go on?", yes=yes)
    bus = Bus(stack.events, stack.event_bus_name)
    republisher = Republisher(stack.dynamodb, table_name, bus, read_units_per_second, events_per_second)
    done = Progress()
    try:
        with out.progress("Reading the table") as bar:

            def told(progress: Progress) -> None:
                nonlocal done
                done = progress
                bar.at(progress.items)

            done = republisher.run(span, now, told)
    except KeyboardInterrupt:
        published = f"{count_text(done.published, 'event')} put on the bus."
        raise Interrupted(f"{published} The same command begins anew; events keep their ids.") from None
    _show(out, done)


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _what_it_takes(size: Size, units_per_second: float) -> str:
    prices = list_prices().thaw.prices
    event = f"Events are {dollars_text(prices.event * 1_000_000)} a million."
    if not size.bytes:
        unit = f"a read unit for each 8 KB, {dollars_text(prices.read_unit * 1_000_000)} a million"
        return f"All of the table is read; DynamoDB has not told its size yet: {unit}. {event}"
    takes = duration_text(size.read_units / units_per_second)
    return (
        f"All of the table is read: some {count_text(size.items, 'item')}, {size_text(size.bytes)} by DynamoDB's last"
        f" count. That takes {count_text(size.read_units, 'read unit')},"
        f" {dollars_text(size.read_units * prices.read_unit)}, and {takes}. {event}"
    )


def _show(out: Output, done: Progress) -> None:
    counts = {"items": done.items, "published": done.published, "unreadable": done.unreadable}
    out.data({**counts, "readUnits": done.read_units})
    read = f"{count_text(done.items, 'item')} read, {done.read_units:,.1f} read units."
    out.show(f"{count_text(done.published, 'event')} put on the bus. {read}")
    if done.unreadable:
        advice = "See RecordUnreadable in docs/operate.md."
        raise Problem(f"{count_text(done.unreadable, 'item')} could not be read.", advice, Exit.BAD_NEWS)
