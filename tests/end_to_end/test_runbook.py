"""What the README's "Operate" tells an operator to do."""

import json
from collections.abc import Mapping
from typing import Any

from tests.end_to_end.user import User

SETTINGS = {"maxUnits": 0}


def test_what_cannot_be_published_is_kept_whole_and_is_published_again_with_the_same_ids(user: User) -> None:
    refused: list[str] = []

    def refuse(entry: Mapping[str, Any]) -> str:
        refused.append(entry["Detail"])
        return "InternalException"

    user.cloud.deliveries.refuse_entry = refuse
    try:
        user.ask("r1", user.archive())
        user.wait(hours=27)
    finally:
        user.cloud.deliveries.refuse_entry = lambda entry: None
    assert user.cloud.events == []
    kept = json.dumps(_unpublished(user))
    assert "photos" in kept
    assert user.jobs[0].job_id in kept
    for _ in range(2):
        _publish_again(user)
    told = [(event.detail_type, event.detail["eventId"]) for event in user.cloud.events]
    assert [detail_type for detail_type, _ in told[:2]] == ["Retrieval Initiated", "Retrieval Succeeded"]
    assert told[2:] == told[:2]
    assert {event_id for _, event_id in told} == {json.loads(detail)["eventId"] for detail in refused}
    user.ask("r2", user.archive())
    user.wait_for_the_end("r2")


def _unpublished(user: User) -> list[Any]:
    """What stands in the bucket: invocations that were given up, as Lambda writes them there."""
    s3, bucket = user.cloud.client("s3"), user.cloud.outputs["UnpublishedBucketName"]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]


def _publish_again(user: User) -> None:
    lambda_ = user.cloud.client("lambda")
    names = [function["FunctionName"] for function in lambda_.list_functions()["Functions"]]
    (publish,) = (name for name in names if name.startswith("Thaw-Publishing"))
    for failed in _unpublished(user):
        reply = lambda_.invoke(FunctionName=publish, Payload=failed["payload"])
        assert json.loads(reply["Payload"].read()) == {"batchItemFailures": []}
