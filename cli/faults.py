"""What is wrong in a file, told by line and field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`field` is empty where all of the line is meant."""

    place: str
    """file:line, or the file and the archive's number in it."""
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.field}{': ' if self.field else ''}{self.message}"


Wrong = Callable[[Fault], None]
"""Who is told of a fault; reading goes on behind it where it can."""
