"""What moves between moto's services by itself: from topics to queues, from the event bus to queues.

Resource policies decide, as on AWS: a delivery that they don't allow does not happen, and is noted in
`refused`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from moto.core.exceptions import JsonRESTError
from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.events.models import EventsBackend, Rule
from moto.iam.access_control import PermissionResult
from moto.moto_api._internal import mock_random
from moto.s3.models import FakeBucket
from moto.sns.models import Subscription, Topic, sns_backends
from moto.sqs.exceptions import SQSException
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from local import rules
from local.clock import Clock
from local.deploy import ACCOUNT_ID, REGION
from local.policies import Request, allows, applies
from local.speed import note_delay

_MAX_PUT_EVENTS_BYTES = 2**20
_OVER_TLS = {"aws:SecureTransport": "true"}


@dataclass(frozen=True)
class Event:
    """One event that the bus took."""

    at_ms: int
    bus: str
    id: str
    source: str
    detail_type: str
    detail: Mapping[str, Any]


@dataclass
class Deliveries:
    clock: Clock
    on_message: Callable[[Queue, Message | None], None]
    """Told when a queue has a message more, or (without a message) one that is visible sooner."""
    wait_for_message: Callable[[Queue, int], None]
    """Lets time pass, up to so many seconds, until the queue has a message to give: a user's long polling."""
    on_event: Callable[[Event], None] = lambda event: None
    events: list[Event] = field(default_factory=list)
    """All that was put on event buses, in order."""
    refused: list[str] = field(default_factory=list)
    """Deliveries and publications that did not happen, as a rule because a resource policy does not allow them."""
    on_refusal: Callable[[str], None] = lambda what: None
    refuse_entry: Callable[[Mapping[str, Any]], str | None] = lambda entry: None
    """The error code with which PutEvents should refuse an entry, or None."""

    def clear(self) -> None:
        self.events.clear()
        self.refused.clear()

    def may_publish(self, topic_arn: str, account_id: str) -> bool:
        """Whether Glacier may publish to a topic for an account's jobs, as its own service or as that account."""
        topic = sns_backends[ACCOUNT_ID][REGION].topics.get(topic_arn)
        if topic is None:
            return False
        context = {"aws:SourceAccount": account_id, "AWS:SourceOwner": account_id, "aws:SecureTransport": "true"}
        as_service = Request("sns:Publish", topic_arn, service="glacier.amazonaws.com", context=context)
        as_account = Request("sns:Publish", topic_arn, principal=f"arn:aws:iam::{account_id}:root", context=context)
        policy = json.loads(topic.policy)
        allowed = allows([policy], as_service) or allows([policy], as_account)
        if not allowed:
            self._refuse(f"glacier.amazonaws.com may not publish to {topic_arn}")
        return allowed

    def _refuse(self, what: str) -> None:
        self.refused.append(what)
        self.on_refusal(what)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Puts this in the way of moto's SQS, SNS and EventBridge while entered."""
        patches: list[tuple[type, str, Any]] = [
            (Queue, "add_message", self._after_for_queue(Queue.add_message)),
            (Queue, "_set_attributes", _keeping_the_policy(Queue._set_attributes)),
            (Queue, "wait_for_messages", lambda queue, timeout: self.wait_for_message(queue, timeout)),
            (SQSBackend, "change_message_visibility", self._after_change(SQSBackend.change_message_visibility)),
            (Subscription, "publish", self._publish(Subscription.publish)),
            (Subscription, "get_post_data", _envelope),
            (EventsBackend, "put_events", self._put_events(EventsBackend.put_events)),
            (EventsBackend, "put_targets", rules.checking_targets(EventsBackend.put_targets)),
            (Rule, "send_to_targets", rules.deliver),
            (Rule, "_send_to_sqs_queue", self._rule_to_queue(Rule._send_to_sqs_queue)),
            (FakeBucket, "get_permission", _permission),
        ]
        with ExitStack() as stack:
            for owner, name, replacement in patches:
                stack.enter_context(mock.patch.object(owner, name, replacement))
            yield

    def _after_for_queue(self, original: Callable[..., None]) -> Callable[..., None]:
        def add_message(queue: Queue, message: Message) -> None:
            if not hasattr(message, "sent_to"):  # a dead letter goes back there
                message.sent_to = queue.name  # type: ignore[attr-defined]
            original(queue, message)
            self.on_message(queue, message)  # a simulator may delay it
            note_delay(queue, message)

        return add_message

    def _after_change(self, original: Callable[..., None]) -> Callable[..., None]:
        def change_message_visibility(backend: SQSBackend, queue_name: str, *args: Any, **kwargs: Any) -> None:
            original(backend, queue_name, *args, **kwargs)
            self.on_message(backend.get_queue(queue_name), None)

        return change_message_visibility

    def _publish(self, original: Callable[..., None]) -> Callable[..., None]:
        def publish(subscription: Subscription, *args: Any, **kwargs: Any) -> None:
            if subscription.protocol != "sqs" or self._may_send(
                subscription.endpoint, "sns.amazonaws.com", subscription.topic.arn
            ):
                original(subscription, *args, **kwargs)

        return publish

    def _rule_to_queue(self, original: Callable[..., None]) -> Callable[..., None]:
        def send(rule: Rule, resource_id: str, *args: Any, **kwargs: Any) -> None:
            queue_arn = f"arn:aws:sqs:{rule.region_name}:{rule.account_id}:{resource_id}"
            if not self._may_send(queue_arn, "events.amazonaws.com", rule.arn):
                return
            try:
                original(rule, resource_id, *args, **kwargs)
            except SQSException as error:  # EventBridge would try for a day, and then drop it
                self._refuse(f"{queue_arn} does not take an event of {rule.arn}: {error}")

        return send

    def _may_send(self, queue_arn: str, service: str, source_arn: str) -> bool:
        queue = sqs_backends[ACCOUNT_ID][REGION].queues.get(queue_arn.rpartition(":")[2])
        policies = [json.loads(queue.policy)] if queue is not None and queue.policy else []
        context = {"aws:SourceArn": source_arn, "aws:SourceAccount": ACCOUNT_ID, "aws:SecureTransport": "true"}
        allowed = allows(policies, Request("sqs:SendMessage", queue_arn, service=service, context=context))
        if not allowed:
            missing = "" if queue is not None else ", which does not exist"
            self._refuse(f"{service} may not send to {queue_arn}{missing} for {source_arn}")
        return allowed

    def _put_events(self, original: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
        def put_events(backend: EventsBackend, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
            if sum(_entry_bytes(entry) for entry in events) > _MAX_PUT_EVENTS_BYTES:
                raise JsonRESTError(
                    "ValidationException", "Total size of the entries in the request is over the limit."
                )
            if len(events) > 10:
                return original(backend, events)
            return [self._put_event(original, backend, entry) for entry in events]

        return put_events

    def _put_event(self, original: Callable[..., Any], backend: EventsBackend, entry: dict[str, Any]) -> dict[str, Any]:
        code = self.refuse_entry(entry)
        if code is not None:
            return {"ErrorCode": code, "ErrorMessage": f"The entry was refused: {code}"}
        outcome: dict[str, Any] = original(backend, [entry])[0]
        if "EventId" in outcome:
            event = Event(
                self.clock.now_ms(),
                entry.get("EventBusName", "default").rpartition("/")[2],
                outcome["EventId"],
                entry["Source"],
                entry["DetailType"],
                json.loads(entry["Detail"]),
            )
            self.events.append(event)
            self.on_event(event)
        return outcome


def _permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """What a bucket's policy says of a call over TLS; moto's own reading of it passes over the conditions."""
    policies = [json.loads(bucket.policy)] if bucket.policy else []
    request = Request(action, resource, principal=f"arn:aws:iam::{ACCOUNT_ID}:root", context=_OVER_TLS)
    denials = (each for policy in policies for each in policy["Statement"] if each["Effect"] == "Deny")
    denied = any(applies(each, request) for each in denials)
    return PermissionResult.DENIED if denied else PermissionResult.NEUTRAL


def _keeping_the_policy(original: Callable[..., None]) -> Callable[..., None]:
    def set_attributes(queue: Queue, attributes: dict[str, Any], now: float | None = None) -> None:
        policy = getattr(queue, "policy", None)
        original(queue, attributes, now)
        if "Policy" not in attributes:  # moto takes that for an empty one
            queue.policy = policy

    return set_attributes


def _entry_bytes(entry: Mapping[str, Any]) -> int:
    """The size of an entry as EventBridge counts it."""
    texts = [entry.get("Source", ""), entry.get("DetailType", ""), entry.get("Detail", ""), *entry.get("Resources", [])]
    return sum(len(text.encode()) for text in texts) + (14 if "Time" in entry else 0)


def _envelope(
    subscription: Subscription,
    message: str,
    message_id: str,
    subject: str | None,
    message_attributes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """SNS's wrapping of a message. moto's is really signed, with keys that take long to make and differ each time."""
    topic: Topic = subscription.topic
    unsubscribe = f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription.arn}"
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic.arn,
        "Message": message,
        "Timestamp": iso_8601_datetime_with_milliseconds(),
        "SignatureVersion": "1",
        "Signature": mock_random.get_random_string(342) + "==",
        "SigningCertURL": f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-0.pem",
        "UnsubscribeURL": unsubscribe,
    }
    if subject:
        envelope["Subject"] = subject
    if message_attributes:
        envelope["MessageAttributes"] = message_attributes
    return envelope
