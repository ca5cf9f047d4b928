"""Looking after what is due: waits that are over, claims that ran out, and jobs that nobody heard of.

Only what the due index shows is read.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from thaw import attempts, bounds
from thaw.edge.glacier import JobReader
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.retrieval import EXPEDITED_BACKLOG, SHARDS, Retrieval
from thaw.states import State
from thaw.work.ending import Ending
from thaw.work.failures import Failures
from thaw.work.settling import Settling
from thaw.work.telemetry import count, unreadable

AT_ONCE = 5000
"""So many due records are read and looked after together: a vault is listed once for all of them, and the tags of all
fit into the record of a listing (400 KB)."""

BACKLOG_EVERY_RUNS = 6
"""So often, each half hour, the older jobs of what waits for a faster one are looked at: that wait may be longer than
their output is kept."""


@dataclass(frozen=True)
class Reconciling:
    """Brings the table up to Glacier's own word.

    Args:
        function_time_left_ms: what Lambda says.
        now_ms: the clock.
    """

    table: Table
    glacier: JobReader
    resume_queue: ResumeQueue
    ending: Ending
    function_time_left_ms: Callable[[], int]
    now_ms: Callable[[], int]
    failures: Failures = field(default_factory=Failures)

    def run(self) -> None:
        """Looks after everything due, oldest first, as far as the function's time allows; the rest stays due.

        Raises:
            ExceptionGroup: at the end, of all that went wrong: one record holds up no other.
        """
        run_number = self.now_ms() // (bounds.TICK_SECONDS * 1000)
        due = self._due(run_number)
        while self._time_left_ms() > 0:
            ids = list(islice(due, AT_ONCE))
            if not ids:
                break
            self._look_after(self.table.read_many(ids, unreadable), run_number)
        self.failures.raise_all()

    def _due(self, run_number: int) -> Iterator[str]:
        """Each run begins with another shard, so that none starves while there is more than a run can do."""
        until_ms = self.now_ms() + bounds.TICK_SECONDS * 1000
        for number in range(SHARDS):
            yield from self.table.due(str((run_number + number) % SHARDS), until_ms)
        if run_number % BACKLOG_EVERY_RUNS == 0:
            yield from self.table.due(EXPEDITED_BACKLOG, until_ms)

    def _time_left_ms(self) -> int:
        """Until nothing new may be begun: a call that was must still come to its end."""
        return self.function_time_left_ms() - bounds.REPEATED_CALL_SECONDS * 1000

    def _look_after(self, records: list[Retrieval], run_number: int) -> None:
        for record in records:
            if record.state is State.WAITING and record.due_in != EXPEDITED_BACKLOG:
                self.failures.apart(self._resume_if_needed, record)
        settling = Settling(
            self.table, self.glacier, self.resume_queue, self.ending, self._time_left_ms, self.now_ms, self.failures
        )
        for due in _in_turn(self._by_vault(records), run_number):
            if self._time_left_ms() > 0:
                self.failures.apart(settling.settle, due)

    def _by_vault(self, records: list[Retrieval]) -> list[list[Retrieval]]:
        """Those whose time has come and that Glacier has to be asked about."""
        vaults: dict[tuple[str, str], list[Retrieval]] = defaultdict(list)
        for record in records:
            if self._is_to_be_asked_about(record):
                vaults[record.account_id, record.vault_name].append(record)
        return [vaults[name] for name in sorted(vaults)]

    def _is_to_be_asked_about(self, record: Retrieval) -> bool:
        if record.state is State.WAITING:
            return record.due_in == EXPEDITED_BACKLOG and attempts.job_is_overdue(record, self.now_ms())
        return record.is_open and (record.due_at or 0) <= self.now_ms()

    def _resume_if_needed(self, record: Retrieval) -> None:
        if resume_is_due(record, self.now_ms()):
            self.resume_queue.resume_when_due(record, self.now_ms())
            count("Resumed")


def _in_turn(vaults: list[list[Retrieval]], run_number: int) -> list[list[Retrieval]]:
    """Each run begins with another vault, so that none starves beside one that takes all of a run's time."""
    first = run_number % len(vaults) if vaults else 0
    return vaults[first:] + vaults[:first]


def resume_is_due(record: Retrieval, now_ms: int) -> bool:
    """Whether reconcile has to resume a wait: whoever wrote a short one has sent a message for it.

    A long wait is resumed in the one run before whose next it ends; any wait once it is overdue.
    """
    assert record.due_at is not None
    assert record.waiting_since is not None
    overdue_ms = now_ms - record.due_at
    if overdue_ms > bounds.RESUME_GRACE_SECONDS * 1000:
        return True
    sent_by_writer = record.due_at - record.waiting_since <= bounds.RESUME_DELAY_AT_MOST_SECONDS * 1000
    return not sent_by_writer and overdue_ms <= 0
