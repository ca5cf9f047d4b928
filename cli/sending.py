"""Requests put on the queue, but for those that Thaw has taken in already.

That the table knows a request is what makes a file that is sent again, or was broken off, go on where it stood: there
is no file of our own to lose. A message that still waits on the queue is not in the table and is sent again; `initiate`
takes it for the same request.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cli.at_once import chunks, in_order
from cli.errors import Exit, Problem
from cli.faults import Fault
from cli.reading import READ_AT_ONCE, Reader
from cli.request_file import Asked
from cli.standing import Outcome
from thaw.records import RequestRecord

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

SENT_AT_ONCE = 10
"""SendMessageBatch's limit."""
CALLS_AT_ONCE = 8
READS_AT_ONCE = 2
TRIES_AT_MOST = 8
_FIRST_PAUSE_SECONDS = 0.2


@dataclass
class Sent:
    """What became of some requests."""

    sent: int = 0
    known: int = 0
    """Taken in before, and so not sent."""
    known_bad: int = 0
    """Those of them that failed or were cancelled."""
    refused: list[Fault] = field(default_factory=list)
    """Not sent, as Thaw would reject them."""


@dataclass(frozen=True)
class Batch:
    """What goes in one call, and what became of others that were looked up with it."""

    to_send: Sequence[Asked]
    outcome: Sent = field(default_factory=Sent)


class Sender:
    """Sends what the table does not know, in batches, several at once.

    Args:
        sqs: several threads use it.
    """

    def __init__(self, sqs: SQSClient, queue_url: str, reader: Reader) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._reader = reader

    def send(self, requests: Iterable[Asked]) -> Iterator[Sent]:
        """What became of some after others of the requests, as it is known; no more are taken than are under way.

        Whoever breaks it off waits for the calls under way, CALLS_AT_ONCE at most.
        """
        return in_order(self._send_batch, self._batches(requests), CALLS_AT_ONCE)

    def _batches(self, requests: Iterable[Asked]) -> Iterator[Batch]:
        for outcome, to_send in in_order(self._look_up, chunks(requests, READ_AT_ONCE), READS_AT_ONCE):
            batches = list(chunks(to_send, SENT_AT_ONCE)) or [[]]
            yield Batch(batches[0], outcome)
            yield from map(Batch, batches[1:])

    def _look_up(self, requests: Sequence[Asked]) -> tuple[Sent, list[Asked]]:
        """What need not or must not be sent, and what is to be."""
        known = self._reader.requests([asked.request.request_id for asked in requests])
        outcome = Sent()
        to_send: list[Asked] = []
        taken_in: list[str] = []
        for asked in requests:
            record = known.get(asked.request.request_id)
            if record is None or record.expires_at < time.time():
                to_send.append(asked)
            elif why := _refusal(asked, record):
                outcome.refused.append(Fault(asked.place, "requestId", f"{asked.request.request_id} {why}"))
            else:
                taken_in.append(asked.request.request_id)
        outcome.known = len(taken_in)
        outcome.known_bad = sum(each.outcome is Outcome.BAD for each in self._reader.standings(taken_in))
        return outcome, to_send

    def _send_batch(self, batch: Batch) -> Sent:
        if batch.to_send:
            try:
                send_batch(self._sqs, self._queue_url, [asked.body for asked in batch.to_send])
            except NotTaken as not_taken:
                message = f"SQS did not take {batch.to_send[not_taken.number].place}: {not_taken}"
                raise Problem(message, "The same command again goes on from there.", Exit.AWS) from None
        return replace(batch.outcome, sent=len(batch.to_send))


class NotTaken(Exception):
    """SQS refuses a message, or has refused it too often; the text says why."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number = number
        """Of the message among those that were to be sent, from 0."""


def send_batch(sqs: SQSClient, queue_url: str, bodies: Sequence[str]) -> list[str]:
    """Sends up to SENT_AT_ONCE messages, those that SQS did not take again, until it has taken all; their ids.

    Raises:
        NotTaken: it did not, though it was asked TRIES_AT_MOST times.
    """
    ids: dict[int, str] = {}
    for tried in range(TRIES_AT_MOST):
        if tried:
            time.sleep(random.uniform(0.5, 1) * _FIRST_PAUSE_SECONDS * 2**tried)
        left = [number for number in range(len(bodies)) if number not in ids]
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": bodies[number]} for number in left
        ]
        reply = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        ids |= {int(each["Id"]): each["MessageId"] for each in reply.get("Successful", [])}
        if len(ids) == len(bodies):
            return [ids[number] for number in range(len(bodies))]
        worst = max(reply["Failed"], key=lambda each: each["SenderFault"])
        if worst["SenderFault"]:
            break
    raise NotTaken(int(worst["Id"]), f"{worst['Code']}: {worst.get('Message', '')}")


def _refusal(asked: Asked, record: RequestRecord) -> str | None:
    """Why Thaw would not do what is asked under an id that it knows; None where it is the same request."""
    other = "another id" if asked.is_named else "another --batch"
    if record.cancelled:
        return f"was cancelled before it came; it takes {other} to ask again"
    if record.contents != asked.request.digest():
        return f"was asked for with other contents (another tier, say); it takes {other} to ask anew"
    return None
