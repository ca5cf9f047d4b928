"""reconcile against a real table and a Glacier whose listing takes as long, and goes as wrong, as a test wants."""

from collections.abc import Callable, Iterator
from unittest.mock import Mock

import pytest

from tests.contract.jobs_site import DAY_MS, ENDED, Site, job, key
from tests.unit.builders import ACCOUNT, NOW, archive_request, inventory_request
from thaw import attempts, bounds, joining
from thaw.description import Tag
from thaw.edge.glacier import JobGone, JobPage, JobReader, Refused
from thaw.edge.table import Table, Unreadable
from thaw.job import GlacierJob
from thaw.records import listing_begun
from thaw.refusals import Refusal
from thaw.retrieval import EXPEDITED_BACKLOG, NUMBER_AT_MOST, Reason, Retrieval
from thaw.states import State
from thaw.tiers import Tier
from thaw.work import reconciling
from thaw.work.failures import Failures
from thaw.work.settling import Settling


class Glacier(JobReader):
    """One vault's jobs, two a page; a Tag in place of a job is an entry that can't be read."""

    def __init__(self, site: "Site", *jobs: GlacierJob | Tag, page_seconds: int = 12) -> None:
        self.site = site
        self.jobs = list(jobs)
        self.page_seconds = page_seconds
        self.asked: list[int] = []
        self.before_page: Callable[[int], object] = lambda at: None
        self.describes: Callable[[str], GlacierJob] = lambda job_id: other(0)

    def pages(
        self, record: Retrieval, *, completed: bool | None = None, marker: str | None = None
    ) -> Iterator[JobPage]:
        at = int(marker or 0)
        while at < max(1, len(self.jobs)):
            self.asked.append(at)
            self.site.now_ms += self.page_seconds * 1000
            self.before_page(at)
            part, at = self.jobs[at : at + 2], at + 2
            yield JobPage(
                jobs=[each for each in part if isinstance(each, GlacierJob)],
                unreadable=[each for each in part if isinstance(each, Tag)],
                marker=str(at) if at < len(self.jobs) else None,
            )

    def describe(self, record: Retrieval, job_id: str) -> GlacierJob:
        return self.describes(job_id)


def other(number: int) -> GlacierJob:
    return GlacierJob(JobId=f"other-{number}", StatusCode="InProgress", Completed=False)


def others(count: int) -> list[GlacierJob]:
    return [other(number) for number in range(count)]


def refused(refusal: Refusal, code: str) -> Refused:
    return Refused(refusal, Reason(code=code, message="no"))


@pytest.fixture
def site(table: Table) -> Site:
    return Site(table)


# Records that make no sense


@pytest.mark.parametrize("job_id", ["", ".."])
def test_glacier_is_not_asked_about_what_can_be_no_job_id(site: Site, job_id: str) -> None:
    running = site.running(1)
    jobs = {number: started.model_copy(update={"job_id": job_id}) for number, started in running.jobs.items()}
    site.created(running.model_copy(update={"id": f"retrieval/{key(2)}", "jobs": jobs}))
    glacier = Glacier(site)
    glacier.describes = describes = Mock(return_value=other(0))
    site.run(glacier)
    assert [call.args for call in describes.call_args_list] == [("job-1",)]


def test_what_becomes_unreadable_while_it_is_looked_after_ends_no_run(site: Site) -> None:
    """One revision before its number can't be read any more a record loses both of its jobs."""
    running = site.running(1)
    jobs = {str(attempt): running.jobs["1"].model_copy(update={"job_id": f"gone-{attempt}"}) for attempt in (1, 2)}
    last = {"id": f"retrieval/{key(2)}", "revision": NUMBER_AT_MOST, "attempt": 2, "jobs": jobs}
    site.created(running.model_copy(update=last))
    glacier = Glacier(site)
    glacier.describes = Mock(side_effect=JobGone("gone"))
    site.run(glacier)
    with pytest.raises(Unreadable):
        site.table.get(key(2))
    assert site.get(running).state is State.WAITING


# A listing that takes more than one run


def test_each_page_is_listed_once_until_the_claim_is_settled(site: Site) -> None:
    was, never_was = site.claim(1), site.claim(2)
    glacier = Glacier(site, *others(60), job(was))
    site.run(glacier, times=6)
    assert glacier.asked == list(range(0, 62, 2))
    assert site.get(was).state is State.IN_PROGRESS
    assert site.get(never_was).state is State.WAITING


def test_after_its_end_the_next_one_begins_anew(site: Site) -> None:
    glacier = Glacier(site, *others(60))
    site.claim(1)
    site.run(glacier, times=6)
    glacier.asked.clear()
    late = site.claim(2)
    glacier.jobs.insert(0, job(late))
    site.run(glacier)
    assert glacier.asked == [0]
    assert site.get(late).state is State.IN_PROGRESS


def test_a_claim_that_comes_due_while_the_listing_is_under_way_is_searched_for_from_its_beginning(site: Site) -> None:
    site.claim(1)
    late = joining.opened(key(2), 1, archive_request(), ACCOUNT, False, "c", NOW - 400_000)
    glacier = Glacier(site, job(late, JobId="late"), *others(60))
    site.run(glacier)
    site.created(late)
    site.run(glacier, times=6)
    assert site.get(late).lost == 0, "its job was on the first page"
    assert site.get(late).jobs["1"].job_id == "late"


