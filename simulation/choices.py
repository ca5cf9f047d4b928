"""What is chosen in a run: drawn from the seed and written down, or read from what was written down."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Choice:
    """One thing that happens at a point: its kind, and how much of it (mostly seconds) where that says something."""

    kind: str
    amount: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} {self.amount:g}" if self.amount else self.kind


Schedule = Mapping[str, Choice]
"""The choices of a run by the names of their points."""

Draw = Callable[[random.Random], Choice | None]


@dataclass
class Chooser:
    """Chooses at each point.

    Args:
        seed: what is drawn at a point depends on it and on the point's name, and on nothing else.
        given: to be chosen in place of what would be drawn; at all other points nothing is chosen then.
    """

    seed: int
    given: Schedule | None = None
    certain: Schedule = field(default_factory=dict)
    """Chosen where choices are drawn, whatever else would be: what a workload is about."""
    chosen: dict[str, Choice] = field(default_factory=dict)
    """In the order of time."""
    begun: bool = True
    """Whether choices are drawn yet."""
    ended: bool = False
    """Whether faults have ceased."""
    _counts: Counter[str] = field(default_factory=Counter)

    def at(self, place: str, draw: Draw) -> Choice | None:
        """What happens at this place, this time."""
        return self.choose(self.point(place), draw)

    def point(self, place: str) -> str:
        """The name of a place's next time; they are numbered from 1."""
        self._counts[place] += 1
        return f"{place} {self._counts[place]}"

    def choose(self, point: str, draw: Draw) -> Choice | None:
        """What happens at a point."""
        if self.ended:
            return None
        choice = self._drawn(point, draw) if self.given is None else self.given.get(point)
        if choice is not None:
            self.chosen[point] = choice
        return choice

    def _drawn(self, point: str, draw: Draw) -> Choice | None:
        return self.certain.get(point) or (draw(self.random_at(point)) if self.begun else None)

    def random_at(self, name: str) -> random.Random:
        """Chance of its own for a name."""
        return random.Random(f"{self.seed} {name}")
