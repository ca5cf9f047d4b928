"""A notification ends the retrieval that its job was started for, be that long past; on a table."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.jobs_site import DAY_MS, ENDED, Site, job, key
from tests.unit.builders import ACCOUNT, NOW, archive_request, inventory_request
from thaw import attempts, joining
from thaw.edge.contention import Contention
from thaw.edge.items import to_wire
from thaw.edge.table import Table
from thaw.events import events
from thaw.request import RetrievalRequest
from thaw.retrieval import Retrieval
from thaw.states import State
from thaw.tiers import Tier

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FOLLOWED = inventory_request("r1", followPages=True)


@pytest.fixture
def site(table: Table) -> Site:
    return Site(table)


def notify(site: Site, record: Retrieval, **fields: Any) -> None:
    site.ending.notified(job(record, **(ENDED | fields)).model_dump_json(exclude_none=True))


def succeeded(site: Site, request: RetrievalRequest) -> Retrieval:
    """By job-1."""
    claim = joining.opened(key(1), 1, request, ACCOUNT, False, "c", NOW)
    running = attempts.started(claim, 1, claim.tier, "job-1", NOW)
    assert running is not None
    site.created(running)
    notify(site, running, JobId="job-1", InventoryRetrievalParameters={"Marker": None})
    ended = site.get(running)
    assert ended.state is State.SUCCEEDED
    return ended


def opened_anew(site: Site, old: Retrieval) -> Retrieval:
    new = joining.opened(key(1), 2, archive_request("r2"), ACCOUNT, False, "c2", NOW)
    assert site.table.reopen(old, new)
    return new


@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
def test_a_notification_that_comes_again_changes_no_past_record(site: Site, status: str) -> None:
    old = succeeded(site, archive_request("r1"))
    new = opened_anew(site, old)
    before = site.table.get_past(key(1), 1)
    notify(site, old, JobId="job-1", StatusCode=status)
    assert site.table.get_past(key(1), 1) == before
    assert site.get(new) == new


def test_a_job_whose_record_is_gone_changes_nothing(site: Site) -> None:
    other = joining.opened(key(1), 7, archive_request("r1"), ACCOUNT, False, "c", NOW)
    site.created(other)
    notify(site, other.model_copy(update={"generation": 6}), JobId="job-1")
    assert site.get(other) == other
    assert site.table.get_past(key(1), 6) is None
    notify(site, other.model_copy(update={"id": f"retrieval/{key(2)}"}), JobId="job-1")
    assert site.table.get(key(2)) is None


def test_a_further_job_of_an_inventory_that_ended_is_noted_from_an_older_message_too(site: Site) -> None:
    """Which does not say whether the inventory goes on."""
    ended = succeeded(site, FOLLOWED)
    notify(site, ended, JobId="job-9", JobDescription=ended.tag_of(0).describe(None))
    assert list(site.get(ended).duplicates) == ["job-9"]
    opened_anew(site, site.get(ended))
    notify(site, ended, JobId="job-8", JobDescription=ended.tag_of(0).describe(None))
    past = site.table.get_past(key(1), 1)
    assert past is not None
    assert set(past.duplicates) == {"job-8", "job-9"}


def test_a_job_of_a_cancelled_retrieval_is_noted(site: Site) -> None:
    claim = joining.opened(key(1), 1, archive_request("r1"), ACCOUNT, False, "c", NOW)
    waits = attempts.absent(claim, 1, NOW)
    assert waits is not None
    cancelled = joining.cancel(waits, "r1", NOW)
    assert cancelled is not None
    site.created(cancelled)
    notify(site, claim, JobId="job-1")
    now = site.get(cancelled)
    assert (now.state, list(now.duplicates)) == (State.CANCELLED, ["job-1"])


@pytest.mark.parametrize("request_", [FOLLOWED, archive_request("r1")], ids=["inventory", "archive"])
@pytest.mark.parametrize("archive_id", ["another", ""])
def test_a_message_with_our_tag_about_another_archive_changes_nothing(
    site: Site, request_: RetrievalRequest, archive_id: str
) -> None:
    claim = joining.opened(key(1), 1, request_, ACCOUNT, False, "c", NOW)
    running = attempts.started(claim, 1, claim.tier, "job-1", NOW)
    assert running is not None
    site.created(running)
    notify(site, running, JobId="job-1", ArchiveId=archive_id)
    assert site.get(running) == running


@pytest.mark.parametrize("said", [{"JobId": "job-1"}, None, 5])
def test_an_envelope_without_a_text_is_no_notification(site: Site, said: object) -> None:
    with pytest.raises(ValueError, match="JobId"):
        site.ending.notified(json.dumps({"Type": "Notification", "Message": said}))


@pytest.mark.parametrize("job_id", ["", ".", ".."])
def test_what_can_be_no_job_id_is_no_notification(site: Site, job_id: str) -> None:
    claim = joining.opened(key(1), 1, archive_request("r1"), ACCOUNT, False, "c", NOW)
    site.created(claim)
    said = {"JobId": job_id, "StatusCode": "Succeeded", "Completed": True, "JobDescription": claim.tag.describe(None)}
    with pytest.raises(ValueError, match="JobId"):
        site.ending.notified(json.dumps(said))
    assert site.get(claim) == claim


def test_what_a_message_says_in_place_of_a_job_id_is_not_logged(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    claim = joining.opened(key(1), 1, archive_request("r1"), ACCOUNT, False, "c", NOW)
    site.created(claim)
    notify(site, claim, JobId="the key is hunter2")
    assert site.get(claim).state is State.SUCCEEDED
    assert "hunter2" not in capsys.readouterr().out


def test_a_date_at_the_end_of_all_dates_holds_no_event_back(site: Site) -> None:
    claim = joining.opened(key(1), 1, archive_request("r1"), ACCOUNT, False, "c", NOW)
    site.created(claim)
    notify(site, claim, JobId="job-1", CompletionDate="9999-12-31T23:59:59.999Z")
    (told,) = events(claim, site.get(claim))
    assert told.detail["outputAvailableUntil"] == "2026-01-02T00:00:00.000Z"


def test_a_further_job_of_an_earlier_retrieval_is_noted_there_though_it_was_opened_anew_meanwhile(site: Site) -> None:
    claim = joining.opened(key(1), 1, inventory_request("r1"), ACCOUNT, False, "c", NOW - DAY_MS)
    first = attempts.started(claim, 1, claim.tier, "job-1", NOW - DAY_MS)
    assert first is not None
    site.created(first)
    read_before = site.ending.seen(site.get(first), first.tag, job(first, JobId="job-1", **ENDED))
    again = joining.opened(key(1), 2, inventory_request("r2"), ACCOUNT, False, "c2", site.now_ms)
    assert site.table.reopen(read_before, again)
    site.ending.seen(read_before, first.tag, job(first, JobId="job-9", **ENDED))
    past = site.table.get_past(key(1), 1)
    assert past is not None
    assert (past.job_id, list(past.duplicates)) == ("job-1", ["job-9"])
    assert site.get(first) == again


def test_a_page_that_an_expired_listing_left_behind_stands_in_no_later_ones_way(
    site: Site, dynamodb: "DynamoDBClient"
) -> None:
    """Time to live takes each record by itself: a following page was retrieved later, and stays longer."""
    first = running_page(site, "r1", "job-1")
    notify(site, first, JobId="job-1", InventoryRetrievalParameters={"Marker": "here"})
    left_behind = following(site, first)
    dynamodb.delete_item(TableName=site.table.name, Key=to_wire({"id": first.id}))
    again = running_page(site, "r2", "job-9")
    assert again.retrieval_id == first.retrieval_id
    notify(site, again, JobId="job-9", InventoryRetrievalParameters={"Marker": "here"})
    assert site.get(again).state is State.SUCCEEDED
    assert [set(each.requests) for each in (following(site, again), left_behind)] == [{"r2"}, {"r1"}]


def running_page(site: Site, request_id: str, job_id: str, tier: str = "Standard", **asked: Any) -> Retrieval:
    request = inventory_request(request_id, tier, **({"followPages": True} | asked))
    claim = joining.opened(key(1), 1, request, ACCOUNT, False, "c", NOW)
    running = attempts.started(claim, 1, claim.tier, job_id, NOW)
    assert running is not None
    return site.created(running)


def following(site: Site, page: Retrieval) -> Retrieval:
    opened = joining.next_page(site.table.name, site.get(page), NOW)
    assert opened is not None
    return site.get(opened)


def test_who_wants_the_next_page_and_joins_just_before_the_end_has_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end was decided on a record that had nobody who wants it."""
    page = running_page(site, "r1", "job-1", followPages=False)
    read = site.table.get

    def joined_meanwhile(read_key: str) -> Retrieval | None:
        monkeypatch.undo()
        before = read(read_key)
        assert before is not None
        joined = joining.join(before, inventory_request("r2", followPages=True), NOW)
        assert isinstance(joined, Retrieval)
        assert site.table.save(before, joined) is None
        return before

    monkeypatch.setattr(Table, "get", lambda table, read_key: joined_meanwhile(read_key))
    notify(site, page, JobId="job-1", InventoryRetrievalParameters={"Marker": "here"})
    assert set(following(site, page).requests) == {"r2"}


