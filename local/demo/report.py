"""What the demo prints before it starts and at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from local.demo import examples, story
from local.demo.examples import Inventory
from local.demo.history import FAILED, LISTED, REJECTED, SUCCEEDED, History
from local.demo.run import Run, Totals
from local.demo.telling import clock_time, duration, short_id, size, what_happened

_WIDE = 98
"""Of so many columns is the table of requests with their jobs."""
_SERVICES = {"glacier": "Glacier", "dynamodb": "DynamoDB", "sqs": "SQS", "events": "EventBridge"}
_END_STYLES = {SUCCEEDED: "green", LISTED: "green", FAILED: "yellow", REJECTED: "yellow"}


def introduction() -> RenderableType:
    """What is there, and what will go wrong."""
    inventory, partners = Inventory.read(examples.INVENTORY), Inventory.read(examples.PARTNER_INVENTORY)
    archives, requests = len(inventory.archives), len(list(examples.read_requests()))
    later = (f"{name} {duration(after)} after the rest" for name, after in story.LATER.items())
    lines = [
        Text("Thaw on this machine", "bold"),
        Text("Both stacks in an embedded AWS, the functions' real code; hours take seconds."),
        Text(),
        Text(f"  {archives} archives, {size(inventory.size_bytes)}, of examples/inventory.json, and 1 uploaded now"),
        Text(f"  {len(partners.archives)} archives in a partner's vault, of examples/partner-inventory.json"),
        Text(f"  {requests} requests of examples/requests.jsonl, and 1 for the upload; {', '.join(later)}"),
        Text(),
        Text("Glacier is made to misbehave:", "bold"),
        Text(f"  · it {story.NO_ROOM}; Thaw may buy {story.SETTINGS['maxUnits']}"),
        *(Text(f"  · {trouble.request_id} {trouble.words}") for trouble in story.TROUBLES),
        Text(),
    ]
    return Group(*lines)


def conclusion(run: Run, width: int) -> RenderableType:
    """The requests one by one, what it took, and whether all is as it should be; `width` in columns."""
    parts: list[RenderableType] = [_requests(run, with_jobs=width >= _WIDE), Text(), _totals(run.totals), Text()]
    if not run.wrong:
        parts.append(Text("Every request ended as it should; hashes and fetched outputs are right.", "bold green"))
        parts.append(Text("Next: `make up` to try it with the aws command line; README.md to deploy it."))
        return Group(*parts)
    parts.append(Text("Not as it should be:", "bold red"))
    for name, lines in run.wrong.items():
        parts.extend(Text(f"  {name or 'as a whole'}: {line}", "red") for line in lines)
    return Group(*parts)


def _requests(run: Run, with_jobs: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="bold")
    for name in ("", "request", "asked", "what happened", *(["job"] if with_jobs else []), "took", "output until"):
        table.add_column(name, no_wrap=name != "what happened", justify="right" if name == "took" else "left")
    for name, history in run.histories.items():
        outcome, waited = run.outcomes[name], history.waited
        happened = what_happened(history, outcome, run.histories, run.archives_listed)
        table.add_row(
            Text("✗", "bold red") if name in run.wrong else Text("✓", "green"),
            name,
            history.request.tier,
            Text(happened, _END_STYLES.get(outcome.end, "red")),
            *([Text(_jobs(history.job_ids), "dim")] if with_jobs else []),
            duration(waited) if waited is not None else "",
            _available_until(history),
        )
    return table


def _available_until(history: History) -> str:
    if not history.succeeded:
        return ""
    return clock_time(datetime.fromisoformat(history.succeeded[-1].detail["outputAvailableUntil"]))


def _jobs(job_ids: list[str]) -> str:
    if len(job_ids) > 1:
        return f"{len(job_ids)} jobs"
    return short_id(job_ids[0]) if job_ids else ""


def _totals(totals: Totals) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in _figures(totals):
        table.add_row(name, value)
    return table


def _figures(totals: Totals) -> Iterator[tuple[str, str]]:
    jobs, units = totals.ledger.jobs, totals.ledger.units
    tiers = Counter(job.tier for job in jobs)
    yield "Time", f"{duration(totals.passed)} of AWS"
    yield "Jobs", f"{len(jobs)}: " + ", ".join(f"{tiers[tier]} {tier}" for tier in sorted(tiers))
    yield "Units", f"{len(units)} bought; it takes 3 Expedited every 5 minutes"
    price = f"${totals.jobs_dollars:.2f} for the jobs, ${totals.units_dollars:.2f} for the unit's month"
    yield "List price", price
    yield (
        "Table writes",
        f"{totals.write_units} units in all, {totals.plain_write_units} for a plain retrieval",
    )
    for service, name in _SERVICES.items():
        calls = [(operation, number) for (of, operation), number in totals.calls.most_common() if of == service]
        total = sum(number for _, number in calls)
        yield f"{name} calls", f"{total}: " + ", ".join(f"{operation}×{number}" for operation, number in calls)
