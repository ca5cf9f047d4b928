"""Dead letters of all three queues, sent again as docs/operate.md says, once their cause is mended."""

import pytest
from botocore.awsrequest import AWSResponse

from local.calls import Call, Perform, error_reply
from local.cloud import Cloud
from tests.end_to_end.user import User

SETTINGS = {"maxUnits": 0}
REQUESTS, RESUMES, NOTIFICATIONS = (f"{kind}DeadLetterQueueUrl" for kind in ("Request", "Resume", "Notification"))


@pytest.mark.parametrize("reconciles", [False, True], ids=["the redrive alone", "reconcile was faster"])
def test_what_is_sent_again_from_every_dead_letter_queue_goes_on(user: User, *, reconciles: bool) -> None:
    cloud = user.cloud
    if not reconciles:
        _stop_schedules(cloud)
    _let_messages_die(user)
    cloud.calls.strike = None
    user.wait(minutes=30)  # what has failed for the last time dies when it would be received again
    assert all(_letters(cloud, name) for name in (REQUESTS, RESUMES, NOTIFICATIONS))
    assert user.story("sent") == []
    assert user.story("throttled") == (["Delayed", "Initiated"] if reconciles else ["Delayed"])
    assert user.story("started") == (["Initiated", "Succeeded"] if reconciles else ["Initiated"])

    for name in (REQUESTS, RESUMES, NOTIFICATIONS):
        _redrive(cloud, name)
    user.wait_for_the_end("sent", "throttled", "started", hours=6)
    user.wait(hours=1)
    assert user.story("sent") == user.story("started") == ["Initiated", "Succeeded"]
    assert user.story("throttled") == ["Delayed", "Initiated", "Succeeded"]
    assert len(user.jobs) == 3
    assert [queue.name for queue in cloud.queues() if queue._messages] == []
    user.assert_settled()


def _let_messages_die(user: User) -> None:
    """A job's notification, the message that resumes a wait, and a request: the table denies them all."""
    user.ask("started", user.archive())
    user.wait_for("Retrieval Initiated", "started")
    user.wait(hours=2)  # a Standard job takes 3 to 5
    user.faults.fail("InitiateJob", "ThrottlingException")
    user.ask("throttled", user.archive())
    user.wait_for("Retrieval Delayed", "throttled")
    user.cloud.calls.strike = _deny
    user.ask("sent", user.archive())
    user.wait(hours=7)  # until reconcile, if awake, has asked about the job


def _deny(call: Call, perform: Perform) -> AWSResponse:
    """As if the roles of initiate and complete had lost the table."""
    if call.actor in ("initiate", "complete") and call.service == "dynamodb":
        return error_reply("AccessDeniedException", "not authorized")
    return perform()


def _stop_schedules(cloud: Cloud) -> None:
    for schedule in cloud.wiring.schedules:
        schedule.skips = lambda arn: True


def _letters(cloud: Cloud, output: str) -> list[str]:
    return cloud.dead_letters().get(cloud.outputs[output].rpartition("/")[2], [])


def _redrive(cloud: Cloud, output: str) -> None:
    """The two calls of the runbook."""
    sqs = cloud.client("sqs")
    reply = sqs.get_queue_attributes(QueueUrl=cloud.outputs[output], AttributeNames=["QueueArn"])
    sqs.start_message_move_task(SourceArn=reply["Attributes"]["QueueArn"])
