"""What nobody heard of: missed notifications, outcomes in doubt, jobs that vanished."""

from datetime import timedelta

import pytest
from botocore.awsrequest import AWSResponse

from local.calls import Call, Perform, changed_reply
from local.processes import Died, current
from tests.end_to_end.ticks import sleep_for
from tests.end_to_end.user import User

SETTINGS = {"maxUnits": 0}


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.usefixtures("every_tick")
def test_a_missed_notification_is_made_up_for(user: User, fails: bool) -> None:
    user.faults.drop_notification()
    if fails:
        user.faults.job_fails()
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Initiated", "Failed" if fails else "Succeeded"]
    assert user.calls("reconcile", "DescribeJob") == 1
    assert user.calls("reconcile", "ListJobs") == 0
    user.assert_settled()


@pytest.mark.usefixtures("every_tick")
def test_many_missed_notifications_of_one_vault_take_few_calls(user: User) -> None:
    names = [f"r{number}" for number in range(60)]
    user.faults.drop_notification(times=60)
    for name, archive in zip(names, user.archives(60), strict=True):
        user.ask(name, archive)
    user.wait_for_the_end(*names)
    assert user.calls("reconcile", "DescribeJob", "ListJobs") <= 8
    assert len(user.jobs) == 60
    user.assert_settled()


@pytest.mark.usefixtures("every_tick")
def test_few_missed_notifications_among_many_jobs_are_described(user: User) -> None:
    names = [f"r{number}" for number in range(60)]
    archives = user.archives(60)
    missed = set(archives[::30])
    user.faults.drop_notification(times=2, when=lambda job: job["ArchiveId"] in missed)
    for name, archive in zip(names, archives, strict=True):
        user.ask(name, archive)
    user.wait_for_the_end(*names)
    assert user.calls("reconcile", "DescribeJob", "ListJobs") <= 4
    user.assert_settled()


@pytest.mark.usefixtures("every_tick")
def test_no_job_is_looked_at_whose_notification_arrives(user: User) -> None:
    for number, archive in enumerate(user.archives(5)):
        user.ask(f"r{number}", archive, "Bulk")
    user.wait(hours=20)
    assert user.calls("reconcile", "DescribeJob", "ListJobs") == 0
    user.assert_settled()


@pytest.mark.parametrize("lag_seconds", [0, 280])
@pytest.mark.parametrize("code", [None, "ServiceUnavailableException", "RequestTimeoutException", "NeverHeardOf"])
def test_a_job_whose_reply_was_lost_is_adopted(user: User, code: str | None, lag_seconds: int) -> None:
    user.cloud.glacier.settings.listing_lag_seconds = lag_seconds
    try:
        user.faults.lose_reply("InitiateJob", code=code)
        user.ask("r1", user.archive())
        user.wait_for_the_end("r1")
    finally:
        user.cloud.glacier.settings.listing_lag_seconds = 0
    assert user.story("r1") == ["Delayed", "Initiated", "Succeeded"]
    assert len(user.jobs) == 1
    user.assert_settled()


def test_a_job_that_was_never_started_is_started_again(user: User) -> None:
    user.faults.lose_request("InitiateJob")
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Delayed", "Initiated", "Succeeded"]
    assert user.only("r1", "Retrieval Succeeded")["attempt"] == 2
    assert len(user.jobs) == 1
    user.assert_settled()


@pytest.mark.parametrize("before", [True, False])
def test_a_process_that_dies_at_the_call_is_made_up_for(user: User, before: bool) -> None:
    died = 0

    def die(call: Call, perform: Perform) -> AWSResponse:
        nonlocal died
        if call.operation == "InitiateJob" and not died:
            died += 1
            if not before:
                perform()
            raise Died
        return perform()

    user.cloud.calls.strike = die
    try:
        user.ask("r1", user.archive())
        user.wait_for_the_end("r1")
    finally:
        user.cloud.calls.strike = None
    assert died == 1
    assert len(user.jobs) == 1
    assert user.story("r1") == ["Initiated", "Succeeded"]


def test_a_notification_adopts_a_job_before_reconcile_does(user: User) -> None:
    user.faults.lose_reply("InitiateJob")
    user.faults.job_takes(60)
    user.ask("r1", user.archive())
    user.wait(minutes=3)
    assert user.story("r1") == ["Delayed", "Succeeded"]
    user.assert_settled()


def test_outcomes_in_doubt_end_after_the_attempts_allowed(user: User) -> None:
    user.faults.lose_request("InitiateJob", times=4)
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    assert user.story("r1")[-1] == "Failed"
    assert user.calls("initiate", "InitiateJob") == 4
    user.assert_settled()


