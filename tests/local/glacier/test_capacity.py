from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from local.glacier.capacity import Unit
from local.prices import job_dollars, total_dollars

from .conftest import VAULT, World

_INSUFFICIENT = ("InsufficientCapacityException", 503)


@pytest.mark.parametrize(
    ("start", "expiration"),
    [
        ("2017-01-31T14:26:33.031Z", "2017-02-28T14:26:33.000Z"),
        ("2016-12-13T20:11:51.095Z", "2017-01-13T20:11:51.000Z"),
        ("2020-02-18T19:59:24.912Z", "2020-03-18T19:59:24.000Z"),
        ("2021-08-31T00:00:00.000Z", "2021-09-30T00:00:00.000Z"),
        ("2024-01-30T00:00:00.000Z", "2024-02-29T00:00:00.000Z"),
    ],
)
def test_a_unit_lasts_a_calendar_month(start: str, expiration: str) -> None:
    unit = Unit("x" * 24, datetime.fromisoformat(start).astimezone(UTC))
    assert unit.to_wire() == {"CapacityId": "x" * 24, "StartDate": start, "ExpirationDate": expiration}


def test_two_units_and_no_more_until_one_has_expired(world: World) -> None:
    bought = [world.client.purchase_provisioned_capacity()["capacityId"] for _ in range(2)]
    assert world.refusal("purchase_provisioned_capacity") == ("LimitExceededException", 400)
    listed = world.client.list_provisioned_capacity()["ProvisionedCapacityList"]
    assert [unit["CapacityId"] for unit in listed] == bought
    assert listed[0]["ExpirationDate"] == "2026-04-01T12:00:00.000Z"
    world.wait(days=31)
    assert world.client.list_provisioned_capacity()["ProvisionedCapacityList"] == []
    world.client.purchase_provisioned_capacity()
    assert len(world.service.ledger.units) == 3


def test_a_unit_guarantees_three_in_five_minutes(world: World) -> None:
    archive_id = world.upload()
    expedited = {"Type": "archive-retrieval", "ArchiveId": archive_id, "Tier": "Expedited"}
    for units in (1, 2):
        world.client.purchase_provisioned_capacity()
        for _ in range(3):
            world.start(ArchiveId=archive_id, Tier="Expedited")
        assert world.refused_job(**expedited) == _INSUFFICIENT
        assert len(world.service.ledger.jobs) == 3 * units
    world.wait(minutes=4, seconds=59)
    assert world.refused_job(**expedited) == _INSUFFICIENT
    world.wait(seconds=1)
    world.start(ArchiveId=archive_id, Tier="Expedited")


def test_beyond_the_guarantee_and_without_units_it_depends(world: World) -> None:
    archive_id = world.upload()
    expedited = {"Type": "archive-retrieval", "ArchiveId": archive_id, "Tier": "Expedited"}
    world.start(ArchiveId=archive_id, Tier="Expedited")
    world.settings.on_demand_room = False
    assert world.refused_job(**expedited) == _INSUFFICIENT
    world.settings.insufficient_capacity_status = 400
    assert world.refused_job(**expedited) == ("InsufficientCapacityException", 400)
    world.start(ArchiveId=archive_id, Tier="Standard")
    world.settings.beyond_guarantee = "served"
    world.client.purchase_provisioned_capacity()
    for _ in range(5):
        world.start(ArchiveId=archive_id, Tier="Expedited")


def test_a_retrieval_policy_of_so_many_bytes_an_hour(world: World) -> None:
    assert world.client.get_data_retrieval_policy()["Policy"] == {"Rules": [{"Strategy": "None"}]}
    policy = {"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 25 * 2**20}]}
    world.client.set_data_retrieval_policy(Policy=policy)
    assert world.client.get_data_retrieval_policy()["Policy"] == policy
    archive_id = world.service.put_synthetic_archive(VAULT, 60 * 2**20)
    standard = {"Type": "archive-retrieval", "ArchiveId": archive_id}
    world.start(ArchiveId=archive_id)
    assert world.refused_job(**standard) == ("PolicyEnforcedException", 400)
    world.start(ArchiveId=archive_id, Tier="Bulk")
    world.finish()
    world.start(ArchiveId=archive_id)


def test_the_free_tier_is_a_days(world: World) -> None:
    world.client.set_data_retrieval_policy(Policy={"Rules": [{"Strategy": "FreeTier"}]})
    archive_id = world.service.put_synthetic_archive(VAULT, world.settings.free_tier_bytes_per_day)
    world.start(ArchiveId=archive_id)
    world.finish()
    refused = world.refused_job(Type="archive-retrieval", ArchiveId=archive_id)
    assert refused == ("PolicyEnforcedException", 400)
    world.wait(days=1)
    world.start(ArchiveId=archive_id)


@pytest.mark.parametrize(
    "rules",
    [
        [{"Strategy": "Often"}],
        [{"Strategy": "None", "BytesPerHour": 5}],
        [{"Strategy": "BytesPerHour", "BytesPerHour": 0}],
        [{"Strategy": "None"}, {"Strategy": "None"}],
    ],
)
def test_policies_that_are_none(world: World, rules: list[dict[str, object]]) -> None:
    refused = world.refusal("set_data_retrieval_policy", Policy={"Rules": rules})
    assert refused == ("InvalidParameterValueException", 400)


def test_the_ledger_and_what_it_costs(world: World) -> None:
    world.client.purchase_provisioned_capacity()
    archive_id = world.service.put_synthetic_archive(VAULT, 2 * 2**30)
    world.start(ArchiveId=archive_id, Tier="Expedited", Description="thaw:r1:1")
    world.wait(seconds=5)
    world.start(ArchiveId=archive_id, RetrievalByteRange=f"0-{2**30 - 1}")
    world.settings.inventories = "always"
    world.start()
    first, second, inventory = world.service.ledger.jobs
    assert (first.tier, first.bytes_retrieved, first.description) == ("Expedited", 2 * 2**30, "thaw:r1:1")
    assert second.at - first.at == timedelta(seconds=5)
    assert second.byte_range == f"0-{2**30 - 1}"
    assert (inventory.action, inventory.bytes_retrieved) == ("InventoryRetrieval", 0)
    assert job_dollars("Bulk", 4 * 2**30) == Decimal("0.010025")
    expected = Decimal("100") + Decimal("0.07") + Decimal("0.01005") + Decimal("0.00005")
    assert total_dollars(world.service.ledger) == expected
