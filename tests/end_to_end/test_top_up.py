"""Provisioned capacity: bought up to the ceiling for what waits, never twice, and retrievals released at its rate."""

from datetime import timedelta

import pytest
import time_machine
from boto3.dynamodb.types import TypeSerializer

from tests.end_to_end.user import User

pytestmark = pytest.mark.usefixtures("every_tick")
SETTINGS = {"maxUnits": 2, "drainWithinMinutes": 10}
FIVE_MINUTES_MS = 5 * 60 * 1000


def _ask_expedited(user: User, count: int, prefix: str = "r") -> list[str]:
    names = [f"{prefix}{number}" for number in range(count)]
    for name, archive in zip(names, user.archives(count), strict=True):
        user.ask(name, archive, "Expedited")
    return names


def test_one_retrieval_needs_one_unit(user: User) -> None:
    _ask_expedited(user, 1)
    user.wait_for_the_end("r0")
    (purchased,) = user.cloud.events_of("Capacity Purchased")
    (unit,) = user.cloud.glacier.ledger.units
    assert purchased.detail["capacityId"] == unit.capacity_id
    assert purchased.detail["startDate"] < purchased.detail["expirationDate"]
    assert user.only("r0", "Retrieval Succeeded")["tier"] == "Expedited"
    user.assert_settled()


def test_a_backlog_gets_as_many_units_as_drain_it_in_time_and_starts_at_their_rate(user: User) -> None:
    names = _ask_expedited(user, 20)
    user.wait_for_the_end(*names)
    assert len(user.cloud.glacier.ledger.units) == 2
    assert len(user.cloud.events_of("Capacity Purchased")) == 2
    starts = sorted(job.at.timestamp() * 1000 for job in user.jobs)
    assert len(starts) == 20
    for start in starts:
        assert len([other for other in starts if start <= other < start + FIVE_MINUTES_MS]) <= 6
    _assert_waits_are_told(user, names)
    assert (starts[-1] - starts[0]) / 60_000 < 20
    (short,) = user.cloud.events_of("Capacity Short")
    assert short.detail["unitsWanted"] == 4
    user.assert_settled()


def _assert_waits_are_told(user: User, names: list[str]) -> None:
    """Who has to wait for its turn is told so once, and until when; nobody starts before that."""
    waits = {name: user.told(name, "Retrieval Delayed") for name in names}
    told = {name: delays[0] for name, delays in waits.items() if delays}
    assert len(told) >= 15, "two start at once, and some within a minute"
    assert all(len(delays) <= 1 for delays in waits.values())
    assert {delay["reason"]["code"] for delay in told.values()} == {"WaitingForCapacity"}
    for name, delay in told.items():
        started = user.only(name, "Retrieval Initiated")["initiatedAt"]
        assert delay["delayedUntil"] <= started, "no sooner than was told"


def test_units_bought_by_others_count(user: User) -> None:
    user.cloud.client("glacier").purchase_provisioned_capacity(accountId="-")
    _ask_expedited(user, 3)
    user.wait_for_the_end("r0", "r1", "r2")
    assert len(user.cloud.glacier.ledger.units) == 1
    assert user.cloud.events_of("Capacity Purchased") == []


def test_a_unit_that_is_there_serves_the_next_run_too(user: User) -> None:
    _ask_expedited(user, 2, "first")
    user.wait(hours=3)
    _ask_expedited(user, 2, "second")
    user.wait_for_the_end("second0", "second1")
    assert len(user.cloud.glacier.ledger.units) == 1


def _buy_a_month_ago(user: User, expires_in: timedelta) -> None:
    """Someone else's unit that lasts no longer than this (February has 28 days)."""
    with time_machine.travel(user.cloud.now + expires_in - timedelta(days=28), tick=False):
        user.cloud.client("glacier").purchase_provisioned_capacity(accountId="-")


def test_a_unit_about_to_expire_is_followed_by_a_new_one(user: User) -> None:
    _buy_a_month_ago(user, timedelta(minutes=10))
    _ask_expedited(user, 1, "before")
    user.wait_for_the_end("before0")
    assert len(user.cloud.glacier.ledger.units) == 1, "it lasts long enough for this one"
    user.wait(minutes=15)
    _ask_expedited(user, 1, "after")
    user.wait_for_the_end("after0")
    assert len(user.cloud.glacier.ledger.units) == 2
    user.assert_settled()


def test_a_unit_that_ends_in_the_middle_of_a_run_is_followed_by_a_new_one(user: User) -> None:
    _buy_a_month_ago(user, timedelta(minutes=4))
    names = _ask_expedited(user, 6)
    user.wait_for_the_end(*names)
    assert len(user.cloud.glacier.ledger.units) == 2
    user.assert_settled()


