from __future__ import annotations

from moto import mock_aws

from local.glacier import Settings, install, service, uninstall

from .conftest import VAULT, World, client_of


def test_installing_again_gives_the_same_service_with_nothing_in_it(world: World) -> None:
    world.upload()
    again = install(Settings(seed=5))
    assert again is world.service is service()
    assert again.settings.seed == 5
    assert world.client.list_vaults()["VaultList"] == []


def test_the_state_goes_with_motos_reset_and_the_settings_stay() -> None:
    install(Settings(speed=60))
    with mock_aws():
        client_of().create_vault(vaultName=VAULT)
        service().faults.fail("ListVaults", "ThrottlingException")
    with mock_aws():
        assert client_of().list_vaults()["VaultList"] == []
    assert service().settings.speed == 60


def test_moto_gets_its_own_back(world: World) -> None:
    uninstall()
    try:
        assert world.refusal("describe_vault", vaultName="none")[0] == "VaultNotFound"
    finally:
        install()
    assert world.refusal("describe_vault", vaultName="none")[0] == "ResourceNotFoundException"
