"""What the README's "Operate" tells an operator to do."""

import json
from collections.abc import Mapping
from typing import Any

from tests.end_to_end.user import User

SETTINGS = {"maxUnits": 0}


def test_unpublished_records_are_published_again_with_the_same_ids(user: User) -> None:
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
    for _ in range(2):
        _publish_again(user)
    told = [(event.detail_type, event.detail["eventId"]) for event in user.cloud.events]
    assert [detail_type for detail_type, _ in told[:2]] == ["Retrieval Initiated", "Retrieval Succeeded"]
    assert told[2:] == told[:2]
    assert {event_id for _, event_id in told} == {json.loads(detail)["eventId"] for detail in refused}


def _publish_again(user: User) -> None:
    s3, lambda_ = user.cloud.client("s3"), user.cloud.client("lambda")
    names = [function["FunctionName"] for function in lambda_.list_functions()["Functions"]]
    (publish,) = (name for name in names if name.startswith("Thaw-Publishing"))
    bucket = user.cloud.outputs["UnpublishedBucketName"]
    for each in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        failed = json.loads(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())
        reply = lambda_.invoke(FunctionName=publish, Payload=failed["payload"])
        assert json.loads(reply["Payload"].read()) == {"batchItemFailures": []}