def test_a_message_that_says_too_little_comes_again_once_an_attempt_is_made(site: Site) -> None:
    bulk = running_page(site, "r1", "job-1", "Bulk")
    hurried = joining.join(bulk, inventory_request("r2", "Standard", followPages=True), NOW)
    assert isinstance(hurried, Retrieval)
    assert site.table.save(bulk, hurried) is None
    assert hurried.due_at is not None
    assert site.table.claim(hurried.key, 1, hurried.due_at, "c2", NOW) is not None
    with pytest.raises(Contention):
        notify(site, bulk, JobId="job-1")
    claim = site.get(bulk)
    assert (claim.state, claim.claimed_at) == (State.INITIATING, claim.revision)


@pytest.mark.parametrize("said", [{"Tier": None}, {}])
def test_a_message_that_does_not_say_where_a_part_of_an_inventory_ends_has_its_job_looked_at(
    site: Site, said: dict[str, Any]
) -> None:
    """Whoever asked for it by pages of their own would take it for the whole."""
    part = {"InventoryRetrievalParameters": {"Limit": "1000"}}
    claim = joining.opened(key(3), 1, inventory_request("r1", jobParameters=part), ACCOUNT, False, "c", NOW)
    running = attempts.started(claim, 1, claim.tier, "job-1", NOW)
    assert running is not None
    notify(site, site.created(running), JobId="job-1", **said)
    due = site.get(running)
    assert (due.state, due.due_at) == (State.IN_PROGRESS, NOW)
    site.ending.seen(
        due, due.tag, job(due, JobId="job-1", **ENDED, InventoryRetrievalParameters={"Marker": "here", "Limit": "1000"})
    )
    (told,) = events(due, site.get(running))
    assert told.detail["inventory"]["nextMarker"] == "here"


