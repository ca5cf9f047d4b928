"""Whatever stands on the notification queue is taken in, or ends in its dead-letter queue."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud import Cloud
from tests.end_to_end.user import User
from tests.fuzz.conftest import AT_ONCE, assert_nothing_broke, assert_still_works, fresh
from tests.fuzz.mutations import SECRET, bodies, mutated

_ENVELOPE = {"Type": "Notification", "MessageId": "b221d7d9", "TopicArn": "arn:aws:sns:us-east-1:123456789012:jobs"}


@st.composite
def _cases(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Bodies made of the true notification of a job, and which job that is; its id and tag are put in later."""
    found = []
    for _ in range(AT_ONCE):
        message: Any = draw(mutated(_NOTIFICATION))
        if draw(st.booleans()):
            envelope = draw(st.one_of(st.just(_ENVELOPE), mutated(_ENVELOPE)))
            message = {**envelope, "Message": draw(bodies(message))} if isinstance(envelope, dict) else envelope
        found.append((draw(bodies(message)), draw(st.sampled_from(["archive", "inventory", "other"]))))
    return found


_NOTIFICATION = {
    "Action": "ArchiveRetrieval",
    "ArchiveId": "ARCHIVE",
    "ArchiveSHA256TreeHash": "0c47aee75a9587d83648fc1ea05d52646a67f704fbd23952c134d89776eccbe6",
    "ArchiveSizeInBytes": 285544,
    "Completed": True,
    "CompletionDate": "2026-03-02T13:00:00.000Z",
    "CreationDate": "2026-03-02T09:00:00.000Z",
    "InventoryRetrievalParameters": None,
    "InventorySizeInBytes": None,
    "JobDescription": "TAG " + SECRET,
    "JobId": "JOB",
    "RetrievalByteRange": "0-285543",
    "SHA256TreeHash": None,
    "SNSTopic": "arn:aws:sns:us-east-1:123456789012:jobs",
    "StatusCode": "Succeeded",
    "StatusMessage": "Succeeded",
    "Tier": "Standard",
    "VaultARN": "arn:aws:glacier:us-east-1:123456789012:vaults/photos",
}


@settings(settings.get_profile("fuzz"))
@given(found=_cases())
def test_each_message_is_taken_in_or_given_up(deployed: Cloud, part: int, found: list[tuple[str, str]]) -> None:
    user = fresh(deployed)
    user.ask("archive", user.archive(), description=SECRET)
    user.ask_inventory("inventory", {"Limit": "2"}, followPages=True)
    user.wait(minutes=1)
    cloud = user.cloud
    url = cloud.queue(cloud.outputs["NotificationDeadLetterQueueUrl"].removesuffix("-dead-letters").rsplit("/", 1)[-1])
    for body, about in found:
        cloud.client("sqs").send_message(QueueUrl=url.physical_resource_id, MessageBody=_filled(user, body, about))
    user.wait(minutes=45)
    assert not url.messages, "neither taken in nor given up"
    given_up = [body for bodies in cloud.dead_letters().values() for body in bodies]
    for body in given_up:
        assert not _is_whole(body), f"a notification was given up: {body[:500]}"
    assert_still_works(user)
    assert_nothing_broke(cloud)


def _filled(user: User, body: str, about: str) -> str:
    jobs = {job.description.split()[0]: job for job in user.jobs}
    tag, job = list(jobs.items())[0 if about == "archive" else -1]
    names = {"TAG": tag, "JOB": job.job_id} if about != "other" else {"TAG": "mine", "JOB": "other"}
    for name, value in names.items():
        body = body.replace(name, value)
    return body


def _is_whole(body: str) -> bool:
    """Whether it has, with their right types, all that is needed of a notification."""
    try:
        message = json.loads(body)
        if message.get("Type") == "Notification" and "Message" in message:
            message = json.loads(message["Message"])
        strings = [value for name, value in message.items() if name in _NOTIFICATION and _is_text(name)]
        return (
            all(isinstance(value, str | None) for value in strings)
            and all(isinstance(message.get(name), str) for name in ("JobId", "StatusCode"))
            and isinstance(message.get("Completed"), bool)
            and all(type(message.get(name)) in (int, type(None)) for name in _NUMBERS)
            and message.get("InventoryRetrievalParameters") is None
            and message.get("CompletionDate") == _NOTIFICATION["CompletionDate"]
        )
    except (ValueError, AttributeError, TypeError):
        return False


_NUMBERS = ("ArchiveSizeInBytes", "InventorySizeInBytes")


def _is_text(name: str) -> bool:
    return isinstance(_NOTIFICATION[name], str) or name == "SHA256TreeHash"
