"""A vault's access policy and its lock. The lock's policy is kept; it is not enforced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.glacier import ids, times
from local.glacier.account import Account
from local.glacier.errors import invalid, not_found
from local.glacier.policies import check_policy_text
from local.glacier.vaults import Lock, Vault


def set_access(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    vault = account.vault(given["vaultName"])
    vault.access_policy = check_policy_text((given.get("policy") or {}).get("Policy"))
    return {}


def get_access(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    vault = account.vault(given["vaultName"])
    if vault.access_policy is None:
        raise not_found(f"No vault access policy is set for: {vault.arn}")
    return {"policy": {"Policy": vault.access_policy}}


def delete_access(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    account.vault(given["vaultName"]).access_policy = None
    return {}


def initiate_lock(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    vault = account.vault(given["vaultName"])
    if _lock(vault) is not None:
        raise invalid(f"A vault lock is in progress or in place for: {vault.arn}")
    policy = check_policy_text((given.get("policy") or {}).get("Policy"))
    vault.lock = Lock(account.new_id(ids.LOCK_ID_LENGTH), policy, times.now())
    return {"lockId": vault.lock.lock_id}


def complete_lock(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    """Idempotent with the right lock id."""
    vault = account.vault(given["vaultName"])
    lock = _lock_or_error(vault)
    if lock.lock_id != given["lockId"]:
        raise invalid(f"The lock ID is not valid: {given['lockId']}")
    lock.state = "Locked"
    return {}


def abort_lock(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    vault = account.vault(given["vaultName"])
    lock = _lock(vault)
    if lock is not None and lock.state == "Locked":
        raise invalid(f"The vault is locked: {vault.arn}")
    vault.lock = None
    return {}


def get_lock(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    lock = _lock_or_error(account.vault(given["vaultName"]))
    in_progress = lock.state == "InProgress"
    return {
        "Policy": lock.policy,
        "State": lock.state,
        "ExpirationDate": times.with_milliseconds(lock.expires_at) if in_progress else None,
        "CreationDate": times.with_milliseconds(lock.created_at),
    }


def _lock(vault: Vault) -> Lock | None:
    return vault.lock if vault.lock and vault.lock.holds(times.now()) else None


def _lock_or_error(vault: Vault) -> Lock:
    lock = _lock(vault)
    if lock is None:
        raise not_found(f"No vault lock policy is set for: {vault.arn}")
    return lock
