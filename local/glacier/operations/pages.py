"""Pages of a listing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from local.glacier.errors import invalid

Item = TypeVar("Item")


def check_limit(text: str | None, most: int) -> int:
    """A page's size, from 1 to `most`, which is also the default."""
    if text is None:
        return most
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise invalid(f"Invalid limit value: {text}. It must be from 1 to {most}")
    return int(text)


def page_from(
    items: Sequence[Item], key: Callable[[Item], str], marker: str | None, limit: int
) -> tuple[list[Item], str | None]:
    """The page that begins with the item the marker names, and the marker of the next, if there is one."""
    start = 0
    if marker:
        start = next((at for at, item in enumerate(items) if key(item) == marker), -1)
        if start < 0:
            raise invalid(f"Invalid marker: {marker}")
    end = start + limit
    return list(items[start:end]), key(items[end]) if end < len(items) else None
