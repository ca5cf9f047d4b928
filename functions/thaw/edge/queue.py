"""The resume queue: tells initiate that a wait is over."""

import json
from typing import TYPE_CHECKING

from thaw import bounds
from thaw.retrieval import EXPEDITED_BACKLOG, Retrieval
from thaw.states import State

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class ResumeQueue:
    """Sends the messages that `read_resume` reads."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url
        self.name = url.rsplit("/", 1)[-1]

    def resume_when_due(self, record: Retrieval, now_ms: int) -> bool:
        """Has a waiting retrieval resumed at its `dueAt`, where that is near enough and no release by top_up is due.

        A message that is lost is noticed by reconcile, which also sends those of longer waits.
        """
        if record.state is not State.WAITING or record.due_in == EXPEDITED_BACKLOG:
            return False
        assert record.due_at is not None
        delay_seconds = max(0, -(-(record.due_at - now_ms) // 1000))
        if delay_seconds > bounds.RESUME_DELAY_AT_MOST_SECONDS:
            return False
        body = json.dumps({"retrievalId": record.retrieval_id, "dueAt": record.due_at})
        self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_seconds)
        return True


def read_resume(body: str) -> tuple[str, int]:
    """The retrieval's id, and the `dueAt` of the wait that is over. Raises ValueError or KeyError for anything else."""
    message = json.loads(body)
    return str(message["retrievalId"]), int(message["dueAt"])
