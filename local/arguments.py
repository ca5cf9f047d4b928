"""Numbers on a command's line: what is out of range is told with what would be right."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value", int, float)


def a_number(kind: type[Value], least: Value, most: Value | None = None) -> Callable[[str], Value]:
    """For argparse: a number of that kind, from the least to the most."""

    def read(text: str) -> Value:
        right = f"a number from {least} to {most}" if most is not None else f"a number, {least} or more"
        wrong = argparse.ArgumentTypeError(f"{text} is wrong; right is {right}")
        try:
            value = kind(text)
        except ValueError:
            raise wrong from None
        if not (least <= value and (most is None or value <= most)):
            raise wrong
        return value

    return read
