"""Provisioned capacity as it stands: the units, what of their rate is taken, and what the plan would buy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from thaw import capacity
from thaw.capacity import UNIT_RETRIEVALS, UNIT_SECONDS_EACH, Capacity, Unit
from thaw.planning import RELEASED_AHEAD_SECONDS, Demand, Plan, taken
from thaw.retrieval import Retrieval
from thaw.tiers import Tier, first_look_seconds

RATE_SECONDS = UNIT_RETRIEVALS * UNIT_SECONDS_EACH
"""The time in which a unit guarantees its retrievals."""
DUE_WITHIN_SECONDS = max(RELEASED_AHEAD_SECONDS, first_look_seconds(Tier.EXPEDITED))
"""An Expedited retrieval that was released, or has started, is due again within this."""


class DeployedSettings(BaseModel):
    """As the stack tells them."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)

    max_units: int
    drain_within_minutes: int
    try_beyond_guarantee: bool

    def settings(self) -> capacity.Settings:
        """As the plan takes them."""
        return capacity.Settings(self.max_units, self.drain_within_minutes * 60, self.try_beyond_guarantee)


@dataclass(frozen=True)
class Situation:
    """Times are epoch milliseconds."""

    serving: list[Unit]
    bought_ids: set[str]
    """Of the units that Thaw bought."""
    started: int
    """Expedited retrievals started within the last RATE_SECONDS, and still running."""
    running: int
    released: int
    """Expedited retrievals that have their slot on the units, and have not started."""
    taken_until_ms: int | None
    """By what has been released; None where the units are free."""
    waiting: int
    waiting_bytes: int
    plan: Plan
    drained_by_ms: int | None
    """When the last that waits is likely to start, with the units that there are; None without units."""
    purchase_is_open: bool

    @property
    def guaranteed(self) -> int:
        """Retrievals in RATE_SECONDS."""
        return len(self.serving) * UNIT_RETRIEVALS


def situation(
    listed: list[Unit],
    state: Capacity | None,
    backlog: Iterable[Retrieval],
    due: Iterable[Retrieval],
    settings: capacity.Settings,
    now_ms: int,
) -> Situation:
    """How capacity stands.

    Args:
        listed: the units that Glacier lists.
        state: what top_up decides on.
        backlog: what waits for its release.
        due: what is due within DUE_WITHIN_SECONDS and is not in the backlog.
    """
    bought = state.bought if state else []
    given_out = state.slots if state else []
    serving = capacity.valid(capacity.known(listed, capacity.valid(bought, now_ms)), now_ms)
    expedited = [record for record in due if not record.foreign]
    demand = Demand.of([*backlog, *expedited], given_out, set(), now_ms)
    waiting = demand.backlog
    occupied = taken(demand.slots, waiting, now_ms)
    slots = demand.slots_for(serving, now_ms, settings)
    starts = [job.started_at for record in expedited for job in record.jobs.values() if job.tier is Tier.EXPEDITED]
    return Situation(
        serving=serving,
        bought_ids={unit.capacity_id for unit in bought},
        started=sum(start > now_ms - RATE_SECONDS * 1000 for start in starts),
        running=len(starts),
        released=sum(record.slot is not None for record in expedited),
        taken_until_ms=max((slot.ends_at for slot in occupied), default=None) if serving else None,
        waiting=len(waiting),
        waiting_bytes=sum(each.bytes or 0 for each in waiting),
        plan=demand.plan(serving, now_ms, settings),
        drained_by_ms=max((at for _, at in [*slots.given, *slots.expected]), default=None) if serving else None,
        purchase_is_open=state is not None and state.intent is not None,
    )
