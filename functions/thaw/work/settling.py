"""Settling what is due in one vault by Glacier's own word.

Jobs are described one by one or listed, whichever is fewer calls. A claim whose outcome is in doubt takes a whole
listing of the vault, which a later run carries on where the time of one does not suffice.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from thaw import attempts, bounds
from thaw.description import Tag
from thaw.edge.glacier import JobGone, JobPage, JobReader, Refused
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.job import GlacierJob
from thaw.records import ListingRecord, listing_of
from thaw.refusals import Refusal
from thaw.retrieval import Retrieval
from thaw.states import State
from thaw.work.ending import Ending
from thaw.work.failures import Failures
from thaw.work.telemetry import count, logger


@dataclass(frozen=True)
class Awaited:
    """A job whose state is asked for."""

    record: Retrieval
    attempt: int
    job_id: str


class Claims:
    """The attempts of one vault of which nobody knows whether they were started."""

    def __init__(self, records: list[Retrieval], began_at: int) -> None:
        self.by_tag = {record.tag: record for record in records}
        self.missing = {record.tag for record in records if (record.due_at or 0) <= began_at}
        """Those that a listing begun at this time settles, and that it has not shown."""
        self.unreadable: set[Tag] = set()
        """Those whose job it shows, but so that it can't be read: they stay as they are."""


