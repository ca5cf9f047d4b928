"""What to buy for a backlog of Expedited retrievals, when to release each of them, and what to tell where units lack.

Work is counted in unit-seconds (`capacity`).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from math import ceil
from typing import Self

from thaw import bounds
from thaw.capacity import (
    UNIT_BYTES_PER_SECOND,
    UNIT_SECONDS_EACH,
    UNITS_AT_MOST,
    Settings,
    Short,
    Slot,
    Unit,
    valid,
)
from thaw.retrieval import EXPEDITED_BACKLOG, Reason, Retrieval
from thaw.tiers import Tier

RELEASED_AHEAD_SECONDS = bounds.RESUME_DELAY_AT_MOST_SECONDS
"""Slots are given out no further ahead, so that the plan stays free to change."""
SHORT_TOLD_EVERY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Waiting:
    """One retrieval of the backlog."""

    id: str
    due_at: int
    bytes: int | None = None

    @property
    def unit_seconds(self) -> float:
        return max(UNIT_SECONDS_EACH, (self.bytes or 0) / UNIT_BYTES_PER_SECOND)


@dataclass(frozen=True)
class Plan:
    """How many units to buy now, and how many would be right."""

    buy: int
    wanted: int


@dataclass(frozen=True)
class Slots:
    """Who may start when, in epoch milliseconds."""

    given: list[tuple[Waiting, int]]
    """As far ahead as slots are given out."""
    expected: list[tuple[Waiting, int]]
    """When the turn of the others is likely to come."""
    taken: list[Slot]
    """What occupies the units from then on."""


@dataclass(frozen=True)
class Demand:
    """What the units are needed for, as the table has it while the lock is held."""

    backlog: list[Waiting]
    slots: list[Slot]
    """What was given out before, as far as it is needed yet."""
    denied: frozenset[str] = frozenset()
    """The ids of those that Glacier denies to start: until that is mended no unit serves them."""

    @classmethod
    def of(cls, records: list[Retrieval], given_out: list[Slot], unread: set[str], now_ms: int) -> Self:
        """The demand of retrievals that wait, or have a slot.

        Args:
            records: as they were read; who has a slot and is not among them is gone.
            unread: the ids of those that make no sense: nobody knows whether they have ended.
        """
        waiting = [record for record in records if record.due_in == EXPEDITED_BACKLOG]
        kept = unread | {record.id for record in records if _needs_its_slot(record)}
        left = (slot if slot.id in kept else slot.left_behind(now_ms) for slot in given_out)
        return cls(
            backlog=[Waiting(record.id, record.due_at or 0, record.bytes) for record in waiting],
            slots=[slot for slot in left if slot is not None],
            denied=frozenset(record.id for record in records if record.denied_since is not None),
        )

    def plan(self, units: list[Unit], now_ms: int, settings: Settings) -> Plan:
        """What to buy for all of it but what Glacier denies to start."""
        backlog = [each for each in self.backlog if each.id not in self.denied]
        given_out = [slot for slot in self.slots if slot.id not in self.denied]
        return plan(units, backlog, given_out, now_ms, settings)

    def slots_for(self, units: list[Unit], now_ms: int, settings: Settings) -> Slots:
        """When each of it may start."""
        return slots(self.backlog, units, self.slots, now_ms, settings, self.denied)


def _needs_its_slot(record: Retrieval) -> bool:
    """Whether its Expedited job runs, or is yet to be started."""
    return record.is_open and Tier.EXPEDITED in (record.tier, *(job.tier for job in record.jobs.values()))


def taken(slots: list[Slot], backlog: list[Waiting], now_ms: int) -> list[Slot]:
    """The slots that occupy the units yet, in the order of time.

    Not those of what waits again: it was never released, since top_up died before that, or Glacier refused it. It
    counts once, as what waits.
    """
    waiting = {each.id for each in backlog}
    left = [slot for slot in slots if slot.ends_at > now_ms and slot.id not in waiting]
    return sorted(left, key=lambda slot: slot.starts_at)


def plan(units: list[Unit], backlog: list[Waiting], slots: list[Slot], now_ms: int, settings: Settings) -> Plan:
    """What to buy so that the whole backlog is gone within `drain_within_seconds`, up to the ceiling.

    What is due only after that, as its last start had no answer, is no work for this time. But a unit is bought before
    slots are given, if the time for which they are is the longer.

    Args:
        units: those there are, bought by us or by others.
        slots: what was given out before.
    """
    serving, within = valid(units, now_ms), settings.drain_within_seconds
    left = taken(slots, backlog, now_ms)
    missing = max(
        _missing(serving, backlog, left, now_ms, each) for each in (within, max(within, RELEASED_AHEAD_SECONDS))
    )
    wanted = len(serving) + missing
    allowed = min(settings.max_units, UNITS_AT_MOST)
    return Plan(buy=max(0, min(wanted, allowed) - len(serving)), wanted=wanted)


def _missing(serving: list[Unit], backlog: list[Waiting], slots: list[Slot], now_ms: int, within_seconds: int) -> int:
    """How many units more would do what begins within so many seconds."""
    until_ms = now_ms + within_seconds * 1000
    due = [each for each in backlog if each.due_at <= until_ms]
    if not due:
        return 0
    released_seconds = sum(slot.unit_seconds_left(now_ms) for slot in slots if slot.starts_at <= until_ms)
    work_seconds = sum(each.unit_seconds for each in due) + released_seconds
    there_seconds = sum(min(within_seconds, (unit.expires_ms - now_ms) / 1000) for unit in serving)
    return -int(-max(0.0, work_seconds - there_seconds) // within_seconds)


def slots(
    backlog: list[Waiting],
    units: list[Unit],
    before: list[Slot],
    now_ms: int,
    settings: Settings,
    denied: frozenset[str] = frozenset(),
) -> Slots:
    """When each of the backlog may start.

    With units, at the rate that they guarantee (each slot is the time of the units it occupies); without, or where
    the settings try beyond the guarantee, as soon as each is due.

    Args:
        before: what was given out before.
        denied: the ids of those that are tried when they are due, beside the slots: a denial takes no time of a unit.
    """
    left = [slot for slot in taken(before, backlog, now_ms) if slot.id not in denied]
    serving = valid(units, now_ms)
    in_order = sorted(backlog, key=lambda waiting: (waiting.due_at, waiting.id))
    horizon = now_ms + RELEASED_AHEAD_SECONDS * 1000
    if not serving or settings.try_beyond_guarantee:
        times = [(each, max(now_ms, each.due_at)) for each in in_order]
        due = [each for each in times if each[1] <= horizon]
        return Slots(given=due, expected=times[len(due) :], taken=left)
    # No slot beyond the first expiry: from then on the rate is another.
    last = min(horizon, min(unit.expires_ms for unit in serving) - 1)
    tried = [(each, max(now_ms, each.due_at)) for each in in_order if each.id in denied]
    placed = list(_placed([each for each in in_order if each.id not in denied], left, len(serving), now_ms))
    given = list(takewhile(lambda each: each[1].starts_at <= last, placed))
    return Slots(
        given=[(each, slot.starts_at) for each, slot in given] + [each for each in tried if each[1] <= horizon],
        expected=[(each, slot.starts_at) for each, slot in placed[len(given) :]],
        taken=taken([*left, *(slot for _, slot in given)], [], now_ms),
    )


def _placed(in_order: list[Waiting], left: list[Slot], units: int, now_ms: int) -> Iterator[tuple[Waiting, Slot]]:
    """Each at the first time, from when it is due and after those before it, for which the units are free."""
    at, ahead = now_ms, deque(left)
    for each in in_order:
        at, length_ms = max(at, each.due_at), ceil(each.unit_seconds * 1000 / units)
        while ahead and ahead[0].starts_at < at + length_ms:
            at = max(at, ahead.popleft().ends_at)
        yield each, Slot(id=each.id, starts_at=at, ends_at=at + length_ms, units=units)
        at += length_ms


def short_of(
    planned: Plan, units: int, waiting: int, now_ms: int, settings: Settings, reason: Reason | None
) -> Short | None:
    """What to tell where more units would be right than there are or may be bought."""
    may_be_bought = planned.wanted <= min(settings.max_units, UNITS_AT_MOST)
    if waiting == 0 or (reason is None and (planned.wanted <= units or may_be_bought)):
        return None
    why = reason or Reason(code="MaxUnits", message=_advice(planned.wanted, settings.max_units))
    return Short(
        at=now_ms,
        units=units,
        wanted=planned.wanted,
        max_units=settings.max_units,
        waiting=waiting,
        reason=why,
    )


def _advice(wanted: int, max_units: int) -> str:
    useful = min(wanted, UNITS_AT_MOST)
    if max_units < useful:
        return f"Set maxUnits to {useful} and deploy again to let Thaw buy units, each paid for a month."
    return f"Glacier allows {UNITS_AT_MOST} units; use Standard for some, or give drainWithinMinutes more time."


def worth_telling(old: Short | None, new: Short) -> bool:
    """Whether the shortage is another one than was told last, or was told long ago."""
    if old is None or (old.max_units, old.reason.code) != (new.max_units, new.reason.code):
        return True
    return new.at - old.at >= SHORT_TOLD_EVERY_SECONDS * 1000