def test_a_job_that_vanished_is_done_again(user: User) -> None:
    user.faults.drop_notification()
    user.faults.fail("DescribeJob", "ServiceUnavailableException", times=3 * 12 * 26)
    user.ask("r1", user.archive())
    user.wait(hours=6)
    sleep_for(user.cloud, timedelta(hours=24))  # a further day of looks that fail would tell no more
    user.wait(hours=1)
    assert user.story("r1") == ["Initiated"]
    assert user.calls("reconcile", "DescribeJob") > 3 * 12, "it was looked for before it was gone, and after"
    user.faults.clear()
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Initiated", "Initiated", "Succeeded"]
    assert user.only("r1", "Retrieval Succeeded")["attempt"] == 2
    assert len(user.jobs) == 2
    assert user.cloud.events_of("Duplicate Job") == []
    user.assert_settled()


def test_a_second_job_beyond_the_bounds_is_noticed_and_told(user: User) -> None:
    user.cloud.glacier.settings.listing_lag_seconds = 3600
    try:
        user.faults.lose_reply("InitiateJob")
        user.ask("r1", user.archive())
        user.wait(minutes=30)
    finally:
        user.cloud.glacier.settings.listing_lag_seconds = 0
    user.wait(hours=8)
    assert len(user.jobs) == 2
    (duplicate,) = user.cloud.events_of("Duplicate Job")
    assert duplicate.detail["jobId"] == user.jobs[0].job_id
    assert user.story("r1")[-1] == "Succeeded"
    user.assert_settled()


def test_jobs_that_turn_up_after_their_bytes_were_asked_for_anew_are_told(user: User) -> None:
    """Four replies were lost, and Glacier listed nothing for longer than the bounds."""
    user.cloud.glacier.settings.listing_lag_seconds = 20 * 3600
    archive = user.archive()
    try:
        user.faults.lose_reply("InitiateJob", times=4)
        user.faults.job_takes(12 * 3600, times=4)
        user.ask("r1", archive)
        user.wait_for_the_end("r1")
    finally:
        user.cloud.glacier.settings.listing_lag_seconds = 0
    user.ask("r2", archive)
    user.wait_for_the_end("r1", "r2")
    user.wait(hours=15)
    assert (user.story("r1")[-1], user.story("r2")[-1]) == ("Failed", "Succeeded")
    first, second = user.only("r1", "Retrieval Failed"), user.only("r2", "Retrieval Succeeded")
    assert second["jobId"] == user.jobs[4].job_id
    told = [event.detail for event in user.cloud.events_of("Duplicate Job")]
    assert sorted(each["jobId"] for each in told) == sorted(job.job_id for job in user.jobs[:4])
    assert {each["retrievalId"] for each in told} == {first["retrievalId"]} != {second["retrievalId"]}
    user.assert_settled()


def test_an_outage_of_hours_is_outlasted(user: User) -> None:
    """Glacier answers no start, with errors that leave open whether there was one."""
    user.faults.fail("InitiateJob", "ServiceUnavailableException", times=3)
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    assert user.story("r1") == [*["Delayed"] * 5, "Initiated", "Succeeded"]
    tried = [call.at_ms for call in user.cloud.calls.log if call.operation == "InitiateJob"]
    assert (len(tried), len(user.jobs)) == (4, 1)
    assert 7 < (tried[-1] - tried[0]) / 3_600_000 < 8
    user.assert_settled()


@pytest.mark.usefixtures("every_tick")
def test_a_job_that_takes_long_is_waited_for(user: User) -> None:
    user.faults.job_takes(9 * 3600)
    user.faults.drop_notification()
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Initiated", "Succeeded"]
    assert len(user.jobs) == 1
    assert 2 <= user.calls("reconcile", "DescribeJob") <= 10
    user.assert_settled()


def test_a_resume_message_that_is_lost_is_sent_again(user: User) -> None:
    user.faults.fail("InitiateJob", "ThrottlingException")
    user.ask("r1", user.archive())
    user.wait(seconds=5)
    name = user.cloud.outputs["ResumeDeadLetterQueueUrl"].rsplit("/", 1)[-1].removesuffix("-dead-letters")
    user.cloud.client("sqs").purge_queue(QueueUrl=user.cloud.queue(name).physical_resource_id)
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Delayed", "Initiated", "Succeeded"]
    user.assert_settled()


@pytest.mark.usefixtures("every_tick")
def test_a_quiet_table_costs_one_query_a_shard_and_no_call_to_glacier(user: User) -> None:
    """And each half hour one for older jobs of what waits for a unit."""
    user.cloud.calls.clear()
    user.wait(hours=1)
    counts = user.cloud.calls.counts
    assert {call for call in counts if call[0] == "reconcile"} == {("reconcile", "dynamodb", "Query")}
    assert counts["reconcile", "dynamodb", "Query"] == 12 * 4 + 2