def test_batches_do_not_begin_a_listing_anew_where_one_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes several runs: none would come to its end."""
    monkeypatch.setattr(reconciling, "AT_ONCE", 1)
    never_was, were = [site.claim(number) for number in (1, 2, 3)], [site.claim(number) for number in (4, 5, 6)]
    glacier = Glacier(site, job(were[0]), *others(30), job(were[1]), *others(30), job(were[2]))
    site.run(glacier, times=24)
    assert {site.get(claim).state for claim in never_was} == {State.WAITING}
    assert {(site.get(claim).state, site.get(claim).lost) for claim in were} == {(State.IN_PROGRESS, 0)}
    assert glacier.asked.count(0) <= 6, "one for each batch at most"


def test_a_listing_settles_all_for_whom_it_began_whoever_is_looked_after(site: Site) -> None:
    was, never_was, late = (site.claim(number) for number in (1, 2, 3))
    begun = listing_begun([was, never_was], site.now_ms)
    site.table.save_listing(begun.model_copy(update={"marker": "2"}))
    glacier = Glacier(site, job(late), *others(1), job(was), *others(1))
    settling = Settling(site.table, glacier, site, site.ending, lambda: 10**6, lambda: site.now_ms, Failures())
    settling.settle([late])
    assert [site.get(claim).state for claim in (was, never_was)] == [State.IN_PROGRESS, State.WAITING]
    assert site.get(late) == late, "its job may be on an earlier page"
    settling.settle([late])
    assert site.get(late).state is State.IN_PROGRESS
    assert glacier.asked == [2, 0]


def test_who_dies_at_the_end_of_a_listing_comes_to_it_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    never_were = [site.claim(number) for number in (1, 2)]
    glacier = Glacier(site, *others(60))
    site.run(glacier)
    monkeypatch.setattr(site.table, "change", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        site.run(glacier, times=6)
    monkeypatch.undo()
    site.run(glacier)
    assert {site.get(claim).state for claim in never_were} == {State.WAITING}
    assert glacier.asked.count(0) == 1


def test_a_listing_for_claims_that_are_settled_by_now_ends_and_the_next_one_begins_anew(site: Site) -> None:
    gone = site.claim(1)
    glacier = Glacier(site, *others(60))
    site.run(glacier)
    settled = attempts.started(site.get(gone), 1, gone.tier, "told", site.now_ms)
    assert settled is not None
    site.table.save(site.get(gone), settled)
    late = site.claim(2)
    glacier.jobs.insert(0, job(late))
    site.run(glacier, times=6)
    assert site.get(late).state is State.IN_PROGRESS
    assert glacier.asked == [*range(0, 61, 2), 0]


def test_a_listing_is_not_carried_on_for_longer_than_half_a_day(site: Site) -> None:
    claim = site.claim(1)
    glacier = Glacier(site, job(claim), *others(60))
    glacier.jobs[0] = other(99)
    site.run(glacier)
    glacier.asked.clear()
    site.now_ms += (bounds.LISTING_CARRIED_ON_SECONDS + 1) * 1000
    site.run(glacier)
    assert glacier.asked[0] == 0


def test_a_throttle_does_not_make_it_begin_anew(site: Site) -> None:
    claim = site.claim(1)
    glacier = Glacier(site, *others(60), job(claim), page_seconds=1)

    def throttled(at: int) -> None:
        if len(glacier.asked) % 6 == 0:
            raise refused(Refusal.THROTTLED, "ThrottlingException")

    glacier.before_page = throttled
    site.run(glacier, times=10)
    assert site.get(claim).state is State.IN_PROGRESS


@pytest.mark.parametrize("error", [JobGone("marker"), refused(Refusal.PERMANENT, "InvalidParameterValueException")])
def test_where_its_place_is_gone_nothing_is_held_to_be_absent(site: Site, error: Exception) -> None:
    claim = site.claim(1)
    glacier = Glacier(site, *others(4), job(claim))

    def gone(at: int) -> None:
        if at == 2:
            raise error

    glacier.before_page = gone
    site.run(glacier)
    assert site.get(claim) == claim
    glacier.before_page = lambda at: None
    site.run(glacier)
    assert site.get(claim).state is State.IN_PROGRESS


def test_where_the_vault_is_gone_nothing_was_started(site: Site) -> None:
    claim = site.claim(1)
    glacier = Glacier(site)

    def gone(at: int) -> None:
        raise JobGone("photos")

    glacier.before_page = gone
    site.run(glacier)
    assert site.get(claim).lost == 1


def test_an_entry_that_cannot_be_read_keeps_its_own_claim_in_doubt_and_no_other(site: Site) -> None:
    odd, claim = site.claim(1), site.claim(2)
    glacier = Glacier(site, odd.tag, *others(60), job(claim))
    site.run(glacier, times=12)
    assert site.get(odd) == odd
    assert site.get(claim).state is State.IN_PROGRESS


def test_a_copy_of_the_tag_at_another_archive_settles_nothing(site: Site) -> None:
    claim = site.claim(1)
    site.run(Glacier(site, job(claim, ArchiveId="another")))
    assert site.get(claim).state is State.WAITING
    assert site.get(claim).jobs == {}


def test_an_adopted_job_that_is_too_slow_by_now_is_outrun_at_once(site: Site) -> None:
    claim = site.claim(1)
    hurried = joining.join(claim, archive_request("faster", tier="Standard"), NOW)
    assert isinstance(hurried, Retrieval)
    bulk = hurried.model_copy(update={"tier": Tier.BULK})
    site.table.save(claim, bulk)
    site.run(Glacier(site, job(claim, Tier="Bulk")))
    assert site.get(claim).state is State.WAITING
    assert site.resumed == [claim.retrieval_id]


# Jobs that are described


def test_a_job_without_an_answer_holds_up_no_other(site: Site) -> None:
    oldest, *rest = [site.running(number) for number in (4, 8, 12)]

    def describe(job_id: str) -> GlacierJob:
        if job_id == "job-4":
            raise refused(Refusal.UNKNOWN, "InternalServerError")
        return job(next(each for each in rest if job_id == f"job-{int(each.key, 16)}"), JobId=job_id, **ENDED)

    glacier = Glacier(site)
    glacier.describes = describe
    site.run(glacier)
    assert site.get(oldest) == oldest
    assert [site.get(each).state for each in rest] == [State.SUCCEEDED] * 2


def test_where_glacier_answers_nothing_it_is_not_asked_about_everything(site: Site) -> None:
    asked: list[str] = []

    def describe(job_id: str) -> GlacierJob:
        asked.append(job_id)
        raise refused(Refusal.UNKNOWN, "InternalServerError")

    for number in range(4, 80, 4):
        site.running(number)
    glacier = Glacier(site)
    glacier.describes = describe
    site.run(glacier)
    assert len(asked) == 4


def waits_for_a_unit(site: Site, number: int) -> Retrieval:
    """Someone wants a faster job than the one in progress, and top_up has no slot for it."""
    running = site.running(number)
    waits = joining.join(running, archive_request("r2", "Expedited"), NOW)
    assert isinstance(waits, Retrieval)
    assert site.table.save(running, waits) is None
    assert waits.due_in == EXPEDITED_BACKLOG
    return waits


def test_beside_a_long_wait_for_a_unit_the_older_job_is_looked_at_each_half_hour(site: Site) -> None:
    """Its output may be gone before that wait is over."""
    record, looks, over = waits_for_a_unit(site, 4), 0, False

    def describe(job_id: str) -> GlacierJob:
        nonlocal looks
        looks += 1
        return job(record, JobId=job_id, **(ENDED if over else {}))

    glacier = Glacier(site)
    glacier.describes = describe
    site.run(glacier, times=25)
    assert looks in (4, 5)
    assert site.get(record) == record
    over = True
    site.run(glacier, times=7)
    assert site.get(record).state is State.SUCCEEDED
    assert site.resumed == []


def test_what_glacier_will_never_answer_ends(site: Site) -> None:
    record = site.running(4)

    def describe(job_id: str) -> GlacierJob:
        raise refused(Refusal.PERMANENT, "NoLongerSupportedException")

    glacier = Glacier(site)
    glacier.describes = describe
    site.run(glacier)
    assert site.get(record).reason is not None, "told why it waits"
    site.now_ms += 3 * DAY_MS
    site.run(glacier)
    assert site.get(record).state is State.FAILED


def test_a_date_that_cannot_be_read_holds_no_output_back(site: Site) -> None:
    record = site.running(4)
    glacier = Glacier(site)
    glacier.describes = lambda job_id: job(record, JobId=job_id, **(ENDED | {"CompletionDate": "yesterday"}))
    site.run(glacier)
    assert site.get(record).state is State.SUCCEEDED


@pytest.mark.parametrize("status", ["Failed", "Succeeded"])
def test_the_job_of_an_earlier_retrieval_ends_no_later_one(site: Site, status: str) -> None:
    """While it is described its notification comes, and someone asks for the same inventory anew."""
    claim = joining.opened(key(1), 1, inventory_request("r1"), ACCOUNT, False, "c", NOW - DAY_MS)
    first = attempts.started(claim, 1, claim.tier, "job-1", NOW - DAY_MS)
    assert first is not None
    site.created(first)
    done = job(first, JobId="job-1", **(ENDED | {"StatusCode": status, "StatusMessage": "no"}))

    def describe(job_id: str) -> GlacierJob:
        site.ending.seen(site.get(first), first.tag, done)
        again = joining.opened(key(1), 2, inventory_request("r2"), ACCOUNT, False, "c2", site.now_ms)
        assert site.table.reopen(site.get(first), again)
        return done

    glacier = Glacier(site)
    glacier.describes = describe
    site.run(glacier)
    later = site.get(first)
    assert (later.generation, later.state, later.job_id) == (2, State.INITIATING, None)
