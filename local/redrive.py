"""SQS's message move tasks, by which dead letters go back to where they came from. moto has none.

A task is done when StartMessageMoveTask answers, whatever the rate that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from moto.core.responses import ActionResult
from moto.core.utils import unix_time_millis
from moto.moto_api._internal import mock_random
from moto.sqs.exceptions import SQSException
from moto.sqs.models import Message, Queue, SQSBackend
from moto.sqs.responses import SQSResponse

from local.event_sources.queues import delete

_LISTED_AT_MOST = 10


@dataclass
class MoveTasks:
    """All that were started, oldest first, as ListMessageMoveTasks tells of them."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    new_ids: dict[str, str] = field(default_factory=dict)
    """By the id of a message that was moved: the one it has since."""

    def forget(self) -> None:
        self.tasks.clear()
        self.new_ids.clear()

    @contextmanager
    def served(self) -> Iterator[None]:
        """Adds the three calls to moto's SQS while entered."""
        calls: dict[str, Callable[[SQSResponse], ActionResult]] = {
            "start_message_move_task": self._start,
            "list_message_move_tasks": self._list,
            "cancel_message_move_task": _cancel,
        }
        with ExitStack() as stack:
            for name, call in calls.items():
                stack.enter_context(mock.patch.object(SQSResponse, name, _as_method(call), create=True))
            yield

    def _start(self, response: SQSResponse) -> ActionResult:
        backend, source_arn = response.sqs_backend, response._get_param("SourceArn")
        destination_arn = response._get_param("DestinationArn")
        source = _queue(backend, source_arn, "SourceArn")
        if not any(queue.dead_letter_queue is source for queue in backend.queues.values()):
            raise SQSException("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
        destination = _queue(backend, destination_arn, "DestinationArn") if destination_arn else None
        task = {"Status": "COMPLETED", "SourceArn": source_arn, "StartedTimestamp": int(unix_time_millis())}
        if destination_arn:
            task["DestinationArn"] = destination_arn
        self.tasks.append({**task, **self._move_all(backend, source, destination)})
        return ActionResult({"TaskHandle": str(mock_random.uuid4())})

    def _move_all(self, backend: SQSBackend, source: Queue, destination: Queue | None) -> dict[str, Any]:
        """Moves what can be received; as in the real SQS, the first message of unknown origin ends it."""
        waiting = source.messages
        outcome: dict[str, Any] = {"ApproximateNumberOfMessagesToMove": len(waiting)}
        moved = 0
        for message in waiting:
            target = destination or _origin(backend, source, message)
            if target is None:
                outcome |= {"Status": "FAILED", "FailureReason": "CouldNotDetermineMessageSource"}
                break
            delete(source, message)
            self.new_ids[message.id] = _send_again(backend, target, message)
            moved += 1
        return {**outcome, "ApproximateNumberOfMessagesMoved": moved}

    def _list(self, response: SQSResponse) -> ActionResult:
        source_arn, most = response._get_param("SourceArn"), int(response._get_param("MaxResults") or 1)
        _queue(response.sqs_backend, source_arn, "SourceArn")
        of_source = [task for task in reversed(self.tasks) if task["SourceArn"] == source_arn]
        return ActionResult({"Results": of_source[: min(most, _LISTED_AT_MOST)]})


def _as_method(call: Callable[[SQSResponse], ActionResult]) -> Callable[[SQSResponse], ActionResult]:
    return lambda response: call(response)


def _cancel(response: SQSResponse) -> ActionResult:
    raise SQSException("ResourceNotFoundException", "Only active tasks can be cancelled.")


def _queue(backend: SQSBackend, arn: str, parameter: str) -> Queue:
    for queue in backend.queues.values():
        if queue.queue_arn == arn:
            return queue
    raise SQSException(
        "ResourceNotFoundException", f"The resource that you specified for the {parameter} does not exist."
    )


def _origin(backend: SQSBackend, dead_letters: Queue, message: Message) -> Queue | None:
    """The queue that the message was sent to before it came into its dead-letter queue."""
    queue = backend.queues.get(message.sent_to)  # type: ignore[attr-defined]  # as noted in local.deliveries
    return queue if queue is not None and queue.dead_letter_queue is dead_letters else None


def _send_again(backend: SQSBackend, target: Queue, message: Message) -> str:
    """As a new message, with an id and a count of its own; the id."""
    sent = backend.send_message(
        target.name,
        message.body,
        message_attributes=message.message_attributes,
        group_id=message.group_id,
        deduplication_id=message.deduplication_id,
        system_attributes=message.system_attributes,
        delay_seconds=0,
    )
    return sent.id
