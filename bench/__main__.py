"""`make bench`: write units and AWS calls per request, by kind and by how many there are at once.

Counts, not times: they are the same on every machine. The last line sets the processor time of a hundred requests
against that of ten, which says whether the work grows faster than what is asked.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from local.calls import Call
from local.cloud import Cloud

VAULT = "photos"
SERVICES = {"dynamodb": "DynamoDB", "glacier": "Glacier", "sqs": "SQS", "events": "EventBridge"}
AT_ONCE = (1, 10, 100)
PER_REQUEST = """\
kind         all requests of a run are of one: tier Standard, Bulk or Expedited; a range; one archive for all
at once      how many are sent in a run; each figure is the run's, divided by them
write units  what DynamoDB charges for the run's writes, the index's too: $0.625 a million
DynamoDB ... the functions' calls of each service; reads are those of DynamoDB's that read
Left out: what the schedules look up every five minutes, and Lambda's own calls for queues and streams."""
IDLE = "The functions' calls on a day without requests: what the schedules look up every five minutes."
GROWTH = "Less than one: the work does not grow faster than what is asked."
Request = dict[str, Any]


@dataclass(frozen=True)
class Cost:
    """Of one run; write units, reads and time are divided by its requests."""

    write_units: float
    calls: Counter[str]
    reads: float
    cpu_seconds: float


def _archive_request(cloud: Cloud, number: int, tier: str, **job: Any) -> Request:
    archive = cloud.glacier.put_synthetic_archive(VAULT, 4 * 2**20, number)
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": tier, **job}
    return {"requestId": f"00000000-0000-4000-8000-{number:012}", "vaultName": VAULT, "jobParameters": parameters}


def _same_archive(cloud: Cloud, number: int) -> Request:
    vault = cloud.glacier.vault(VAULT)
    archive = next(iter(vault.archives), None) or cloud.glacier.put_synthetic_archive(VAULT, 4 * 2**20, 0)
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive}
    return {"requestId": f"same-{number}", "vaultName": VAULT, "jobParameters": parameters}


KINDS: dict[str, Callable[[Cloud, int], Request]] = {
    "Standard": lambda cloud, number: _archive_request(cloud, number, "Standard"),
    "Bulk": lambda cloud, number: _archive_request(cloud, number, "Bulk"),
    "Expedited": lambda cloud, number: _archive_request(cloud, number, "Expedited"),
    "a range": lambda cloud, number: _archive_request(cloud, number, "Standard", RetrievalByteRange="0-1048575"),
    "the same archive": _same_archive,
}


@contextmanager
def _vault(cloud: Cloud) -> Iterator[None]:
    cloud.reset(seed=1)
    cloud.client("glacier").create_vault(accountId="-", vaultName=VAULT)
    yield


def _is_tick(call: Call) -> bool:
    """Whether it is one of the looks at the due index that the schedules take whatever there is to do."""
    return call.actor in ("reconcile", "top_up") and call.operation in ("Query", "GetItem")


def measure(cloud: Cloud, kind: str, count: int) -> Cost:
    """Runs `count` requests of a kind to their end; schedules that find nothing are left out of the calls."""
    with _vault(cloud):
        requests = [KINDS[kind](cloud, number) for number in range(count)]
        cloud.meter.clear()
        cloud.calls.clear()
        began = time.process_time()
        for request in requests:
            url = cloud.outputs["RequestQueueUrl"]
            cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(request))
        cloud.run_until(lambda: len(cloud.events_of("Retrieval Succeeded")) >= count, timedelta(hours=13))
        cpu_seconds = time.process_time() - began
        working = [call for call in cloud.calls.log if call.actor != "user" and not _is_tick(call)]
        by_service = Counter(call.service for call in working)
        reads = sum(call.operation in ("GetItem", "BatchGetItem", "Query") for call in working)
        return Cost(cloud.meter.units / count, by_service, reads / count, cpu_seconds / count)


def _costs(cloud: Cloud, progress: Progress) -> Table:
    """Each kind, alone and with others."""
    table = _table("Per request", PER_REQUEST, "kind", "at once", "write units", "reads", *SERVICES.values())
    task = progress.add_task("", total=len(KINDS) * len(AT_ONCE))
    for kind in KINDS:
        for count in AT_ONCE:
            progress.update(task, description=f"{kind}, {count} at once")
            cost = measure(cloud, kind, count)
            calls = [f"{cost.calls[service] / count:.2f}" for service in SERVICES]
            table.add_row(kind, str(count), f"{cost.write_units:.2f}", f"{cost.reads:.2f}", *calls)
            progress.advance(task)
        table.add_section()
    return table


def _growth(cloud: Cloud, progress: Progress) -> str:
    progress.add_task("processor time", total=None)
    few, many = (measure(cloud, "Standard", count) for count in (10, 100))
    ratio = many.cpu_seconds / few.cpu_seconds
    return f"Processor time per request, a hundred at once against ten: [b]{ratio:.2f}[/b] times. {GROWTH}"


def _idle(cloud: Cloud, progress: Progress) -> Table:
    progress.add_task("a day with nothing to do", total=None)
    cloud.reset(seed=1)
    cloud.calls.clear()
    cloud.run_for(timedelta(hours=24))
    table = _table("With nothing to do", IDLE, "function", "call", "a day")
    for (actor, service, operation), times in sorted(cloud.calls.counts.items()):
        table.add_row(actor, f"{SERVICES[service]} {operation}", str(times))
    return table


def _table(title: str, caption: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left")
    table.caption = caption
    for number, name in enumerate(columns):
        is_text = number == 0 or name == "call"
        table.add_column(name, justify="left" if is_text else "right", no_wrap=is_text)
    return table


def main() -> None:
    console = Console()
    console.print(
        f"Runs of 1 to {AT_ONCE[-1]} requests on the embedded AWS, from sending them to their last events ...\n"
    )
    with Cloud(settings={"maxUnits": 2}) as cloud:
        for measured in (_costs, _idle, _growth):
            with Progress(console=console, transient=True) as progress:
                result = measured(cloud, progress)
            console.print(result, "")


if __name__ == "__main__":
    main()
