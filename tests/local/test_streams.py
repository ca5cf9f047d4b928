import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from moto.events.models import EventPattern

from local.cloud import Cloud
from local.event_sources.streams import Record, StreamOptions
from tests.local.conftest import MakeCloud
from tests.local.small_stack import REPORTING

Behave = Callable[..., None]
Answer = Callable[[list[str]], Any]

BISECTING = {"BisectBatchOnFunctionError": True}
TO_BUCKET = {"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Bucket", "Arn"]}}}}


class Reader:
    """A handler that keeps the ids of each batch with the time in seconds since the beginning."""

    def __init__(self) -> None:
        self.cloud: Cloud
        self.answer: Answer = lambda ids: None
        self.batches: list[tuple[float, str]] = []
        self.records: list[dict[str, Any]] = []

    def __call__(self, event: Any, context: Any) -> Any:
        ids = [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]
        self.records += event["Records"]
        self.batches.append(((self.cloud.now - self.cloud.start).total_seconds(), "".join(ids)))
        failing = self.answer(ids)
        if isinstance(failing, list):
            numbers = {r["dynamodb"]["Keys"]["id"]["S"]: r["dynamodb"]["SequenceNumber"] for r in event["Records"]}
            return {"batchItemFailures": [{"itemIdentifier": numbers[one]} for one in failing]}
        return failing


@pytest.fixture
def deployed(make_cloud: MakeCloud, behave: Behave) -> Callable[..., tuple[Cloud, Reader]]:
    def deploy(**mapping: Any) -> tuple[Cloud, Reader]:
        reader = Reader()
        reader.cloud = make_cloud(mappings={"worker-stream": {"StartingPosition": "TRIM_HORIZON", **mapping}})
        behave(worker=reader)
        return reader.cloud, reader

    return deploy


def put(cloud: Cloud, ids: str, **attributes: Any) -> None:
    for one in ids:
        cloud.client("dynamodb").put_item(TableName=cloud.outputs["TableName"], Item={"id": {"S": one}, **attributes})


def refuse(bad: str) -> Answer:
    def answer(ids: list[str]) -> None:
        if bad in ids:
            raise ValueError(bad)

    return answer


def test_records_come_in_order_a_batch_at_a_time(deployed: Any) -> None:
    cloud, reader = deployed(BatchSize=2)
    reader.answer = lambda ids: time.sleep(5)
    put(cloud, "abc")
    cloud.run_until_quiet()
    assert reader.batches == [(0, "ab"), (5, "c")]


def test_a_record_is_as_lambda_hands_it_over(deployed: Any) -> None:
    cloud, reader = deployed()
    put(cloud, "a", size={"N": "1"})
    put(cloud, "a", size={"N": "2"})
    cloud.run_until_quiet()
    inserted, modified = reader.records
    assert inserted["eventName"] == "INSERT"
    assert "OldImage" not in inserted["dynamodb"]
    assert modified["eventName"] == "MODIFY"
    assert modified["dynamodb"]["OldImage"]["size"] == {"N": "1"}
    assert modified["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "size": {"N": "2"}}
    assert modified["dynamodb"]["ApproximateCreationDateTime"] == cloud.start.timestamp()
    assert modified["eventSourceARN"].startswith("arn:aws:dynamodb:us-east-1:123456789012:table/")
    assert int(modified["dynamodb"]["SequenceNumber"]) > int(inserted["dynamodb"]["SequenceNumber"])


def test_a_filter_keeps_records_from_the_function(deployed: Any) -> None:
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["wanted"]}}}}
    cloud, reader = deployed(FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    put(cloud, "ab", kind={"S": "other"})
    put(cloud, "c", kind={"S": "wanted"})
    put(cloud, "c", kind={"S": "wanted"}, more={"BOOL": True})
    cloud.run_until_quiet()
    assert reader.batches == [(0, "c")]


def test_a_window_gathers_records(deployed: Any) -> None:
    cloud, reader = deployed(MaximumBatchingWindowInSeconds=10, BatchSize=3)
    put(cloud, "a")
    cloud.run_for(timedelta(seconds=4))
    put(cloud, "b")
    cloud.run_for(timedelta(seconds=20))
    assert reader.batches == [(10, "ab")]
    put(cloud, "cde")
    cloud.run_for(timedelta(seconds=1))
    assert reader.batches[1:] == [(24, "cde")]


def test_a_failed_batch_holds_up_the_shard_until_it_succeeds(deployed: Any) -> None:
    cloud, reader = deployed(BatchSize=2)
    reader.answer = refuse("b")
    put(cloud, "abc")
    cloud.run_for(timedelta(seconds=200))
    assert {ids for _, ids in reader.batches} == {"ab"}
    waits = [later - sooner for (sooner, _), (later, _) in zip(reader.batches, reader.batches[1:], strict=False)]
    assert waits == sorted(waits)  # backs off
    reader.answer = lambda ids: None
    cloud.run_until_quiet()
    assert [ids for _, ids in reader.batches[-2:]] == ["ab", "c"]


def test_bisecting_isolates_the_bad_record_and_lets_those_before_it_pass(deployed: Any) -> None:
    cloud, reader = deployed(**BISECTING, BatchSize=8, MaximumRetryAttempts=2)
    reader.answer = refuse("f")
    put(cloud, "abcdefgh")
    cloud.run_until_quiet()
    batches = [ids for _, ids in reader.batches]
    assert batches[:2] == ["abcdefgh", "abcd"]
    assert batches.count("f") == 3
    assert batches[-1] == "gh"


def test_a_reported_failure_is_the_checkpoint(deployed: Any) -> None:
    cloud, reader = deployed(**REPORTING, **BISECTING)
    reader.answer = lambda ids: [one for one in "ec" if one in ids]  # in no order
    put(cloud, "abcdef")
    cloud.run_for(timedelta(seconds=3))
    assert [ids for _, ids in reader.batches] == ["abcdef", "cdef", "cdef"]
    reader.answer = lambda ids: []
    cloud.run_until_quiet()
    assert reader.batches[-1][1] == "cdef"


@pytest.mark.parametrize("odd", [{"batchItemFailures": [{"itemIdentifier": ""}]}, {"batchItemFailures": [{"x": 1}]}])
def test_a_report_that_makes_no_sense_fails_the_batch(deployed: Any, odd: object) -> None:
    cloud, reader = deployed(**REPORTING, MaximumRetryAttempts=1)
    reader.answer = lambda ids: odd
    put(cloud, "ab")
    cloud.run_until_quiet()
    assert [ids for _, ids in reader.batches] == ["ab", "ab"]


def test_records_that_are_too_old_go_whole_to_the_bucket(deployed: Any) -> None:
    cloud, reader = deployed(**TO_BUCKET, MaximumRecordAgeInSeconds=3600, MaximumRetryAttempts=-1)
    reader.answer = refuse("a")
    put(cloud, "ab", note={"S": "whole"})
    cloud.run_for(timedelta(hours=2))
    put(cloud, "c")
    cloud.run_until_quiet()
    assert reader.batches[-1][1] == "c"
    [kept] = kept_records(cloud)
    assert kept["requestContext"]["condition"] == "RecordAgeExceeded"
    images = [record["dynamodb"]["NewImage"] for record in json.loads(kept["payload"])["Records"]]
    assert images == [{"id": {"S": one}, "note": {"S": "whole"}} for one in "ab"]


def test_records_tried_too_often_go_to_the_bucket_and_the_others_go_on(deployed: Any) -> None:
    cloud, reader = deployed(**TO_BUCKET, **BISECTING, MaximumRetryAttempts=2)
    reader.answer = refuse("b")
    put(cloud, "abc")
    cloud.run_until_quiet()
    [kept] = kept_records(cloud)
    assert kept["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert kept["requestContext"]["approximateInvokeCount"] == 3
    assert kept["DDBStreamBatchInfo"]["batchSize"] == 1
    assert reader.batches[-1][1] == "c"


def kept_records(cloud: Cloud) -> list[dict[str, Any]]:
    s3 = cloud.client("s3")
    bucket = next(b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].startswith("small-bucket"))
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="aws/lambda/").get("Contents", [])]
    return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]


