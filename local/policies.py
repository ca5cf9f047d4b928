"""Decides by IAM's rules whether policies allow a request. Of those, what is not here is an error, not a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

Statement = Mapping[str, Any]
Policy = Mapping[str, Any]

_STATEMENT_KEYS = {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}


@dataclass(frozen=True)
class Request:
    action: str
    """`sqs:SendMessage`; case does not matter."""
    resource: str
    service: str | None = None
    """The service that asks (`sns.amazonaws.com`), or None."""
    principal: str | None = None
    """The ARN of the principal that asks, or None."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Condition keys and their values; the keys' case does not matter."""


def allows(policies: Iterable[Policy], request: Request) -> bool:
    """True if some statement allows the request and none denies it."""
    effects = {s["Effect"] for policy in policies for s in _listed(policy["Statement"]) if applies(s, request)}
    return "Allow" in effects and "Deny" not in effects


def check(policy: Policy) -> None:
    """Raises NotImplementedError if anything in the policy could not be decided, whatever is asked of it."""
    for statement in _listed(policy["Statement"]):
        _check_elements(statement)
        for operator, keys in statement.get("Condition", {}).items():
            for wanted in keys.values():
                _check_condition(operator, _texts(wanted))


def condition_keys(policy: Policy) -> set[str]:
    """What the policy's conditions look at, in lower case."""
    conditions = (statement.get("Condition", {}) for statement in _listed(policy["Statement"]))
    return {key.lower() for condition in conditions for keys in condition.values() for key in keys}


def grants(policy: Policy) -> set[tuple[str, str]]:
    """(action, resource) of everything that the policy allows, as it stands in it."""
    statements = [statement for statement in _listed(policy["Statement"]) if statement["Effect"] == "Allow"]
    return {pair for one in statements for pair in product(_listed(one["Action"]), _listed(one.get("Resource", "*")))}


def _check_elements(statement: Statement) -> None:
    unknown = statement.keys() - _STATEMENT_KEYS
    if unknown:
        raise NotImplementedError(f"policy element {sorted(unknown)}")


def applies(statement: Statement, request: Request) -> bool:
    """True if the statement is about the request; one without a principal is a role's."""
    _check_elements(statement)
    return (
        any(_glob(action, request.action, ignore_case=True) for action in _listed(statement["Action"]))
        and any(_glob(resource, request.resource) for resource in _listed(statement.get("Resource", "*")))
        and ("Principal" not in statement or _is_principal(statement["Principal"], request))
        and _conditions_hold(statement.get("Condition", {}), request.context)
    )


def _is_principal(principal: str | Mapping[str, Any], request: Request) -> bool:
    if principal == "*":
        return True
    assert isinstance(principal, Mapping)
    for kind, names in principal.items():
        if kind == "Service" and request.service in _listed(names):
            return True
        if kind == "AWS" and request.principal and any(_names(name, request.principal) for name in _listed(names)):
            return True
        if kind not in ("Service", "AWS"):
            raise NotImplementedError(f"principal of the kind {kind}")
    return False


def _names(name: str, principal: str) -> bool:
    account = principal.split(":")[4]
    return name in ("*", principal, account) or bool(re.fullmatch(rf"arn:aws:iam::{account}:root", name))


_Operator = Callable[[str, str], bool]
_OPERATORS: Mapping[str, _Operator] = {
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringEqualsIgnoreCase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringLike": lambda wanted, actual: _glob(wanted, actual),
    "ArnEquals": lambda wanted, actual: _arn_like(wanted, actual),
    "ArnLike": lambda wanted, actual: _arn_like(wanted, actual),
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _condition_holds(operator, _texts(wanted), known.get(key.lower()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _condition_holds(operator: str, wanted: list[str], actual: str | None) -> bool:
    _check_condition(operator, wanted)
    if operator == "Null":
        return (actual is None) == (wanted == ["true"])
    name = operator.removesuffix("IfExists")
    negated = name in _NEGATED
    if actual is None:
        return name != operator or negated
    compare = _OPERATORS[_NEGATED.get(name, name)]
    return any(compare(value, actual) for value in wanted) != negated


def _check_condition(operator: str, wanted: list[str]) -> None:
    name = operator.removesuffix("IfExists")
    if operator != "Null" and _NEGATED.get(name, name) not in _OPERATORS:
        raise NotImplementedError(f"condition operator {operator}")
    if any("${" in value for value in wanted):
        raise NotImplementedError(f"policy variable in {wanted}")


def _texts(value: Any) -> list[str]:
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in _listed(value)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _arn_like(wanted: str, actual: str) -> bool:
    wanted_parts, actual_parts = wanted.split(":", 5), actual.split(":", 5)
    return len(wanted_parts) == len(actual_parts) and all(map(_glob, wanted_parts, actual_parts))


def _glob(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    return _compiled(pattern, ignore_case).fullmatch(text) is not None


@lru_cache(maxsize=1000)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))
