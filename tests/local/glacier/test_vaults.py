from __future__ import annotations

import json

import pytest

from .conftest import VAULT, World, client_of


def test_a_vault_is_created_twice_and_described(world: World) -> None:
    world.client.create_vault(vaultName=VAULT)
    described = world.client.describe_vault(vaultName=VAULT)
    assert described["VaultARN"] == f"arn:aws:glacier:us-east-1:123456789012:vaults/{VAULT}"
    assert described["CreationDate"] == "2026-03-01T12:00:00.000Z"
    assert described["NumberOfArchives"] == 0
    assert "LastInventoryDate" not in described


@pytest.mark.parametrize("name", ["a b", "a/b", "é", "x" * 256])
def test_a_name_that_is_none(world: World, name: str) -> None:
    assert world.refusal("create_vault", vaultName=name) == ("InvalidParameterValueException", 400)


def test_a_vault_that_is_not_there(world: World) -> None:
    assert world.refusal("describe_vault", vaultName="other") == ("ResourceNotFoundException", 404)
    world.client.delete_vault(vaultName="other")


def test_vaults_are_listed_in_pages_of_ten_by_name(world: World) -> None:
    for number in range(14):
        world.client.create_vault(vaultName=f"v{number:02}")
    page = world.client.list_vaults()
    assert [vault["VaultName"] for vault in page["VaultList"]] == [VAULT, *(f"v{n:02}" for n in range(9))]
    rest = world.client.list_vaults(marker=page["Marker"])
    assert [vault["VaultName"] for vault in rest["VaultList"]] == [f"v{n:02}" for n in range(9, 14)]
    assert "Marker" not in rest
    assert world.refusal("list_vaults", limit="11") == ("InvalidParameterValueException", 400)


def test_a_vault_is_deleted_only_when_its_inventory_shows_it_empty(world: World) -> None:
    archive_id = world.upload()
    assert world.refusal("delete_vault", vaultName=VAULT) == ("InvalidParameterValueException", 400)
    world.wait(hours=1)
    world.client.delete_archive(vaultName=VAULT, archiveId=archive_id)
    assert world.refusal("delete_vault", vaultName=VAULT) == ("InvalidParameterValueException", 400)
    world.wait(days=2)
    world.client.delete_vault(vaultName=VAULT)
    assert world.client.list_vaults()["VaultList"] == []


def test_regions_and_accounts_are_apart(world: World) -> None:
    assert client_of().meta.region_name == "us-east-1"
    assert world.service.account("123456789012", "eu-west-1").vaults == {}
    assert world.service.account("111122223333").vaults == {}


def test_a_vault_of_another_account_needs_that_vaults_policy(world: World) -> None:
    other = world.service.account("111122223333")
    other.add_vault("theirs")
    ours = {"accountId": "111122223333", "vaultName": "theirs"}
    assert world.refusal("list_jobs", **ours) == ("AccessDeniedException", 403)
    other.vault("theirs").access_policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                    "Action": ["glacier:InitiateJob", "glacier:List*"],
                    "Resource": "arn:aws:glacier:us-east-1:111122223333:vaults/theirs",
                }
            ],
        }
    )
    assert world.client.list_jobs(**ours)["JobList"] == []
    assert world.refusal("describe_vault", **ours) == ("AccessDeniedException", 403)
    assert world.refusal("list_vaults", accountId="1234bcd") == ("InvalidParameterValueException", 400)


def test_tags_and_policies_are_kept(world: World) -> None:
    world.client.add_tags_to_vault(vaultName=VAULT, Tags={"a": "1", "b": "2"})
    world.client.remove_tags_from_vault(vaultName=VAULT, TagKeys=["a"])
    assert world.client.list_tags_for_vault(vaultName=VAULT)["Tags"] == {"b": "2"}
    many = {str(number): "" for number in range(50)}
    refused = world.refusal("add_tags_to_vault", vaultName=VAULT, Tags=many)
    assert refused == ("LimitExceededException", 400)

    not_set = world.refusal("get_vault_access_policy", vaultName=VAULT)
    assert not_set == ("ResourceNotFoundException", 404)
    policy = {"Policy": '{"Version": "2012-10-17", "Statement": []}'}
    world.client.set_vault_access_policy(vaultName=VAULT, policy=policy)
    assert world.client.get_vault_access_policy(vaultName=VAULT)["policy"] == policy
    world.client.delete_vault_access_policy(vaultName=VAULT)


def test_a_lock_has_a_day_to_be_completed(world: World) -> None:
    policy = {"Policy": '{"Statement": []}'}
    world.client.initiate_vault_lock(vaultName=VAULT, policy=policy)
    assert world.client.get_vault_lock(vaultName=VAULT)["State"] == "InProgress"
    world.wait(hours=24)
    assert world.refusal("get_vault_lock", vaultName=VAULT) == ("ResourceNotFoundException", 404)
    lock_id = world.client.initiate_vault_lock(vaultName=VAULT, policy=policy)["lockId"]
    world.client.complete_vault_lock(vaultName=VAULT, lockId=lock_id)
    assert world.client.get_vault_lock(vaultName=VAULT)["State"] == "Locked"
    assert world.refusal("abort_vault_lock", vaultName=VAULT) == ("InvalidParameterValueException", 400)