def test_two_mappings_read_the_same_stream_each_at_its_own_pace(make_cloud: MakeCloud, behave: Behave) -> None:
    seen: dict[str, list[str]] = {"slow": [], "quick": []}

    def reading(name: str) -> Callable[[Any, Any], None]:
        def handler(event: Any, context: Any) -> None:
            if name == "slow" and cloud.now - cloud.start < timedelta(minutes=10):
                raise ValueError("not yet")
            seen[name] += [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]

        return handler

    start = {"StartingPosition": "TRIM_HORIZON"}
    cloud = make_cloud(
        functions={"slow": {}, "quick": {}}, mappings={"slow-stream": {**start}, "quick-stream": {**start}}
    )
    behave(slow=reading("slow"), quick=reading("quick"))
    put(cloud, "abc")
    cloud.run_for(timedelta(seconds=1))
    assert seen == {"slow": [], "quick": ["a", "b", "c"]}
    cloud.run_until_quiet()
    assert seen == {"slow": ["a", "b", "c"], "quick": ["a", "b", "c"]}


EVENT = {
    "eventName": "MODIFY",
    "dynamodb": {
        "Keys": {"id": {"S": "retrieval/1"}},
        "NewImage": {"kind": {"S": "retrieval"}, "empty": {}, "list": {"L": [1, 2]}},
    },
}
PATTERNS: list[dict[str, Any]] = [
    {},
    {"eventName": ["INSERT", "MODIFY"]},
    {"eventName": ["REMOVE"]},
    {"dynamodb": {"NewImage": {"kind": {"S": [{"prefix": "ret"}]}}}},
    {"dynamodb": {"NewImage": {"kind": {"S": ["capacity"]}}}},
    {"dynamodb": {"OldImage": {"kind": {"S": [{"exists": False}]}}}},
    {"dynamodb": {"NewImage": {"kind": [{"exists": True}]}}},
    {"dynamodb": {"NewImage": {"empty": [{"exists": True}]}}},
    {"dynamodb": {"NewImage": {"empty": {"S": [{"exists": False}]}}}},
    {"dynamodb": {"NewImage": {"list": {"L": [2]}}}},
    {"dynamodb": {"Keys.id.S": ["retrieval/1"]}},
    {"eventName": {"S": ["MODIFY"]}},
    {"$or": [{"eventName": ["REMOVE"]}, {"dynamodb": {"Keys": {"id": {"S": ["retrieval/1"]}}}}]},
    {"dynamodb": {"$or": [{"Keys": {"id": {"S": ["x"]}}}, {"NewImage": {"list": {"L": [1]}}}]}},
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_a_stream_filters_by_what_its_pattern_asks_for(pattern: dict[str, Any]) -> None:
    of_moto = EventPattern.load(json.dumps(pattern))
    options = StreamOptions(1, 0, -1, -1, False, False, (of_moto,), None)
    assert options.wants(Record(0, "1", EVENT, 1)) == of_moto.matches_event(EVENT)  # type: ignore[arg-type]
