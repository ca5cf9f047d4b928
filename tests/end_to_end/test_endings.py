"""How retrievals end: by a notification, however it comes, or without one, by Glacier's own word."""

import json
import time
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from local.calls import Call, Perform
from tests.end_to_end.user import User

SETTINGS = {"maxUnits": 0}


def _notify(user: User, job: dict[str, Any], *, raw: bool = False) -> None:
    """A notification, in SNS's envelope by way of the topic, or raw on the queue."""
    cloud = user.cloud
    if raw:
        url = cloud.outputs["NotificationDeadLetterQueueUrl"].removesuffix("-dead-letters")
        cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(job))
    else:
        cloud.client("sns").publish(TopicArn=cloud.outputs["NotificationTopicArn"], Message=json.dumps(job))


def _described(user: User, job_id: str) -> dict[str, Any]:
    reply = user.cloud.client("glacier").describe_job(accountId="-", vaultName="photos", jobId=job_id)
    return {name: value for name, value in reply.items() if name != "ResponseMetadata"}


def _job_id(user: User) -> str:
    job_id: str = user.jobs[-1].job_id
    return job_id


@pytest.mark.parametrize("raw", [True, False])
def test_a_notification_raw_or_in_the_envelope_with_missing_or_null_keys(user: User, raw: bool) -> None:
    user.faults.drop_notification()
    user.ask("r1", user.archive())
    user.wait(hours=5)
    job = _described(user, _job_id(user))
    job = {name: job[name] for name in ("JobId", "JobDescription", "Completed", "StatusCode", "CompletionDate")}
    _notify(user, {**job, "Tier": None, "InventorySizeInBytes": None}, raw=raw)
    user.wait(seconds=30)
    assert user.only("r1", "Retrieval Succeeded")["jobId"] == _job_id(user)
    assert user.only("r1", "Retrieval Succeeded")["tier"] == "Standard"
    user.assert_settled()


def test_a_vaults_own_notification_and_the_jobs_are_one_end(user: User) -> None:
    topic = user.cloud.outputs["NotificationTopicArn"]
    config = {"SNSTopic": topic, "Events": ["ArchiveRetrievalCompleted"]}
    user.cloud.client("glacier").set_vault_notifications(
        accountId="-", vaultName="photos", vaultNotificationConfig=config
    )
    user.faults.double_notification()
    user.ask("r1", user.archive())
    user.wait(hours=6)
    assert user.story("r1") == ["Initiated", "Succeeded"]
    assert user.cloud.events_of("Duplicate Job") == []
    user.assert_settled()


def test_a_failed_job_is_told_from_one_that_succeeded(user: User) -> None:
    user.faults.job_fails(message="The archive can't be read")
    user.faults.double_notification()
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    reason = user.only("r1", "Retrieval Failed")["reason"]
    assert reason == {"code": "JobFailed", "message": "The archive can't be read", "errors": None}
    user.wait(hours=1)
    assert user.story("r1") == ["Initiated", "Failed"]
    user.assert_settled()


def test_an_archive_deleted_after_the_request_ends_as_failed(user: User) -> None:
    archive = user.archive()
    user.ask("r1", archive)
    user.wait(minutes=5)
    user.cloud.client("glacier").delete_archive(accountId="-", vaultName="photos", archiveId=archive)
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Initiated", "Failed"]
    user.assert_settled()


def test_jobs_that_are_not_ours_are_ignored_and_counted(user: User) -> None:
    archive = user.archive()
    parameters = {
        "Type": "archive-retrieval",
        "ArchiveId": archive,
        "SNSTopic": user.cloud.outputs["NotificationTopicArn"],
    }
    for description in ("by hand", "thaw:" + "0" * 32 + "-1:1"):
        user.cloud.client("glacier").initiate_job(
            accountId="-", vaultName="photos", jobParameters={**parameters, "Description": description}
        )
    user.wait(hours=6)
    assert user.cloud.events == []
    assert sum('"ForeignNotification"' in line for line in user.cloud.logs("complete")) >= 1
    user.assert_settled()


def test_what_is_no_notification_at_all_ends_as_a_dead_letter(user: User) -> None:
    _notify(user, {"not": "a job"})
    user.wait(hours=2)
    (bodies,) = user.cloud.dead_letters().values()
    assert "a job" in bodies[0]


def test_a_notification_ahead_of_the_job_ids_write(user: User) -> None:
    def late(call: Call, perform: Perform) -> AWSResponse:
        """The job ends while initiate has not yet written its id."""
        reply = perform()
        if call.operation == "InitiateJob":
            user.cloud.clock.after(1, lambda: _notify(user, _succeeded(user, _job_id(user))))
            time.sleep(15)
        return reply

    user.cloud.calls.strike = late
    try:
        user.ask("r1", user.archive())
        user.wait(minutes=5)
    finally:
        user.cloud.calls.strike = None
    assert user.story("r1") == ["Succeeded"]
    user.wait(hours=6)
    assert user.story("r1") == ["Succeeded"]
    assert len(user.jobs) == 1
    user.assert_settled()


