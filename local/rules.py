"""Rules of an event bus: which targets they may have here, and what they deliver.

EventBridge takes an event whatever becomes of its deliveries; moto's PutEvents fails with the first that it can't make.
So what can't be delivered here is refused when it is made a target, and nothing is left that could fail later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events.models import EventsBackend, Rule
from moto.events.utils import EventMessageType

from local.deploy import ACCOUNT_ID, REGION

_QUEUES = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:"
_UNDERSTOOD = {"Id", "Arn", "SqsParameters"}


def checking_targets(original: Callable[..., None]) -> Callable[..., None]:
    """PutTargets that refuses what events can't be delivered to here. Schedules are none of its business."""

    def put_targets(
        backend: EventsBackend, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]
    ) -> None:
        bus = backend.event_buses.get((event_bus_arn or "default").rpartition("/")[2])
        rule = bus.rules.get(name) if bus is not None else None
        if rule is not None and rule.event_pattern.get_pattern():
            for problem in _problems(targets):
                raise JsonRESTError("ValidationException", problem)
        original(backend, name, event_bus_arn, targets)

    return put_targets


def _problems(targets: list[dict[str, Any]]) -> Iterator[str]:
    for target in targets:
        if not target["Arn"].startswith(_QUEUES):
            yield (
                f"Parameter {target['Arn']} is not valid. Reason: on this machine rules deliver to SQS queues of "
                f"{ACCOUNT_ID} in {REGION} only."
            )
        for name in sorted(target.keys() - _UNDERSTOOD):
            yield (
                f"Parameter {name} of target {target['Id']} is not valid. Reason: on this machine rules deliver whole "
                "events, and do so at once."
            )


def deliver(rule: Rule, event: EventMessageType, transform_input: bool = True) -> None:
    """Delivers the event to the targets of the rule if it matches; takes the place of moto's own way.

    moto leaves the account out, delivers for disabled rules, and takes a schedule for a rule that matches everything.
    """
    if rule.state == "DISABLED" or not rule.event_pattern.get_pattern():
        return
    if not rule.event_pattern.matches_event(event):
        return
    whole = {name: value for name, value in event.items() if name != "ingestion-time"}
    for target in rule.targets:
        queue_name = target["Arn"].rpartition(":")[2]
        group_id = target.get("SqsParameters", {}).get("MessageGroupId")
        rule._send_to_sqs_queue(queue_name, whole, group_id)
