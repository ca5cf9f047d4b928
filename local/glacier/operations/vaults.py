"""Vaults, their notifications and their tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.glacier import times
from local.glacier.account import Account
from local.glacier.errors import invalid, missing, not_found
from local.glacier.operations.pages import check_limit
from local.glacier.vaults import Notifications, check_vault_name

_VAULTS_PER_PAGE_MOST = 10


def create(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    name = given["vaultName"]
    check_vault_name(name)
    if name not in account.vaults:
        account.add_vault(name)
    return {"location": f"/{account.account_id}/vaults/{name}"}


def describe(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    return account.vault(given["vaultName"]).describe(times.now())


def list_vaults(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    """In the order of the names; the marker is the ARN after which the next page begins."""
    limit, marker = check_limit(given.get("limit"), _VAULTS_PER_PAGE_MOST), given.get("marker") or ""
    rest = [vault for name, vault in sorted(account.vaults.items()) if vault.arn > marker]
    page, moment = rest[:limit], times.now()
    return {
        "Marker": page[-1].arn if len(rest) > limit else None,
        "VaultList": [vault.describe(moment) for vault in page],
    }


def delete(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    """Idempotent: a vault that is not there is deleted already."""
    vault = account.vaults.get(given["vaultName"])
    if vault is not None:
        if not vault.is_deletable(times.now()):
            raise invalid(f"Vault not empty or recently written to: {vault.arn}")
        del account.vaults[vault.name]
    return {}


def set_notifications(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    config = given.get("vaultNotificationConfig")
    if config is None:
        raise missing("vaultNotificationConfig")
    account.vault(given["vaultName"]).notifications = Notifications.from_wire(config)
    return {}


def get_notifications(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    vault = account.vault(given["vaultName"])
    if vault.notifications is None:
        raise not_found(f"No notification configuration is set for vault: {vault.name}")
    return {"vaultNotificationConfig": vault.notifications.to_wire()}


def delete_notifications(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    account.vault(given["vaultName"]).notifications = None
    return {}


def add_tags(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    account.vault(given["vaultName"]).add_tags(given.get("Tags") or {})
    return {}


def list_tags(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"Tags": account.vault(given["vaultName"]).tags}


def remove_tags(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    vault = account.vault(given["vaultName"])
    for key in given.get("TagKeys") or []:
        vault.tags.pop(key, None)
    return {}
