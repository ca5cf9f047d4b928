"""Sizes, times and durations as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_UNITS_BYTES = {"B": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("KMGT", 1)
    for suffix, base in (("B", 1000), ("iB", 1024))
}
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


class Size(click.ParamType[int]):
    """A number of bytes: 1048576, 100MB, 1.5GiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]?i?B)?", value)
        if found is None or (found[2] or "B") not in _UNITS_BYTES:
            self.fail(f"{value!r} is no size; 1048576, 100MB or 1.5GiB would be.", param, ctx)
        return int(float(found[1]) * _UNITS_BYTES[found[2] or "B"])


class Instant(click.ParamType[datetime]):
    """A date, which begins at midnight UTC, or a time with its zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is None or (instant.tzinfo is None and len(value) != len("2019-12-31")):
            self.fail(f"{value!r} is no time; 2019-12-31 or 2019-12-31T18:00:00Z would be.", param, ctx)
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


class Deadline(Instant):
    """A time as above, or how long from now: 90m, 6h, 2d."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        found = re.fullmatch(r"([0-9]{1,5})([mhd])", value) if isinstance(value, str) else None
        if found is not None:
            return datetime.now(UTC) + timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
        return super().convert(value, param, ctx)


SIZE = Size()
INSTANT = Instant()
DEADLINE = Deadline()
