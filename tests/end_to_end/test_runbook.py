"""What docs/operate.md tells an operator to do."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
        user.faults.job_takes(600)
        user.ask("r1", user.archive())
        user.wait(minutes=10)
        tried = len(refused)
        with _held_back(user):
            user.wait(hours=19, minutes=40)
        user.wait(minutes=30)
    finally:
        user.cloud.deliveries.refuse_entry = lambda entry: None
    assert 0 < tried < len(refused), "when the outage began, and when the records were about to be too old"
    assert user.cloud.events == []
    kept = json.dumps(_unpublished(user))
    assert "photos" in kept
    assert "RecordAgeExceeded" in kept
    assert user.jobs[0].job_id in kept
    for _ in range(2):
        _publish_again(user)
    told = [(event.detail_type, event.detail["eventId"]) for event in user.cloud.events]
    assert [detail_type for detail_type, _ in told[:2]] == ["Retrieval Initiated", "Retrieval Succeeded"]
    assert told[2:] == told[:2]
    assert {event_id for _, event_id in told} == {json.loads(detail)["eventId"] for detail in refused}
    user.ask("r2", user.archive())
    user.wait_for_the_end("r2")


@contextmanager
def _held_back(user: User) -> Iterator[None]:
    """Publish gets no record meanwhile: a day of attempts, one each minute, tells no more than a few do."""
    sources = [source for stream in user.cloud.wiring.streams.values() for source in stream.sources]
    (publishs,) = [source for source in sources if user.cloud.functions.config_of(source.function).label == "publish"]
    publishs.enabled = False
    yield
    publishs.enabled = True
    publishs.look()


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
