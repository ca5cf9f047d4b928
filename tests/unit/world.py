"""A retrieval and a Glacier that keeps the bounds, with everything between them that may fail: replies and
notifications that are lost, late and repeated, functions that die, jobs that fail and vanish.

`World` is driven by hypothesis. Within the bounds there is never a duplicate job, never a second live job that is no
faster than the first, never a job for no one; and whatever happened, the retrieval comes to an end.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.builders import NOW, REASON, archive_request, claimed, job, opened, opened_anew
from tests.unit.listener import Listener
from thaw import attempts, bounds, endings, joining
from thaw.job import GlacierJob
from thaw.joining import Join
from thaw.refusals import Refusal
from thaw.request import RetrievalRequest
from thaw.retrieval import EXPEDITED_BACKLOG, SLOT_ON_DEMAND, SLOT_UNIT, Retrieval
from thaw.states import State
from thaw.tiers import USUAL_SECONDS, Tier, faster, fastest

WAITED_OUT = [Refusal.THROTTLED, Refusal.POLICY, Refusal.DENIED, Refusal.CAPACITY, Refusal.LIMIT]
TIERS = st.sampled_from(["Expedited", "Standard", "Bulk"])
FALLBACKS = st.sampled_from([None, "Standard", "Bulk"])


@dataclass
class Job:
    """One of Glacier's."""

    attempt: int
    tier: Tier
    started_at: int
    status: str = "InProgress"
    ended_at: int = 0

    @property
    def job_id(self) -> str:
        return f"job-{self.attempt}"


