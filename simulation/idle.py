"""Ticks of a schedule that would find nothing to do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from local.cloud import Cloud
from simulation.history import History
from simulation.limits import WITHIN
from thaw import bounds
from thaw.retrieval import EXPEDITED_BACKLOG
from thaw.work.reconciling import BACKLOG_EVERY_RUNS


@dataclass
class Idle:
    """Whether a schedule would wake a function in vain: the index has nothing that it would look at, and had nothing so
    long ago as a read may be behind.

    Args:
        skew_seconds: the most that any function's clock is ahead.
    """

    cloud: Cloud
    history: History
    skew_seconds: float = bounds.CLOCK_SKEW_SECONDS
    _known: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By function: after how many changes of the table it was found, and until when it holds if none follows. Through
    days of quiet there are many more ticks than calls."""

    def __call__(self, function_arn: str) -> bool:
        now_ms, changes = self.cloud.clock.now_ms(), len(self.history.changes)
        at_changes, until_ms = self._known.get(function_arn, (changes, 0.0))
        if at_changes != changes or until_ms <= now_ms:
            until_ms = self._until_ms(function_arn, now_ms)
            self._known[function_arn] = changes, until_ms
        return now_ms < until_ms

    def _until_ms(self, function_arn: str, now_ms: int) -> float:
        """Before when it would be woken in vain, if nothing changes; not now, if that is no later than now."""
        due = list(self.history.due_since(round(now_ms - WITHIN.index_lag_seconds * 1000)))
        if self.cloud.functions.config_of(function_arn).label == "top_up":
            return self._until_units_are_wanted_ms(due, now_ms)
        soon_ms = (bounds.TICK_SECONDS + self.skew_seconds) * 1000
        until_ms = (
            min((at_ms for partition, at_ms in due if partition != EXPEDITED_BACKLOG), default=math.inf) - soon_ms
        )
        return min(until_ms, self._until_backlog_is_looked_at_ms(now_ms))

    def _until_units_are_wanted_ms(self, due: list[tuple[str, int]], now_ms: int) -> float:
        if any(partition == EXPEDITED_BACKLOG for partition, _ in due):
            return now_ms
        if not self.history.purchase_is_followed:
            return math.inf
        return now_ms + 1 if self._shows_nothing_new(now_ms) else now_ms

    def _until_backlog_is_looked_at_ms(self, now_ms: int) -> float:
        """When reconcile, by any clock, would look at the older jobs of what waits for a faster one, if there are."""
        items = self.history.items.values()
        if not any(item.get("dueIn") == EXPEDITED_BACKLOG and item.get("jobs") for item in items):
            return math.inf
        clocks_ms = (now_ms - self.skew_seconds * 1000, now_ms, now_ms + self.skew_seconds * 1000)
        is_time = any(at_ms // (bounds.TICK_SECONDS * 1000) % BACKLOG_EVERY_RUNS == 0 for at_ms in clocks_ms)
        return now_ms if is_time else now_ms + 1

    def _shows_nothing_new(self, now_ms: int) -> bool:
        """Whether a purchase is looked out for, for hours, and there is no unit yet but those known when it was made,
        and those found since."""
        capacity = self.history.items["capacity"]
        if "intent" in capacity:
            return False
        settled = capacity["inDoubt"]
        known = {*settled.get("seen", []), *(unit["capacityId"] for unit in capacity.get("bought", []))}
        ends_ms = settled["until"] + (bounds.PURCHASE_IN_DOUBT_SECONDS - self.skew_seconds) * 1000
        return now_ms < ends_ms and all(unit.capacity_id in known for unit in self.cloud.glacier.ledger.units)
