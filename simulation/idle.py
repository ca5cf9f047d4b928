"""Ticks of a schedule that would find nothing to do."""

from __future__ import annotations

from local.cloud import Cloud
from simulation.history import History
from simulation.limits import WITHIN
from thaw import bounds
from thaw.retrieval import EXPEDITED_BACKLOG
from thaw.work.reconciling import BACKLOG_EVERY_RUNS


def is_idle(cloud: Cloud, history: History, function_arn: str, skew_seconds: float = bounds.CLOCK_SKEW_SECONDS) -> bool:
    """Whether the schedule would wake a function in vain: the index has nothing that it would look at, and had nothing
    so long ago as a read may be behind.

    Args:
        skew_seconds: the most that any function's clock is ahead.
    """
    now_ms = cloud.clock.now_ms()
    soon_ms = now_ms + (bounds.TICK_SECONDS + skew_seconds) * 1000
    due = history.due_since(round(now_ms - WITHIN.index_lag_seconds * 1000))
    if cloud.functions.config_of(function_arn).label == "top_up":
        nothing_waits = all(partition != EXPEDITED_BACKLOG for partition, _ in due)
        return nothing_waits and (not history.purchase_is_followed or _shows_nothing_new(cloud, history, skew_seconds))
    if _looks_at_backlog(history, now_ms, skew_seconds):
        return False
    return all(partition == EXPEDITED_BACKLOG or at_ms > soon_ms for partition, at_ms in due)


def _looks_at_backlog(history: History, now_ms: int, skew_seconds: float) -> bool:
    """Whether reconcile, by any clock, would look at the older jobs of what waits for a faster one, and there are."""
    clocks_ms = (now_ms - skew_seconds * 1000, now_ms, now_ms + skew_seconds * 1000)
    is_time = any(at_ms // (bounds.TICK_SECONDS * 1000) % BACKLOG_EVERY_RUNS == 0 for at_ms in clocks_ms)
    return is_time and any(
        item.get("dueIn") == EXPEDITED_BACKLOG and item.get("jobs") for item in history.items.values()
    )


def _shows_nothing_new(cloud: Cloud, history: History, skew_seconds: float) -> bool:
    """Whether a purchase is looked out for, for hours, and there is no unit yet but those known when it was made, and
    those found since."""
    capacity = history.items["capacity"]
    if "intent" in capacity:
        return False
    settled = capacity["inDoubt"]
    known = {*settled.get("seen", []), *(unit["capacityId"] for unit in capacity.get("bought", []))}
    ends_ms = settled["until"] + (bounds.PURCHASE_IN_DOUBT_SECONDS - skew_seconds) * 1000
    return cloud.clock.now_ms() < ends_ms and all(unit.capacity_id in known for unit in cloud.glacier.ledger.units)
