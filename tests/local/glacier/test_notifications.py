from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from .conftest import VAULT, World, client_of


class Inbox:
    """A queue that is subscribed to a topic."""

    def __init__(self, name: str) -> None:
        sns, self._sqs = client_of("sns"), client_of("sqs")
        self.topic_arn: str = sns.create_topic(Name=name)["TopicArn"]
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
        sns.subscribe(TopicArn=self.topic_arn, Protocol="sqs", Endpoint=arn)

    def delete(self) -> None:
        self._sqs.delete_queue(QueueUrl=self._url)

    def read(self) -> list[dict[str, Any]]:
        """The notifications that have come, out of their envelopes, and removes them."""
        read = []
        received = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        for message in received.get("Messages", []):
            read.append(json.loads(json.loads(message["Body"])["Message"]))
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return read


@pytest.fixture
def inbox(world: World) -> Inbox:
    return Inbox("jobs")


def test_a_notification_is_what_describe_job_gives_with_its_nulls(world: World, inbox: Inbox) -> None:
    job_id = world.start(ArchiveId=world.upload(), SNSTopic=inbox.topic_arn)
    assert inbox.read() == []
    world.finish()
    (message,) = inbox.read()
    described = world.job(job_id)
    del described["ResponseMetadata"]
    assert {name: value for name, value in message.items() if value is not None} == described
    assert list(message) == [
        "Action",
        "ArchiveId",
        "ArchiveSHA256TreeHash",
        "ArchiveSizeInBytes",
        "Completed",
        "CompletionDate",
        "CreationDate",
        "InventoryRetrievalParameters",
        "InventorySizeInBytes",
        "JobDescription",
        "JobId",
        "RetrievalByteRange",
        "SHA256TreeHash",
        "SNSTopic",
        "StatusCode",
        "StatusMessage",
        "Tier",
        "VaultARN",
    ]
    assert message["InventoryRetrievalParameters"] is None
    assert message["JobDescription"] is None


def test_the_vaults_and_the_jobs_notification_are_both_sent(world: World, inbox: Inbox) -> None:
    of_vault = Inbox("vault")
    config = {"SNSTopic": of_vault.topic_arn, "Events": ["ArchiveRetrievalCompleted"]}
    world.client.set_vault_notifications(vaultName=VAULT, vaultNotificationConfig=config)
    stored = world.client.get_vault_notifications(vaultName=VAULT)["vaultNotificationConfig"]
    assert stored == config
    world.settings.inventories = "always"
    archive_job = world.start(ArchiveId=world.upload(), SNSTopic=inbox.topic_arn)
    inventory_job = world.start(SNSTopic=inbox.topic_arn)
    world.finish()
    assert {message["JobId"] for message in inbox.read()} == {archive_job, inventory_job}
    assert [message["JobId"] for message in of_vault.read()] == [archive_job]
    world.client.delete_vault_notifications(vaultName=VAULT)
    refused = world.refusal("get_vault_notifications", vaultName=VAULT)
    assert refused == ("ResourceNotFoundException", 404)


def test_a_failed_job_is_told_as_well(world: World, inbox: Inbox) -> None:
    world.service.faults.job_fails(message="Something broke")
    world.start(ArchiveId=world.upload(), SNSTopic=inbox.topic_arn)
    world.finish()
    (message,) = inbox.read()
    assert message["Completed"] is True
    assert (message["StatusCode"], message["StatusMessage"]) == ("Failed", "Something broke")


def test_a_topic_that_may_not_be_published_to_is_silence(world: World, inbox: Inbox) -> None:
    asked = []

    def may_publish(topic_arn: str, account_id: str) -> bool:
        asked.append((topic_arn, account_id))
        return False

    world.service.may_publish = may_publish
    archive_id = world.upload()
    job_id = world.start(ArchiveId=archive_id, SNSTopic=inbox.topic_arn)
    elsewhere = world.start(ArchiveId=archive_id, SNSTopic="arn:aws:sns:eu-west-1:111122223333:none")
    world.finish()
    assert (inbox.topic_arn, "123456789012") in asked
    assert inbox.read() == []
    world.service.may_publish = lambda topic_arn, account_id: True
    world.start(ArchiveId=archive_id, SNSTopic="arn:aws:sns:eu-west-1:111122223333:none")
    world.finish()
    assert world.job(job_id)["StatusCode"] == world.job(elsewhere)["StatusCode"] == "Succeeded"


def test_a_queue_that_is_gone_holds_nothing_up(world: World, inbox: Inbox) -> None:
    inbox.delete()
    job_id = world.start(ArchiveId=world.upload(), SNSTopic=inbox.topic_arn)
    world.finish()
    assert world.job(job_id)["Completed"] is True


def test_notifications_lost_doubled_and_late(world: World, inbox: Inbox) -> None:
    archive_id = world.upload()
    faults = world.service.faults
    jobs = [world.start(ArchiveId=archive_id, SNSTopic=inbox.topic_arn) for _ in range(3)]
    faults.drop_notification(when=lambda message: message["JobId"] == jobs[0])
    faults.double_notification(when=lambda message: message["JobId"] == jobs[1])
    faults.delay_notification(24 * 3600, when=lambda message: message["JobId"] == jobs[2])
    began = world.now
    while (event_at := world.service.next_event_at()) and event_at < began + timedelta(hours=6):
        world.clock.move_to(event_at)
        world.service.advance()
    assert [message["JobId"] for message in inbox.read()] == [jobs[1], jobs[1]]
    world.finish()
    assert [message["JobId"] for message in inbox.read()] == [jobs[2]]
    assert world.now > began + timedelta(hours=24)
    assert faults.pending == []
