"""Settling what is due in one vault by Glacier's own word.

Jobs are described one by one or listed, whichever is fewer calls. A claim whose outcome is in doubt takes a whole
listing of the vault, which a later run carries on where the time of one does not suffice.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from thaw import attempts, bounds
from thaw.description import Tag
from thaw.edge.glacier import JobGone, JobPage, JobReader, Refused
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table, Unreadable
from thaw.job import GlacierJob
from thaw.records import ListingRecord, listing_begun
from thaw.refusals import Refusal
from thaw.retrieval import Retrieval, item_id
from thaw.states import State
from thaw.work.ending import Ending, is_of
from thaw.work.failures import Failures
from thaw.work.telemetry import count, logger, unreadable

NO_ANSWERS_AT_MOST = 3
"""After more jobs in a row without an answer, Glacier is asked no more in this run."""


@dataclass(frozen=True)
class Awaited:
    """A job whose state is asked for."""

    record: Retrieval
    attempt: int
    job_id: str


class Search:
    """A listing of all of a vault's jobs for the claims of which nobody knows whether they were started.

    There is one at a time for a vault, for those that were due when it began. Whoever is due later carries it on.

    Args:
        listing: which began now, or in an earlier run.
        claims: those that are looked after now, which may be others.
    """

    def __init__(self, listing: ListingRecord, claims: list[Retrieval]) -> None:
        self.listing = listing
        self.marker = listing.marker
        """Where it goes on; None before the first page, and when it has come to its end."""
        self.by_tag = {claim.tag: claim for claim in claims}
        self.unseen = set(listing.sought)
        """Those for which every page was searched, and that none has shown: at the end, they never were."""

    def seeks(self, tag: Tag) -> bool:
        """Whether a job with that tag is looked for, be it for others."""
        return tag in self.by_tag or tag.describe(None) in self.unseen

    def has_shown(self, tag: Tag) -> None:
        self.unseen.discard(tag.describe(None))

    def give_up(self) -> None:
        """Its place is gone: the next run begins anew, and nothing is known of what was not found."""
        self.marker = None
        self.unseen.clear()

    def so_far(self) -> ListingRecord:
        """How far it came."""
        return self.listing.model_copy(update={"marker": self.marker, "sought": tuple(sorted(self.unseen))})


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
    running: dict[str, Retrieval] = field(default_factory=dict)
    """Of the vault: the records of which a job was seen to go on."""

    def settle(self, due: list[Retrieval]) -> None:
        """All these records of one vault, as far as the time allows. Where Glacier gives no answer they stay due."""
        self.running.clear()
        claims = [record for record in due if record.state is State.INITIATING]
        awaited = {each.job_id: each for record in due for each in _awaited(record)}
        refusal = None
        if claims:
            refusal = self._ask(lambda: self._list_whole(claims, awaited), lambda: claims)
        elif len(awaited) > 1:
            refusal = self._ask(lambda: self._list_while_worth_it(awaited), list)
        if refusal in (None, Refusal.DENIED):  # who may not list may be allowed to describe
            self._ask(lambda: self._describe_all(awaited), lambda: [each.record for each in awaited.values()])
        for each in awaited.values():
            self.running.pop(each.record.id, None)
        for record in self.running.values():
            self.failures.apart(self._still_running, record)

    def _ask(self, ask: Callable[[], None], about: Callable[[], Iterable[Retrieval]]) -> Refusal | None:
        """Why Glacier gave no answer, if so; the records it was asked about take note of a denial."""
        try:
            ask()
        except Refused as refused:
            self._no_answer(refused, about())
            return refused.refusal
        return None

    def _no_answer(self, refused: Refused, records: Iterable[Retrieval]) -> None:
        count("PermissionDenied" if refused.refusal is Refusal.DENIED else "GlacierUnavailable")
        logger.warning("not reconciled", code=refused.reason.code)
        for record in records:
            self.failures.apart(self._unseen(refused), record)

    def _unseen(self, refused: Refused) -> Callable[[Retrieval], object]:
        def note(record: Retrieval) -> None:
            changed = self.table.change(
                record, lambda now: attempts.unseen(now, refused.refusal, refused.reason, self.now_ms())
            )
            self.resume_queue.resume_when_due(changed, self.now_ms())

        return note

    # Claims

    def _list_whole(self, claims: list[Retrieval], awaited: dict[str, Awaited]) -> None:
        """A claim that ran out: its job is in the vault's listing, or was never started."""
        search = Search(self._listing(claims), claims)
        try:
            self._go_on(search, claims[0], awaited)
        except JobGone:
            # On the first page it is the vault that is gone, and with it all jobs; later perhaps only the place.
            logger.warning("vault, or place in its listing, is gone", vault_name=claims[0].vault_name)
            if search.marker is not None:
                search.give_up()
        except Refused as refused:
            if refused.refusal is not Refusal.PERMANENT or search.marker is None:
                self._keep(search)
                raise
            search.give_up()
        if search.marker is None:
            for claim in self._absent(search):
                self.failures.apart(self._never_was, claim)
        self._keep(search)  # so who dies before that comes to the end again

    def _listing(self, claims: list[Retrieval]) -> ListingRecord:
        """The listing of the vault that an earlier run, or another batch, began; or one that begins now."""
        fresh = listing_begun(claims, self.now_ms())
        try:
            known = self.table.get_listing(fresh)
        except Unreadable as error:
            unreadable(error.item_id, error)
            return fresh
        if known is None or known.marker is None:
            return fresh
        too_old = fresh.began_at - known.began_at > bounds.LISTING_CARRIED_ON_SECONDS * 1000
        return fresh if too_old else known

    def _absent(self, search: Search) -> list[Retrieval]:
        """Whom no page has shown: of these claims, and of those that are not looked after now and still are claims."""
        tags = {tag for tag in map(Tag.read, search.unseen) if tag is not None}
        others = self.table.read_many([item_id(tag.key) for tag in tags - search.by_tag.keys()], unreadable)
        mine = [claim for tag, claim in search.by_tag.items() if tag in tags]
        return mine + [each for each in others if each.tag in tags and each.state is State.INITIATING]

    def _keep(self, search: Search) -> None:
        """Only of a listing that takes more than one run anything is kept."""
        if search.marker != search.listing.marker:
            try:
                self.table.save_listing(search.so_far())
            except Unreadable as error:
                unreadable(error.item_id, error)

    def _go_on(self, search: Search, vault: Retrieval, awaited: dict[str, Awaited]) -> None:
        """Adopts what the listing shows, for half of the time there is: the other half is for what is described."""
        stop_at_ms = self.time_left_ms() // 2
        for page in self.glacier.pages(vault, marker=search.marker):
            self._adopt_from(page, search)
            settled = self._take_from(page, awaited)
            search.marker = page.marker
            if not search.unseen and settled <= 1:
                search.marker = None
                return
            if search.marker is not None and self.time_left_ms() < stop_at_ms:
                count("ListingCarriedOn")
                return

    def _adopt_from(self, page: JobPage, search: Search) -> None:
        """A claim whose job is shown, but can't be read or adopted, is not missing: it stays in doubt."""
        count("JobUnreadable", len(page.unreadable))
        for tag in page.unreadable:
            if tag is not None:
                search.has_shown(tag)
        for job in page.jobs:
            if job.tag is not None and search.seeks(job.tag):
                self.failures.apart(self._adopt(search, job.tag), job)

    def _adopt(self, search: Search, tag: Tag) -> Callable[[GlacierJob], None]:
        def adopt(job: GlacierJob) -> None:
            claim = search.by_tag.get(tag) or self._claim_of_others(search, tag)
            if claim is not None and is_of(claim, job):
                search.has_shown(tag)
                search.by_tag[tag] = self.ending.seen(claim, tag, job)
                count("JobAdopted")

        return adopt

    def _claim_of_others(self, search: Search, tag: Tag) -> Retrieval | None:
        """Which is not looked after now, if it still is one. Whatever comes of it, it is not held to be absent."""
        search.has_shown(tag)
        claim = self.table.get(tag.key)
        return claim if claim is not None and claim.tag == tag and claim.state is State.INITIATING else None

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
        """One job that Glacier gives no answer about holds up no other; several in a row mean more than that job."""
        in_a_row = 0
        for each in list(awaited.values()):
            if self.time_left_ms() <= 0:
                return
            try:
                self.failures.apart(self._describe, each)
                in_a_row = 0
            except Refused as refused:
                in_a_row += 1
                about_the_job = refused.refusal in (Refusal.UNKNOWN, Refusal.PERMANENT)
                if not about_the_job or in_a_row > NO_ANSWERS_AT_MOST:
                    raise
                self._no_answer(refused, [each.record])
                continue
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
        self.running[each.record.id] = each.record

    def _still_running(self, record: Retrieval) -> None:
        """None of its jobs has ended: one that has may have been described after another that goes on."""
        running = self.table.change(record, lambda now: attempts.still_running(now, self.now_ms()))
        self.resume_queue.resume_when_due(running, self.now_ms())


def _awaited(record: Retrieval) -> list[Awaited]:
    return [Awaited(record, int(attempt), job.job_id) for attempt, job in record.jobs.items()]