def _succeeded(user: User, job_id: str) -> dict[str, Any]:
    ended = {"Completed": True, "StatusCode": "Succeeded", "CompletionDate": "2026-03-02T09:00:10.000Z"}
    return {**_described(user, job_id), **ended}


# Inventories in pages


def test_an_inventory_in_pages_is_followed_to_its_end(user: User) -> None:
    ids = set(user.archives(5))
    user.ask_inventory("r1", {"Limit": "2"}, followPages=True, context={"a": 1})
    user.wait_for("Inventory Listed", "r1")
    listed = user.only("r1", "Inventory Listed")
    pages = [json.loads(user.output(job_id))["ArchiveList"] for job_id in listed["jobIds"]]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {archive["ArchiveId"] for page in pages for archive in page} == ids
    assert listed["nextMarker"] is None
    assert listed["context"] == {"a": 1}
    assert user.story("r1") == [*["Initiated", "Succeeded"] * 3, "Inventory Listed"]
    assert [detail["inventory"]["page"] for detail in user.told("r1", "Retrieval Succeeded")] == [1, 2, 3]
    assert len(user.jobs) == 3
    user.assert_settled()


def test_a_page_that_fails_ends_the_listing_as_failed(user: User) -> None:
    user.archives(4)
    user.ask_inventory("r1", {"Limit": "2"}, followPages=True)
    user.wait_for("Retrieval Succeeded", "r1")
    user.faults.fail("InitiateJob", "InvalidParameterValueException")
    user.wait_for("Retrieval Failed", "r1")
    assert user.told("r1", "Inventory Listed") == []
    user.assert_settled()


def test_an_older_notification_that_does_not_tell_of_pages_makes_reconcile_ask(user: User) -> None:
    user.archives(3)
    user.faults.drop_notification()
    user.ask_inventory("r1", {"Limit": "2"}, followPages=True)
    user.wait(hours=5)
    job = _described(user, _job_id(user))
    del job["InventoryRetrievalParameters"]
    _notify(user, job)
    user.wait_for("Inventory Listed", "r1")
    assert len(user.only("r1", "Inventory Listed")["jobIds"]) == 2
    assert len(user.jobs) == 2
    user.assert_settled()


def test_pages_are_opened_once_however_often_the_end_of_a_page_is_told(user: User) -> None:
    user.archives(4)
    user.faults.double_notification(times=2)
    user.ask_inventory("r1", {"Limit": "2"}, followPages=True)
    user.wait_for("Inventory Listed", "r1")
    user.wait(hours=6)
    assert len(user.jobs) == 2
    assert user.story("r1").count("Inventory Listed") == 1
    user.assert_settled()


def test_another_archives_job_with_a_copied_description_ends_nothing_of_ours(user: User) -> None:
    ours, other = user.archives(2)
    user.ask("r1", ours)
    user.wait(minutes=1)
    user.faults.job_takes(60)
    parameters = {"Type": "archive-retrieval", "ArchiveId": other, "Description": user.jobs[0].description}
    topic = user.cloud.outputs["NotificationTopicArn"]
    forged = user.cloud.client("glacier").initiate_job(
        accountId="-", vaultName="photos", jobParameters={**parameters, "SNSTopic": topic}
    )
    user.wait_for_the_end("r1")
    assert user.only("r1", "Retrieval Succeeded")["jobId"] == user.jobs[0].job_id != forged["jobId"]
    assert user.story("r1") == ["Initiated", "Succeeded"]
    assert user.cloud.events_of("Duplicate Job") == []
    user.assert_settled()


def test_a_message_with_the_tag_of_a_retrieval_that_never_was_ends_nothing(user: User) -> None:
    """Though it names our job: of a retrieval that took no job over, each job has its own tag."""
    user.faults.drop_notification()
    user.ask("r1", user.archive())
    user.wait(hours=1)
    job = _described(user, _job_id(user))
    tag = job["JobDescription"].replace("-1:1", "-9:1")
    assert tag != job["JobDescription"]
    _notify(user, {**job, "JobDescription": tag, "Completed": True, "StatusCode": "Succeeded"})
    user.wait(minutes=5)
    assert user.story("r1") == ["Initiated"]
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Initiated", "Succeeded"]
    user.assert_settled()


def test_a_missed_last_page_is_the_last_though_describe_job_leaves_the_key_out(user: User) -> None:
    user.archives(2)
    user.faults.drop_notification()
    user.ask_inventory("r1", followPages=True)
    user.wait_for("Inventory Listed", "r1")
    assert len(user.jobs) == 1
    user.assert_settled()
