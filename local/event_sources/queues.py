"""SQS event source mappings: Lambda reads a queue, invokes the function, and deletes what the function took care of.

Nothing polls: the next look at the queue is when a message next becomes visible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.sqs.models import Message, Queue

from local.clock import Clock, Timer
from local.event_sources import failed_items, fitting
from local.functions import Lambda, Result
from local.roles import Needed

_THROTTLED_RETRY_SECONDS = 1.0
_CONCURRENCY_WITHOUT_LIMIT = 1000


@dataclass
class QueueSource:
    """One mapping of a queue to a function."""

    clock: Clock
    functions: Lambda
    queue: Queue
    function: str
    batch_size: int
    window_seconds: float
    max_concurrency: int
    reports_failures: bool
    invocations: int = 0
    """How many of its invocations are under way."""
    enabled: bool = True
    """A test may hold the messages back for a while; `look` afterwards."""
    _timer: Timer | None = None
    _first_seen_ms: int | None = None

    @classmethod
    def from_template(cls, clock: Clock, functions: Lambda, queue: Queue, properties: Mapping[str, Any]) -> QueueSource:
        if "FilterCriteria" in properties:
            raise NotImplementedError("filter criteria of a queue")
        return cls(
            clock,
            functions,
            queue,
            properties["FunctionName"],
            batch_size=int(properties.get("BatchSize", 10)),
            window_seconds=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
            max_concurrency=int(
                properties.get("ScalingConfig", {}).get("MaximumConcurrency", _CONCURRENCY_WITHOUT_LIMIT)
            ),
            reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        )

    @property
    def needed(self) -> list[Needed]:
        """What the function's role has to allow Lambda."""
        return self.to_poll + self.to_delete

    @property
    def to_poll(self) -> list[Needed]:
        return [(f"sqs:{action}", self.queue.queue_arn) for action in ("ReceiveMessage", "GetQueueAttributes")]

    @property
    def to_delete(self) -> list[Needed]:
        return [("sqs:DeleteMessage", self.queue.queue_arn)]

    def reset(self) -> None:
        self._timer = None
        self._first_seen_ms = None
        self.invocations = 0

    def look(self) -> None:
        """Something about the queue has changed: sets the time of the next poll."""
        self.clock.cancel(self._timer)
        self._timer = None
        when_ms = self._next_poll_ms()
        if when_ms is not None:
            self._timer = self.clock.at_ms(when_ms, self._poll)

    def _next_poll_ms(self) -> int | None:
        if not self.enabled or self.invocations >= self.max_concurrency or not self.queue._messages:
            return None
        now_ms = self.clock.now_ms()
        visible, next_ms = self._visible(now_ms)
        if not visible:
            self._first_seen_ms = None
            return next_ms
        if self._first_seen_ms is None:
            self._first_seen_ms = now_ms
        if visible >= self.batch_size:
            return now_ms
        return max(now_ms, self._first_seen_ms + round(self.window_seconds * 1000))

    def _visible(self, now_ms: int) -> tuple[int, int | None]:
        """How many messages can be received, counted up to a batch; and when the next can if none can now."""
        count, next_ms = 0, None
        for message in self.queue._messages:
            when_ms = visible_at_ms(message)
            if when_ms <= now_ms:
                count += 1
                if count == self.batch_size:
                    break
            elif next_ms is None or when_ms < next_ms:
                next_ms = when_ms
        return count, next_ms

    def _poll(self) -> None:
        self._timer = None
        self._first_seen_ms = None
        self.functions.act(self.function, self.to_poll)
        batch = receive(self.queue, self.batch_size, self.clock.now_ms())
        if batch:
            self.invocations += 1
            self._invoke(batch, self.clock.now_ms() + self.queue.visibility_timeout * 1000)  # type: ignore[attr-defined]
        self.look()

    def _invoke(self, batch: list[Message], until_ms: int) -> None:
        """Invokes the function; while Lambda has no room, again and again until the messages are visible again."""
        event = {"Records": [_record(message, self.queue) for message in batch]}
        if self.functions.invoke(self.function, event, lambda result: self._done(batch, result)):
            return
        if self.clock.now_ms() + _THROTTLED_RETRY_SECONDS * 1000 < until_ms:
            self.clock.after(_THROTTLED_RETRY_SECONDS, lambda: self._invoke(batch, until_ms))
        else:
            self._released()

    def _done(self, batch: list[Message], result: Result) -> None:
        failed = failed_items(result.payload, self.reports_failures) if result.ok else None
        if failed is not None and set(failed) <= {message.id for message in batch}:
            for message in batch:
                if message.id not in failed:
                    self.functions.act(self.function, self.to_delete)
                    delete(self.queue, message)
        self._released()

    def _released(self) -> None:
        self.invocations -= 1
        self.look()


def visible_at_ms(message: Message) -> int:
    """When a message can be received, in the sense of moto, whose messages are visible only after that moment."""
    at_ms = max(message.visible_at, message.delayed_until)
    return int(at_ms) + 1 if message.visible_at >= message.delayed_until and at_ms else int(at_ms)


def receive(queue: Queue, most: int, now_ms: int) -> list[Message]:
    """Receives up to so many messages; moves those received too often to the dead-letter queue, drops the too old.

    As moto's own ReceiveMessage, without its copies and in time that does not grow with the queue.
    """
    received: list[Message] = []
    leaving: list[tuple[Message, Queue | None]] = []
    for message in queue._messages:
        if visible_at_ms(message) > now_ms:
            continue
        if now_ms - (message.sent_timestamp or 0) > queue.message_retention_period * 1000:  # type: ignore[attr-defined]
            leaving.append((message, None))
        elif queue.redrive_policy and message.approximate_receive_count >= queue.redrive_policy["maxReceiveCount"]:
            leaving.append((message, queue.dead_letter_queue))
        else:
            received.append(message)
            if len(received) == most:
                break
    for message, dead_letter_queue in leaving:
        queue._messages.remove(message)
        queue.pending_messages.discard(message)
        if dead_letter_queue is not None:
            dead_letter_queue.add_message(message)
    fit = fitting([len(message.body.encode()) for message in received])
    for message in received[:fit]:
        queue.pending_messages.add(message)
        message.mark_received(visibility_timeout=queue.visibility_timeout)  # type: ignore[attr-defined]
    return received[:fit]


def delete(queue: Queue, message: Message) -> None:
    """Deletes a message, unless somebody else did."""
    if message in queue._messages:
        queue._messages.remove(message)
    queue.pending_messages.discard(message)
    queue.deleted_messages.update(handle for handle in message.all_receipt_handles if handle)


def _record(message: Message, queue: Queue) -> dict[str, Any]:
    attributes = {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(message.sent_timestamp),
        "SenderId": message.sender_id,
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
    }
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {name: _attribute(value) for name, value in message.message_attributes.items()},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.queue_arn,
        "awsRegion": queue.region,
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stringValue": value.get("StringValue"),
        "binaryValue": value.get("BinaryValue"),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.get("DataType"),
    }
