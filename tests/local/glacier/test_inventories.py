from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import VAULT, World

_INVALID = ("InvalidParameterValueException", 400)


@pytest.fixture
def five(world: World) -> list[str]:
    """Five archives uploaded an hour apart, and the inventory that lists them."""
    uploaded = []
    for number in range(5):
        uploaded.append(world.upload(bytes([number]) * (number + 1), archiveDescription=f"no. {number}"))
        world.wait(hours=1)
    world.wait(days=2)
    return uploaded


def _listed(world: World, **parameters: Any) -> tuple[list[str], dict[str, Any]]:
    job_id = world.start(**parameters)
    world.finish()
    listed = json.loads(world.output(job_id)["body"])
    return [entry["ArchiveId"] for entry in listed["ArchiveList"]], world.job(job_id)


def test_an_inventory_as_json(world: World, five: list[str]) -> None:
    job_id = world.start(Description="mine")
    described = world.job(job_id)
    assert described["Action"] == "InventoryRetrieval"
    assert described["InventoryRetrievalParameters"] == {"Format": "JSON"}
    assert {"ArchiveId", "InventorySizeInBytes", "SHA256TreeHash"}.isdisjoint(described)
    world.finish()
    output = world.output(job_id)
    assert output["contentType"] == "application/json"
    assert "checksum" not in output
    assert world.job(job_id)["InventorySizeInBytes"] == len(output["body"])
    inventory = json.loads(output["body"])
    assert list(inventory) == ["VaultARN", "InventoryDate", "ArchiveList"]
    assert [entry["ArchiveId"] for entry in inventory["ArchiveList"]] == five
    assert inventory["ArchiveList"][1] == {
        "ArchiveId": five[1],
        "ArchiveDescription": "no. 1",
        "CreationDate": "2026-03-01T13:00:00.000Z",
        "Size": 2,
        "SHA256TreeHash": world.service.vault(VAULT).archive(five[1]).tree_hash,
    }


def test_pages_follow_the_marker_of_the_completed_job(world: World, five: list[str]) -> None:
    pages, marker = [], None
    while True:
        wanted = {"Limit": "2"} | ({"Marker": marker} if marker else {})
        job_id = world.start(InventoryRetrievalParameters=wanted)
        assert world.job(job_id)["InventoryRetrievalParameters"].get("Marker") == marker
        world.finish()
        page = json.loads(world.output(job_id)["body"])["ArchiveList"]
        pages.append([entry["ArchiveId"] for entry in page])
        marker = world.job(job_id)["InventoryRetrievalParameters"].get("Marker")
        if marker is None:
            break
    assert pages == [five[:2], five[2:4], five[4:]]


def test_a_limit_that_is_just_met_has_no_next_page(world: World, five: list[str]) -> None:
    listed, job = _listed(world, InventoryRetrievalParameters={"Limit": "5"})
    assert listed == five
    assert "Marker" not in job["InventoryRetrievalParameters"]


def test_the_start_is_within_and_the_end_is_not(world: World, five: list[str]) -> None:
    between = {"StartDate": "2026-03-01T13:00:00Z", "EndDate": "2026-03-01T15:00:00Z"}
    listed, job = _listed(world, InventoryRetrievalParameters=between)
    assert listed == five[1:3]
    assert between.items() <= job["InventoryRetrievalParameters"].items()


def test_csv_is_quoted_as_glacier_quotes(world: World) -> None:
    world.settings.inventories = "always"
    for description in ("plain", "a,b", 'a,1"2', "back\\slash", 'a\\"b'):
        world.upload(archiveDescription=description)
    job_id = world.start(Format="CSV")
    world.finish()
    output = world.output(job_id)
    assert output["contentType"] == "text/csv"
    header, *rows = output["body"].decode().splitlines()
    assert header == "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"
    quoted = [row.split(",", 1)[1].rsplit(",", 3)[0] for row in rows]
    assert quoted == ["plain", '"a,b"', '"a,1\\"2"', "back\\slash", '"a\\\\"b"']


def test_the_first_inventory_takes_up_to_a_day(world: World) -> None:
    assert world.refused_job(Type="inventory-retrieval") == ("ResourceNotFoundException", 404)
    archive_id = world.upload()
    world.wait(hours=11)
    assert world.refused_job(Type="inventory-retrieval") == ("ResourceNotFoundException", 404)
    world.wait(hours=13)
    assert _listed(world)[0] == [archive_id]
    assert world.client.describe_vault(vaultName=VAULT)["NumberOfArchives"] == 1


def test_an_inventory_is_as_old_as_the_last_that_was_made(world: World, five: list[str]) -> None:
    made_at = world.client.describe_vault(vaultName=VAULT)["LastInventoryDate"]
    world.wait(days=5)
    assert world.client.describe_vault(vaultName=VAULT)["LastInventoryDate"] == made_at
    world.client.delete_archive(vaultName=VAULT, archiveId=five[0])
    sixth = world.upload()
    assert _listed(world)[0] == five
    world.wait(days=1)
    assert _listed(world)[0] == [*five[1:], sixth]
    world.settings.inventories = "always"
    seventh = world.upload()
    assert _listed(world)[0] == [*five[1:], sixth, seventh]


@pytest.mark.parametrize(
    "wrong",
    [
        {"Tier": "Expedited"},
        {"Format": "XML"},
        {"ArchiveId": "some"},
        {"RetrievalByteRange": "0-1048575"},
        {"InventoryRetrievalParameters": {"Limit": "0"}},
        {"InventoryRetrievalParameters": {"Limit": "ten"}},
        {"InventoryRetrievalParameters": {"StartDate": "yesterday"}},
        {"InventoryRetrievalParameters": {"StartDate": "2026-03-02T00:00:00Z", "EndDate": "2026-03-01T00:00:00Z"}},
        {"InventoryRetrievalParameters": {"Marker": "nonsense"}},
        {"InventoryRetrievalParameters": {"Marker": "é"}},
    ],
)
def test_parameters_that_glacier_does_not_take(world: World, wrong: dict[str, Any]) -> None:
    world.settings.inventories = "always"
    world.upload()
    assert world.refused_job(Type="inventory-retrieval", **wrong) == _INVALID


def test_a_part_of_an_inventory(world: World, five: list[str]) -> None:
    job_id = world.start()
    world.finish()
    whole = world.output(job_id)["body"]
    part = world.output(job_id, range="bytes=5-9")
    assert (part["status"], part["body"]) == (206, whole[5:10])
