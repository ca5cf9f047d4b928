"""From the table's stream to the bus: at least once, in order for a retrieval, nothing lost while the bus refuses."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from local.calls import Call, Perform, error_reply
from local.processes import Died
from tests.end_to_end.user import User

SETTINGS = {"maxUnits": 0}


def _refusing(user: User, which: object, times: int) -> None:
    left = times

    def refuse(entry: Mapping[str, Any]) -> str | None:
        nonlocal left
        if left and json.loads(entry["Detail"]).get("requestId") == which:
            left -= 1
            return "ThrottlingException"
        return None

    user.cloud.deliveries.refuse_entry = refuse


def test_what_the_bus_refuses_comes_later_in_order_and_holds_up_nobody_else(user: User) -> None:
    _refusing(user, "r1", times=8)
    try:
        first, second = user.archives(2)
        user.ask("r1", first)
        user.ask("r2", second)
        user.wait(seconds=20)
        assert user.story("r2") == ["Initiated"]
        user.wait_for_the_end("r1", "r2")
    finally:
        user.cloud.deliveries.refuse_entry = lambda entry: None
    assert user.story("r1") == ["Initiated", "Succeeded"]
    assert user.story("r2") == ["Initiated", "Succeeded"]
    user.assert_settled()


def test_a_repeat_has_the_same_event_id(user: User) -> None:
    _refusing(user, "r2", times=10)
    try:
        archive = user.archive()
        user.ask("r1", archive)
        user.ask("r2", archive)
        user.wait_for_the_end("r1", "r2")
    finally:
        user.cloud.deliveries.refuse_entry = lambda entry: None
    raw = [event for event in user.cloud.events if event.detail["requestId"] == "r1"]
    assert len(raw) > 2, "those of one change come again together"
    assert user.story("r1") == user.story("r2") == ["Initiated", "Succeeded"]


def test_a_record_that_makes_no_sense_is_kept_aside_and_holds_up_no_other(user: User) -> None:
    cloud = user.cloud
    broken = {"id": {"S": "retrieval/0/1"}, "kind": {"S": "retrieval"}, "revision": {"S": "x"}}
    cloud.client("dynamodb").put_item(TableName=cloud.outputs["RetrievalTableName"], Item=broken)
    user.ask("r1", user.archive())
    cloud.run_until(lambda: cloud.events_of("Retrieval Initiated"), timedelta(minutes=5))
    assert _kept_aside(user) == [broken]


def _kept_aside(user: User) -> list[Any]:
    """What the items were to be whose records made no sense."""
    s3, bucket = user.cloud.client("s3"), user.cloud.outputs["UnpublishedBucketName"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="unreadable/").get("Contents", [])
    bodies = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed]
    return [json.loads(body)["dynamodb"]["NewImage"] for body in bodies]


@pytest.mark.parametrize("before", [True, False])
def test_it_is_kept_aside_all_the_same_where_the_bucket_fails_or_publish_dies(user: User, before: bool) -> None:
    failed = 0

    def fail(call: Call, perform: Perform) -> AWSResponse:
        nonlocal failed
        if call.operation != "PutObject" or failed == 5:
            return perform()
        failed += 1
        if not before:
            perform()
        if failed == 1:
            raise Died
        return error_reply("InternalError", "We encountered an internal error.", 500)

    user.cloud.calls.strike = fail
    try:
        broken = {"id": {"S": "retrieval/0/1"}, "kind": {"S": "retrieval"}, "revision": {"S": "x"}}
        user.cloud.client("dynamodb").put_item(TableName=user.cloud.outputs["RetrievalTableName"], Item=broken)
        user.ask("r1", user.archive())
        user.wait_for_the_end("r1")
    finally:
        user.cloud.calls.strike = None
    assert failed == 5
    assert _kept_aside(user) == [broken]
    assert user.story("r1") == ["Initiated", "Succeeded"]


def test_the_context_of_everyone_comes_back_to_nobody_else(user: User) -> None:
    archive = user.archive()
    for number in range(5):
        user.ask(f"r{number}", archive, context={"secret": number, "text": "ä" * 500})
    user.wait_for_the_end(*(f"r{number}" for number in range(5)))
    for number in range(5):
        assert user.only(f"r{number}", "Retrieval Succeeded")["context"]["secret"] == number


def test_no_function_logs_what_a_user_sent(user: User) -> None:
    """Each function has all that is sent along before it: of what waits, is in doubt, is looked at, ends, is wrong."""
    sent: dict[str, Any] = {"context": {"token": "hunter2"}, "description": "hunter2"}
    user.faults.lose_reply("InitiateJob")
    user.ask("in-doubt", user.archive(), **sent)
    user.wait(minutes=1)
    user.faults.drop_notification()
    user.ask("looked-at", user.archive(), "Expedited", **sent)
    user.ask("missing", "A" * 138, **sent)
    user.ask("wrong", user.archive(), range="hunter2", **sent)
    user.cancel("hunter2")
    user.wait_for_the_end("in-doubt", "looked-at", "missing")
    assert user.story("looked-at")[-1] == user.story("in-doubt")[-1] == "Succeeded"
    for name in ("initiate", "top_up", "complete", "reconcile", "publish"):
        lines = user.cloud.logs(name)
        assert lines, f"{name} has done nothing"
        assert not [line for line in lines if "hunter2" in line]
