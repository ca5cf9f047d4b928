import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from local.cloud import Cloud
from tests.local.conftest import MakeCloud
from tests.local.small_stack import REPORTING

Behave = Callable[..., None]
VISIBLE_AGAIN_SECONDS = 360


class Recorder:
    """A handler that keeps the bodies of each batch with the time, and fails those that a test names."""

    def __init__(self, cloud: Callable[[], Cloud], answer: Callable[[list[dict[str, Any]]], Any]) -> None:
        self.cloud = cloud
        self.answer = answer
        self.batches: list[tuple[float, list[str]]] = []

    def __call__(self, event: Any, context: Any) -> Any:
        seconds = (self.cloud().now - self.cloud().start).total_seconds()
        self.batches.append((seconds, [record["body"] for record in event["Records"]]))
        return self.answer(event["Records"])


@pytest.fixture
def deployed(make_cloud: MakeCloud, behave: Behave) -> Callable[..., tuple[Cloud, Recorder]]:
    def deploy(answer: Callable[[list[dict[str, Any]]], Any], **mapping: Any) -> tuple[Cloud, Recorder]:
        cloud = make_cloud(mappings={"worker-Jobs": {**REPORTING, **mapping}})
        recorder = Recorder(lambda: cloud, answer)
        behave(worker=recorder)
        return cloud, recorder

    return deploy


def send(cloud: Cloud, *bodies: str, **options: Any) -> None:
    for body in bodies:
        cloud.client("sqs").send_message(QueueUrl=cloud.outputs["JobsUrl"], MessageBody=body, **options)


def failing(*bodies: str) -> Callable[[list[dict[str, Any]]], Any]:
    return lambda records: {
        "batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records if r["body"] in bodies]
    }


def left(cloud: Cloud) -> int:
    return len(cloud.queue(cloud.outputs["JobsUrl"])._messages)


def test_messages_come_in_batches_and_are_deleted(deployed: Any) -> None:
    cloud, recorder = deployed(failing(), BatchSize=2)
    send(cloud, "a", "b", "c")
    assert recorder.batches == []  # sending invokes nothing by itself
    cloud.run_until_quiet()
    assert recorder.batches == [(0, ["a", "b"]), (0, ["c"])]
    assert left(cloud) == 0


def test_what_failed_comes_again_when_its_visibility_time_is_over(deployed: Any) -> None:
    cloud, recorder = deployed(failing("b"))
    send(cloud, "a", "b")
    cloud.run_for(timedelta(seconds=VISIBLE_AGAIN_SECONDS + 1))
    (_, first), (seconds, second) = recorder.batches
    assert first == ["a", "b"]
    assert second == ["b"]
    assert seconds == pytest.approx(VISIBLE_AGAIN_SECONDS, abs=0.01)


def test_what_fails_too_often_goes_to_the_dead_letter_queue_and_can_be_sent_back(deployed: Any) -> None:
    cloud, recorder = deployed(failing("bad"))
    send(cloud, "bad", "good")
    cloud.run_until_quiet()
    assert [bodies.count("bad") for _, bodies in recorder.batches] == [1, 1, 1]  # maxReceiveCount
    assert list(cloud.dead_letters().values()) == [["bad"]]
    recorder.answer = failing()
    assert cloud.redrive() == 1
    cloud.run_until_quiet()
    assert recorder.batches[-1][1] == ["bad"]
    assert cloud.dead_letters() == {}


@pytest.mark.parametrize("nothing", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_no_failures_named_means_success(deployed: Any, nothing: object) -> None:
    cloud, _ = deployed(lambda records: nothing)
    send(cloud, "a", "b")
    cloud.run_for(timedelta(seconds=1))
    assert left(cloud) == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"batchItemFailures": [{"itemIdentifier": "unknown"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"messageId": "x"}]},
        {"batchItemFailures": "all"},
        "text",
    ],
)
def test_failures_that_make_no_sense_fail_the_whole_batch(deployed: Any, odd: object) -> None:
    cloud, _ = deployed(lambda records: odd)
    send(cloud, "a", "b")
    cloud.run_for(timedelta(seconds=1))
    assert left(cloud) == 2


