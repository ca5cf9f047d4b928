"""Dead letters go back to where they came from, as SQS's own message move tasks have it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import Cloud
from tests.local.conftest import MakeCloud

ACCOUNT = "123456789012"


@pytest.fixture
def cloud(make_cloud: MakeCloud) -> Cloud:
    return make_cloud()


def arn(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


def make_queue(cloud: Cloud, name: str, dead_letters: str | None = None) -> str:
    """Makes a queue whose messages are dead letters after one receipt; its URL."""
    redrive = json.dumps({"deadLetterTargetArn": arn(dead_letters or ""), "maxReceiveCount": 1})
    attributes = {"VisibilityTimeout": "0", **({"RedrivePolicy": redrive} if dead_letters else {})}
    return str(cloud.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def receive(cloud: Cloud, url: str) -> list[dict[str, Any]]:
    names = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["ApproximateReceiveCount"]}
    reply = cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, **names)
    messages: list[dict[str, Any]] = reply.get("Messages", [])
    return messages


def let_die(cloud: Cloud, url: str, body: str, **more: Any) -> str:
    """Sends a message that becomes a dead letter; its id."""
    message_id = str(cloud.client("sqs").send_message(QueueUrl=url, MessageBody=body, **more)["MessageId"])
    assert len(receive(cloud, url)) == 1
    assert receive(cloud, url) == []
    return message_id


def listed(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    reply = cloud.client("sqs").list_message_move_tasks(SourceArn=arn(name), MaxResults=10)
    results: list[dict[str, Any]] = reply["Results"]
    return results


def test_each_goes_back_to_its_own_queue_as_a_new_message(cloud: Cloud) -> None:
    make_queue(cloud, "dead")
    first, second = make_queue(cloud, "first", "dead"), make_queue(cloud, "second", "dead")
    attributes = {"kind": {"DataType": "String", "StringValue": "a"}}
    message_id = let_die(cloud, first, "one", MessageAttributes=attributes)
    let_die(cloud, second, "two")
    assert cloud.client("sqs").start_message_move_task(SourceArn=arn("dead"))["TaskHandle"]
    [one], [two] = receive(cloud, first), receive(cloud, second)
    assert (one["Body"], two["Body"]) == ("one", "two")
    assert one["MessageAttributes"]["kind"]["StringValue"] == "a"
    assert one["MessageId"] != message_id
    assert one["Attributes"]["ApproximateReceiveCount"] == "1"
    [task] = listed(cloud, "dead")
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)
    assert task["StartedTimestamp"] == cloud.clock.now_ms()


def test_to_another_queue(cloud: Cloud) -> None:
    make_queue(cloud, "dead")
    elsewhere = make_queue(cloud, "elsewhere")
    let_die(cloud, make_queue(cloud, "first", "dead"), "one")
    cloud.client("sqs").start_message_move_task(SourceArn=arn("dead"), DestinationArn=arn("elsewhere"))
    assert [message["Body"] for message in receive(cloud, elsewhere)] == ["one"]
    assert listed(cloud, "dead")[0]["DestinationArn"] == arn("elsewhere")


def test_what_was_sent_to_the_dead_letter_queue_itself_has_nowhere_to_go(cloud: Cloud) -> None:
    dead = make_queue(cloud, "dead")
    make_queue(cloud, "first", "dead")
    cloud.client("sqs").send_message(QueueUrl=dead, MessageBody="one")
    cloud.client("sqs").start_message_move_task(SourceArn=arn("dead"))
    [task] = listed(cloud, "dead")
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert [message["Body"] for message in receive(cloud, dead)] == ["one"]


@pytest.mark.parametrize(
    ("source", "more", "code"),
    [
        ("none", {}, "ResourceNotFoundException"),
        ("dead", {"DestinationArn": arn("none")}, "ResourceNotFoundException"),
        ("first", {}, "InvalidParameterValue"),
    ],
)
def test_what_cannot_be_started(cloud: Cloud, source: str, more: dict[str, str], code: str) -> None:
    make_queue(cloud, "dead")
    make_queue(cloud, "first", "dead")
    with pytest.raises(ClientError) as caught:
        cloud.client("sqs").start_message_move_task(SourceArn=arn(source), **more)
    assert caught.value.response["Error"]["Code"] == code


def test_a_task_that_is_done_cannot_be_cancelled(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloud.client("sqs").cancel_message_move_task(TaskHandle="x")
