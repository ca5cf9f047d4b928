"""`make load`: ten thousand requests at once, repeats and Expedited among them, while Glacier throttles.

All must end, nothing may be left in a dead-letter queue, no job may be started twice, and a retrieval must cost the
calls that it costs among twenty. What a throttled attempt costs is measured by itself and set apart.
"""

import gc
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import click
from botocore.awsrequest import AWSResponse
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.__main__ import VAULT
from local.calls import Call, Perform, error_reply
from local.cloud import Cloud

STARTS_PER_SECOND = 20
"""What Glacier takes before it throttles, in this load; nothing is published about the real one."""
TERMINAL = ("Retrieval Succeeded", "Retrieval Failed")
OF_TWENTY = {"Standard": 12, "Bulk": 3, "Expedited": 1, "same archive": 2, "sent twice": 2}
"""Of each twenty requests so many are of this kind. Expedited falls back to Standard."""
MORE_AT_MOST = 1.05
"""So much more than among twenty, in calls per retrieval, counts as the same."""
STEP = timedelta(minutes=10)
SAMPLED_EVERY = timedelta(hours=2)
Request = dict[str, Any]


@dataclass
class Throttle:
    """A bucket of tokens in front of InitiateJob, filled by virtual time."""

    tokens: float = STARTS_PER_SECOND
    filled_at_ms: int = 0
    refused: int = 0

    def strike(self, call: Call, perform: Perform) -> AWSResponse:
        """Lets the call through, or refuses it."""
        if call.operation != "InitiateJob":
            return perform()
        passed_seconds = (call.at_ms - self.filled_at_ms) / 1000
        self.tokens = min(STARTS_PER_SECOND, self.tokens + passed_seconds * STARTS_PER_SECOND)
        self.filled_at_ms = call.at_ms
        if self.tokens < 1:
            self.refused += 1
            return error_reply("ThrottlingException", "Rate exceeded")
        self.tokens -= 1
        return perform()


@dataclass
class Run:
    """What one load did.

    Args:
        live_objects: instances of the functions' own classes that were alive, as the run went on.
    """

    requests: int
    ended: int
    jobs: int
    archives: int
    refused: int
    dead_letters: int
    calls: Counter[str]
    live_objects: list[int] = field(default_factory=list)

    def calls_each(self, name: str, per_refusal: float = 0) -> float:
        """Calls of one kind for each job, without those that refused attempts cost."""
        return (self.calls[name] - per_refusal * self.refused) / self.jobs


def _requests(cloud: Cloud, count: int) -> Iterator[Request]:
    kinds = [kind for kind, times in OF_TWENTY.items() for _ in range(times)]
    shared = cloud.glacier.put_synthetic_archive(VAULT, 2**20, 0)
    for number in range(count):
        kind = kinds[number * 7 % len(kinds)]
        archive = shared if kind == "same archive" else cloud.glacier.put_synthetic_archive(VAULT, 2**20, number + 1)
        tier = kind if kind in ("Bulk", "Expedited") else "Standard"
        job = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": tier}
        request = {"requestId": f"load-{number}", "vaultName": VAULT, "jobParameters": job}
        request |= {"expeditedFallback": "Standard"} if tier == "Expedited" else {}
        yield request
        if kind == "sent twice":
            yield request


def _send(cloud: Cloud, count: int, advance: Callable[[float], None]) -> int:
    bodies = [json.dumps(each) for each in _requests(cloud, count)]
    for start in range(0, len(bodies), 10):
        entries = [{"Id": str(at), "MessageBody": body} for at, body in enumerate(bodies[start : start + 10])]
        cloud.client("sqs").send_message_batch(QueueUrl=cloud.outputs["RequestQueueUrl"], Entries=entries)
        advance(len(entries))
    return len({json.loads(body)["jobParameters"]["ArchiveId"] for body in bodies})


def _live_objects() -> int:
    gc.collect()
    return sum(str(type(each).__module__).startswith("thaw.") for each in gc.get_objects())


