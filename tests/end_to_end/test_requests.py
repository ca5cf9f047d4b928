"""A request on the queue, through every part, to its terminal event."""

import json
import time
from datetime import timedelta

import pytest
from botocore.awsrequest import AWSResponse

from local.calls import Call, Perform, error_reply
from tests.end_to_end.user import MIB, OWN_ACCOUNT, User

PARTNER = "210987654321"
SETTINGS = {"vaults": ["*", f"arn:aws:glacier:us-east-1:{PARTNER}:vaults/theirs"], "maxUnits": 0}


def test_an_archive_is_retrieved_at_the_standard_tier_by_default(user: User) -> None:
    archive = user.archive(3 * MIB)
    user.ask("r1", archive, context={"ticket": 7})
    user.wait_for_the_end("r1")
    initiated, succeeded = (event.detail for event in user.events("r1"))
    assert user.story("r1") == ["Initiated", "Succeeded"]
    assert initiated["jobId"] == succeeded["jobId"] == user.jobs[0].job_id
    assert succeeded["tier"] == user.jobs[0].tier == "Standard"
    assert succeeded["archiveId"] == archive
    assert succeeded["archiveSizeInBytes"] == 3 * MIB
    assert succeeded["sha256TreeHash"] == succeeded["archiveSha256TreeHash"] is not None
    assert succeeded["context"] == initiated["context"] == {"ticket": 7}
    assert initiated["sequence"] < succeeded["sequence"]
    assert user.output(succeeded["jobId"]) == user.cloud.glacier.read_archive("photos", archive)
    user.assert_settled()


@pytest.mark.parametrize("tier", ["Expedited", "Standard", "Bulk"])
def test_each_tier(user: User, tier: str) -> None:
    user.ask("r1", user.archive(), tier)
    user.wait_for_the_end("r1")
    assert user.only("r1", "Retrieval Succeeded")["tier"] == tier
    assert [job.tier for job in user.jobs] == [tier]
    user.assert_settled()


def test_a_range_is_retrieved_and_the_event_says_whether_it_is_tree_hash_aligned(user: User) -> None:
    archive = user.archive(4 * MIB)
    user.ask("aligned", archive, range=f"{2 * MIB}-{4 * MIB - 1}", archiveSizeInBytes=4 * MIB)
    user.ask("unaligned", archive, range=f"{MIB}-{3 * MIB - 1}")
    user.wait_for_the_end("aligned", "unaligned")
    aligned, unaligned = (user.only(name, "Retrieval Succeeded") for name in ("aligned", "unaligned"))
    assert (aligned["treeHashAligned"], unaligned["treeHashAligned"]) == (True, False)
    assert aligned["sha256TreeHash"] is not None
    assert unaligned["sha256TreeHash"] is None
    assert len(user.output(unaligned["jobId"])) == 2 * MIB
    user.assert_settled()


def test_a_range_that_only_glacier_can_check_fails_with_its_answer(user: User) -> None:
    user.ask("r1", user.archive(4 * MIB), range=f"0-{8 * MIB - 1}")
    user.wait_for_the_end("r1")
    assert user.only("r1", "Retrieval Failed")["reason"]["code"] == "InvalidParameterValueException"
    user.assert_settled()


def test_the_users_description_stands_behind_our_tag(user: User) -> None:
    user.ask("r1", user.archive(), description="x" * 960)
    user.wait_for_the_end("r1")
    description = user.jobs[0].description
    assert description is not None
    assert description.startswith("thaw:")
    assert description.endswith(" " + "x" * 960)
    assert len(description) <= 1024


def test_an_inventory_with_its_parameters(user: User) -> None:
    user.archives(3)
    user.ask_inventory("json", {"StartDate": "2020-01-01T00:00:00Z", "Limit": "2"})
    user.ask_inventory("csv", format="CSV", tier="Bulk")
    user.ask_inventory("none", {"EndDate": "2020-01-01T00:00:00Z"})
    user.wait_for_the_end("json", "csv", "none")
    first = user.only("json", "Retrieval Succeeded")
    assert len(json.loads(user.output(first["jobId"]))["ArchiveList"]) == 2
    assert first["inventory"]["nextMarker"] is not None
    assert user.output(user.only("csv", "Retrieval Succeeded")["jobId"]).startswith(b"ArchiveId,")
    assert json.loads(user.output(user.only("none", "Retrieval Succeeded")["jobId"]))["ArchiveList"] == []
    user.ask_inventory("rest", {"StartDate": "2020-01-01T00:00:00Z", "Marker": first["inventory"]["nextMarker"]})
    user.wait_for_the_end("rest")
    rest = user.only("rest", "Retrieval Succeeded")
    assert len(json.loads(user.output(rest["jobId"]))["ArchiveList"]) == 1
    user.assert_settled()


def test_a_message_that_comes_twice_is_one_request(user: User) -> None:
    archive = user.archive()
    for _ in range(3):
        user.ask("r1", archive)
    user.wait(minutes=1)
    user.ask("r1", archive)
    user.wait_for_the_end("r1")
    user.ask("r1", archive)
    user.wait(hours=6)
    assert user.story("r1") == ["Initiated", "Succeeded"]
    assert len(user.jobs) == 1
    user.assert_settled()


def test_a_late_repeat_of_a_request_joins_no_later_retrieval_of_its_bytes(user: User) -> None:
    archive = user.archive()
    user.ask("r1", archive)
    user.wait_for_the_end("r1")
    user.wait(hours=20)
    user.ask("r2", archive)
    user.wait_for_the_end("r2")
    user.wait(hours=20)
    user.ask("r1", archive)
    user.wait(hours=6)
    assert len(user.jobs) == 2
    assert user.story("r1") == ["Initiated", "Succeeded"]
    user.assert_settled()


