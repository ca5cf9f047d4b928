"""Requests for the same bytes share a job, a faster tier is a further attempt, what has not started is taken back."""

import pytest
from botocore.awsrequest import AWSResponse

from cli.reading import Reader
from local.calls import Call, Perform
from local.processes import current
from tests.end_to_end.user import MIB, User
from thaw import bounds

SETTINGS = {"maxUnits": 0}


def test_requests_for_the_same_bytes_share_one_job(user: User) -> None:
    archive = user.archive()
    user.ask("r1", archive, context={"n": 1})
    user.wait(hours=1)
    user.ask("r2", archive, context={"n": 2})
    user.wait_for_the_end("r1", "r2")
    first, second = (user.only(name, "Retrieval Succeeded") for name in ("r1", "r2"))
    assert len(user.jobs) == 1
    assert first["jobId"] == second["jobId"]
    assert (first["context"], second["context"]) == ({"n": 1}, {"n": 2})
    assert user.story("r1") == user.story("r2") == ["Initiated", "Succeeded"]
    user.assert_settled()


def test_other_bytes_of_the_same_archive_are_another_retrieval(user: User) -> None:
    archive = user.archive(4 * MIB)
    user.ask("whole", archive)
    user.ask("half", archive, range=f"0-{2 * MIB - 1}")
    user.wait_for_the_end("whole", "half")
    assert len(user.jobs) == 2


def test_all_bytes_of_an_archive_are_the_archive(user: User) -> None:
    archive = user.archive(4 * MIB)
    user.ask("range", archive, range=f"0-{4 * MIB - 1}", archiveSizeInBytes=4 * MIB)
    user.wait(minutes=1)
    user.ask("archive", archive)
    user.wait_for_the_end("range", "archive")
    (job,) = user.jobs
    assert len(user.output(job.job_id)) == 4 * MIB
    told = [user.only(name, "Retrieval Succeeded") for name in ("range", "archive")]
    assert [(each["jobId"], each["byteRange"]) for each in told] == [(job.job_id, None)] * 2


def test_an_inventory_is_shared_by_who_wants_one_page_and_who_wants_all(user: User) -> None:
    """Whoever comes first; and however they spell the dates."""
    user.archives(3)
    part = {"Limit": "2", "StartDate": "2020-01-01T00:00:00Z"}
    user.ask_inventory("one", part)
    user.wait(minutes=1)
    user.ask_inventory("all", {**part, "StartDate": "2020-01-01T01:00:00.000+01:00"}, followPages=True)
    user.wait(minutes=1)
    user.ask_inventory("one-too", part)
    user.wait_for("Inventory Listed", "all")
    assert len(user.jobs) == 2
    assert user.story("all") == [*["Initiated", "Succeeded"] * 2, "Inventory Listed"]
    for name in ("one", "one-too"):
        assert user.story(name) == ["Initiated", "Succeeded"]
        assert user.only(name, "Retrieval Succeeded")["jobId"] == user.only("all", "Inventory Listed")["jobIds"][0]
    user.assert_settled()


def test_a_faster_tier_gets_a_further_attempt_and_the_first_output_serves_everyone(user: User) -> None:
    archive = user.archive()
    user.ask("slow", archive, "Bulk")
    user.wait(minutes=30)
    user.ask("fast", archive, "Expedited")
    user.wait_for_the_end("slow", "fast", hours=1)
    assert [job.tier for job in user.jobs] == ["Bulk", "Expedited"]
    assert user.only("slow", "Retrieval Succeeded")["jobId"] == user.jobs[1].job_id
    assert user.only("fast", "Retrieval Succeeded")["tier"] == "Expedited"
    user.wait(hours=14)
    assert user.story("slow")[-1] == "Succeeded"
    assert user.cloud.events_of("Duplicate Job") == []
    user.assert_settled()


def test_a_slower_tier_is_served_by_the_faster_job(user: User) -> None:
    archive = user.archive()
    user.ask("fast", archive, "Standard")
    user.wait(minutes=1)
    user.ask("slow", archive, "Bulk")
    user.wait_for_the_end("fast", "slow")
    assert [job.tier for job in user.jobs] == ["Standard"]


