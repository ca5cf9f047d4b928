"""The event bus."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thaw.event_details import SOURCE
from thaw.events import Event

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

ENTRIES_AT_MOST = 10
BYTES_AT_MOST = 256 * 1024
"""PutEvents' limits for one call."""
_ENTRY_OVERHEAD_BYTES = 100


class Bus:
    """PutEvents on one bus."""

    def __init__(self, client: "EventBridgeClient", name: str) -> None:
        self._client = client
        self._name = name

    def put(self, events: Sequence[Event]) -> list[str | None]:
        """Puts events on the bus, in as few calls as its limits allow.

        Returns:
            in the order of the events, the error code of each that the bus refused, else None.
        """
        outcomes: list[str | None] = []
        for chunk in _chunks([self._entry(event) for event in events]):
            reply = self._client.put_events(Entries=chunk)
            outcomes += [entry.get("ErrorCode") for entry in reply["Entries"]]
        return outcomes

    def _entry(self, event: Event) -> Any:
        detail = json.dumps(event.detail, ensure_ascii=False, separators=(",", ":"))
        return {
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": detail,
            "EventBusName": self._name,
        }


def _chunks(entries: list[Any]) -> list[list[Any]]:
    chunks: list[list[Any]] = []
    size_bytes = 0
    for entry in entries:
        entry_bytes = len(entry["Detail"].encode()) + len(entry["DetailType"]) + _ENTRY_OVERHEAD_BYTES
        if not chunks or len(chunks[-1]) == ENTRIES_AT_MOST or size_bytes + entry_bytes > BYTES_AT_MOST:
            chunks.append([])
            size_bytes = 0
        chunks[-1].append(entry)
        size_bytes += entry_bytes
    return chunks
