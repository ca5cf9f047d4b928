"""`make load`: ten thousand requests at once, repeats and Expedited among them, while Glacier and the bus throttle.

All must succeed, nothing may be left in a dead-letter queue or unpublished, no job may be started twice, the
functions may keep nothing from one invocation to the next, and of each kind of call a request must cost no more than
among ten. What a refused attempt costs, and what a tick of the schedules costs that finds nothing, is measured by
itself and set apart. Of Glacier InitiateJob is throttled, and of EventBridge PutEvents; DescribeJob and ListJobs
cannot be: while notifications arrive nobody calls them, and a call of either would be one too many. Events share
calls of PutEvents, and among many more of them do, so what is left of that kind is well below.
"""

import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import click
from botocore.awsrequest import AWSResponse
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.__main__ import VAULT
from bench.held import Watch
from local.calls import Call, Perform, error_reply
from local.cloud import Cloud

STARTS_PER_SECOND = 20
"""What Glacier takes before it throttles, in this load; nothing is published about the real one."""
ONE_REFUSED_OF = 10
"""So often the bus refuses a call of PutEvents, and so often an entry of those that it takes."""
THROTTLED = "ThrottlingException"
PUT = "publish events PutEvents"
NEVER = ("glacier DescribeJob", "glacier ListJobs")
"""What nobody calls while notifications arrive: not once, however many requests there are."""
FEW = 10
OF_TEN = (
    *("Standard", "Expedited", "same archive", "Standard", "Bulk"),
    *("sent twice", "Standard", "same archive", "Standard", "Standard"),
)
"""Each ten requests are of these kinds; its two for the same archive share one that no others ask for."""
SETTINGS = {"maxUnits": 2}
"""So that top_up buys, and releases what waits at the units' rate."""
LIMIT = timedelta(days=2)
"""Two units release a thousand Expedited retrievals in 14 hours, and a Bulk job takes 12 at most."""
TICK = timedelta(minutes=5)
STEP = timedelta(minutes=10)
REFUSED_EACH = 4
"""So often each of ten is refused to see what a refusal costs: later waits are longer, and resumed by reconcile."""
BACKLOG_READ = "top_up dynamodb BatchGetItem"
"""The one kind that is not held by request: each tick reads the whole backlog, a hundred records with a call, as the
index may be behind and money hangs on the number."""
Request = dict[str, Any]


@dataclass
class Refusing:
    """What is refused in a run; nothing here."""

    refused: int = 0
    """Attempts to start a job."""
    refused_puts: int = 0
    """Calls of PutEvents, as a whole or in part: each has to be made once more, and costs nothing else."""

    def strike(self, call: Call, perform: Perform) -> AWSResponse:
        """Lets the call through, or refuses it."""
        return perform()

    def refuse_entry(self, entry: Mapping[str, Any]) -> str | None:
        """The error code with which the bus refuses an entry of a call that was let through."""
        return None


@dataclass
class Throttle(Refusing):
    """A bucket of tokens in front of InitiateJob, filled by virtual time; and the bus takes not each call and entry."""

    tokens: float = STARTS_PER_SECOND
    filled_at_ms: int = 0
    puts: int = 0
    entries: int = 0

    def strike(self, call: Call, perform: Perform) -> AWSResponse:
        if call.operation == "InitiateJob":
            return self._start(call, perform)
        return self._put(perform) if call.operation == "PutEvents" else perform()

    def refuse_entry(self, entry: Mapping[str, Any]) -> str | None:
        self.entries += 1
        return THROTTLED if self.entries % ONE_REFUSED_OF == 0 else None

    def _start(self, call: Call, perform: Perform) -> AWSResponse:
        passed_seconds = (call.at_ms - self.filled_at_ms) / 1000
        self.tokens = min(STARTS_PER_SECOND, self.tokens + passed_seconds * STARTS_PER_SECOND)
        self.filled_at_ms = call.at_ms
        if self.tokens < 1:
            self.refused += 1
            return error_reply(THROTTLED, "Rate exceeded")
        self.tokens -= 1
        return perform()

    def _put(self, perform: Perform) -> AWSResponse:
        self.puts += 1
        if self.puts % ONE_REFUSED_OF == 0:
            self.refused_puts += 1
            return error_reply(THROTTLED, "Rate exceeded")
        refused_before = self.entries // ONE_REFUSED_OF
        reply = perform()
        self.refused_puts += self.entries // ONE_REFUSED_OF > refused_before
        return reply


