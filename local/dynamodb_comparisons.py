"""moto's comparisons made DynamoDB's: values of two types are never equal and have no order, nor has what isn't there.

moto compares as Python does, to which True is 1, and what isn't there is null. As DynamoDB Local answers; a test
compares.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from moto.dynamodb.comparisons import (
    AttributePath,
    AttributeValue,
    Func,
    FuncBetween,
    FuncIn,
    FuncSize,
    Op,
    OpEqual,
    OpGreaterThan,
    OpGreaterThanOrEqual,
    OpLessThan,
    OpLessThanOrEqual,
    OpNotEqual,
)
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType, Item

Operand = AttributePath | AttributeValue | FuncSize
Typed = tuple[str, Any]
"""A value with its type: `("N", Decimal(1))`, `("L", [("S", "a")])`."""
Compare = Callable[..., bool]

_IN_ORDER = ("N", "S", "B")


def _equal(one: Typed | None, other: Typed | None) -> bool:
    return one is not None and one == other


def _differ(one: Typed | None, other: Typed | None) -> bool:
    return not _equal(one, other)


def _one_of(one: Typed | None, *others: Typed | None) -> bool:
    return any(_equal(one, other) for other in others)


def _ordered(order: Compare) -> Compare:
    def compare(one: Typed | None, other: Typed | None) -> bool:
        comparable = one is not None and other is not None and one[0] == other[0] in _IN_ORDER
        return comparable and order(one[1], other[1])  # type: ignore[index]

    return compare


_at_most = _ordered(operator.le)


def _between(one: Typed | None, least: Typed | None, most: Typed | None) -> bool:
    return _at_most(least, one) and _at_most(one, most)


_ORDERS: Mapping[type[Op | Func], Compare] = {
    OpLessThan: _ordered(operator.lt),
    OpLessThanOrEqual: _at_most,
    OpGreaterThan: _ordered(operator.gt),
    OpGreaterThanOrEqual: _ordered(operator.ge),
    FuncBetween: _between,
}
_COMPARISONS: Mapping[type[Op | Func], Compare] = {
    **_ORDERS,
    OpEqual: _equal,
    OpNotEqual: _differ,
    FuncIn: _one_of,
}


@contextmanager
def compared() -> Iterator[None]:
    """While entered, moto's DynamoDB compares so in conditions and filters, and refuses what can't be compared."""
    with ExitStack() as stack:
        for kind, compare in _COMPARISONS.items():
            stack.enter_context(mock.patch.object(kind, "__init__", _checked(kind)))
            stack.enter_context(mock.patch.object(kind, "expr", _by(compare)))
        yield


def _by(compare: Compare) -> Callable[[Any, Item | None], bool]:
    def expr(self: Any, item: Item | None) -> bool:
        return compare(*(_typed(operand, item) for operand in _operands(self)))

    return expr


def _operands(comparison: Any) -> tuple[Operand, ...]:
    return comparison.arguments if isinstance(comparison, Func) else (comparison.lhs, comparison.rhs)


def _typed(operand: Operand, item: Item | None) -> Typed | None:
    if isinstance(operand, FuncSize):
        return "N", operand.expr(item)
    kind = operand.get_type(item)
    if kind is None:
        return None
    if kind not in ("L", "M"):
        return kind, operand.expr(item)
    nested = {kind: operand.value} if isinstance(operand, AttributeValue) else operand._get_attr(item).to_regular_json()
    return _deep(nested)


def _deep(value: Mapping[str, Any]) -> Typed:
    [(kind, inner)] = value.items()
    if kind == "L":
        return kind, [_deep(member) for member in inner]
    if kind == "M":
        return kind, {name: _deep(member) for name, member in inner.items()}
    return kind, DynamoType(dict(value)).cast_value


def _checked(kind: type[Op | Func]) -> Callable[..., None]:
    original: Callable[..., None] = kind.__init__

    def init(self: Any, first: Operand, *others: Operand) -> None:
        original(self, first, *others)
        if isinstance(first, AttributePath) and first.path in [getattr(one, "path", None) for one in others]:
            raise _invalid(f"The first operand must be distinct from the remaining operands: {first.path}")
        if kind in _ORDERS:
            _check_types(first, *others)
        if kind is FuncBetween:
            _check_bounds(*others)

    return init


def _check_types(*operands: Operand) -> None:
    for operand in operands:
        if isinstance(operand, AttributeValue) and operand.type not in _IN_ORDER:
            raise _invalid(f"Incorrect operand type for operator or function; operand type: {operand.type}")


def _check_bounds(*bounds: Operand) -> None:
    constants = all(isinstance(bound, AttributeValue) for bound in bounds)
    if constants and not _at_most(*(_typed(bound, None) for bound in bounds)):
        raise _invalid("The BETWEEN operator requires bounds of one type, the upper one no less than the lower")


def _invalid(why: str) -> MockValidationException:
    return MockValidationException(f"Invalid expression: {why}")
