"""Provisioned capacity and the data retrieval policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.glacier.account import Account
from local.glacier.errors import missing
from local.glacier.policies import RetrievalPolicy


def list_units(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"ProvisionedCapacityList": [unit.to_wire() for unit in account.valid_units()]}


def purchase_unit(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"capacityId": account.buy_unit().capacity_id}


def get_retrieval_policy(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"Policy": account.policy.to_wire()}


def set_retrieval_policy(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("Policy") is None:
        raise missing("Policy")
    account.policy = RetrievalPolicy.from_wire(given["Policy"])
    return {}