@dataclass
class FirstRefused(Refusing):
    """Refuses the first attempts to start a job, and nothing else: what a refusal costs."""

    def strike(self, call: Call, perform: Perform) -> AWSResponse:
        if call.operation == "InitiateJob" and self.refused < REFUSED_EACH * FEW:
            self.refused += 1
            return error_reply(THROTTLED, "Rate exceeded")
        return perform()


@dataclass
class Run:
    """What one load did.

    Args:
        expedited: how many jobs were of that tier.
        ticks: how often the schedules woke the functions.
    """

    requests: int
    ended: int
    jobs: int
    archives: int
    expedited: int
    units: int
    refused: int
    refused_puts: int
    dead_letters: int
    stored: int
    """Objects: records that could not be published, or read."""
    errors: list[str]
    """Of functions, but for an invocation that met the bus's throttle at each of the SDK's attempts: the stream repeats
    it."""
    ticks: int
    calls: Counter[str]
    watch: Watch


@dataclass
class Costs:
    """Calls by kind: of a tick that finds nothing, of a request among ten, and what a refused attempt adds.

    To top_up's it adds nothing that is set apart: slots spread the Expedited attempts, so hardly any is refused.
    """

    tick: dict[str, float]
    request: dict[str, float]
    refusal: dict[str, float]

    @classmethod
    def of(cls, idle: Run, few: Run, refused: Run) -> "Costs":
        kinds = few.calls | refused.calls | idle.calls
        tick = {kind: idle.calls[kind] / idle.ticks for kind in kinds}
        request = {kind: (few.calls[kind] - few.ticks * tick[kind]) / few.requests for kind in kinds}
        refusal = {
            kind: (refused.calls[kind] - refused.ticks * tick[kind] - few.requests * request[kind]) / refused.refused
            for kind in kinds
            if not kind.startswith("top_up")
        }
        return cls(tick, request, refusal)

    def request_of(self, run: Run, kind: str) -> float:
        """Calls of a kind for each request of a run, without those of idle ticks and of refused attempts."""
        aside = run.ticks * self.tick.get(kind, 0) + run.refused * self.refusal.get(kind, 0)
        aside += run.refused_puts if kind == PUT else 0
        return (run.calls[kind] - aside) / run.requests


def _requests(cloud: Cloud, count: int) -> Iterator[Request]:
    shared = ""
    for number in range(count):
        kind = OF_TEN[number % FEW]
        archive = cloud.glacier.put_synthetic_archive(VAULT, 2**20, number)
        if kind == "same archive":
            archive = shared = shared or archive
        if number % FEW == FEW - 1:
            shared = ""
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


def run(cloud: Cloud, count: int, throttle: Refusing, progress: Progress) -> Run:
    """Sends so many requests at once and lets time run until they have ended; without any, for six hours."""
    cloud.reset(seed=1)
    cloud.client("glacier").create_vault(accountId="-", vaultName=VAULT)
    cloud.functions.idle_seconds = LIMIT.total_seconds()  # the longer an environment lives, the more it could keep
    watch = Watch()
    sending = progress.add_task(f"sending {count}", total=count)
    archives = _send(cloud, count, lambda sent: progress.advance(sending, sent))
    cloud.calls.clear()
    cloud.calls.keep_log = False
    cloud.calls.strike, cloud.deliveries.refuse_entry = throttle.strike, throttle.refuse_entry
    cloud.functions.on_start = watch.on_start
    try:
        ended = _until_ended(cloud, count, progress) if count else _idle(cloud)
    finally:
        cloud.calls.strike, cloud.calls.keep_log = None, True
        cloud.deliveries.refuse_entry = lambda entry: None
        cloud.functions.on_start = lambda environment: None
    watch.at_the_end(cloud.functions.environments)
    jobs = cloud.glacier.ledger.jobs
    return Run(
        requests=count,
        ended=ended,
        jobs=len(jobs),
        archives=archives,
        expedited=sum(job.tier == "Expedited" for job in jobs),
        units=len(cloud.events_of("Capacity Purchased")),
        refused=throttle.refused,
        refused_puts=throttle.refused_puts,
        dead_letters=sum(map(len, cloud.dead_letters().values())),
        stored=len(cloud.stored_objects()),
        errors=[f"{label}: {error}" for label, error in _errors(cloud) if (label, error) != ("publish", THROTTLED)],
        ticks=(cloud.now - cloud.start) // TICK,
        calls=_kinds(cloud),
        watch=watch,
    )