def test_an_item_that_makes_no_sense_holds_up_no_other(user: User) -> None:
    cloud = user.cloud
    for shard in range(4):
        odd = {"id": f"retrieval/{shard}", "kind": "retrieval", "dueIn": str(shard)}
        item = {**{name: {"S": value} for name, value in odd.items()}, "dueAt": {"N": "1"}}
        cloud.client("dynamodb").put_item(TableName=cloud.outputs["RetrievalTableName"], Item=item)
    user.faults.drop_notification()
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Initiated", "Succeeded"]
    assert any('"RecordUnreadable"' in line for line in cloud.logs("reconcile")), "the metric that alarms"


def test_where_jobs_may_not_be_described_it_is_told_and_ends(user: User) -> None:
    user.faults.drop_notification()
    user.faults.fail("DescribeJob", "AccessDeniedException", times=10_000)
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1", hours=72)
    user.faults.clear()
    assert user.only("r1", "Retrieval Failed")["reason"]["code"] == "AccessDeniedException"
    assert 40 < len(user.told("r1", "Retrieval Delayed")) < 120
    user.assert_settled()


def test_no_denial_ends_what_has_a_job_begun_a_short_time_ago(user: User) -> None:
    user.faults.drop_notification()
    user.faults.fail("DescribeJob", "AccessDeniedException", times=10_000)
    user.faults.fail("ListJobs", "AccessDeniedException", times=10_000)
    archive = user.archive()
    user.ask("slow", archive, "Bulk")
    user.wait(hours=12 + 47)
    user.ask("fast", archive, "Standard")
    user.wait_for_the_end("slow", "fast", hours=6)
    user.faults.clear()
    assert user.only("slow", "Retrieval Succeeded")["jobId"] == user.only("fast", "Retrieval Succeeded")["jobId"]
    user.ask("later", archive, "Standard")
    user.wait(minutes=5)
    assert [job.tier for job in user.jobs] == ["Bulk", "Standard"]
    user.assert_settled()


def test_a_denial_that_is_mended_in_time_loses_nothing(user: User) -> None:
    user.faults.drop_notification()
    user.faults.fail("DescribeJob", "AccessDeniedException", times=3)
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Initiated", *["Delayed"] * 3, "Succeeded"]
    assert len(user.jobs) == 1
    user.assert_settled()


def _others_jobs(user: User, count: int) -> None:
    archive = user.archive()
    job = {"Type": "archive-retrieval", "ArchiveId": archive, "Tier": "Bulk"}
    for _ in range(count):
        user.cloud.client("glacier").initiate_job(accountId="-", vaultName="photos", jobParameters=job)


def test_a_listing_too_long_for_one_run_is_carried_on(user: User) -> None:
    """400 jobs of others are in the vault, and a page of ListJobs takes a minute: a run lists three at most."""

    def slow(call: Call, perform: Perform) -> AWSResponse:
        process = current()
        if call.operation == "ListJobs" and process is not None:
            process.pause(60)
        return perform()

    _others_jobs(user, 400)
    user.cloud.calls.clear()
    user.cloud.calls.strike = slow
    try:
        user.faults.lose_request("InitiateJob")
        user.ask("never-was", user.archive())
        user.wait(seconds=10)
        user.faults.lose_reply("InitiateJob")
        user.ask("was", user.archive())
        user.wait_for("Retrieval Initiated", "was", "never-was", hours=2)
    finally:
        user.cloud.calls.strike = None
    runs = {call.at_ms // 300_000 for call in user.cloud.calls.of("reconcile", "ListJobs")}
    assert len(runs) >= 3
    assert user.calls("reconcile", "ListJobs") <= 2 * 10, "each page once for each of the two at most"
    assert len(user.jobs) == 400 + 2
    user.wait_for_the_end("was", "never-was")
    user.assert_settled()


def test_a_claim_whose_job_is_listed_but_cannot_be_read_stays_in_doubt(user: User) -> None:
    def odd(call: Call, perform: Perform) -> AWSResponse:
        reply = perform()
        if call.operation != "ListJobs":
            return reply
        return changed_reply(reply, lambda body: [job.pop("StatusCode") for job in body["JobList"]])

    user.faults.lose_reply("InitiateJob")
    user.cloud.calls.strike = odd
    try:
        user.ask("r1", user.archive())
        user.wait(hours=2)
        assert user.story("r1") == ["Delayed"]
        assert any('"JobUnreadable"' in line for line in user.cloud.logs("reconcile")), "the metric that alarms"
    finally:
        user.cloud.calls.strike = None
    user.wait_for_the_end("r1")
    assert len(user.jobs) == 1
    user.assert_settled()


def test_who_may_not_list_jobs_may_still_describe_them(user: User) -> None:
    user.faults.drop_notification(times=3)
    user.faults.fail("ListJobs", "AccessDeniedException", times=1000)
    for number, archive in enumerate(user.archives(3)):
        user.ask(f"r{number}", archive)
    user.wait_for_the_end("r0", "r1", "r2")
    assert user.calls("reconcile", "ListJobs") >= 1, "it was tried"
    user.faults.clear()
    for number in range(3):
        assert user.story(f"r{number}") == ["Initiated", "Succeeded"]
    user.assert_settled()
