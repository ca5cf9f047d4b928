"""A deliberate fault in the functions, and what it has to break."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulation.limits import WITHIN, Limits
from simulation.promises.violation import Promise, Violation

Change = tuple[str, str, str]
"""A file of the functions, what stands in it exactly once, and what is to stand there."""


@dataclass(frozen=True)
class Mutation:
    name: str
    changes: tuple[Change, ...]
    breaks: tuple[Promise, ...] = (Promise.NO_DOLLAR_TWICE,)
    """The promises of which one has to be seen to break."""
    limits: Limits = WITHIN
    """Of the seeds that have to see it."""
    seen_as: str = ""
    """What the violation has to say, where a checker that knows the code without the fault would see it, too."""

    def apply(self, code: Path) -> None:
        """Changes the code in this folder. Raises ValueError where it no longer reads as the mutation expects."""
        for file, old, new in self.changes:
            path = code / file
            text = path.read_text()
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {file} has {text.count(old)} times: {old}")
            path.write_text(text.replace(old, new))

    def sees(self, violation: Violation) -> bool:
        return violation.promise in self.breaks and self.seen_as in violation.what


def one(
    name: str, file: str, old: str, new: str, *breaks: Promise, limits: Limits = WITHIN, seen_as: str = ""
) -> Mutation:
    """A mutation of one place of the code in `thaw`. Args: breaks: where none is named, it costs money."""
    return Mutation(name, ((f"thaw/{file}", old, new),), breaks or (Promise.NO_DOLLAR_TWICE,), limits, seen_as)