def _errors(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """By function and type."""
    return ((label, result.error["errorType"]) for label, result in cloud.errors if result.error)


def _idle(cloud: Cloud) -> int:
    cloud.run_for(timedelta(hours=6))
    return 0


def _until_ended(cloud: Cloud, count: int, progress: Progress) -> int:
    ended: set[str] = set()
    read = 0
    task = progress.add_task(f"until {count} have ended", total=count)
    while len(ended) < count and cloud.now < cloud.start + LIMIT:
        cloud.run_for(STEP)
        new = cloud.events[read:]
        ended.update(each.detail["requestId"] for each in new if each.detail_type == "Retrieval Succeeded")
        read = len(cloud.events)
        progress.update(task, completed=len(ended))
    return len(ended)


def _kinds(cloud: Cloud) -> Counter[str]:
    """The functions' calls by kind. Who sends the message that ends a wait depends on how long it is."""
    calls: Counter[str] = Counter()
    for (actor, service, operation), times in cloud.calls.counts.items():
        if actor != "user":
            calls[f"{'any' if service == 'sqs' else actor} {service} {operation}"] += times
    return calls


def table_of(costs: Costs, many: Run) -> Table:
    table = Table(title="Calls", title_justify="left")
    table.caption = "refused ones and idle ticks aside; *: held by tick"
    names = ("call", "an idle tick", "a refusal adds", "a request among ten", f"among {many.requests}")
    for name in names:
        table.add_column(name, justify="left" if name == "call" else "right")
    for kind in sorted(costs.request.keys() | many.calls):
        figures = (costs.tick.get(kind, 0), costs.refusal.get(kind, 0), costs.request.get(kind, 0))
        shown = [f"{each:.2f}" for each in (*figures, costs.request_of(many, kind))]
        table.add_row(kind + (" *" if kind == BACKLOG_READ else ""), *shown)
    return table


def wrong(costs: Costs, many: Run) -> Iterator[str]:
    """What does not hold of a load."""
    if many.ended < many.requests:
        yield f"{many.requests - many.ended} requests have not succeeded"
    if many.dead_letters or many.errors:
        errors = ", ".join(f"{times} of {error}" for error, times in Counter(many.errors).items())
        yield f"{many.dead_letters} dead letters, {errors or 'no'} errors of functions"
    if many.stored:
        yield f"{many.stored} records were not published"
    if many.jobs != many.archives:
        yield f"{many.jobs} jobs for {many.archives} archives"
    if not many.refused or not many.refused_puts:
        yield f"{many.refused} attempts and {many.refused_puts} calls of PutEvents were throttled"
    if not 1 <= many.units <= SETTINGS["maxUnits"] or many.expedited < many.requests // FEW:
        yield f"{many.units} units were bought, and {many.expedited} jobs Expedited"
    yield from many.watch.grown()
    yield from _calls_too_many(costs, many)


def _calls_too_many(costs: Costs, many: Run) -> Iterator[str]:
    for kind in sorted(many.calls):
        if kind == BACKLOG_READ:
            at_most = many.ticks * math.ceil(many.expedited / 100)
            if many.calls[kind] > at_most:
                yield f"{kind}: {many.calls[kind]} in {many.ticks} ticks, at most {at_most}"
        elif kind.endswith(NEVER) and many.calls[kind]:
            yield f"{kind}: {many.calls[kind]}, and none is needed"
        elif round(costs.request_of(many, kind), 2) > round(costs.request.get(kind, 0), 2):
            yield f"{kind}: {costs.request_of(many, kind):.2f} a request, {costs.request.get(kind, 0):.2f} among ten"


@click.command(help=__doc__)
@click.option("--requests", default=10_000, show_default=True)
def main(requests: int) -> None:
    console = Console()
    with Cloud(settings=SETTINGS) as cloud, Progress(console=console, transient=True) as progress:
        idle, few = run(cloud, 0, Refusing(), progress), run(cloud, FEW, Refusing(), progress)
        refused = run(cloud, FEW, FirstRefused(), progress)
        costs = Costs.of(idle, few, refused)
        many = run(cloud, requests, Throttle(), progress)
    console.print(table_of(costs, many))
    console.print(
        f"{many.ended} of {many.requests} requests ended within {many.ticks * TICK}; {many.jobs} jobs for "
        f"{many.archives} archives, {many.expedited} of them Expedited; {many.units} units bought; "
        f"{many.refused} attempts and {many.refused_puts} calls of PutEvents throttled; "
        f"{many.dead_letters} dead letters."
    )
    for instance, (early, last) in many.watch.long_lived().items():
        console.print(
            f"{instance} held {early.objects} objects of {early.bytes} bytes at invocation {early.invocations}, "
            f"{last.objects} of {last.bytes} at {last.invocations}."
        )
    problems = list(wrong(costs, many))
    for problem in problems:
        console.print(f"[red]{problem}[/red]")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