def test_a_retrieval_that_waits_takes_the_faster_tier(user: User) -> None:
    archive = user.archive()
    user.faults.fail("InitiateJob", "ThrottlingException")
    user.ask("slow", archive, "Bulk")
    user.wait(seconds=5)
    user.ask("fast", archive, "Standard")
    user.wait_for_the_end("slow", "fast")
    assert [job.tier for job in user.jobs] == ["Standard"]


def test_a_finished_retrieval_serves_again_while_its_output_stays_long_enough(user: User) -> None:
    archive = user.archive()
    user.ask("r1", archive)
    user.wait_for_the_end("r1")
    user.wait(hours=17)
    user.ask("again", archive, context={"late": True})
    user.wait(minutes=1)
    assert user.story("again") == ["Succeeded"]
    assert user.only("again", "Retrieval Succeeded")["jobId"] == user.jobs[0].job_id
    user.wait(hours=2)
    user.ask("too-late", archive)
    user.wait_for_the_end("too-late")
    assert len(user.jobs) == 2
    assert user.only("too-late", "Retrieval Succeeded")["jobId"] == user.jobs[1].job_id
    user.assert_settled()


def test_a_past_record_is_kept_beside_the_one_that_succeeds_it(user: User) -> None:
    archive = user.archive()
    user.ask("r1", archive)
    user.wait_for_the_end("r1")
    user.wait(days=2)
    user.ask("r2", archive)
    user.wait_for_the_end("r2")
    kinds = sorted(item["kind"]["S"] for item in user.cloud.items())
    assert kinds == ["past", "request", "request", "retrieval"]
    ids = {user.only(name, "Retrieval Succeeded")["retrievalId"] for name in ("r1", "r2")}
    assert {name[-2:] for name in ids} == {"-1", "-2"}


def test_a_finished_inventory_is_never_shared_but_an_open_one_is(user: User) -> None:
    user.archive()
    user.ask_inventory("r1")
    user.wait(minutes=5)
    user.ask_inventory("r2")
    user.wait_for_the_end("r1", "r2")
    assert len(user.jobs) == 1
    user.ask_inventory("r3")
    user.wait_for_the_end("r3")
    assert len(user.jobs) == 2


@pytest.mark.parametrize("follows", [False, True])
def test_a_page_that_is_followed_is_shared_with_who_asks_for_it_by_its_marker(user: User, *, follows: bool) -> None:
    user.archives(5)
    user.ask_inventory("all", {"Limit": "2"}, followPages=True)
    user.wait_for("Retrieval Succeeded", "all")
    marker = user.told("all", "Retrieval Succeeded")[0]["inventory"]["nextMarker"]
    user.ask_inventory("rest", {"Limit": "2", "Marker": marker}, followPages=follows)
    user.wait_for("Inventory Listed", "all")
    user.wait(minutes=5)
    assert len(user.jobs) == 3
    pages = user.only("all", "Inventory Listed")["jobIds"]
    told = user.told("rest", "Retrieval Succeeded")
    assert [each["jobId"] for each in told] == (pages[1:] if follows else pages[1:2])
    assert [each["inventory"]["page"] for each in told] == list(range(1, len(told) + 1))
    if follows:
        assert user.only("rest", "Inventory Listed")["jobIds"] == pages[1:]
        reader = Reader(user.cloud.client("dynamodb"), user.cloud.outputs["RetrievalTableName"])
        assert [page.page_of("rest") for page in reader.pages("rest")] == [1, 2]
        assert next(reader.standings(["rest"])).told(0)["page"] == 2, "as the events say"
    user.assert_settled()


def test_a_page_that_has_ended_is_asked_for_anew_by_its_marker(user: User) -> None:
    user.archives(3)
    user.ask_inventory("all", {"Limit": "2"}, followPages=True)
    user.wait_for("Inventory Listed", "all")
    marker = user.told("all", "Retrieval Succeeded")[0]["inventory"]["nextMarker"]
    for name in ("again", "and-again"):
        user.ask_inventory(name, {"Limit": "2", "Marker": marker})
    user.wait_for_the_end("again", "and-again")
    assert len(user.jobs) == 3
    user.assert_settled()