def test_an_exception_fails_the_whole_batch_and_is_reported(deployed: Any) -> None:
    def answer(records: list[dict[str, Any]]) -> None:
        raise ValueError("no")

    cloud, _ = deployed(answer)
    send(cloud, "a", "b")
    cloud.run_for(timedelta(seconds=1))
    assert left(cloud) == 2
    [(function, result)] = cloud.errors
    assert function == "worker"
    assert result.error is not None
    assert (result.error["errorType"], result.error["errorMessage"]) == ("ValueError", "no")


def test_without_failure_reports_any_answer_is_a_success(deployed: Any) -> None:
    cloud, _ = deployed(lambda records: "whatever", FunctionResponseTypes=[])
    send(cloud, "a")
    cloud.run_for(timedelta(seconds=1))
    assert left(cloud) == 0


def test_a_window_gathers_messages_until_it_ends_or_the_batch_is_full(deployed: Any) -> None:
    cloud, recorder = deployed(failing(), BatchSize=3, MaximumBatchingWindowInSeconds=20)
    send(cloud, "a")
    cloud.run_for(timedelta(seconds=5))
    send(cloud, "b")
    cloud.run_for(timedelta(seconds=100))
    assert recorder.batches == [(20, ["a", "b"])]
    send(cloud, "c", "d", "e")
    cloud.run_for(timedelta(seconds=1))
    assert recorder.batches[1:] == [(105, ["c", "d", "e"])]


def test_a_delayed_message_comes_when_its_delay_is_over(deployed: Any) -> None:
    cloud, recorder = deployed(failing())
    send(cloud, "later", DelaySeconds=900)
    send(cloud, "now")
    cloud.run_until_quiet()
    assert recorder.batches == [(0, ["now"]), (900, ["later"])]


def test_no_more_invocations_at_once_than_the_mapping_allows(deployed: Any) -> None:
    import time

    most = []
    cloud: Cloud

    def answer(records: list[dict[str, Any]]) -> None:
        most.append(cloud.functions.running)
        time.sleep(30)

    cloud, recorder = deployed(answer, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    send(cloud, *"abcde")
    cloud.run_until_quiet()
    assert max(most) == 2
    assert [seconds for seconds, _ in recorder.batches] == [0, 0, 30, 30, 60]


def test_what_the_account_has_no_room_for_is_tried_again(deployed: Any) -> None:
    import time

    def answer(records: list[dict[str, Any]]) -> None:
        time.sleep(10)

    cloud, recorder = deployed(answer, BatchSize=1)
    cloud.functions.concurrency = 1
    send(cloud, "a", "b")
    cloud.run_until_quiet()
    assert [seconds for seconds, _ in recorder.batches] == [0, 10]
    assert left(cloud) == 0


def test_records_are_as_lambda_hands_them_over(deployed: Any) -> None:
    seen: list[dict[str, Any]] = []
    cloud, _ = deployed(lambda records: seen.extend(records))
    send(cloud, json.dumps({"a": 1}))
    cloud.run_for(timedelta(seconds=1))
    [record] = seen
    assert json.loads(record["body"]) == {"a": 1}
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].startswith("arn:aws:sqs:us-east-1:123456789012:")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert int(record["attributes"]["SentTimestamp"]) == cloud.start.timestamp() * 1000


def test_a_user_who_waits_for_a_message_lets_time_pass(deployed: Any) -> None:
    cloud, _ = deployed(failing())
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="mine")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=10)
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "later"
    assert cloud.now - cloud.start <= timedelta(seconds=12)
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)


def test_a_queue_counts_its_messages(deployed: Any) -> None:
    cloud, _ = deployed(failing())
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="mine")["QueueUrl"]
    for seconds in (0, 0, 0, 60):
        sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=seconds)
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=90)

    def counts() -> list[int]:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        suffixes = ("", "NotVisible", "Delayed")
        return [int(attributes[f"ApproximateNumberOfMessages{suffix}"]) for suffix in suffixes]

    assert counts() == [2, 1, 1]
    cloud.run_for(timedelta(seconds=61))
    assert counts() == [3, 1, 0]
    cloud.run_for(timedelta(seconds=60))
    assert counts() == [4, 0, 0]