def run(cloud: Cloud, count: int, throttle: Throttle | None, progress: Progress) -> Run:
    """Sends so many requests at once and lets time run until they have ended."""
    cloud.reset(seed=1)
    cloud.client("glacier").create_vault(accountId="-", vaultName=VAULT)
    sending = progress.add_task(f"sending {count}", total=count)
    archives = _send(cloud, count, lambda sent: progress.advance(sending, sent))
    cloud.calls.clear()
    cloud.calls.keep_log = False
    cloud.calls.strike = throttle.strike if throttle else None
    ended: set[str] = set()
    live, read = [_live_objects()], 0
    ending = progress.add_task(f"until {count} have ended", total=count)
    try:
        while len(ended) < count and cloud.now < cloud.start + timedelta(days=4):
            cloud.run_for(STEP)
            for event in cloud.events[read:]:
                if event.detail_type in TERMINAL:
                    ended.add(event.detail["requestId"])
            read = len(cloud.events)
            if len(live) * SAMPLED_EVERY <= cloud.now - cloud.start:
                live.append(_live_objects())
            progress.update(ending, completed=len(ended))
    finally:
        cloud.calls.strike, cloud.calls.keep_log = None, True
    return Run(
        requests=count,
        ended=len(ended),
        jobs=len(cloud.glacier.ledger.jobs),
        archives=archives,
        refused=throttle.refused if throttle else 0,
        dead_letters=sum(map(len, cloud.dead_letters().values())),
        calls=_worked(cloud),
        live_objects=live,
    )


def _worked(cloud: Cloud) -> Counter[str]:
    """The functions' calls by kind, but for the looks that the schedules take."""
    calls: Counter[str] = Counter()
    for (actor, service, operation), times in cloud.calls.counts.items():
        if actor != "user" and not (actor in ("reconcile", "top_up") and operation in ("Query", "GetItem")):
            calls[f"{actor} {service} {operation}"] += times
    return calls


class FirstRefused(Throttle):
    """Refuses the first ten calls, and no other: what a refusal costs."""

    def strike(self, call: Call, perform: Perform) -> AWSResponse:
        if call.operation == "InitiateJob" and self.refused < 10:
            self.refused += 1
            return error_reply("ThrottlingException", "Rate exceeded")
        return perform()


def _table(few: Run, each_refused: Run, many: Run) -> Table:
    table = Table(title="Calls per job", title_justify="left")
    for name in ("call", "among twenty", "a refusal adds", f"among {many.requests}, refused aside"):
        table.add_column(name, justify="left" if name == "call" else "right")
    for name in sorted(few.calls | many.calls):
        adds = _per_refusal(name, few, each_refused)
        table.add_row(name, f"{few.calls_each(name):.2f}", f"{adds:.2f}", f"{many.calls_each(name, adds):.2f}")
    return table


def _per_refusal(name: str, few: Run, each_refused: Run) -> float:
    return (each_refused.calls[name] - few.calls[name]) / each_refused.refused


def _wrong(few: Run, each_refused: Run, many: Run) -> Iterator[str]:
    if many.ended < many.requests:
        yield f"{many.requests - many.ended} requests have not ended"
    if many.dead_letters:
        yield f"{many.dead_letters} dead letters"
    if many.jobs > many.archives:
        yield f"{many.jobs} jobs for {many.archives} archives"
    if not many.refused:
        yield "nothing was throttled"
    if max(many.live_objects) > 2 * max(few.live_objects) + 1000:
        yield f"the functions kept objects: {many.live_objects}"
    total = sum(many.calls_each(name, _per_refusal(name, few, each_refused)) for name in many.calls)
    if total > MORE_AT_MOST * sum(map(few.calls_each, few.calls)):
        yield "a retrieval costs more calls than among twenty"


@click.command(help=__doc__)
@click.option("--requests", default=10_000, show_default=True)
def main(requests: int) -> None:
    console = Console()
    with Cloud(settings={"maxUnits": 0}) as cloud, Progress(console=console, transient=True) as progress:
        few = run(cloud, 20, None, progress)
        each_refused = run(cloud, 20, FirstRefused(), progress)
        many = run(cloud, requests, Throttle(), progress)
    console.print(_table(few, each_refused, many))
    console.print(
        f"{many.ended} of {many.requests} requests ended; {many.jobs} jobs for {many.archives} archives; "
        f"{many.refused} attempts throttled; {many.dead_letters} dead letters; "
        f"live objects of the functions: {min(many.live_objects)} to {max(many.live_objects)}."
    )
    problems = list(_wrong(few, each_refused, many))
    for problem in problems:
        console.print(f"[red]{problem}[/red]")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
