"""`thaw status`: how requests stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from cli.chosen import Chosen, chosen_requests
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
    examples=("thaw status", "thaw status invoices-2019", "thaw status --file inventory.json --batch may"),
)
@chosen_requests
@click.option("--each", is_flag=True, help="A line for each request, where there would be a summary.")
def status(stack: Stack, out: Output, chosen: Chosen, each: bool) -> None:
    """Shows how requests stand: those that are named, those of a file, or else all that are open.

    Many are counted by state, tier and vault. The exit code is 1 if one that was asked for failed or is not known.

    It reads the requests' own records and the index of what is open, and never scans the table.
    """
    reader = Reader(stack.dynamodb, stack.output("RetrievalTableName"))
    if not chosen:
        _show(out, _open(reader), each=each)
        return
    bad = Bad()
    standings = bad.noted(reader.standings(chosen.all_ids()))
    if chosen.file is None and len(chosen.named) == 1 and not out.as_json:
        _show_one(out, next(standings))
    else:
        _show(out, standings, each=each or chosen.file is None)
    if bad.found:
        raise SystemExit(Exit.BAD_NEWS)


class Bad:
    """Whether there was bad news among requests that were looked at."""

    found = False

    def noted(self, standings: Iterable[Standing]) -> Iterator[Standing]:
        for standing in standings:
            self.found = self.found or standing.outcome is Outcome.BAD or standing.state == UNKNOWN
            yield standing


def _open(reader: Reader) -> Iterator[Standing]:
    for record in reader.open_retrievals():
        for request_id in record.waiting_requests():
            yield Standing(request_id, record.state, record)


def _show(out: Output, standings: Iterable[Standing], *, each: bool) -> None:
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
