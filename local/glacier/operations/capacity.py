"""Provisioned capacity and the data retrieval policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from local.glacier import times
from local.glacier.account import Account
from local.glacier.errors import missing
from local.glacier.policies import RetrievalPolicy


def list_units(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    listed_since = times.now() - timedelta(seconds=account.settings.listing_lag_seconds)
    listed = [unit for unit in account.valid_units() if unit.start <= listed_since]
    return {"ProvisionedCapacityList": [unit.to_wire() for unit in listed]}


def purchase_unit(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"capacityId": account.buy_unit().capacity_id}


def get_retrieval_policy(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"Policy": account.policy.to_wire()}


def set_retrieval_policy(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("Policy") is None:
        raise missing("Policy")
    account.policy = RetrievalPolicy.from_wire(given["Policy"])
    return {}