def test_at_most_a_hundred_requests_share_a_record(user: User) -> None:
    archive = user.archive()
    names = [f"r{number}" for number in range(bounds.REQUESTS_AT_MOST + 5)]
    for name in names:
        user.ask(name, archive)
    user.wait_for_the_end(*names)
    assert len(user.jobs) == 2
    user.ask(names[-1], archive)
    user.wait(minutes=1)
    assert len(user.jobs) == 2
    assert user.story(names[-1]) == ["Initiated", "Succeeded"]
    user.assert_settled()


# Cancel


def test_cancel_takes_back_what_has_not_started(user: User) -> None:
    user.faults.fail("InitiateJob", "ThrottlingException")
    user.ask("r1", user.archive())
    user.wait(seconds=5)
    user.cancel("r1")
    user.wait(hours=6)
    assert user.story("r1") == ["Delayed", "Cancelled"]
    assert user.jobs == []
    user.assert_settled()


def test_cancel_is_refused_once_the_job_is_started_and_the_request_goes_on(user: User) -> None:
    user.ask("r1", user.archive())
    user.wait(minutes=1)
    message_id = user.cancel("r1")
    user.wait(minutes=1)
    assert user.rejections()[message_id]["reason"]["code"] == "AlreadyStarted"
    user.wait_for("Retrieval Succeeded", "r1")
    message_id = user.cancel("r1")
    user.wait(minutes=1)
    assert user.rejections()[message_id]["reason"]["code"] == "AlreadyEnded"
    user.assert_settled()


def test_cancel_of_one_leaves_the_others_of_the_same_bytes(user: User) -> None:
    archive = user.archive()
    user.faults.fail("InitiateJob", "ThrottlingException")
    user.ask("r1", archive)
    user.ask("r2", archive)
    user.wait(seconds=5)
    user.cancel("r1")
    user.wait_for_the_end("r2")
    assert user.story("r1") == ["Delayed", "Cancelled"]
    assert user.story("r2")[-1] == "Succeeded"
    assert len(user.jobs) == 1
    user.assert_settled()


def test_cancel_of_the_faster_request_leaves_the_slower_job_alone(user: User) -> None:
    archive = user.archive()
    user.ask("slow", archive, "Bulk")
    user.wait(minutes=1)
    user.faults.fail("InitiateJob", "ThrottlingException")
    user.ask("fast", archive, "Standard")
    user.wait(seconds=10)
    user.cancel("fast")
    user.wait_for_the_end("slow", "fast")
    assert [job.tier for job in user.jobs] == ["Bulk"]
    assert user.story("fast")[-1] == "Cancelled"
    assert user.story("slow")[-1] == "Succeeded"
    user.assert_settled()


def test_a_cancellation_that_overtakes_its_request_prevents_it(user: User) -> None:
    user.cancel("r1")
    user.wait(seconds=10)
    archive = user.archive()
    for _ in range(2):
        user.ask("r1", archive, context={"for": "audit"})
    user.cancel("r1")
    user.wait(hours=6)
    before, on_arrival = user.told("r1", "Retrieval Cancelled")
    assert user.story("r1") == ["Cancelled", "Cancelled"]
    assert before["reason"]["code"] == "NotKnown"
    assert on_arrival["reason"]["code"] == "CancelledBefore"
    assert on_arrival["context"] == {"for": "audit"}
    assert user.jobs == []
    user.assert_settled()


def test_of_two_with_one_id_that_come_at_once_after_its_cancellation_the_second_is_rejected(user: User) -> None:
    """Each finds the request taken back and nothing known of its contents; then one is held up."""
    archive = user.archive()

    def hold_up_the_first(call: Call, perform: Perform) -> AWSResponse:
        process = current()
        if call.params.get("ConditionExpression") == "attribute_not_exists(contents)" and process is not None:
            user.cloud.calls.strike = None
            process.pause(5)
        return perform()

    user.cancel("r1")
    user.wait(seconds=5)
    user.cloud.calls.strike = hold_up_the_first
    first = user.ask("r1", archive)
    user.wait(seconds=2)
    second = user.ask("r1", archive, context={"other": "contents"})
    user.wait(seconds=20)
    (rejected,) = user.rejections().items()
    assert rejected[0] == first, "the second was there before it"
    assert rejected[1]["reason"]["code"] == "RequestIdReused"
    assert second not in user.rejections()
    assert [told["reason"]["code"] for told in user.told("r1", "Retrieval Cancelled")] == [
        "NotKnown",
        "CancelledBefore",
    ]
    assert user.jobs == []
