"""Queues: how many messages they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Queue:
    """One, as it was seen; SQS's counts are approximate, and may be a minute old."""

    url: str
    arn: str
    messages: int
    """That can be received now."""
    in_flight: int
    delayed: int


def look_at(sqs: SQSClient, url: str) -> Queue:
    """How a queue is now."""
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return Queue(
        url,
        attributes["QueueArn"],
        messages=int(attributes["ApproximateNumberOfMessages"]),
        in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        delayed=int(attributes["ApproximateNumberOfMessagesDelayed"]),
    )


def is_empty(sqs: SQSClient, url: str) -> bool:
    """Whether no message is in it, in whatever way."""
    queue = look_at(sqs, url)
    return queue.messages + queue.in_flight + queue.delayed == 0