def test_a_request_id_used_again_with_other_contents_is_rejected_and_the_first_goes_on(user: User) -> None:
    first, second = user.archives(2)
    user.ask("r1", first)
    user.wait(minutes=1)
    message_id = user.ask("r1", second, context={"who": "second"})
    user.wait(hours=6)
    rejection = user.rejections()[message_id]
    assert rejection["reason"]["code"] == "RequestIdReused"
    assert rejection["context"] == {"who": "second"}
    assert [job.archive_id for job in user.jobs] == [first]
    assert user.told("r1", "Retrieval Succeeded")
    user.assert_settled()


def test_an_archive_that_does_not_exist_fails_with_glaciers_word(user: User) -> None:
    user.ask("r1", "A" * 138)
    user.wait_for_the_end("r1")
    reason = user.only("r1", "Retrieval Failed")["reason"]
    assert reason["code"] == "ResourceNotFoundException"
    assert "A" * 138 in reason["message"]
    assert user.story("r1") == ["Failed"]
    user.assert_settled()


@pytest.mark.usefixtures("every_tick")
def test_a_vault_of_another_account_that_the_settings_list(user: User) -> None:
    user.create_vault("theirs", PARTNER)
    archive = user.archive(vault="theirs", account=PARTNER)
    user.ask("r1", archive, "Expedited", vaultName="theirs", accountId=PARTNER)
    user.wait_for_the_end("r1")
    assert user.only("r1", "Retrieval Succeeded")["accountId"] == PARTNER
    assert user.jobs[0].account_id == PARTNER
    assert user.calls("top_up", "ListProvisionedCapacity") == 0, "no unit of ours serves it"
    user.assert_settled()


def test_another_account_is_asked_for_its_jobs_of_which_nothing_was_heard(user: User) -> None:
    user.create_vault("theirs", PARTNER)
    user.faults.drop_notification()
    user.faults.lose_reply("InitiateJob", code=None)
    for name in ("r1", "r2"):
        archive = user.archive(vault="theirs", account=PARTNER)
        user.ask(name, archive, vaultName="theirs", accountId=PARTNER)
    user.wait_for_the_end("r1", "r2")
    assert len(user.jobs) == 2
    assert user.calls("reconcile", "DescribeJob") > 0
    assert user.calls("reconcile", "ListJobs") > 0
    user.assert_settled()


def test_a_vault_that_the_settings_do_not_list_is_rejected(user: User) -> None:
    message_id = user.ask("r1", user.archive(), vaultName="others", accountId=PARTNER, context={"a": 1})
    user.wait(minutes=1)
    rejection = user.rejections()[message_id]
    assert rejection["reason"]["code"] == "VaultNotAllowed"
    assert rejection["reason"]["errors"][0]["field"] == "accountId"
    assert rejection["requestId"] == "r1"
    assert rejection["context"] == {"a": 1}


def test_the_own_account_by_number_is_the_same_vault(user: User) -> None:
    archive = user.archive()
    user.ask("r1", archive)
    user.ask("r2", archive, accountId=OWN_ACCOUNT)
    user.wait_for_the_end("r1", "r2")
    assert len(user.jobs) == 1


def test_one_message_that_fails_holds_up_no_other_of_its_batch(user: User) -> None:
    def no_table_for_r2(call: Call, perform: Perform) -> AWSResponse:
        if call.operation == "PutItem" and call.params["Item"]["id"]["S"] == "request/r2" and call.at_ms < until_ms:
            return error_reply("InternalServerError", "the table can't be reached", 500)
        return perform()

    cloud = user.cloud
    until_ms = cloud.clock.now_ms() + 60_000
    cloud.calls.strike = no_table_for_r2
    try:
        for number, archive in enumerate(user.archives(5)):
            user.ask(f"r{number}", archive)
        user.wait(seconds=30)
        assert [bool(user.told(f"r{n}", "Retrieval Initiated")) for n in range(5)] == [True, True, False, True, True]
        user.wait_for_the_end("r2")
    finally:
        cloud.calls.strike = None
    assert len(user.jobs) == 5
    assert cloud.dead_letters() == {}


def test_a_batch_has_its_jobs_started_side_by_side(user: User) -> None:
    def slow(call: Call, perform: Perform) -> AWSResponse:
        if call.operation == "InitiateJob":
            time.sleep(5)
        return perform()

    user.cloud.calls.strike = slow
    try:
        for number, archive in enumerate(user.archives(10)):
            user.ask(f"r{number}", archive)
        user.wait(minutes=1)
    finally:
        user.cloud.calls.strike = None
    begun = [call.at_ms for call in user.cloud.calls.of("initiate", "InitiateJob")]
    assert len(begun) == 10
    assert max(begun) - min(begun) < 5000
    assert len(user.cloud.events_of("Retrieval Initiated")) == 10


def test_events_arrive_in_a_queue_behind_an_event_rule(user: User) -> None:
    cloud = user.cloud
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="mine")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    bus = cloud.outputs["EventBusName"]
    pattern = {"source": ["thaw"], "detail-type": ["Retrieval Succeeded"]}
    events.put_rule(Name="done", EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="done", EventBusName=bus, Targets=[{"Id": "mine", "Arn": arn}])
    user.ask("r1", user.archive())
    cloud.run_until(lambda: cloud.queue("mine")._messages, timedelta(hours=6))
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    event = json.loads(message["Body"])
    assert event["source"] == "thaw"
    assert event["detail-type"] == "Retrieval Succeeded"
    assert event["detail"]["requestId"] == "r1"
