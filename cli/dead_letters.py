"""Dead letters: looked at, and moved back to where they came from."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.at_once import chunks
from cli.errors import Exit, Problem
from cli.queues import Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

OUTPUTS = {
    "requests": "RequestDeadLetterQueueUrl",
    "resumes": "ResumeDeadLetterQueueUrl",
    "notifications": "NotificationDeadLetterQueueUrl",
}
"""Which of the stack's outputs has the queue of which dead letters."""

RECEIVED_AT_ONCE = 10
"""ReceiveMessage's limit."""
HIDDEN_SECONDS = 30
"""From others, while they are looked at."""
MOVED_WITHIN_SECONDS = 600.0
_LOOK_EVERY_SECONDS = 1.0


@dataclass(frozen=True)
class DeadLetter:
    """A message that could not be worked on. Times are epoch milliseconds."""

    message_id: str
    sent_ms: int
    body: str

    @property
    def about(self) -> str | None:
        """The request, retrieval or job that it names, as far as it can be read."""
        try:
            message = json.loads(self.body)
            if isinstance(message, dict) and message.get("Type") == "Notification":
                message = json.loads(message["Message"])
        except (ValueError, RecursionError, KeyError, TypeError):
            return None
        names = ("requestId", "cancel", "retrievalId", "JobId")
        found = (message.get(name) for name in names) if isinstance(message, dict) else ()
        return next((each for each in found if isinstance(each, str)), None)


def look(sqs: SQSClient, queue: Queue, at_most: int) -> list[DeadLetter]:
    """The first few letters of a queue. They are hidden from others meanwhile."""
    received: list[Any] = []
    while len(received) < at_most:
        messages = sqs.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=min(RECEIVED_AT_ONCE, at_most - len(received)),
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["SentTimestamp"],
        ).get("Messages", [])
        if not messages:
            break
        received += messages
    for some in chunks(received, RECEIVED_AT_ONCE):
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"], "VisibilityTimeout": 0}
            for number, each in enumerate(some)
        ]
        sqs.change_message_visibility_batch(QueueUrl=queue.url, Entries=entries)
    return [DeadLetter(each["MessageId"], int(each["Attributes"]["SentTimestamp"]), each["Body"]) for each in received]


def move_back(sqs: SQSClient, queue: Queue) -> int:
    """Has SQS move all letters of a queue to where they came from, and waits for it; how many there were.

    Raises:
        Problem: the move failed, or takes longer than is waited for.
    """
    sqs.start_message_move_task(SourceArn=queue.arn)
    end = time.monotonic() + MOVED_WITHIN_SECONDS
    while time.monotonic() < end:
        tasks = sqs.list_message_move_tasks(SourceArn=queue.arn, MaxResults=1)["Results"]
        if not tasks:  # it has only just begun
            time.sleep(_LOOK_EVERY_SECONDS)
            continue
        task = tasks[0]
        if task["Status"] == "COMPLETED":
            return task.get("ApproximateNumberOfMessagesMoved", 0)
        if task["Status"] not in ("RUNNING", "CANCELLING"):
            moved, why = task.get("ApproximateNumberOfMessagesMoved", 0), task.get("FailureReason", "")
            message = f"The move out of {queue.arn} is {task['Status']} after {moved} messages: {why}"
            raise Problem(message, "What was not moved is in the dead-letter queue still.", Exit.BAD_NEWS)
        time.sleep(_LOOK_EVERY_SECONDS)
    raise Problem(f"The move out of {queue.arn} goes on.", "SQS finishes it; look again later.", Exit.BAD_NEWS)
