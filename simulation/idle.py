"""Ticks of a schedule that would find nothing to do."""

from __future__ import annotations

from local.cloud import Cloud
from simulation.history import History
from simulation.limits import WITHIN
from thaw import bounds
from thaw.retrieval import EXPEDITED_BACKLOG


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
        return not history.purchase_is_followed and all(partition != EXPEDITED_BACKLOG for partition, _ in due)
    return all(partition == EXPEDITED_BACKLOG or at_ms > soon_ms for partition, at_ms in due)
