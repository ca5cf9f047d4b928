"""The account's data retrieval policy, and a vault's access policy as far as another account needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from local.glacier.errors import invalid, missing

_BYTES_PER_HOUR_MOST = 2**63 - 1
_STANDARD_TAKES_HOURS = 4
"""The rate of a retrieval is its bytes over the usual time of a Standard one."""


@dataclass(frozen=True)
class RetrievalPolicy:
    """`strategy` is None (no limit), FreeTier or BytesPerHour; the last has its `bytes_per_hour`."""

    strategy: str = "None"
    bytes_per_hour: int | None = None

    @classmethod
    def from_wire(cls, policy: Mapping[str, Any]) -> RetrievalPolicy:
        rules = policy.get("Rules")
        if not rules:
            raise missing("Rules")
        if len(rules) != 1:
            raise invalid("A data retrieval policy must have exactly one rule")
        strategy, bytes_per_hour = rules[0].get("Strategy"), rules[0].get("BytesPerHour")
        if strategy is None:
            raise missing("Strategy")
        if strategy not in ("None", "FreeTier", "BytesPerHour"):
            raise invalid(f"The data retrieval strategy is not valid: {strategy}")
        if strategy != "BytesPerHour" and bytes_per_hour is not None:
            raise invalid(f"BytesPerHour must not be set for the strategy {strategy}")
        if strategy == "BytesPerHour" and bytes_per_hour is None:
            raise missing("BytesPerHour")
        if bytes_per_hour is not None and not 1 <= bytes_per_hour <= _BYTES_PER_HOUR_MOST:
            raise invalid(f"BytesPerHour is not valid: {bytes_per_hour}")
        return cls(strategy, bytes_per_hour)

    def to_wire(self) -> dict[str, Any]:
        rule: dict[str, Any] = {"Strategy": self.strategy}
        if self.bytes_per_hour is not None:
            rule["BytesPerHour"] = self.bytes_per_hour
        return {"Rules": [rule]}

    def allows(self, more_bytes: int, bytes_in_progress: int, bytes_today: int, free_tier_bytes_per_day: int) -> bool:
        """Whether a Standard retrieval of `more_bytes` is accepted.

        `bytes_in_progress` are those of the Standard retrievals under way, `bytes_today` of those accepted
        since midnight UTC.
        """
        if self.strategy == "FreeTier":
            return bytes_today + more_bytes <= free_tier_bytes_per_day
        if self.bytes_per_hour is not None:
            return bytes_in_progress + more_bytes <= self.bytes_per_hour * _STANDARD_TAKES_HOURS
        return True


def check_policy_text(text: str | None) -> str:
    """A vault access or lock policy as it is kept, if it is a JSON document."""
    if not text:
        raise missing("Policy")
    try:
        is_object = isinstance(json.loads(text), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise invalid("The policy is not a valid JSON document")
    return text


def may_use_vault(policy_text: str | None, account_id: str, operation: str, vault_arn: str) -> bool:
    """Whether a vault's access policy lets another account call an operation; conditions are not read."""
    statements = json.loads(policy_text).get("Statement", []) if policy_text else []
    if isinstance(statements, dict):
        statements = [statements]
    effects = {
        statement.get("Effect")
        for statement in statements
        if _names_account(statement.get("Principal"), account_id)
        and _matches(statement.get("Action"), f"glacier:{operation}")
        and _matches(statement.get("Resource"), vault_arn)
    }
    return effects == {"Allow"}


def _names_account(principal: Any, account_id: str) -> bool:
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    names = [named] if isinstance(named, str) else named or []
    return any(name in ("*", account_id) or f"::{account_id}:" in name for name in names)


def _matches(patterns: Any, name: str) -> bool:
    listed = [patterns] if isinstance(patterns, str) else patterns or []
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in listed)
