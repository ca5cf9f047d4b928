"""Glacier's edge: what is sent, how often, and what each answer is taken for. botocore itself sends and parses."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from tests.contract.wire import Wire, error, reply
from tests.unit.builders import ACCOUNT, ARCHIVE_ID, archive_request, claimed, inventory_request, opened, released
from tests.unit.test_refusals import MEANINGS
from thaw import bounds, description
from thaw.edge import glacier
from thaw.edge.glacier import JobGone, JobPage, JobReader, JobStarter, Refused, UnitSeller
from thaw.refusals import Refusal
from thaw.retrieval import Retrieval

TOPIC = "arn:aws:sns:us-east-1:123456789012:thaw"
STARTED = {"x-amz-job-id": "job-1", "Location": "/123456789012/vaults/photos/jobs/job-1"}
URL = "https://glacier.us-east-1.amazonaws.com"
BROKEN: list[Exception] = [
    ReadTimeoutError(endpoint_url=URL),
    ConnectTimeoutError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL),
    ConnectionClosedError(endpoint_url=URL),
]
SENT_ONCE = pytest.mark.parametrize("broken", BROKEN, ids=lambda each: type(each).__name__)
ERRORS = pytest.mark.parametrize(("code", "meaning"), MEANINGS.items())


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)


def starter(*replies: Any) -> tuple[JobStarter, Wire]:
    client = glacier.client(repeats=False)
    return JobStarter(client, TOPIC), Wire(list(replies)).behind(client)


def reader(*replies: Any) -> tuple[JobReader, Wire]:
    client = glacier.client(repeats=True)
    return JobReader(client), Wire(list(replies)).behind(client)


def seller(*replies: Any) -> tuple[UnitSeller, Wire]:
    wire = Wire(list(replies))
    repeating, once = glacier.client(repeats=True), glacier.client(repeats=False)
    wire.behind(repeating)
    wire.behind(once)
    return UnitSeller(repeating, once), wire


def test_a_call_ends_before_its_claim_does() -> None:
    config: Any = glacier.client(repeats=False).meta.config
    assert (config.connect_timeout, config.read_timeout) == (5, 20)
    assert config.connect_timeout + config.read_timeout == bounds.CALL_SECONDS < bounds.CLAIM_SECONDS


# InitiateJob


@pytest.mark.parametrize("tier", ["Standard", "Bulk", "Expedited"])
def test_an_archive_is_asked_for(tier: str) -> None:
    start, wire = starter(reply(status=202, headers=STARTED))
    record = opened(archive_request(tier=tier, jobParameters={"Description": "for the exhibition"}))
    record = claimed(released(record, 0), 0) if tier == "Expedited" else record
    assert start.initiate(record) == "job-1"
    assert wire.path() == "/-/vaults/photos/jobs"
    assert wire.body() == {
        "Type": "archive-retrieval",
        "ArchiveId": ARCHIVE_ID,
        "Tier": tier,
        "SNSTopic": TOPIC,
        "Description": f"{record.tag.describe(None)} for the exhibition",
    }
    assert description.Tag.read(wire.body()["Description"]) == record.tag


def test_a_range_is_asked_for() -> None:
    start, wire = starter(reply(status=202, headers=STARTED))
    start.initiate(opened(archive_request(jobParameters={"RetrievalByteRange": "0-1048575"})))
    assert wire.body()["RetrievalByteRange"] == "0-1048575"


def test_a_vault_of_another_account_is_asked_in_its_name() -> None:
    start, wire = starter(reply(status=202, headers=STARTED))
    start.initiate(opened(foreign=True))
    assert wire.path() == f"/{ACCOUNT}/vaults/photos/jobs"


def test_a_whole_inventory_is_asked_for() -> None:
    start, wire = starter(reply(status=202, headers=STARTED))
    record = opened(inventory_request())
    start.initiate(record)
    assert wire.body() == {
        "Type": "inventory-retrieval",
        "Format": "JSON",
        "SNSTopic": TOPIC,
        "Description": record.tag.describe(None),
    }


def test_a_part_of_an_inventory_is_asked_for() -> None:
    start, wire = starter(reply(status=202, headers=STARTED))
    part = {"StartDate": "2013-03-20T17:03:43Z", "Limit": "1000", "Marker": "here"}
    job = {"Format": "CSV", "InventoryRetrievalParameters": part}
    start.initiate(opened(inventory_request(tier="Bulk", jobParameters=job)))
    assert wire.body()["InventoryRetrievalParameters"] == part
    assert (wire.body()["Format"], wire.body()["Tier"]) == ("CSV", "Bulk")


def test_the_longest_description_is_one_that_glacier_takes() -> None:
    start, wire = starter(reply(status=202, headers=STARTED))
    start.initiate(opened(archive_request(jobParameters={"Description": "~" * description.USER_LIMIT_BYTES})))
    sent = wire.body()["Description"]
    assert len(sent) <= 1024
    assert re.fullmatch(r"[\x20-\x7e]*", sent)


@ERRORS
def test_an_error_at_the_start_is_taken_by_its_code_and_never_repeated(code: str, meaning: Refusal) -> None:
    for status in (400, 503):
        start, wire = starter(error(code, status))
        with pytest.raises(Refused) as refused:
            start.initiate(opened())
        assert refused.value.refusal is meaning
        assert (refused.value.reason.code, refused.value.reason.message) == (code, "told by Glacier")
        assert len(wire.sent) == 1


@SENT_ONCE
def test_without_an_answer_the_start_is_unknown_and_never_repeated(broken: Exception) -> None:
    start, wire = starter(broken)
    with pytest.raises(Refused) as refused:
        start.initiate(opened())
    assert refused.value.refusal is Refusal.UNKNOWN
    assert refused.value.reason.code == type(broken).__name__
    assert len(wire.sent) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_answer_of_something_in_between_is_unknown(status: int) -> None:
    start, wire = starter(reply("<html>Bad gateway</html>", status, {"Content-Type": "text/html"}))
    with pytest.raises(Refused) as refused:
        start.initiate(opened())
    assert refused.value.refusal is Refusal.UNKNOWN
    assert len(wire.sent) == 1


@pytest.mark.parametrize("told", [{"message": None}, {"message": 5}, {}])
@ERRORS
def test_a_code_counts_whatever_the_message(code: str, meaning: Refusal, told: dict[str, object]) -> None:
    start, _ = starter(reply({"code": code, **told}, 400))
    with pytest.raises(Refused) as refused:
        start.initiate(opened())
    assert (refused.value.refusal, refused.value.reason.code) == (meaning, code)


@pytest.mark.parametrize("body", ["", "null", "[]", {}, {"code": None, "message": None}, {"code": 5, "message": "x"}])
def test_an_error_without_a_code_is_unknown(body: object) -> None:
    for status in (400, 503):
        start, _ = starter(reply(body, status))
        with pytest.raises(Refused) as refused:
            start.initiate(opened())
        assert refused.value.refusal is Refusal.UNKNOWN


@pytest.mark.parametrize("headers", [{}, {"x-amz-job-id": ""}])
def test_a_start_whose_reply_names_no_job_is_unknown(headers: dict[str, str]) -> None:
    start, _ = starter(reply(status=202, headers=headers))
    _assert_unreadable(lambda: start.initiate(opened()))


def test_a_long_message_is_cut_for_the_record() -> None:
    start, _ = starter(error("InvalidParameterValueException", message="x" * 5000))
    with pytest.raises(Refused) as refused:
        start.initiate(opened())
    assert len(refused.value.reason.message) <= 500


# DescribeJob and ListJobs


def listed(job_id: str, record: Retrieval | None = None, **fields: Any) -> dict[str, Any]:
    told = record.tag.describe(None) if record else None
    plain = {"Action": "ArchiveRetrieval", "Completed": False, "StatusCode": "InProgress", "CompletionDate": None}
    return {"JobId": job_id, "JobDescription": told, **plain, **fields}


def test_a_job_is_described() -> None:
    record = opened()
    read, wire = reader(reply(listed("job-1", record, Completed=True, StatusCode="Succeeded", SNSTopic=None)))
    job = read.describe(record, "job-1")
    assert wire.path() == "/-/vaults/photos/jobs/job-1"
    assert (job.succeeded, job.tag, job.CompletionDate) == (True, record.tag, None)


def test_a_job_that_is_gone_is_told_apart_from_no_answer() -> None:
    read, _ = reader(error("ResourceNotFoundException", 404))
    with pytest.raises(JobGone):
        read.describe(opened(), "job-1")
    read, wire = reader(*[error("ServiceUnavailableException", 500)] * 3)
    with pytest.raises(Refused) as refused:
        read.describe(opened(), "job-1")
    assert refused.value.refusal is Refusal.UNKNOWN
    assert len(wire.sent) == 3


def test_reading_is_repeated_where_an_answer_was_missed() -> None:
    read, wire = reader(BROKEN[0], error("ThrottlingException"), reply(listed("job-1")))
    assert read.describe(opened(), "job-1").JobId == "job-1"
    assert len(wire.sent) == 3


def test_jobs_are_listed_page_by_page() -> None:
    first = {"JobList": [listed("job-1"), listed("job-2")], "Marker": "job-2"}
    read, wire = reader(reply(first), reply({"JobList": [listed("job-2"), listed("job-3")], "Marker": None}))
    found = [[job.JobId for job in page.jobs] for page in read.pages(opened())]
    assert found == [["job-1", "job-2"], ["job-2", "job-3"]]
    assert "completed" not in wire.query(0)
    assert wire.query(1)["marker"] == "job-2"


@pytest.mark.parametrize(("completed", "sent"), [(True, "true"), (False, "false")])
def test_jobs_are_listed_by_whether_they_are_completed(completed: bool, sent: str) -> None:
    read, wire = reader(reply({"JobList": [], "Marker": None}))
    assert list(read.pages(opened(foreign=True), completed=completed)) == [JobPage()]
    assert wire.query()["completed"] == sent
    assert wire.path() == f"/{ACCOUNT}/vaults/photos/jobs"


def test_a_page_is_only_asked_for_when_it_is_wanted() -> None:
    read, wire = reader(reply({"JobList": [listed("job-1")], "Marker": "job-1"}))
    assert next(read.pages(opened())).jobs
    assert len(wire.sent) == 1


def test_a_listing_that_breaks_off_is_not_taken_for_whole() -> None:
    broken = [error("ThrottlingException")] * 3
    read, _ = reader(reply({"JobList": [listed("job-1")], "Marker": "job-1"}), *broken)
    pages = read.pages(opened())
    assert next(pages)
    with pytest.raises(Refused) as refused:
        next(pages)
    assert refused.value.refusal is Refusal.THROTTLED


def test_an_entry_that_makes_no_sense_holds_up_no_other() -> None:
    tag = opened().tag
    odd = [listed("job-1") | {"StatusCode": None, "JobDescription": tag.describe("mine")}, {"JobDescription": "x"}, {}]
    read, _ = reader(reply({"JobList": [*odd, listed("job-2")], "Marker": None}))
    (page,) = read.pages(opened())
    assert [job.JobId for job in page.jobs] == ["job-2"]
    assert page.unreadable == [tag, None, None]


def test_a_vault_that_is_gone_is_told() -> None:
    read, _ = reader(error("ResourceNotFoundException", 404))
    with pytest.raises(JobGone):
        list(read.pages(opened()))


# Capacity

UNIT: dict[str, Any] = {
    "CapacityId": "HpASAuvfRFiVDbOjMfEIcr8K",
    "StartDate": "2020-02-18T19:59:24.912Z",
    "ExpirationDate": "2020-03-18T19:59:24.000Z",
}


def test_units_are_listed() -> None:
    sell, wire = seller(BROKEN[0], reply({"ProvisionedCapacityList": [UNIT]}))
    (found,) = sell.units()
    assert (found.capacity_id, found.expires_ms) == ("HpASAuvfRFiVDbOjMfEIcr8K", 1_584_561_564_000)
    assert wire.path() == "/-/provisioned-capacity"
    assert len(wire.sent) == 2


def test_no_units_are_listed() -> None:
    assert seller(reply({"ProvisionedCapacityList": []}))[0].units() == []


@pytest.mark.parametrize("body", ["", "null", "[]", "<html>", {}, {"ProvisionedCapacityList": None}])
def test_a_reply_without_a_list_is_none(body: object) -> None:
    """Taken for a list without units, it would have one bought."""
    sell, _ = seller(reply(body))
    _assert_unreadable(sell.units)


NOTHING: list[Any] = [None, "", 5, {}]
ODD = [*NOTHING, *(UNIT | {name: odd} for name in UNIT for odd in NOTHING)]
ODD += [UNIT | {name: "soon"} for name in ("StartDate", "ExpirationDate")]
ODD += [{name: UNIT[name] for name in UNIT if name != missing} for missing in UNIT]


@pytest.mark.parametrize("odd", ODD)
def test_a_list_with_a_unit_that_makes_no_sense_is_none(odd: object) -> None:
    sell, _ = seller(reply({"ProvisionedCapacityList": [UNIT, odd]}))
    _assert_unreadable(sell.units)


def _assert_unreadable(call: Callable[[], object]) -> None:
    with pytest.raises(Refused) as refused:
        call()
    assert (refused.value.refusal, refused.value.reason.code) == (Refusal.UNKNOWN, "ReplyUnreadable")


def test_without_a_listing_nothing_is_known() -> None:
    sell, _ = seller(error("AccessDeniedException", 403))
    with pytest.raises(Refused) as refused:
        sell.units()
    assert refused.value.refusal is Refusal.DENIED


def test_a_unit_is_bought() -> None:
    sell, wire = seller(reply(status=201, headers={"x-amz-capacity-id": "unit-1"}))
    assert sell.buy() == "unit-1"
    assert (wire.sent[0].method, wire.path()) == ("POST", "/-/provisioned-capacity")


@pytest.mark.parametrize("headers", [{}, {"x-amz-capacity-id": ""}])
def test_a_purchase_whose_reply_names_no_unit_is_unknown(headers: dict[str, str]) -> None:
    sell, _ = seller(reply(status=201, headers=headers))
    _assert_unreadable(sell.buy)


@ERRORS
def test_an_error_of_a_purchase_is_taken_by_its_code_and_never_repeated(code: str, meaning: Refusal) -> None:
    sell, wire = seller(error(code))
    with pytest.raises(Refused) as refused:
        sell.buy()
    assert refused.value.refusal is meaning
    assert len(wire.sent) == 1


@SENT_ONCE
def test_without_an_answer_a_purchase_is_unknown_and_never_repeated(broken: Exception) -> None:
    sell, wire = seller(broken)
    with pytest.raises(Refused) as refused:
        sell.buy()
    assert refused.value.refusal is Refusal.UNKNOWN
    assert len(wire.sent) == 1