@dataclass(frozen=True)
class Settling:
    """Settles one vault after the other.

    Args:
        time_left_ms: until nothing new may be begun.
        now_ms: the clock.
        failures: takes what goes wrong with one record.
    """

    table: Table
    glacier: JobReader
    resume_queue: ResumeQueue
    ending: Ending
    time_left_ms: Callable[[], int]
    now_ms: Callable[[], int]
    failures: Failures

    def settle(self, due: list[Retrieval]) -> None:
        """All these records of one vault, as far as the time allows. Where Glacier gives no answer they stay due."""
        claims = [record for record in due if record.state is State.INITIATING]
        awaited = {each.job_id: each for record in due for each in _awaited(record)}
        refusal = None
        if claims:
            refusal = self._ask(lambda: self._list_whole(claims, awaited), lambda: claims)
        elif len(awaited) > 1:
            refusal = self._ask(lambda: self._list_while_worth_it(awaited), list)
        if refusal in (None, Refusal.DENIED):  # who may not list may be allowed to describe
            self._ask(lambda: self._describe_all(awaited), lambda: [each.record for each in awaited.values()])

    def _ask(self, ask: Callable[[], None], about: Callable[[], Iterable[Retrieval]]) -> Refusal | None:
        """Why Glacier gave no answer, if so; the records it was asked about take note of a denial."""
        try:
            ask()
        except Refused as refused:
            count("PermissionDenied" if refused.refusal is Refusal.DENIED else "GlacierUnavailable")
            logger.warning("vault not reconciled", code=refused.reason.code)
            for record in list(about()):
                self.failures.apart(self._unseen(refused), record)
            return refused.refusal
        return None

    def _unseen(self, refused: Refused) -> Callable[[Retrieval], object]:
        refusal, reason = refused.refusal, refused.reason
        return lambda record: self.table.change(
            record, lambda now: attempts.unseen(now, refusal, reason, self.now_ms())
        )

    # Claims

    def _list_whole(self, records: list[Retrieval], awaited: dict[str, Awaited]) -> None:
        """A claim that ran out: its job is in the vault's listing, or was never started."""
        vault = records[0]
        listing = self._listing(vault)
        claims, marker = Claims(records, listing.began_at), None
        try:
            marker = self._list_on(vault, listing.marker, claims, awaited)
        except (JobGone, Refused) as error:
            gone = isinstance(error, JobGone) or error.refusal is Refusal.PERMANENT
            if not gone or (isinstance(error, Refused) and listing.marker is None):
                raise
            logger.warning("vault, or place in its listing, is gone", vault_name=vault.vault_name)
            if listing.marker is not None:
                claims.missing.clear()
        if marker is not None or listing.marker is not None:
            self.table.save_listing(listing_of(vault.account_id, vault.vault_name, listing.began_at, marker))
        if marker is None:
            for tag in claims.missing:
                self.failures.apart(self._never_was, claims.by_tag[tag])

    def _listing(self, vault: Retrieval) -> ListingRecord:
        """The listing that an earlier run began, or one that begins now."""
        fresh = listing_of(vault.account_id, vault.vault_name, self.now_ms())
        known = self.table.get_listing(fresh)
        if known is None or known.marker is None:
            return fresh
        too_old = fresh.began_at - known.began_at > bounds.LISTING_CARRIED_ON_SECONDS * 1000
        return fresh if too_old else known

    def _list_on(self, vault: Retrieval, marker: str | None, claims: Claims, awaited: dict[str, Awaited]) -> str | None:
        """Adopts what the listing shows; returns where a later run carries on, or None where it came to its end.

        It takes half of the time there is, so that enough is left to describe what is awaited.
        """
        stop_at_ms, errors = self.time_left_ms() // 2, len(self.failures.errors)
        for page in self.glacier.pages(vault, marker=marker):
            self._adopt_from(page, claims)
            settled = self._take_from(page, awaited)
            if not claims.missing and settled <= 1:
                return None
            if page.marker is not None and self.time_left_ms() < stop_at_ms:
                count("ListingCarriedOn")
                if claims.unreadable or len(self.failures.errors) > errors:
                    # A claim may have been passed by that is not settled: the next run begins anew.
                    claims.missing.clear()
                    return None
                return page.marker
        return None

    def _adopt_from(self, page: JobPage, claims: Claims) -> None:
        count("JobUnreadable", len(page.unreadable))
        shown = claims.missing & set(page.unreadable)
        claims.unreadable |= shown
        claims.missing -= shown
        for job in page.jobs:
            if job.tag is not None and job.tag in claims.by_tag:
                claims.missing.discard(job.tag)
                self.failures.apart(self._adopt(claims, job.tag), job)

    def _adopt(self, claims: Claims, tag: Tag) -> Callable[[GlacierJob], None]:
        def adopt(job: GlacierJob) -> None:
            claims.by_tag[tag] = self.ending.seen(claims.by_tag[tag], tag, job)
            count("JobAdopted")

        return adopt

    def _never_was(self, record: Retrieval) -> None:
        """The listing does not have the job of the record's newest attempt."""
        absent = self.table.change(record, lambda now: attempts.absent(now, record.attempt, self.now_ms()))
        self.resume_queue.resume_when_due(absent, self.now_ms())

    # Jobs whose ids are known

    def _list_while_worth_it(self, awaited: dict[str, Awaited]) -> None:
        """For as long as a page settles more than a single DescribeJob would: first the jobs that ended, whose
        notification was missed, then those that go on."""
        vault = next(iter(awaited.values())).record
        try:
            for completed in (True, False):
                for page in self.glacier.pages(vault, completed=completed):
                    settled = self._take_from(page, awaited)
                    if len(awaited) <= 1 or self.time_left_ms() <= 0:
                        return
                    if settled <= 1:
                        break
        except JobGone:
            logger.warning("vault is gone", vault_name=vault.vault_name)

    def _take_from(self, page: JobPage, awaited: dict[str, Awaited]) -> int:
        """How many of the awaited jobs were on the page."""
        found = [(awaited.pop(job.JobId), job) for job in page.jobs if job.JobId in awaited]
        for each in found:
            self.failures.apart(self._seen, each)
        return len(found)

    def _describe_all(self, awaited: dict[str, Awaited]) -> None:
        for each in list(awaited.values()):
            if self.time_left_ms() <= 0:
                return
            self.failures.apart(self._describe, each)
            del awaited[each.job_id]

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
        if job.is_over:
            count("NotificationMissed")
            self.ending.seen(each.record, each.record.tag_of(each.attempt), job)
            return
        running = self.table.change(each.record, lambda now: attempts.still_running(now, self.now_ms()))
        self.resume_queue.resume_when_due(running, self.now_ms())


def _awaited(record: Retrieval) -> list[Awaited]:
    return [Awaited(record, int(attempt), job.job_id) for attempt, job in record.jobs.items()]
