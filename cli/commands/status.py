"""`thaw status`: how requests stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from cli.command import command
from cli.errors import Exit
from cli.output import Output, table
from cli.reading import Reader
from cli.stack import Stack
from cli.standing import UNKNOWN, Outcome, Standing
from cli.summary import group_table, grouped, standing_table
from thaw.edge.clock import now_ms

_HINT_UNKNOWN = """\
No request of that id has been taken in. It is on the queue still, was rejected (the event Request Rejected says why),
is a dead letter (`thaw redrive` shows them), or was never sent."""


@command(
    "status",
    examples=("thaw status", "thaw status invoices-2019", "thaw status --each --json"),
)
@click.argument("request_ids", metavar="[REQUEST_ID]...", nargs=-1)
@click.option("--each", is_flag=True, help="A line for each request, where there would be a summary.")
def status(stack: Stack, out: Output, request_ids: tuple[str, ...], each: bool) -> None:
    """Shows how requests stand: those that are named, or else all that are open, by state, tier and vault.

    It reads the requests' own records and the index of what is open, and never scans the table.
    """
    reader = Reader(stack.dynamodb, stack.output("RetrievalTableName"))
    if not request_ids:
        _show_all(out, _open(reader), each=each)
        return
    standings = list(reader.standings(request_ids))
    if len(standings) == 1 and not out.as_json:
        _show_one(out, standings[0])
    else:
        _show_all(out, standings, each=True)
    if any(each.outcome is Outcome.BAD or each.state == UNKNOWN for each in standings):
        raise SystemExit(Exit.BAD_NEWS)


def _open(reader: Reader) -> Iterator[Standing]:
    for record in reader.open_retrievals():
        for request_id in record.waiting_requests():
            yield Standing(request_id, record.state, record)


def _show_all(out: Output, standings: Iterable[Standing], *, each: bool) -> None:
    now = now_ms()
    if each and out.as_json:
        for standing in standings:
            out.data(standing.told(now))
    elif each:
        out.show(standing_table(standings, now))
    else:
        groups = grouped(standings, now)
        for group in groups:
            out.data(group.told())
        out.show(group_table(groups) if groups else "Nothing is open.")


def _show_one(out: Output, standing: Standing) -> None:
    made = table("", "")
    made.show_header = False
    for name, value in standing.told(now_ms()).items():
        made.add_row(name, f"{value['code']}: {value['message']}" if isinstance(value, dict) else str(value))
    out.show(made)
    if standing.state == UNKNOWN:
        out.note(_HINT_UNKNOWN)
