"""What wakes functions, as Lambda's event source mappings and EventBridge's schedules do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_PAYLOAD_BYTES = 6 * 2**20
"""Of a synchronous invocation, which those of queues and streams are."""
_EVENT_OVERHEAD_BYTES = 1024


def fitting(sizes_bytes: list[int]) -> int:
    """How many of the first records fit into one invocation; at least one."""
    room_bytes = MAX_PAYLOAD_BYTES - _EVENT_OVERHEAD_BYTES
    for index, size_bytes in enumerate(sizes_bytes):
        room_bytes -= size_bytes
        if room_bytes < 0:
            return max(1, index)
    return len(sizes_bytes)


def failed_items(payload: object, reports_failures: bool) -> list[str] | None:
    """The item identifiers in a handler's `batchItemFailures`; None means that the whole batch counts as failed.

    Nothing, an empty object, and an empty or missing list are a complete success; anything without a proper
    identifier in it is a complete failure. A function that doesn't report failures may return what it likes.
    """
    if not reports_failures or payload is None or payload == {} or payload == "":
        return []
    if not isinstance(payload, Mapping):
        return None
    failures: Any = payload.get("batchItemFailures")
    if not failures:
        return [] if failures is None or failures == [] else None
    if not isinstance(failures, list):
        return None
    ids = [failure.get("itemIdentifier") if isinstance(failure, Mapping) else None for failure in failures]
    texts = [one for one in ids if isinstance(one, str) and one]
    return texts if len(texts) == len(ids) else None