def late(site: Site, record: Retrieval, job_id: str = "job-1") -> None:
    """Its notification comes when its output need not be there any more."""
    site.now_ms = NOW + 2 * DAY_MS
    notify(site, record, JobId=job_id)


def test_a_success_told_too_late_has_its_job_looked_at(site: Site) -> None:
    claim = joining.opened(key(4), 1, archive_request("r1"), ACCOUNT, False, "c", NOW)
    running = attempts.started(claim, 1, claim.tier, "job-1", NOW)
    assert running is not None
    late(site, site.created(running))
    due = site.get(running)
    assert due.state is State.IN_PROGRESS
    assert (due.due_at or 0) <= site.now_ms


def test_a_success_told_too_late_does_not_end_what_another_job_was_begun_for(site: Site) -> None:
    """It was taken for vanished. Its output is gone, and the other's is to come."""
    claim = joining.opened(key(5), 1, archive_request("r1"), ACCOUNT, False, "c", NOW)
    first = attempts.started(claim, 1, claim.tier, "job-1", NOW)
    assert first is not None
    waits = attempts.vanished(first, 1, NOW + DAY_MS)
    assert waits is not None
    assert waits.due_at is not None
    site.created(waits)
    again = site.table.claim(waits.key, 1, waits.due_at, "c2", NOW + DAY_MS)
    assert again is not None
    running = site.table.change(again, lambda now: attempts.started(now, 2, now.tier, "job-2", NOW + DAY_MS))
    late(site, first)
    after = site.get(running)
    assert (after.state, list(after.jobs), list(after.duplicates)) == (State.IN_PROGRESS, ["2"], ["job-1"])


def test_a_job_ends_at_its_own_tier_though_the_message_does_not_name_it(site: Site) -> None:
    """A faster one runs beside it."""
    bulk = joining.opened(key(2), 1, archive_request(tier="Bulk"), ACCOUNT, False, "c", NOW)
    first = attempts.started(bulk, 1, Tier.BULK, "job-1", NOW)
    assert first is not None
    both = site.created(first.model_copy(update={"jobs": first.jobs | {"2": first.jobs["1"]}, "tier": Tier.STANDARD}))
    message = job(both, JobId="job-1", **ENDED).model_copy(update={"Tier": None})
    site.ending.notified(message.model_dump_json(exclude_none=True))
    ended = site.get(both)
    assert (ended.state, ended.tier) == (State.SUCCEEDED, Tier.BULK)
