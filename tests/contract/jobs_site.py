"""A site on a real table, where jobs end and what is due is looked after."""

from functools import partial
from typing import Any

from tests.unit.builders import ACCOUNT, NOW, archive_request
from thaw import attempts, bounds, joining
from thaw.edge.glacier import JobReader
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.job import GlacierJob
from thaw.retrieval import EXPEDITED_BACKLOG, Retrieval
from thaw.states import State
from thaw.work.ending import Ending
from thaw.work.reconciling import Reconciling

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
RUN_SECONDS = 290
ENDED = {"StatusCode": "Succeeded", "Completed": True, "CompletionDate": "2026-01-01T00:00:00.000Z"}


class Site(ResumeQueue):
    """A table, a clock, and what was resumed."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.now_ms = NOW
        self.resumed: list[str] = []

    def resume_when_due(self, record: Retrieval, now_ms: int) -> bool:
        waits = record.state is State.WAITING and record.due_in != EXPEDITED_BACKLOG
        if waits:
            self.resumed.append(record.retrieval_id)
        return waits

    @property
    def ending(self) -> Ending:
        return Ending(self.table, self, lambda: self.now_ms)

    def run(self, glacier: JobReader, times: int = 1) -> None:
        for _ in range(times):
            end = self.now_ms + RUN_SECONDS * 1000
            left = partial(lambda end: end - self.now_ms, end)
            Reconciling(self.table, glacier, self, self.ending, left, lambda: self.now_ms).run()
            self.now_ms = max(end, self.now_ms)

    def get(self, record: Retrieval) -> Retrieval:
        found = self.table.get(record.key)
        assert found is not None
        return found

    def claim(self, number: int) -> Retrieval:
        """A claim that ran out, with its bounds, a second ago."""
        began_ms = NOW - 1000 - (bounds.CLAIM_SECONDS + bounds.SETTLED_AFTER_CLAIM_SECONDS) * 1000
        return self.created(joining.opened(key(number), 1, archive_request(), ACCOUNT, False, "c", began_ms))

    def running(self, number: int) -> Retrieval:
        """In progress on `job-NUMBER`, which should have ended long ago."""
        claim = joining.opened(key(number), 1, archive_request(), ACCOUNT, False, "c", NOW - DAY_MS)
        started = attempts.started(claim, 1, claim.tier, f"job-{number}", NOW - DAY_MS)
        assert started is not None
        return self.created(started.model_copy(update={"due_at": NOW - 2000 + number}))

    def created(self, record: Retrieval) -> Retrieval:
        assert self.table.create(record) is None
        return record


def key(number: int) -> str:
    return f"{number:032x}"


def job(record: Retrieval, **fields: Any) -> GlacierJob:
    usual = {"JobId": f"job-of-{record.key}", "StatusCode": "InProgress", "Completed": False, "Tier": "Standard"}
    named = {"JobDescription": record.tag.describe(None), "ArchiveId": record.archive_id}
    return GlacierJob.model_validate(usual | named | fields)
