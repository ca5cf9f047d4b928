"""Any rule, in any order, with any attempt: what must hold of the record whatever happens to it.

`Moves` is driven by hypothesis. It keeps no model of Glacier: replies, listings and notifications come for attempts
that were never made, twice, and long after the end.
"""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.builders import (
    NOW,
    REASON,
    archive_message,
    claimed,
    inventory_message,
    job,
    opened,
    opened_anew,
    request,
)
from tests.unit.listener import Listener
from thaw import attempts, bounds, endings, joining
from thaw.refusals import Refusal
from thaw.request import RetrievalRequest
from thaw.retrieval import EXPEDITED_BACKLOG, SLOT_ON_DEMAND, SLOT_UNIT, Retrieval
from thaw.states import MOVES, State

REFUSALS = [refusal for refusal in Refusal if refusal is not Refusal.UNKNOWN]
TIERS = st.sampled_from(["Expedited", "Standard", "Bulk"])
FALLBACKS = st.sampled_from([None, "Standard", "Bulk"])
ATTEMPTS = st.integers(0, 2)
"""How many attempts ago."""
JOB_NAMES = st.sampled_from(["", "-again"])
"""Mostly the one job that an attempt has; else a second one, as Glacier may start beyond the bounds."""


class Moves(RuleBasedStateMachine):
    """One retrieval's record."""

    record: Retrieval

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOW
        self.requests = 0
        self.listener = Listener()

    # Writes

    def write(self, decide: Callable[[Retrieval], Retrieval | None]) -> None:
        """Applies a rule as the table does, and once more to its own result."""
        old, new = self.record, decide(self.record)
        if new is None:
            return
        assert new.revision == old.revision + 1
        assert new.state == old.state or new.state in MOVES[old.state]
        assert (new.id, new.kind, new.generation, new.opened_at) == (old.id, old.kind, old.generation, old.opened_at)
        assert new.attempt - old.attempt in (0, 1)
        if new.state is State.CANCELLED and old.is_open:
            assert all(old.took_over(int(each)) for each in old.jobs), "what Glacier works at for it is not cancelled"
        assert decide(new) is None, "a rule applied to its own result finds itself done"
        self.listener.hear(old, new)
        self.record = new

    def attempt(self, ago: int) -> int:
        return max(1, self.record.attempt - ago)

    def _request(self, tier: str, fallback: str | None) -> RetrievalRequest:
        self.requests += 1
        name = f"request-{self.requests}"
        if self.record.is_inventory:
            return request(inventory_message(name, "Bulk" if tier == "Bulk" else "Standard"))
        fields = {"expeditedFallback": fallback} if tier == "Expedited" and fallback else {}
        return request(archive_message(name, tier, **fields))

    # Rules

    @initialize(tier=TIERS, fallback=FALLBACKS, foreign=st.booleans(), inventory=st.booleans())
    def open(self, tier: str, fallback: str | None, foreign: bool, inventory: bool) -> None:
        fields = {"expeditedFallback": fallback} if tier == "Expedited" and fallback else {}
        message = archive_message("request-0", tier, **fields)
        if inventory:
            message = inventory_message("request-0", "Bulk" if tier == "Bulk" else "Standard")
        self.record = opened(request(message), foreign=foreign)
        self.listener.hear(None, self.record)

    @rule(seconds=st.sampled_from([0, 1, 60, 400, 1800, 6 * 3600, 3 * 86400, 91 * 86400]))
    def time_passes(self, seconds: int) -> None:
        self.now_ms += seconds * 1000

    @rule(tier=TIERS, fallback=FALLBACKS)
    def join(self, tier: str, fallback: str | None) -> None:
        asked = self._request(tier, fallback)

        def joined(record: Retrieval) -> Retrieval | None:
            outcome = joining.join(record, asked, self.now_ms)
            return outcome if isinstance(outcome, Retrieval) else None

        self.write(joined)

    @precondition(lambda self: not self.record.is_open)
    @rule(tier=TIERS, fallback=FALLBACKS)
    def open_anew(self, tier: str, fallback: str | None) -> None:
        old, self.record = self.record, opened_anew(self.record, self._request(tier, fallback), self.now_ms)
        assert self.record.taken_over in (0, old.attempt)
        self.listener.hear(old, self.record)

    @rule(which=st.integers(0, 5))
    def cancel(self, which: int) -> None:
        names = sorted(self.record.requests)
        name = names[which % len(names)]

        def cancelled(record: Retrieval) -> Retrieval | None:
            try:
                return joining.cancel(record, name, self.now_ms)
            except joining.CancelRefused:
                return None

        self.write(cancelled)

    @precondition(lambda self: self.record.due_in == EXPEDITED_BACKLOG)
    @rule(ahead_seconds=st.sampled_from([0, 100, 900]), slot=st.sampled_from([SLOT_UNIT, SLOT_ON_DEMAND]))
    def release(self, ahead_seconds: int, slot: str) -> None:
        slot_at = self.now_ms + ahead_seconds * 1000
        self.write(lambda record: attempts.released(record, slot_at, slot, REASON, self.now_ms))

    @precondition(lambda self: self.record.due_in == EXPEDITED_BACKLOG)
    @rule(ahead_seconds=st.sampled_from([0, 100, 3600]))
    def queue(self, ahead_seconds: int) -> None:
        expected_at = self.now_ms + ahead_seconds * 1000
        self.write(lambda record: attempts.queued(record, expected_at, REASON, self.now_ms))

    @precondition(lambda self: self.record.state is State.WAITING and self.record.due_in != EXPEDITED_BACKLOG)
    @rule()
    def claim(self) -> None:
        due_at = self.record.due_at

        def claims(record: Retrieval) -> Retrieval | None:
            waits = record.state is State.WAITING and record.due_at == due_at
            return claimed(record, self.now_ms) if waits else None

        self.write(claims)

    @precondition(lambda self: self.record.state is State.INITIATING)
    @rule(outcome=st.sampled_from([*REFUSALS, "given_back", "unknown", "absent"]), ago=st.sampled_from([0, 0, 0, 1]))
    def call(self, outcome: str, ago: int) -> None:
        attempt = self.attempt(ago)
        if outcome == "given_back":
            self.write(lambda record: attempts.given_back(record, attempt, self.now_ms))
        elif outcome == "unknown":
            self.write(lambda record: attempts.unknown(record, attempt, REASON))
        elif outcome == "absent":
            self.write(lambda record: attempts.absent(record, attempt, self.now_ms))
        else:
            refusal = Refusal(outcome)
            self.write(lambda record: attempts.refused(record, attempt, refusal, REASON, self.now_ms))

    @precondition(lambda self: self.record.attempt > 0)
    @rule(ago=ATTEMPTS, name=JOB_NAMES)
    def start(self, ago: int, name: str) -> None:
        attempt, tier = self.attempt(ago), self.record.tier
        job_id = f"job-{attempt}{name}"
        self.write(lambda record: attempts.started(record, attempt, tier, job_id, self.now_ms))

    @rule(refusal=st.sampled_from(REFUSALS))
    def refuse_to_tell(self, refusal: Refusal) -> None:
        self.write(lambda record: attempts.unseen(record, refusal, REASON, self.now_ms))

    @rule()
    def upgrade(self) -> None:
        self.write(lambda record: attempts.upgraded(record, self.now_ms))

    @rule()
    def look(self) -> None:
        self.write(lambda record: attempts.still_running(record, self.now_ms))

    @precondition(lambda self: self.record.attempt > 0)
    @rule(ago=ATTEMPTS)
    def vanish(self, ago: int) -> None:
        attempt = self.attempt(ago)
        self.write(lambda record: attempts.vanished(record, attempt, self.now_ms))

    @precondition(lambda self: self.record.attempt > 0)
    @rule(ago=ATTEMPTS, name=JOB_NAMES, status=st.sampled_from(["Succeeded", "Failed"]))
    def end(self, ago: int, name: str, status: str) -> None:
        attempt = self.attempt(ago)
        done = job(self.record, attempt, f"job-{attempt}{name}", status)
        self.write(lambda record: endings.ended(record, attempt, done, self.now_ms))

    @precondition(lambda self: self.record.attempt > 0)
    @rule(ago=ATTEMPTS, name=JOB_NAMES)
    def end_in_few_words(self, ago: int, name: str) -> None:
        attempt = self.attempt(ago)
        done = job(self.record, attempt, f"job-{attempt}{name}")
        self.write(lambda record: endings.due_now(record, attempt, done, self.now_ms))

    # What always holds

    @invariant()
    def is_stored_as_it_is(self) -> None:
        assert Retrieval.model_validate(self.record.item()) == self.record

    @invariant()
    def somebody_looks_at_it_again(self) -> None:
        record = self.record
        assert record.is_open == (record.due_at is not None) == (record.due_in is not None)

    @invariant()
    def carries_what_its_state_needs_and_nothing_else(self) -> None:
        record = self.record
        waits, calls = record.state is State.WAITING, record.state is State.INITIATING
        assert waits == (record.waiting_since is not None)
        assert calls == (record.claim is not None) == (record.claim_until is not None)
        if calls:
            assert (record.due_at or 0) >= (record.claim_until or 0) + bounds.SETTLED_AFTER_CLAIM_SECONDS * 1000
            assert record.claimed_at is not None
            assert record.attempt > 0
        if record.state is State.IN_PROGRESS:
            assert attempts.live_tier(record) is not None
            assert record.slot is None
        if record.state is State.SUCCEEDED:
            assert None not in (record.job_id, record.served_by, record.output_available_until)
            assert record.reason is None
        if record.state is State.FAILED:
            assert record.reason is not None
        assert record.is_open == (record.expires_at is None)

    @invariant()
    def only_a_released_one_starts_expedited(self) -> None:
        record = self.record
        if record.due_in == EXPEDITED_BACKLOG:
            assert record.state is State.WAITING
            assert record.needs_release
            assert record.slot is None
        if record.state in (State.WAITING, State.INITIATING) and record.needs_release:
            assert record.due_in == EXPEDITED_BACKLOG or record.slot is not None

    @invariant()
    def its_end_is_of_all_that_asked(self) -> None:
        record = self.record
        if record.state is State.CANCELLED:
            assert not record.waiting_requests()
        elif record.is_open:
            assert record.waiting_requests()

    @invariant()
    def sequence_is_of_a_write(self) -> None:
        assert 1 <= self.record.sequence <= self.record.revision
        assert all(asker.since <= self.record.revision for asker in self.record.requests.values())

    @invariant()
    def no_job_counts_twice(self) -> None:
        assert len(set(self.record.duplicates)) == len(self.record.duplicates)
        assert self.record.job_id is None or self.record.state is State.SUCCEEDED
