"""What Glacier refuses waits, with an event that says why and until when; what it refuses for good fails."""

from datetime import datetime

import pytest

from tests.end_to_end.user import User

SETTINGS = {"maxUnits": 0}


@pytest.mark.parametrize(
    ("code", "times"),
    [("ThrottlingException", 4), ("PolicyEnforcedException", 2), ("AccessDeniedException", 3)],
)
def test_a_refusal_makes_it_wait_with_a_growing_delay(user: User, code: str, times: int) -> None:
    user.faults.fail("InitiateJob", code, times=times)
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    assert user.story("r1") == ["Delayed"] * times + ["Initiated", "Succeeded"]
    delays = user.told("r1", "Retrieval Delayed")
    assert {delay["reason"]["code"] for delay in delays} == {code}
    told_ms = [event.at_ms for event in user.events("r1") if event.detail_type == "Retrieval Delayed"]
    waits_ms = [_ms(delay["delayedUntil"]) - at for delay, at in zip(delays, told_ms, strict=True)]
    assert all(wait > 0 for wait in waits_ms)
    assert sum(waits_ms[-1:]) > sum(waits_ms[:1])
    assert len(user.jobs) == 1
    user.assert_settled()


def _ms(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp() * 1000


def test_many_refused_at_once_do_not_come_back_at_once(user: User) -> None:
    names = [f"r{number}" for number in range(20)]
    user.faults.fail("InitiateJob", "ThrottlingException", times=20)
    for name, archive in zip(names, user.archives(20), strict=True):
        user.ask(name, archive)
    user.wait_for("Retrieval Delayed", *names)
    untils = {user.only(name, "Retrieval Delayed")["delayedUntil"] for name in names}
    assert len(untils) > 15
    user.wait_for_the_end(*names)
    assert len(user.jobs) == 20


@pytest.mark.parametrize(
    "code", ["InvalidParameterValueException", "MissingParameterValueException", "NoLongerSupportedException"]
)
def test_a_permanent_error_fails_with_its_code_and_message(user: User, code: str) -> None:
    user.faults.fail("InitiateJob", code)
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    reason = user.only("r1", "Retrieval Failed")["reason"]
    assert reason["code"] == code
    assert reason["message"]
    assert user.jobs == []
    user.assert_settled()


def test_a_missing_permission_fails_in_the_end(user: User) -> None:
    user.faults.fail("InitiateJob", "AccessDeniedException", times=1000)
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1", hours=60)
    assert user.only("r1", "Retrieval Failed")["reason"]["code"] == "AccessDeniedException"
    assert 40 < len(user.told("r1", "Retrieval Delayed")) < 120
    user.faults.clear()
    assert any('"PermissionDenied"' in line for line in user.cloud.logs("initiate")), "the metric that alarms"


def test_a_full_data_retrieval_policy_is_waited_out(user: User) -> None:
    rules = {"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 1024 * 1024}]}
    user.cloud.client("glacier").set_data_retrieval_policy(accountId="-", Policy=rules)
    names = [f"r{number}" for number in range(8)]
    for name, archive in zip(names, user.archives(8), strict=True):
        user.ask(name, archive)
    user.wait_for_the_end(*names)
    delayed = [name for name in names if user.told(name, "Retrieval Delayed")]
    assert delayed, "the policy let everything through"
    assert all(user.story(name)[-1] == "Succeeded" for name in names)
    assert len(user.jobs) == 8
    user.assert_settled()


# Expedited without room


def test_expedited_without_room_falls_back_where_the_request_allows_it(user: User) -> None:
    user.cloud.glacier.settings.on_demand_room = False
    try:
        user.ask("r1", user.archive(), "Expedited", expeditedFallback="Standard")
        user.wait_for_the_end("r1")
    finally:
        user.cloud.glacier.settings.on_demand_room = True
    assert user.story("r1") == ["Delayed", "Initiated", "Succeeded"]
    assert "Falls back to Standard" in user.only("r1", "Retrieval Delayed")["reason"]["message"]
    assert user.only("r1", "Retrieval Succeeded")["tier"] == "Standard"
    assert [job.tier for job in user.jobs] == ["Standard"]
    user.assert_settled()


def test_expedited_without_room_waits_for_it_where_no_fallback_is_allowed(user: User) -> None:
    user.cloud.glacier.settings.on_demand_room = False
    try:
        user.ask("r1", user.archive(), "Expedited")
        user.wait(hours=2)
    finally:
        user.cloud.glacier.settings.on_demand_room = True
    delays = user.told("r1", "Retrieval Delayed")
    assert len(delays) >= 3
    assert {delay["reason"]["code"] for delay in delays} == {"InsufficientCapacityException"}
    user.wait_for_the_end("r1")
    assert [job.tier for job in user.jobs] == ["Expedited"]
    user.assert_settled()


def test_of_two_that_share_each_gets_what_it_accepts(user: User) -> None:
    archive = user.archive()
    user.cloud.glacier.settings.on_demand_room = False
    try:
        user.ask("lenient", archive, "Expedited", expeditedFallback="Bulk")
        user.ask("strict", archive, "Expedited")
        user.wait(hours=1)
    finally:
        user.cloud.glacier.settings.on_demand_room = True
    user.wait_for_the_end("lenient", "strict")
    assert [job.tier for job in user.jobs] == ["Bulk", "Expedited"]
    assert user.only("strict", "Retrieval Succeeded")["tier"] == "Expedited"
    user.wait(hours=14)
    user.assert_settled()