@pytest.mark.parametrize("done", [True, False])
def test_while_a_purchase_is_in_doubt_nothing_more_is_bought(user: User, done: bool) -> None:
    lose = user.faults.lose_reply if done else user.faults.lose_request
    lose("PurchaseProvisionedCapacity")
    names = _ask_expedited(user, 3)
    user.wait(minutes=2)
    assert user.calls("top_up", "PurchaseProvisionedCapacity") == 1
    user.wait_for_the_end(*names)
    assert len(user.cloud.glacier.ledger.units) == 1
    assert len(user.cloud.events_of("Capacity Purchased")) == 1
    user.assert_settled()


def test_a_purchase_that_glacier_refuses_is_told_and_expedited_is_tried_all_the_same(user: User) -> None:
    user.faults.fail("PurchaseProvisionedCapacity", "AccessDeniedException")
    names = _ask_expedited(user, 1)
    user.wait_for_the_end(*names)
    (short,) = user.cloud.events_of("Capacity Short")
    assert short.detail["reason"]["code"] == "AccessDeniedException"
    assert user.cloud.glacier.ledger.units == []
    user.assert_settled()


def test_where_units_may_not_be_listed_expedited_is_tried_on_demand(user: User) -> None:
    user.faults.fail("ListProvisionedCapacity", "AccessDeniedException", times=2)
    names = _ask_expedited(user, 1)
    user.wait_for_the_end(*names)
    assert user.cloud.glacier.ledger.units == []
    assert user.cloud.events_of("Capacity Short")[0].detail["reason"]["code"] == "AccessDeniedException"
    user.faults.clear()


def test_a_throttled_listing_only_delays(user: User) -> None:
    user.faults.fail("ListProvisionedCapacity", "ThrottlingException", times=3)
    names = _ask_expedited(user, 1)
    user.wait_for_the_end(*names)
    assert len(user.cloud.glacier.ledger.units) == 1
    user.assert_settled()


def test_a_unit_bought_meanwhile_by_another_hits_the_limit_and_stops_buying(user: User) -> None:
    glacier = user.cloud.client("glacier")
    user.faults.fail("PurchaseProvisionedCapacity", "LimitExceededException")
    names = _ask_expedited(user, 1)
    user.wait(minutes=1)
    glacier.purchase_provisioned_capacity(accountId="-")
    user.wait_for_the_end(*names)
    assert user.calls("top_up", "PurchaseProvisionedCapacity") == 1
    user.assert_settled()


def test_a_burst_wakes_it_often_but_it_decides_once_at_a_time(user: User) -> None:
    names = [*_ask_expedited(user, 6, "a"), *_ask_expedited(user, 6, "b")]
    user.wait_for_the_end(*names)
    assert len(user.cloud.glacier.ledger.units) == 2
    user.wait(hours=1)
    before = user.calls("top_up", "ListProvisionedCapacity")
    user.wait(hours=1)
    assert user.calls("top_up", "ListProvisionedCapacity") == before, "nothing waits, so Glacier is not asked"


def test_where_units_cannot_be_listed_for_long_expedited_is_tried_all_the_same(user: User) -> None:
    user.faults.fail("ListProvisionedCapacity", "ServiceUnavailableException", times=10_000)
    names = _ask_expedited(user, 2)
    user.wait_for_the_end(*names, hours=1)
    user.faults.clear()
    assert user.cloud.glacier.ledger.units == []
    assert [job.tier for job in user.jobs] == ["Expedited"] * 2
    user.assert_settled()


@pytest.mark.parametrize("slot", [{"endsAt": 2**53}, {"startsAt": 2**53}, {"units": 2**53}, {"units": 0}])
def test_by_a_slot_that_nobody_can_have_given_out_nothing_is_bought_until_it_is_taken_away(
    user: User, slot: dict[str, int]
) -> None:
    now_ms = user.cloud.clock.now_ms()
    real = {"id": "retrieval/1", "startsAt": now_ms, "endsAt": now_ms + FIVE_MINUTES_MS, "units": 1}
    capacity = {"id": "capacity", "kind": "capacity", "revision": 1, "slots": [{**real, **slot}]}
    table = {"TableName": user.cloud.outputs["RetrievalTableName"]}
    typed = {name: TypeSerializer().serialize(value) for name, value in capacity.items()}
    user.cloud.client("dynamodb").put_item(**table, Item=typed)
    _ask_expedited(user, 1)
    user.wait(minutes=30)
    assert not user.cloud.errors
    assert user.cloud.glacier.ledger.units == []
    assert any('"RecordUnreadable"' in line for line in user.cloud.logs("top_up")), "the metric that alarms"
    user.cloud.client("dynamodb").delete_item(**table, Key={"id": typed["id"]})
    user.wait_for_the_end("r0")
    assert user.only("r0", "Retrieval Succeeded")["tier"] == "Expedited"
    user.assert_settled()
