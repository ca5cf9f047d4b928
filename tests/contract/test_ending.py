"""A notification ends the retrieval that its job was started for, be that long past; on a table."""

from typing import Any

import pytest

from tests.contract.test_reconciling import ENDED, Site, job, key
from tests.unit.builders import ACCOUNT, NOW, archive_request, inventory_request
from thaw import attempts, joining
from thaw.edge.table import Table
from thaw.request import RetrievalRequest
from thaw.retrieval import Retrieval
from thaw.states import State

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
    assert list(past.duplicates) == ["job-8", "job-9"]


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
