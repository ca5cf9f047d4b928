"""`make bench`: write units, AWS calls and invocations per retrieval, by kind and by how many there are at once.

Counts, not times: they are the same on every machine. The last table sets the processor time of a hundred retrievals
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
from rich.table import Table

from local.calls import Call
from local.cloud import Cloud

VAULT = "photos"
SERVICES = ("dynamodb", "glacier", "sqs", "events")
Request = dict[str, Any]


@dataclass(frozen=True)
class Cost:
    """Of one run, divided by its retrievals."""

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
    """Runs `count` retrievals of a kind to their end; schedules that find nothing are left out of the calls."""
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


def _costs(cloud: Cloud, console: Console) -> None:
    table = Table("kind", "at once", "write units", "reads", *SERVICES, title="Per retrieval", title_justify="left")
    for kind in KINDS:
        for count in (1, 10, 100):
            cost = measure(cloud, kind, count)
            calls = [f"{cost.calls[service] / count:.2f}" for service in SERVICES]
            table.add_row(kind, str(count), f"{cost.write_units:.2f}", f"{cost.reads:.2f}", *calls)
        table.add_section()
    console.print(table)


def _growth(cloud: Cloud, console: Console) -> None:
    few, many = (measure(cloud, "Standard", count) for count in (10, 100))
    ratio = many.cpu_seconds / few.cpu_seconds
    console.print(f"Processor time per retrieval, a hundred at once against ten: [b]{ratio:.2f}[/b] times")


def _idle(cloud: Cloud, console: Console) -> None:
    cloud.reset(seed=1)
    cloud.calls.clear()
    cloud.run_for(timedelta(hours=24))
    counts = cloud.calls.counts
    table = Table("function", "call", "a day", title="With nothing to do", title_justify="left")
    for (actor, service, operation), times in sorted(counts.items()):
        table.add_row(actor, f"{service} {operation}", str(times))
    console.print(table)


def main() -> None:
    console = Console()
    with Cloud(settings={"maxUnits": 2}) as cloud:
        _costs(cloud, console)
        _idle(cloud, console)
        _growth(cloud, console)


if __name__ == "__main__":
    main()
