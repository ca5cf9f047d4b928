"""What users said, and what they were told."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.deliveries import Event
from thaw.request import Rejected, RetrievalRequest, parse

SUCCEEDED, FAILED, CANCELLED = "Retrieval Succeeded", "Retrieval Failed", "Retrieval Cancelled"
INITIATED, DELAYED = "Retrieval Initiated", "Retrieval Delayed"
DUPLICATE, PURCHASED, SHORT = "Duplicate Job", "Capacity Purchased", "Capacity Short"
REJECTED, LISTED = "Request Rejected", "Inventory Listed"


@dataclass
class Told:
    """The events on the bus, each once."""

    bus: list[Event]
    first: dict[str, Event] = field(default_factory=dict)
    """By event id."""
    terminal: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """By request id: those that end it. A rejection ends its message; the request of that id is another matter."""
    rejected: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """By message id."""
    duplicates: set[str] = field(default_factory=set)
    """The ids of the jobs of `Duplicate Job`."""
    units: dict[str, str | None] = field(default_factory=dict)
    """The ids in `Capacity Purchased`, each with the code of its reason, if it has one."""
    short: list[Mapping[str, Any]] = field(default_factory=list)
    """What each `Capacity Short` says."""

    def __post_init__(self) -> None:
        for event in self.bus:
            if self.first.setdefault(event.detail["eventId"], event) is event:
                self._sort(event)

    def _sort(self, event: Event) -> None:
        detail = event.detail
        if event.detail_type == REJECTED:
            self.rejected[detail["messageId"]].append(event)
        elif event.detail_type in (FAILED, CANCELLED, LISTED, SUCCEEDED):
            self.terminal[detail["requestId"]].append(event)
        elif event.detail_type == DUPLICATE:
            self.duplicates.add(detail["jobId"])
        elif event.detail_type == PURCHASED:
            self.units[detail["capacityId"]] = (detail["reason"] or {}).get("code")
        elif event.detail_type == SHORT:
            self.short.append(detail)


@dataclass(frozen=True)
class Asked:
    """What users sent: each message's body by its id."""

    bodies: Mapping[str, str]
    new_ids: Mapping[str, str] = field(default_factory=dict)
    """By the ids of messages that were dead letters: those they had when they were sent again."""

    def rejections(self, told: Told, message_id: str) -> int:
        """How often a message was rejected; of what was sent again once it was, only the first time counts."""
        new_id = self.new_ids.get(message_id)
        again = self.rejections(told, new_id) if new_id else 0
        return max(len(told.rejected[message_id]), again)

    def requests(self) -> dict[str, list[tuple[str, RetrievalRequest]]]:
        """The valid requests by their ids, each with the message it came in."""
        found: dict[str, list[tuple[str, RetrievalRequest]]] = defaultdict(list)
        for message_id, body in self.bodies.items():
            try:
                message = parse(body)
            except Rejected:
                continue
            if isinstance(message, RetrievalRequest):
                found[message.request_id].append((message_id, message))
        return found

    def bad(self) -> list[str]:
        """The messages that are no requests."""
        return [message_id for message_id, body in self.bodies.items() if not _is_valid(body)]

    def cancels(self) -> dict[str, str]:
        """The request that each message takes back."""
        named = ((message_id, _cancelled(body)) for message_id, body in self.bodies.items())
        return {message_id: name for message_id, name in named if name is not None}


def _is_valid(body: str) -> bool:
    try:
        parse(body)
    except Rejected:
        return False
    return True


def _cancelled(body: str) -> str | None:
    try:
        raw = json.loads(body)
    except ValueError:
        return None
    return raw.get("cancel") if isinstance(raw, dict) else None
