"""Topping up provisioned capacity before Expedited retrievals start, and releasing them.

One top_up decides at a time, by a lock in the table; whoever is woken meanwhile leaves word, and the holder looks
again. A purchase is an intent first, then one call, then a listing that confirms it; while its outcome is unknown
nothing more is bought.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from thaw import bounds, capacity, planning
from thaw.capacity import Capacity, Intent, Outcome, Settings, Unit
from thaw.edge.contention import Contention, tries
from thaw.edge.glacier import Refused, UnitSeller
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table, Unreadable
from thaw.planning import Demand, Waiting
from thaw.refusals import Refusal, delay_ms
from thaw.retrieval import EXPEDITED_BACKLOG, Reason, Retrieval
from thaw.work.releasing import Releasing, turn_comes
from thaw.work.telemetry import count, logger, unreadable

NEEDED_MS = (bounds.CALL_SECONDS + 10) * 1000
"""Less of the function's time, or of the lock's, and nothing is bought."""

UNLISTED_AT_MOST_SECONDS = 15 * 60
"""So long retrievals wait for an answer about the units, while none is had."""

BACKLOG_AT_MOST = 15_000
"""More than two units drain in the longest `drainWithinMinutes` there is; what waits beyond it changes no plan."""

TOO_SLOW = Reason(code="TooSlow", message="The purchase was not begun in time; it is tried again.")
NOT_CONFIRMED = Reason(
    code="PurchaseUnknown", message="A purchase is not confirmed yet; nothing more is bought until it is."
)


@dataclass(frozen=True)
class ToppingUp:
    """Decides on the whole waiting backlog.

    Args:
        owner: names this invocation in the lock.
        time_left_ms: of the function.
        now_ms: the clock.
    """

    table: Table
    glacier: UnitSeller
    resume_queue: ResumeQueue
    settings: Settings
    owner: str
    time_left_ms: Callable[[], int]
    now_ms: Callable[[], int]

    def run(self) -> None:
        """Buys what the backlog needs and releases what may start; nothing where nothing waits or another is at it."""
        try:
            self._run()
        except Unreadable as error:
            # Nothing is bought by what may be wrong, and nothing released twice.
            unreadable(error.item_id, error)

    def _run(self) -> None:
        if not any(self._waiting()) and not self._purchase_is_followed():
            return
        state = self._lock()
        while state is not None:
            state = self._unlock(self._decide(state, *self._look(state)))

    def _waiting(self) -> Iterator[str]:
        """The ids of what waits for a release, as the index has them."""
        return self.table.due(EXPEDITED_BACKLOG, self.now_ms() + bounds.OPEN_AT_MOST_SECONDS * 1000)

    def _look(self, state: Capacity) -> tuple[Demand, list[Retrieval]]:
        """What waits for a release, or has a slot. Read under the lock: what another releases meanwhile would be
        counted as waiting.

        The index may be behind its table, a slot may outlive its retrieval, and money hangs on both: each is read.
        """
        ids, unread = list(islice(self._waiting(), BACKLOG_AT_MOST)), set[str]()
        if not ids:
            return Demand(backlog=[], slots=state.slots), []

        def leave_aside(item_id: str, error: ValueError) -> None:
            unread.add(item_id)
            unreadable(item_id, error)

        ids += [slot.id for slot in state.slots]
        records = self.table.read_many(list(dict.fromkeys(ids)), leave_aside)
        return Demand.of(records, state.slots, unread, self.now_ms()), records

    def _purchase_is_followed(self) -> bool:
        state = self.table.get_capacity()
        return state is not None and state.follows_a_purchase(self.now_ms())

    # The lock

    def _lock(self) -> Capacity | None:
        """Takes the lock, or leaves word with who holds it."""

        def taken(now: Capacity) -> Capacity:
            held = now.lock is not None and now.lock != self.owner and (now.lock_until or 0) > self.now_ms()
            if held:
                return now.changed(again=True)
            until = self.now_ms() + bounds.FUNCTION_TIMEOUT_SECONDS * 1000
            return now.changed(lock=self.owner, lock_until=until, again=False)

        state = self._change(self.table.get_capacity() or Capacity(revision=0), taken)
        return state if state.lock == self.owner else None

    def _unlock(self, state: Capacity) -> Capacity | None:
        """Gives the lock back; or keeps it, and returns the record, where someone was woken meanwhile."""

        def released(now: Capacity) -> Capacity | None:
            if now.lock != self.owner:
                return None
            if now.again and self.time_left_ms() > NEEDED_MS:
                return now.changed(again=False)
            return now.changed(lock=None, lock_until=None, again=False)

        state = self._change(state, released)
        return state if state.lock == self.owner else None

    def _change(self, state: Capacity, decide: Callable[[Capacity], Capacity | None]) -> Capacity:
        for _ in tries():
            new = decide(state)
            if new is None:
                return state
            current = self.table.save_capacity(state if state.revision else None, new)
            if current is None or _same(current, new):
                return new
            state = current
        raise Contention(capacity.ITEM_ID)

    def _mine(self, state: Capacity, **changes: Any) -> Capacity:
        """Writes while the lock is held; raises LockLost once it is not."""

        def change(now: Capacity) -> Capacity:
            if now.lock != self.owner:
                raise LockLost
            return now.changed(**changes)

        return self._change(state, change)

    # The decision

    def _decide(self, state: Capacity, demand: Demand, records: list[Retrieval]) -> Capacity:
        releasing = Releasing(self.table, self.resume_queue, {record.id: record for record in records}, self.now_ms)
        try:
            state, units, reason = self._units(state, demand)
            if reason is None:
                state, units, reason = self._buy_as_planned(state, units, demand)
            state = self._tell_if_short(state, units, demand, reason)
            return self._release(state, units, demand, releasing, reason)
        except Refused as refused:
            count("GlacierUnavailable")
            logger.warning("capacity not listed", code=refused.reason.code)
            patience_ends = [(each, self._patience_ends_ms(state, each)) for each in demand.backlog]
            releasing.tell(patience_ends, refused.reason)  # whom it does not reach now, the next run tells
        except LockLost:
            logger.warning("lock lost")
        return state

    def _units(self, state: Capacity, demand: Demand) -> tuple[Capacity, list[Unit], Reason | None]:
        """The units there are, after what an open purchase became is settled; or why they can't be known.

        Where we may not ask, or get no answer for too long, Expedited is tried all the same: Glacier knows the units.

        Raises:
            Refused: no answer could be had this time.
        """
        listed_at_ms = self.now_ms()
        try:
            listed = self.glacier.units()
        except Refused as refused:
            answered = refused.refusal in (Refusal.DENIED, Refusal.PERMANENT)
            state = self._answered(state, listed_at_ms, answered=answered)
            if not answered and all(self._is_patient(state, each, listed_at_ms) for each in demand.backlog):
                raise
            count("PermissionDenied" if refused.refusal is Refusal.DENIED else "GlacierUnavailable")
            return state, capacity.valid(state.bought, listed_at_ms), refused.reason
        state = self._answered(state, listed_at_ms, answered=True)
        state = self._settle(state, listed, listed_at_ms)
        state = self._look_out(state, listed, listed_at_ms)
        return state, capacity.known(listed, capacity.valid(state.bought, listed_at_ms)), None

    def _answered(self, state: Capacity, asked_at_ms: int, *, answered: bool) -> Capacity:
        """Notes since when Glacier says nothing of the units."""
        if answered == (state.unlisted_since is None):
            return state
        return self._mine(state, unlisted_since=None if answered else asked_at_ms)

    def _is_patient(self, state: Capacity, each: Waiting, now_ms: int) -> bool:
        """Whether it waits for an answer yet, where none is had."""
        return state.unlisted_since is not None and self._patience_ends_ms(state, each) >= now_ms

    def _patience_ends_ms(self, state: Capacity, each: Waiting) -> int:
        """Until when it waits for a list of the units: no answer that was missed before it was due counts, nor one
        before the last that was had."""
        since = state.unlisted_since if state.unlisted_since is not None else self.now_ms()
        return max(since, each.due_at) + UNLISTED_AT_MOST_SECONDS * 1000

    def _settle(self, state: Capacity, listed: list[Unit], listed_at_ms: int) -> Capacity:
        if state.intent is None:
            return state
        became, unit = capacity.outcome(state.intent, listed, listed_at_ms)
        if became is Outcome.UNKNOWN:
            return state
        if unit is None:
            return self._mine(state, intent=None, in_doubt=state.intent)
        count("CapacityPurchased")
        bought = [*capacity.valid(state.bought, listed_at_ms), unit]
        in_doubt = state.intent if state.intent.capacity_id is None else state.in_doubt
        return self._mine(state, intent=None, in_doubt=in_doubt, bought=bought)

    def _look_out(self, state: Capacity, listed: list[Unit], listed_at_ms: int) -> Capacity:
        """Tells of more units that a purchase without a reply may have bought, contrary to how it was settled."""
        settled = state.in_doubt
        if settled is None or not capacity.is_in_doubt(settled, listed_at_ms):
            return state
        if state.intent is not None:  # a new unit may be the open purchase's
            return state
        more = capacity.more_in_doubt(settled, listed, state.bought)
        if not more:
            return state
        count("CapacityPurchased", len(more))
        logger.warning("purchase in doubt", capacity_ids=[unit.capacity_id for unit in more])
        return self._mine(state, bought=[*capacity.valid(state.bought, listed_at_ms), *more])

    def _buy_as_planned(
        self, state: Capacity, units: list[Unit], demand: Demand
    ) -> tuple[Capacity, list[Unit], Reason | None]:
        """Buys one unit after the other, each confirmed before the next. Also returns why it could not, if so."""
        reason = None
        while reason is None and state.intent is None and self._may_buy(state):
            plan = demand.plan(units, self.now_ms(), self.settings)
            if plan.buy == 0:
                break
            state, reason = self._buy(state, units)
            if reason is None:
                state, units, reason = self._units(state, demand)
        if state.intent is not None:
            count("PurchaseOutcomeUnknown")
            reason = NOT_CONFIRMED
        return state, units, reason

    def _may_buy(self, state: Capacity) -> bool:
        lock_left_ms = (state.lock_until or 0) - self.now_ms()
        waited = (state.buy_not_before or 0) <= self.now_ms()
        return waited and min(lock_left_ms, self.time_left_ms()) > NEEDED_MS

    def _buy(self, state: Capacity, units: list[Unit]) -> tuple[Capacity, Reason | None]:
        until = self.now_ms() + bounds.CLAIM_SECONDS * 1000
        intent = Intent(until=until, seen=[unit.capacity_id for unit in units])
        state = self._intend(state, intent)
        if self.now_ms() + bounds.CALL_SECONDS * 1000 > until:
            return self._mine(state, intent=None), TOO_SLOW
        try:
            capacity_id = self.glacier.buy()
        except Refused as refused:
            return self._not_bought(state, refused)
        logger.info("unit bought", capacity_id=capacity_id)
        return self._mine(state, intent=intent.model_copy(update={"capacity_id": capacity_id})), None

    def _intend(self, state: Capacity, intent: Intent) -> Capacity:
        """Writes the intent; raises LockLost where another purchase is open."""

        def change(now: Capacity) -> Capacity | None:
            if now.lock != self.owner or now.intent not in (None, intent):
                raise LockLost
            if now.intent == intent:
                return None
            return now.changed(intent=intent)

        return self._change(state, change)

    def _not_bought(self, state: Capacity, refused: Refused) -> tuple[Capacity, Reason | None]:
        logger.warning("unit not bought", code=refused.reason.code, refusal=refused.refusal)
        if refused.refusal is Refusal.UNKNOWN:
            return state, refused.reason
        if refused.refusal is Refusal.DENIED:
            count("PermissionDenied")
        growing = refused.refusal if refused.refusal is not Refusal.PERMANENT else Refusal.DENIED
        later = self.now_ms() + delay_ms(growing, 1, self.owner)
        return self._mine(state, intent=None, buy_not_before=later), refused.reason

    def _tell_if_short(self, state: Capacity, units: list[Unit], demand: Demand, reason: Reason | None) -> Capacity:
        now_ms = self.now_ms()
        plan = demand.plan(units, now_ms, self.settings)
        serving = len(capacity.valid(units, now_ms))
        short = planning.short_of(plan, serving, len(demand.backlog), now_ms, self.settings, reason)
        if short is None or not planning.worth_telling(state.short, short):
            return state
        count("CapacityShort")
        return self._mine(state, short=short)

    def _release(
        self, state: Capacity, units: list[Unit], demand: Demand, releasing: Releasing, reason: Reason | None
    ) -> Capacity:
        """Gives slots to what may start soon. They are written first: no time is given twice.

        While it is not settled whether a unit was bought and none serves, what waits goes on waiting for it.
        """
        now_ms = self.now_ms()
        serving = len(capacity.valid(units, now_ms))
        if state.intent is not None and now_ms <= capacity.settled_at_ms(state.intent) and not serving:
            until = capacity.settled_at_ms(state.intent)
            all_told = releasing.tell([(each, until) for each in demand.backlog], NOT_CONFIRMED)
            return state if all_told else self._mine(state, again=True)
        patient = [each for each in demand.backlog if self._is_patient(state, each, now_ms)]
        others = [each for each in demand.backlog if not self._is_patient(state, each, now_ms)]
        slots = replace(demand, backlog=others).slots_for(units, now_ms, self.settings)
        if slots.taken != state.slots:
            state = self._mine(state, slots=slots.taken)
        why = reason or turn_comes(serving)
        all_told = releasing.tell([(each, self._patience_ends_ms(state, each)) for each in patient], why)
        all_done = releasing.release(slots, serving, why) and all_told
        logger.info("released", retrievals=len(slots.given), waiting=len(slots.expected), units=serving)
        return state if all_done else self._mine(state, again=True)


class LockLost(Exception):
    """The lock ran out and another took it."""


def _same(current: Capacity, new: Capacity) -> bool:
    """Whether a write that seemed refused was our own, repeated by the SDK after its reply was lost."""
    return current == new
