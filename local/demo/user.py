"""A user of Thaw with boto3: sends requests, receives the events that a rule lets through, fetches outputs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore.utils import calculate_tree_hash

from local.cloud import Cloud
from local.demo.examples import Archive, Request
from local.demo.history import Told

_FETCHED_AT_MOST_BYTES = 32 * 2**20
"""Of larger outputs only the hash is looked at."""


class User:
    """Someone with a queue of their own behind a rule on Thaw's event bus."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._sqs, self._glacier = cloud.client("sqs"), cloud.client("glacier")
        self._queue_url = self._subscribe("my-events", cloud.outputs["EventBusName"])
        self._seen: set[str] = set()

    def _subscribe(self, name: str, bus: str) -> str:
        """A queue that gets every event of Thaw's; its URL."""
        events = self._cloud.client("events")
        url: str = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": ["thaw"]}))
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": name, "Arn": arn}])
        return url

    def send(self, request: Request) -> None:
        self._sqs.send_message(QueueUrl=self._cloud.outputs["RequestQueueUrl"], MessageBody=request.body)

    @property
    def has_mail(self) -> bool:
        return bool(self._cloud.queue(self._queue_url).messages)

    def receive(self) -> Iterator[Told]:
        """The events that are there, each once."""
        while messages := self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                if event["detail"]["eventId"] not in self._seen:
                    self._seen.add(event["detail"]["eventId"])
                    yield Told(self._cloud.now, event["detail-type"], event["detail"])
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])

    def upload(self, vault_name: str, name: str, content: bytes) -> Archive:
        reply = self._glacier.upload_archive(accountId="-", vaultName=vault_name, archiveDescription=name, body=content)
        return Archive(reply["archiveId"], name, len(content), reply["checksum"])

    def has_right_output(self, succeeded: Mapping[str, Any], archives: Mapping[str, Archive]) -> bool:
        """Whether a retrieved archive, or range of one, is as its inventory and its hash say."""
        archive, tree_hash = archives[succeeded["archiveId"]], succeeded["sha256TreeHash"]
        if succeeded["byteRange"] is None and tree_hash != archive.tree_hash:
            return False
        if _output_bytes(succeeded, archive) > _FETCHED_AT_MOST_BYTES:
            return True
        output = io.BytesIO(self.output(succeeded))
        return bool(calculate_tree_hash(output) == tree_hash)  # type: ignore[arg-type]  # it takes a file

    def lists(self, pages: Iterable[Mapping[str, Any]], archives: Iterable[Archive]) -> bool:
        """Whether the pages of an inventory list these archives, in this order."""
        listed = [entry for page in pages for entry in json.loads(self.output(page))["ArchiveList"]]
        return [Archive.read(entry) for entry in listed] == list(archives)

    def output(self, succeeded: Mapping[str, Any]) -> bytes:
        """All of a job's output, by its Retrieval Succeeded event."""
        job = {"accountId": succeeded["accountId"], "vaultName": succeeded["vaultName"], "jobId": succeeded["jobId"]}
        content: bytes = self._glacier.get_job_output(**job)["body"].read()
        return content


def _output_bytes(succeeded: Mapping[str, Any], archive: Archive) -> int:
    if succeeded["byteRange"] is None:
        return archive.size_bytes
    first, last = map(int, succeeded["byteRange"].split("-"))
    return last - first + 1
