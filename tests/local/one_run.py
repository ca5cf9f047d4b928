"""A short run on the real stacks, to the last line of the logs."""

import json
from collections.abc import Iterator
from datetime import timedelta

from local.cloud import Cloud


def run(cloud: Cloud, duration: timedelta = timedelta(minutes=20)) -> list[str]:
    """Lets two archives be retrieved, and tells everything that went on."""
    cloud.client("glacier").create_vault(accountId="-", vaultName="photos")
    for tier in ("Standard", "Expedited"):
        archive_id = cloud.glacier.put_synthetic_archive("photos", 1000)
        job = {"Type": "archive-retrieval", "ArchiveId": archive_id, "Tier": tier}
        request = {"requestId": tier, "accountId": "-", "vaultName": "photos", "jobParameters": job}
        cloud.client("sqs").send_message(QueueUrl=cloud.outputs["RequestQueueUrl"], MessageBody=json.dumps(request))
    cloud.run_for(duration)
    return list(_everything(cloud))


def _everything(cloud: Cloud) -> Iterator[str]:
    yield from map(repr, cloud.calls.log)
    yield from map(repr, cloud.items())
    yield from map(repr, cloud.events)
    for function in cloud.functions.logs:
        yield from cloud.logs(function)


def print_that_of_seed_3() -> None:
    with Cloud(seed=3) as cloud:
        print("\n".join(run(cloud)))
