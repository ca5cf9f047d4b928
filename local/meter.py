"""What writes to a table cost, by DynamoDB's rules for on-demand tables.

Each write is charged for the larger of the item before and after it, in steps of 1 KB; a write in a transaction
twice; one whose condition fails as well. Each index is charged one write more for an entry that appears, goes
or changes, and two if its key changes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from moto.dynamodb.models.table import GlobalSecondaryIndex, Table

Attributes = dict[str, Any]

_UNIT_BYTES = 1024


@dataclass
class WriteMeter:
    units: int = 0
    """Write request units since the start or the last `clear`, those of indexes among them."""
    by_item: Counter[str] = field(default_factory=Counter)
    """The same by the item's partition key; failed conditions on items that don't exist are under an empty key."""

    def clear(self) -> None:
        self.units = 0
        self.by_item.clear()

    def wrote(self, table: Table, before: Attributes | None, after: Attributes | None, factor: int) -> None:
        units = _units(before, after)
        for index in table.global_indexes:
            units += _index_units(index, table.table_key_attrs, before, after)
        self._add(table.hash_key_attr, after or before, units * factor)

    def refused(self, existing: Attributes | None, factor: int) -> None:
        """A write that a condition stopped."""
        self._add("id", existing, _units(existing, None) * factor)

    def add(self, key: str, units: int) -> None:
        """Units that a write to the item of a partition key took."""
        self.units += units
        self.by_item[key] += units

    def _add(self, hash_key: str, item: Attributes | None, units: int) -> None:
        key = (item or {}).get(hash_key, {"S": ""})
        self.add(str(next(iter(key.values()))), units)


def item_bytes(item: Mapping[str, Any]) -> int:
    """The size of an item in DynamoDB's reckoning; attributes as the API has them: {"id": {"S": "…"}}."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(typed: Mapping[str, Any]) -> int:
    kind, value = next(iter(typed.items()))
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_bytes(value)
        case "B":
            return len(value)
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(member.encode()) for member in value)
        case "NS":
            return sum(_number_bytes(member) for member in value)
        case "BS":
            return sum(len(member) for member in value)
        case "L":
            return 3 + sum(1 + _value_bytes(member) for member in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(member) for name, member in value.items())
    raise NotImplementedError(kind)


def _number_bytes(text: str) -> int:
    number = Decimal(text).normalize()
    digits = len(number.as_tuple().digits)
    return (digits + 1) // 2 + 1 + (number < 0)


def _units(before: Attributes | None, after: Attributes | None) -> int:
    largest = max((item_bytes(item) for item in (before, after) if item), default=0)
    return max(1, math.ceil(largest / _UNIT_BYTES))


def _index_units(
    index: GlobalSecondaryIndex, table_keys: list[str], before: Attributes | None, after: Attributes | None
) -> int:
    old, new = (_entry(index, table_keys, item) for item in (before, after))
    if old == new:
        return 0
    if old and new and any(old[key] != new[key] for key in index.schema_key_attrs):
        return _units(old, None) + _units(new, None)
    return _units(old, new)


def _entry(index: GlobalSecondaryIndex, table_keys: list[str], item: Attributes | None) -> Attributes | None:
    """What the index holds of an item; nothing if the item lacks one of the index's keys."""
    if item is None or not all(key in item for key in index.schema_key_attrs):
        return None
    if index.projection["ProjectionType"] == "ALL":
        return item
    kept = {*table_keys, *index.schema_key_attrs, *index.projection.get("NonKeyAttributes", [])}
    return {name: value for name, value in item.items() if name in kept}
