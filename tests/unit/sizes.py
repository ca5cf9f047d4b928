"""DynamoDB's item sizes: developer guide, "DynamoDB item sizes and formats"."""

from collections.abc import Mapping
from typing import Any


def item_bytes(item: Mapping[str, Any]) -> int:
    """Names and values, both in UTF-8, as DynamoDB charges for them."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def write_units(item: Mapping[str, Any]) -> int:
    """Write units that one write of the item takes."""
    return -(-item_bytes(item) // 1024)


def _value_bytes(value: Any) -> int:
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, int):
        # About one byte for two significant digits, and one more; and one for a sign.
        digits = len(str(abs(value)).rstrip("0")) or 1
        return -(-digits // 2) + 1 + (value < 0)
    if isinstance(value, Mapping):
        return 3 + sum(1 + len(name.encode()) + _value_bytes(each) for name, each in value.items())
    if isinstance(value, list):
        return 3 + sum(1 + _value_bytes(each) for each in value)
    raise TypeError(f"no size known for {type(value).__name__}")
