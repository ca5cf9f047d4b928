"""Looking after what is due: waits that are over, claims that ran out, and jobs that nobody heard of.

Only what the due index shows is read. Jobs are described one by one or listed by the vault, whichever is fewer calls.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from thaw import attempts, bounds
from thaw.description import Tag
from thaw.edge.glacier import JobGone, JobReader, Refused
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.job import GlacierJob
from thaw.refusals import Refusal
from thaw.retrieval import SHARDS, Retrieval
from thaw.states import State
from thaw.work.ending import Ending
from thaw.work.telemetry import count, logger, unreadable

Looked = TypeVar("Looked")

AT_ONCE = 100
"""So many due records are read and looked after together."""

STOP_BEFORE_MS = 15_000
"""With less of the function's time left nothing new is begun."""


@dataclass(frozen=True)
class Awaited:
    """A job whose state is asked for."""

    record: Retrieval
    attempt: int
    job_id: str


@dataclass(frozen=True)
class Reconciling:
    """Brings the table up to Glacier's own word.

    Args:
        time_left_ms: of the function.
        now_ms: the clock.
    """

    table: Table
    glacier: JobReader
    resume_queue: ResumeQueue
    ending: Ending
    time_left_ms: Callable[[], int]
    now_ms: Callable[[], int]
    failures: list[Exception] = field(default_factory=list)

    def run(self) -> None:
        """Looks after everything due, oldest first, as far as the function's time allows; the rest stays due.

        Raises:
            ExceptionGroup: at the end, of all that went wrong: one record holds up no other.
        """
        began_ms, tick_ms = self.now_ms(), bounds.TICK_SECONDS * 1000
        for number in range(SHARDS):
            # Each run begins with another shard, so that none starves while there is more than a run can do.
            shard = (began_ms // tick_ms + number) % SHARDS
            due = self.table.due(str(shard), began_ms + tick_ms)
            while self._has_time():
                ids = list(islice(due, AT_ONCE))
                if not ids:
                    break
                self._look_after(self.table.read_many(ids, unreadable))
        if self.failures:
            raise ExceptionGroup("not all could be looked after", self.failures)

    def _has_time(self) -> bool:
        return self.time_left_ms() > STOP_BEFORE_MS

    def _look_after(self, records: list[Retrieval]) -> None:
        vaults: dict[tuple[str, str], list[Retrieval]] = defaultdict(list)
        for record in records:
            if record.state is State.WAITING:
                self._apart(self._resume_if_needed, record)
            elif record.is_open and (record.due_at or 0) <= self.now_ms():
                vaults[record.account_id, record.vault_name].append(record)
        for due in vaults.values():
            if self._has_time():
                self._apart(self._settle_vault, due)

    def _apart(self, look: Callable[[Looked], None], at: Looked) -> None:
        try:
            look(at)
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001 - raised with all others at the end of the run
            logger.error("not looked after", exc_info=error)
            self.failures.append(error)

    def _resume_if_needed(self, record: Retrieval) -> None:
        if resume_is_due(record, self.now_ms()):
            self.resume_queue.resume_when_due(record, self.now_ms())
            count("Resumed")

    def _settle_vault(self, due: list[Retrieval]) -> None:
        """All due records of one vault. Where Glacier gives no answer they stay due."""
        try:
            claims = [record for record in due if record.state is State.INITIATING]
            awaited = {each.job_id: each for record in due for each in _awaited(record)}
            if claims:
                self._settle_by_whole_listing(claims, awaited)
            else:
                self._settle_by_pages(awaited)
            for each in list(awaited.values()):
                if self._has_time():
                    self._apart(self._describe, each)
        except Refused as refused:
            count("PermissionDenied" if refused.refusal is Refusal.DENIED else "GlacierUnavailable")
            logger.warning("vault not reconciled", vault_name=due[0].vault_name, code=refused.reason.code)
            for record in due:
                self._apart(self._unseen(refused), record)

    def _unseen(self, refused: Refused) -> Callable[[Retrieval], None]:
        def unseen(record: Retrieval) -> None:
            self.table.change(record, lambda now: attempts.unseen(now, refused.refusal, refused.reason, self.now_ms()))

        return unseen

    def _settle_by_whole_listing(self, claims: list[Retrieval], awaited: dict[str, Awaited]) -> None:
        """A claim that ran out: its job is in the vault's listing, or was never started."""
        by_tag = {record.tag: record for record in claims}
        found: set[Tag] = set()
        try:
            for page in self.glacier.pages(claims[0]):
                for job in page:
                    if job.tag is not None and job.tag in by_tag:
                        found.add(job.tag)
                        self._apart(self._adopt, (by_tag, job.tag, job))
                self._take_from(page, awaited)
                if not self._has_time():
                    logger.warning("listing not whole", vault_name=claims[0].vault_name)
                    return
        except JobGone:
            logger.warning("vault is gone", vault_name=claims[0].vault_name)
        count("JobAdopted", len(found))
        for tag, record in by_tag.items():
            if tag not in found:
                self._apart(self._never_was, record)

    def _adopt(self, found: tuple[dict[Tag, Retrieval], Tag, GlacierJob]) -> None:
        by_tag, tag, job = found
        by_tag[tag] = self.ending.seen(by_tag[tag], tag, job)

    def _never_was(self, record: Retrieval) -> None:
        """The listing does not have the job of the record's newest attempt."""
        absent = self.table.change(record, lambda now: attempts.absent(now, record.attempt, self.now_ms()))
        self.resume_queue.resume_when_due(absent, self.now_ms())

    def _settle_by_pages(self, awaited: dict[str, Awaited]) -> None:
        """First those that ended, whose notification was missed; then those that go on."""
        for completed in (True, False):
            for page in self._pages_worth_it(awaited, completed):
                self._take_from(page, awaited)

    def _pages_worth_it(self, awaited: dict[str, Awaited], completed: bool) -> Iterator[list[GlacierJob]]:
        """Pages of the listing for as long as a page settles more jobs than a single DescribeJob would."""
        if len(awaited) <= 1:
            return
        any_record = next(iter(awaited.values())).record
        try:
            for page in self.glacier.pages(any_record, completed):
                before = len(awaited)
                yield page
                if before - len(awaited) <= 1 or len(awaited) <= 1 or not self._has_time():
                    return
        except JobGone:
            return

    def _take_from(self, page: list[GlacierJob], awaited: dict[str, Awaited]) -> None:
        for job in page:
            each = awaited.pop(job.JobId, None)
            if each is not None:
                self._apart(self._seen, (each, job))

    def _describe(self, each: Awaited) -> None:
        try:
            job = self.glacier.describe(each.record, each.job_id)
        except JobGone:
            count("JobVanished")
            record = self.table.change(each.record, self._vanished(each.attempt))
            self.resume_queue.resume_when_due(record, self.now_ms())
            return
        self._seen((each, job))

    def _vanished(self, attempt: int) -> Callable[[Retrieval], Retrieval | None]:
        return lambda now: attempts.vanished(now, attempt, self.now_ms())

    def _seen(self, found: tuple[Awaited, GlacierJob]) -> None:
        each, job = found
        tag = each.record.tag_of(each.attempt)
        if job.is_over:
            count("NotificationMissed")
            self.ending.seen(each.record, tag, job)
            return
        running = self.table.change(each.record, lambda now: attempts.still_running(now, self.now_ms()))
        self.resume_queue.resume_when_due(running, self.now_ms())


def _awaited(record: Retrieval) -> list[Awaited]:
    return [Awaited(record, int(attempt), job.job_id) for attempt, job in record.jobs.items()]


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
