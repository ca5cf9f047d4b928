"""Letting waiting Expedited retrievals start in their slots, and telling the others that they wait."""

from collections.abc import Callable
from dataclasses import dataclass

from thaw import attempts, capacity
from thaw.concurrently import map_each
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.planning import Slots, Waiting
from thaw.retrieval import SLOT_ON_DEMAND, SLOT_UNIT, Reason, Retrieval

CHANGED_AT_ONCE = 500
"""So many are released, or told, before the clock is looked at again."""

WAITING_FOR_CAPACITY = "WaitingForCapacity"


@dataclass(frozen=True)
class Releasing:
    """Changes what waits in the Expedited backlog, each record by itself.

    Args:
        records: the backlog, by item id.
        now_ms: the clock.
    """

    table: Table
    resume_queue: ResumeQueue
    records: dict[str, Retrieval]
    now_ms: Callable[[], int]

    def release(self, slots: Slots, units: int, why: Reason) -> bool:
        """Releases whom a slot was given, and tells the others. False where there were more than can be done at once.

        Args:
            units: how many serve; without any, they are tried on demand.
            why: they have to wait.
        """
        slot = SLOT_UNIT if units else SLOT_ON_DEMAND
        given, all_given = slots.given[:CHANGED_AT_ONCE], len(slots.given) <= CHANGED_AT_ONCE
        self._each(given, lambda record, at: self._release(record, at, slot, why))
        return self.tell(slots.expected, why) and all_given

    def tell(self, expected: list[tuple[Waiting, int]], why: Reason) -> bool:
        """Tells those who don't know yet why, and until when, they wait. False where there were too many."""
        now_ms = self.now_ms()
        news = [each for each in expected if attempts.queued(self.records[each[0].id], each[1], why, now_ms)]
        self._each(news[:CHANGED_AT_ONCE], lambda record, at: self._tell(record, at, why))
        return len(news) <= CHANGED_AT_ONCE

    def _each(self, what: list[tuple[Waiting, int]], do: Callable[[Retrieval, int], None]) -> None:
        for error in map_each(lambda each: do(self.records[each[0].id], each[1]), what):
            if error is not None:
                raise error

    def _release(self, record: Retrieval, slot_at: int, slot: str, why: Reason) -> None:
        freed = self.table.change(record, lambda now: attempts.released(now, slot_at, slot, why, self.now_ms()))
        self.resume_queue.resume_when_due(freed, self.now_ms())

    def _tell(self, record: Retrieval, expected_at: int, why: Reason) -> None:
        self.table.change(record, lambda now: attempts.queued(now, expected_at, why, self.now_ms()))


def turn_comes(units: int) -> Reason:
    """Why an Expedited retrieval waits while so many units serve."""
    if not units:
        return Reason(code=WAITING_FOR_CAPACITY, message="Without provisioned capacity it is tried on demand, later.")
    each, every_seconds = capacity.UNIT_RETRIEVALS, capacity.UNIT_RETRIEVALS * capacity.UNIT_SECONDS_EACH
    told = f"Its turn comes: the units guarantee {units * each} retrievals in {every_seconds // 60} minutes."
    return Reason(code=WAITING_FOR_CAPACITY, message=told)
