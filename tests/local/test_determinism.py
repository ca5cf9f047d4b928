"""A seed is a run, on the real stacks."""

import copy
import json
from datetime import timedelta

import pytest

from local.cloud import Cloud


def test_the_first_run_and_any_later_one_of_a_seed_are_the_same_to_the_last_line_of_the_logs() -> None:
    def run(cloud: Cloud) -> list[object]:
        cloud.client("glacier").create_vault(accountId="-", vaultName="photos")
        for tier in ("Standard", "Expedited"):
            archive_id = cloud.glacier.put_synthetic_archive("photos", 1000)
            job = {"Type": "archive-retrieval", "ArchiveId": archive_id, "Tier": tier}
            request = {"requestId": tier, "accountId": "-", "vaultName": "photos", "jobParameters": job}
            cloud.client("sqs").send_message(QueueUrl=cloud.outputs["RequestQueueUrl"], MessageBody=json.dumps(request))
        cloud.run_for(timedelta(minutes=20))
        logs = [cloud.logs(function) for function in cloud.functions.logs]
        return [cloud.calls.log, cloud.items(), list(cloud.events), logs]

    with Cloud(seed=3) as cloud:
        first = copy.deepcopy(run(cloud))
        cloud.reset(seed=4)
        other = copy.deepcopy(run(cloud))
        cloud.reset(seed=3)
        assert run(cloud) == first
        assert other != first


def test_there_is_one_cloud_at_a_time() -> None:
    with Cloud(seed=1), pytest.raises(RuntimeError, match="one cloud at a time"):
        Cloud(seed=2).__enter__()
    with Cloud(seed=2):
        pass
