"""No message is lost, read by others, or delivered twice at once."""

from typing import Any

import pytest

from tests.infra.templates import Template, flat, listed

FOURTEEN_DAYS = 14 * 24 * 3600
WORK = ("RequestsQueue", "ResumesQueue", "JobNotificationsQueue")


@pytest.fixture
def queues(thaw: Template) -> dict[str, dict[str, Any]]:
    return thaw.of_type("AWS::SQS::Queue")


def test_each_work_queue_has_a_dead_letter_queue_that_takes_from_it_alone(queues: dict[str, dict[str, Any]]) -> None:
    dead_letters = set()
    for name in WORK:
        redrive = queues[name]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] == 5
        target = flat(redrive["deadLetterTargetArn"]).removeprefix("<").removesuffix(".Arn>")
        allow = queues[target]["RedriveAllowPolicy"]
        assert allow["redrivePermission"] == "byQueue"
        (source,) = map(flat, allow["sourceQueueArns"])
        assert source == f"arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:{queues[name]['QueueName']}"
        dead_letters.add(target)
    assert {*WORK, *dead_letters} == set(queues)


def test_messages_are_encrypted_and_kept_for_14_days(queues: dict[str, dict[str, Any]]) -> None:
    for properties in queues.values():
        assert properties["SqsManagedSseEnabled"] is True
        assert properties["MessageRetentionPeriod"] == FOURTEEN_DAYS


def test_a_message_stays_invisible_for_six_times_the_functions_time_out(
    thaw: Template, queues: dict[str, dict[str, Any]]
) -> None:
    for name in WORK:
        function = "complete" if name == "JobNotificationsQueue" else "initiate"
        assert queues[name]["VisibilityTimeout"] == 6 * thaw.function(function)["Timeout"]


def test_queues_take_nothing_without_tls(thaw: Template, queues: dict[str, dict[str, Any]]) -> None:
    denied = {
        flat(statement["Resource"])
        for _, statement in thaw.statements("AWS::SQS::QueuePolicy")
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Action"] == "sqs:*"
        and statement["Principal"] == {"AWS": "*"}
    }
    assert denied == {f"<{name}.Arn>" for name in queues}


def test_only_our_topic_may_send_from_outside(thaw: Template) -> None:
    allowed = [s for _, s in thaw.statements("AWS::SQS::QueuePolicy") if s["Effect"] == "Allow"]
    (statement,) = allowed
    assert flat(statement["Resource"]) == "<JobNotificationsQueue.Arn>"
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert listed(statement["Action"]) == ["sqs:SendMessage"]
    assert flat(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) == "<JobsEndedTopic>"
