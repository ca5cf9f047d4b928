"""Taking requests back, and reading off the table what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.at_once import chunks
from cli.reading import READ_AT_ONCE, Reader
from cli.sending import SENT_AT_ONCE, send_batch
from cli.standing import Standing
from cli.waiting import paced
from thaw.request import CancelRequest
from thaw.states import State

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LOOK_EVERY_SECONDS = 1.0
NOT_KNOWN = "NotKnown"
_WAIT_AT_LEAST_SECONDS = 120.0
_ANSWERS_PER_SECOND = 10
"""The fewest that are to be expected where there are many; more is usual."""


@dataclass(frozen=True)
class Answer:
    """What came of taking a request back.

    `code` is None where it was taken back; AlreadyStarted or AlreadyEnded where it could not be; NotKnown where no
    request of that id had come, which is then not started should it come.
    """

    request_id: str
    code: str | None
    message: str

    @property
    def is_cancelled(self) -> bool:
        return self.code in (None, NOT_KNOWN)


def usual_wait_seconds(requests: int) -> float:
    """By when there should be answers to so many."""
    return _WAIT_AT_LEAST_SECONDS + requests / _ANSWERS_PER_SECOND


def send_cancels(sqs: SQSClient, queue_url: str, request_ids: Sequence[str]) -> dict[str, str]:
    """Asks for these requests to be taken back; the ids of the messages, by those of the requests."""
    message_ids: list[str] = []
    for some in chunks(request_ids, SENT_AT_ONCE):
        bodies = [CancelRequest(cancel=each).model_dump_json() for each in some]
        message_ids += send_batch(sqs, queue_url, bodies)
    return dict(zip(request_ids, message_ids, strict=True))


def answers(
    reader: Reader, message_ids: dict[str, str], wait_seconds: float, told: Callable[[int], None]
) -> dict[str, Answer]:
    """The answers that came within a time, by the requests' ids.

    Args:
        message_ids: as `send_cancels` gives them.
        told: how many have come, whenever there are more.
    """
    found: dict[str, Answer] = {}
    end = time.monotonic() + wait_seconds
    while True:
        missing = [each for each in message_ids if each not in found]
        for answer in paced(_look(reader, message_ids, missing), time.monotonic()):
            if answer is not None:
                found[answer.request_id] = answer
                told(len(found))
        if len(found) == len(message_ids) or time.monotonic() > end:
            return found
        time.sleep(LOOK_EVERY_SECONDS)


def _look(reader: Reader, message_ids: dict[str, str], request_ids: Sequence[str]) -> Iterator[Answer | None]:
    """The answer to each of these, as far as there is one."""
    for some in chunks(request_ids, READ_AT_ONCE):
        rejected = reader.rejections(message_ids[each] for each in some)
        for standing in reader.standings(some):
            rejection = rejected.get(message_ids[standing.request_id])
            if rejection is not None:
                yield Answer(standing.request_id, rejection.code, rejection.message)
            else:
                yield _cancelled(standing) if standing.state == State.CANCELLED else None


def _cancelled(standing: Standing) -> Answer:
    if standing.retrieval is not None:
        return Answer(standing.request_id, None, "Taken back; it is not started.")
    message = "No request of this id was known. Should it arrive, it is not started."
    return Answer(standing.request_id, NOT_KNOWN, message)
