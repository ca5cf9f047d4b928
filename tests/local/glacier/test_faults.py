from __future__ import annotations

import pytest
from botocore.exceptions import ConnectionClosedError

from local.glacier.faults import ANY_OPERATION, about_an_archive, about_an_inventory

from .conftest import VAULT, World


def test_calls_are_refused_as_often_as_asked(world: World) -> None:
    world.settings.inventories = "always"
    archive_id = world.upload()
    world.service.faults.fail("InitiateJob", "ThrottlingException", times=2, when=about_an_archive)
    world.start()
    archive = {"Type": "archive-retrieval", "ArchiveId": archive_id}
    for _ in range(2):
        assert world.refused_job(**archive) == ("ThrottlingException", 400)
    world.start(ArchiveId=archive_id)
    assert [job.action for job in world.service.ledger.jobs] == ["InventoryRetrieval", "ArchiveRetrieval"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 403),
        ("ExpiredTokenException", 403),
        ("NoLongerSupportedException", 400),
        ("ServiceUnavailableException", 500),
        ("PolicyEnforcedException", 400),
        ("RequestTimeoutException", 408),
    ],
)
def test_any_operation_and_any_code(world: World, code: str, status: int) -> None:
    world.service.faults.fail(ANY_OPERATION, code)
    assert world.refusal("list_jobs", vaultName=VAULT) == (code, status)
    world.client.list_jobs(vaultName=VAULT)


def test_a_lost_reply_is_done_and_a_lost_request_is_not(world: World) -> None:
    archive_id = world.upload()
    world.service.faults.lose_reply("InitiateJob")
    with pytest.raises(ConnectionClosedError):
        world.start(ArchiveId=archive_id, Description="once")
    assert [job["JobDescription"] for job in world.client.list_jobs(vaultName=VAULT)["JobList"]] == ["once"]
    world.service.faults.lose_request("InitiateJob", when=about_an_archive)
    with pytest.raises(ConnectionClosedError):
        world.start(ArchiveId=archive_id)
    assert len(world.client.list_jobs(vaultName=VAULT)["JobList"]) == 1


def test_a_purchase_may_be_done_and_answered_with_an_error(world: World) -> None:
    world.service.faults.lose_reply("PurchaseProvisionedCapacity", code="ServiceUnavailableException")
    refused = world.refusal("purchase_provisioned_capacity")
    assert refused == ("ServiceUnavailableException", 500)
    assert len(world.client.list_provisioned_capacity()["ProvisionedCapacityList"]) == 1


def test_jobs_that_fail_or_take_another_time(world: World) -> None:
    world.settings.inventories = "always"
    archive_id = world.upload()
    world.service.faults.job_takes(0, when=about_an_inventory)
    world.service.faults.job_fails(when=about_an_archive)
    failing, quick = world.start(ArchiveId=archive_id, Tier="Bulk"), world.start()
    assert world.service.next_event_at() == world.now
    world.service.advance()
    assert world.job(quick)["StatusCode"] == "Succeeded"
    world.finish()
    assert world.job(failing)["StatusCode"] == "Failed"


def test_a_reset_forgets_faults_and_calls_can_be_observed(world: World) -> None:
    seen = []
    world.service.observe = lambda operation, given, code: seen.append((operation, code))
    world.service.faults.fail("ListJobs", "ThrottlingException")
    assert world.refusal("list_jobs", vaultName=VAULT) == ("ThrottlingException", 400)
    world.service.faults.lose_reply("ListVaults")
    with pytest.raises(ConnectionClosedError):
        world.client.list_vaults()
    world.client.list_vaults()
    assert seen == [("ListJobs", "ThrottlingException"), ("ListVaults", "no answer"), ("ListVaults", None)]
    world.service.faults.fail("ListJobs", "ThrottlingException")
    world.service.reset()
    assert world.client.list_vaults()["VaultList"] == []