class World(RuleBasedStateMachine):
    """One retrieval, all that happens to it, and Glacier."""

    record: Retrieval

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOW
        self.requests = 0
        self.jobs: dict[int, Job] = {}
        self.called: set[int] = set()
        self.replies: list[Job] = []
        """On their way back; a function dies with its claim at the latest, and its replies with it."""
        self.accepted: set[tuple[str, Tier]] = set()
        """The tiers that each request asked for or would take."""
        self.fell_back = False
        """Whether those who take less are to go on alone, as Glacier had no room for an Expedited attempt."""
        self.listener = Listener()

    def write(self, new: Retrieval | None) -> None:
        if new is not None:
            self.listener.hear(self.record, new)
            self.record = new

    # Users

    @initialize(tier=TIERS, fallback=FALLBACKS)
    def open(self, tier: str, fallback: str | None) -> None:
        self.record = opened(self._request(tier, fallback))
        self.listener.hear(None, self.record)

    def _request(self, tier: str, fallback: str | None) -> RetrievalRequest:
        self.requests += 1
        name = f"request-{self.requests}"
        fields = {"expeditedFallback": fallback} if tier == "Expedited" and fallback else {}
        asked = archive_request(name, tier, **fields)
        self.accepted |= {(name, asked.tier)} | ({(name, Tier(fallback))} if fields and fallback else set())
        return asked

    @rule(tier=TIERS, fallback=FALLBACKS)
    def ask(self, tier: str, fallback: str | None) -> None:
        asked = self._request(tier, fallback)
        self.fell_back = self.fell_back and asked.tier is not Tier.EXPEDITED
        outcome = joining.join(self.record, asked, self.now_ms)
        if outcome is Join.OVER:
            self._open_anew(asked)
        else:
            self.write(outcome if isinstance(outcome, Retrieval) else None)

    def _open_anew(self, asked: RetrievalRequest) -> None:
        """What is left of the jobs goes on for who asks now; of the others none is heard of again."""
        fresh = opened_anew(self.record, asked, self.now_ms)
        for each in self.jobs.values():
            in_doubt = fresh.state is State.INITIATING and each.attempt == fresh.attempt
            if each.status == "InProgress" and str(each.attempt) not in fresh.jobs and not in_doubt:
                assert self.now_ms - each.started_at > bounds.OUTPUT_KEPT_SECONDS * 1000, "a live job passed over"
                each.status = "Gone"
        if not fresh.taken_over:
            self.jobs, self.called = {}, set()
        self.replies.clear()
        self.fell_back = False
        self.write(fresh)

    @rule(which=st.integers(0, 5))
    def cancel(self, which: int) -> None:
        names = sorted(self.record.requests)
        try:
            self.write(joining.cancel(self.record, names[which % len(names)], self.now_ms))
        except joining.CancelRefused:
            return
        self.fell_back = self.fell_back and self.record.tier is not Tier.EXPEDITED

    # The functions

    @precondition(lambda self: self.record.due_in == EXPEDITED_BACKLOG)
    @rule(slot=st.sampled_from([SLOT_UNIT, SLOT_ON_DEMAND]))
    def release(self, slot: str) -> None:
        self.write(attempts.released(self.record, self.now_ms, slot, REASON, self.now_ms))

    @precondition(lambda self: self.record.state is State.WAITING and self.record.due_in != EXPEDITED_BACKLOG)
    @rule()
    def claim(self) -> None:
        self.now_ms = max(self.now_ms, self.record.due_at or 0)
        tier = self.record.tier
        asking = self.record.waiting_requests()
        assert any((name, tier) in self.accepted for name in asking), "a job that no one asks for"
        assert tier is self._tier_wanted(), "not the tier that someone asks for and Glacier has room for"
        self.write(claimed(self.record, self.now_ms))

    def _tier_wanted(self) -> Tier:
        """Who takes less does not wait for who insists."""
        asking = self.record.waiting_requests().values()
        slower: list[Tier] = [asker.tier for asker in asking if asker.tier is not Tier.EXPEDITED]
        live = attempts.live_tier(self.record)
        if self.fell_back and slower and (live is None or faster(fastest(slower), live)):
            return fastest(slower)
        return self.record.wanted_tier()

    @precondition(lambda self: self.record.state is State.INITIATING and self.record.attempt not in self.called)
    @rule(
        answer=st.sampled_from(["started", "late", "lost", "unknown", "never", "given_back", "gone", *WAITED_OUT]),
    )
    def call(self, answer: str) -> None:
        attempt = self.record.attempt
        if answer == "given_back" or not attempts.may_call(self.record, self.now_ms, 60_000):
            self.write(attempts.given_back(self.record, attempt, self.now_ms))
            return
        self.called.add(attempt)
        if answer in ("started", "late", "lost"):
            self.fell_back = False
            self._start(attempt, answer)
        elif answer == "gone":
            self.write(attempts.refused(self.record, attempt, Refusal.PERMANENT, REASON, self.now_ms))
        elif answer == "unknown":
            self.write(attempts.unknown(self.record, attempt, REASON))
        elif answer != "never":
            hasty = self.record.tier is Tier.EXPEDITED
            self.write(attempts.refused(self.record, attempt, Refusal(answer), REASON, self.now_ms))
            self.fell_back = self.fell_back or (hasty and self.record.tier is not Tier.EXPEDITED)

    def _start(self, attempt: int, answer: str) -> None:
        new = Job(attempt, self.record.tier, self.now_ms)
        for other in self.jobs.values():
            if other.status == "InProgress":
                assert faster(new.tier, other.tier), "a second live job, of which the first would have served"
        self.jobs[attempt] = new
        if answer == "started":
            self._reply(new)
        elif answer == "late":
            self.replies.append(new)

    def _reply(self, to: Job) -> None:
        self.write(attempts.started(self.record, to.attempt, to.tier, to.job_id, self.now_ms))

    @precondition(lambda self: self.replies)
    @rule()
    def late_reply(self) -> None:
        self._reply(self.replies.pop(0))

    @rule()
    def upgrade(self) -> None:
        self.write(attempts.upgraded(self.record, self.now_ms))

    @rule()
    def reconcile(self) -> None:
        record = self.record
        if not record.is_open or (record.due_at or 0) > self.now_ms:
            return
        if record.state is State.INITIATING:
            self._settle(record.attempt)
        elif record.state is State.IN_PROGRESS:
            for attempt in [int(attempt) for attempt in record.jobs]:
                self._describe(attempt)

    def _settle(self, attempt: int) -> None:
        found = self.jobs.get(attempt)
        if found is None or found.status == "Gone":
            self.write(attempts.absent(self.record, attempt, self.now_ms))
        elif found.status == "InProgress":
            self._reply(found)
        else:
            self.write(endings.ended(self.record, attempt, self._told(found), self.now_ms))

    def _describe(self, attempt: int) -> None:
        found = self.jobs[attempt]
        if found.status == "Gone":
            self.write(attempts.vanished(self.record, attempt, self.now_ms))
        elif found.status == "InProgress":
            self.write(attempts.still_running(self.record, self.now_ms))
        else:
            self.write(endings.ended(self.record, attempt, self._told(found), self.now_ms))

    @rule(refusal=st.sampled_from([Refusal.THROTTLED, Refusal.DENIED]))
    def refuse_to_tell(self, refusal: Refusal) -> None:
        self.write(attempts.unseen(self.record, refusal, REASON, self.now_ms))

    # Glacier

    def _told(self, of: Job, status: str | None = None) -> GlacierJob:
        return job(self.record, of.attempt, of.job_id, status or of.status, Tier=of.tier.value)

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 5), status=st.sampled_from(["Succeeded", "Succeeded", "Failed"]))
    def job_ends(self, which: int, status: str) -> None:
        running = [each for each in self.jobs.values() if each.status == "InProgress"]
        if running:
            ends = running[which % len(running)]
            ends.status, ends.ended_at = status, self.now_ms

    @precondition(lambda self: any(each.status in ("Succeeded", "Failed") for each in self.jobs.values()))
    @rule(which=st.integers(0, 5))
    def notification(self, which: int) -> None:
        """As often as it likes, and in any order; or never."""
        ended = [each for each in self.jobs.values() if each.status in ("Succeeded", "Failed")]
        told = ended[which % len(ended)]
        self.write(endings.ended(self.record, told.attempt, self._told(told), self.now_ms))

    @precondition(lambda self: any(each.status == "Succeeded" for each in self.jobs.values()))
    @rule(which=st.integers(0, 5))
    def notification_in_few_words(self, which: int) -> None:
        done = [each for each in self.jobs.values() if each.status == "Succeeded"]
        told = done[which % len(done)]
        self.write(endings.due_now(self.record, told.attempt, self._told(told), self.now_ms))

    @rule(seconds=st.sampled_from([1, 30, 60, 480, 900, 1800, 6 * 3600, 25 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now_ms += seconds * 1000
        for each in self.jobs.values():
            if each.ended_at and self.now_ms - each.ended_at > bounds.OUTPUT_KEPT_SECONDS * 1000:
                each.status = "Gone"
        if self.record.claim_until is None or self.now_ms > self.record.claim_until:
            self.replies.clear()

    # What holds

    @invariant()
    def no_job_is_a_duplicate(self) -> None:
        assert not self.record.duplicates

    def teardown(self) -> None:
        """From here on all goes well, without a notification: the retrieval ends, and nothing is due any more."""
        if not hasattr(self, "record"):
            return
        for _ in range(60):
            if not self.record.is_open:
                break
            self._go_on()
        assert not self.record.is_open, f"still {self.record.state}"
        assert not self.record.duplicates

    def _go_on(self) -> None:
        steps: list[Callable[[], None]] = [self.reconcile, self.upgrade]
        if self.record.due_in == EXPEDITED_BACKLOG:
            steps = [lambda: self.release(SLOT_UNIT)]
        elif self.record.state is State.WAITING:
            steps = [self.claim]
        elif self.record.state is State.INITIATING and self.record.attempt not in self.called:
            steps = [lambda: self.call("started")]
        for step in steps:
            step()
        self.time_passes(30 if self.record.state in (State.WAITING, State.INITIATING) else 1800)
        if self.record.attempt in self.called and self.record.due_at is not None:
            self.now_ms = max(self.now_ms, self.record.due_at)
        for each in self.jobs.values():
            if each.status == "InProgress" and self.now_ms - each.started_at >= USUAL_SECONDS[each.tier] * 1000:
                each.status, each.ended_at = "Succeeded", self.now_ms
