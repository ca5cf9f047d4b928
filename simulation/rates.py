"""How often things go wrong in a run. Each seed has rates of its own, and some kinds switched off: runs then differ."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

_SWITCHED_OFF = 0.25
_FACTORS = {"glacier": 4.0, "sqs": 4.0, "events": 2.0}
"""Calls of these are few; and most hangs on Glacier's."""


@dataclass(frozen=True)
class Rates:
    """Chances from 0 to 1: of each call, message, notification, job and result. Kinds that are `off` don't occur."""

    strikes: float
    switches: float
    messages: float
    notifications: float
    jobs: float
    results: float
    skewed: bool
    off: frozenset[str]
    too_late: float = 0.0
    """Of each call on which money hangs, and of the listings that would show what it did: that they come too late."""

    @classmethod
    def drawn(cls, chance: random.Random, kinds: tuple[str, ...]) -> Rates:
        return cls(
            strikes=chance.choice([0.0, 0.02, 0.05, 0.1, 0.2]),
            switches=chance.choice([0.0, 0.1, 0.3, 0.6]),
            messages=chance.choice([0.0, 0.1, 0.3]),
            notifications=chance.choice([0.0, 0.1, 0.3, 0.8]),
            jobs=chance.choice([0.0, 0.05, 0.15, 0.4]),
            results=chance.choice([0.0, 0.03, 0.1]),
            skewed=chance.random() < 0.5,
            off=frozenset(kind for kind in kinds if chance.random() < _SWITCHED_OFF),
        )

    def beyond(self, chance: random.Random) -> Rates:
        """Those of a run beyond the bounds: mostly about what comes too late, and both jobs are heard of."""
        too_late = chance.choice([0.0, 0.5, 0.9, 0.9])
        return replace(self, too_late=too_late, notifications=0.0) if too_late else self

    def draw_for(
        self, service: str, kinds: Mapping[str, float], seldom: Mapping[str, float], chance: random.Random
    ) -> str | None:
        """What happens to a call, if anything does.

        Args:
            seldom: what few calls can meet, and how likely one does that can.
        """
        for kind, rate in seldom.items():
            if self.strikes and kind in kinds and kind not in self.off and chance.random() < rate:
                return kind
        rate = min(0.6, self.strikes * _FACTORS.get(service, 1.0))
        return self.draw(kinds, rate, chance)

    def draw(self, kinds: Mapping[str, float], rate: float, chance: random.Random) -> str | None:
        """One of the kinds by their weights, or, more often, none."""
        if chance.random() >= rate:
            return None
        left = {kind: weight for kind, weight in kinds.items() if kind not in self.off}
        return chance.choices(list(left), list(left.values()))[0] if left else None
