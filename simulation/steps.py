"""How the steps of a workload are put together."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from local.glacier.inventory import marker_after
from simulation.choices import Choice
from simulation.workload import FOREIGN_ACCOUNT, FOREIGN_VAULT, MIB, VAULT, Body, Step, archives

_RANGES = (f"0-{MIB - 1}", f"{2 * MIB}-{3 * MIB - 1}")
"""The last is beyond the end of the first archive, which Glacier refuses; and the end of the second."""
_RANGES_RATE = 0.12
_ALL_BY_RANGE_RATE = 0.15
"""Of requests: for a range that is all of the archive."""
_SAYS_SIZE_RATE = 0.3
_SAYS_SIZE_OF_ALL_RATE = 0.6
"""Only who says the archive's size, too, is known to ask for all of it."""


@dataclass(frozen=True)
class Part:
    """Of a vault's inventory. Each date is one instant, which each request spells as it likes."""

    limit: str | None
    since: bool = False
    until: bool = False
    csv: bool = False
    after: int | None = None
    """The number of the archive after which it begins: with a Marker that is known of an earlier time."""


USUAL_PART = Part("2")
SECOND_PAGE = Part("2", after=1)
"""Of the usual part."""
_PARTS = (
    USUAL_PART,
    SECOND_PAGE,
    Part("3"),
    Part("3", since=True),
    Part("2", until=True, csv=True),
    Part(None),
    Part(None, True),
)
_SINCE = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00+00:00", "2026-01-01T01:00:00+01:00")
_UNTIL = (
    "2026-12-31T23:59:59.500Z",
    "2026-12-31T23:59:59.5Z",
    "2026-12-31T23:59:59.500+00:00",
    "2026-12-31T23:59:59.4995Z",
)
"""The spellings of two instants: all archives of a run are of the time between."""


class Steps:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._archives = archives()
        self.steps: list[Step] = []
        self.requests: list[dict[str, Any]] = []
        self.certain: dict[str, Choice] = {}
        self.settings: dict[str, Any] = {}
        """What the theme decides of the workload."""
        self.at_seconds = 0.0

    def add(self, what: str, body: str = "", after_seconds: float = 0.0) -> None:
        self.at_seconds += after_seconds
        self.steps.append(Step(f"step {len(self.steps) + 1}", round(self.at_seconds, 3), what, body))

    def send(self, body: object, after_seconds: float = 0.0) -> None:
        self.add("send", json.dumps(body), after_seconds)

    def ask(self, tier: str, after_seconds: float = 0.0, archive: int | None = None, **fields: Any) -> None:
        """For an archive: one of the first two, mostly, so that requests meet."""
        chance = self._chance
        number = chance.choice([0, 0, 1, 1, 1, 2, 3, 4]) if archive is None else archive
        chosen = self._archives[number]
        job = {"Type": "archive-retrieval", "ArchiveId": chosen.id, "Tier": tier}
        whole = f"0-{chosen.size_mib * MIB - 1}"
        part = self._range(number, whole)
        job |= {"RetrievalByteRange": part} if part else {}
        body = {"requestId": f"r{len(self.requests) + 1}", "vaultName": VAULT, "jobParameters": job, **fields}
        if chance.random() < (_SAYS_SIZE_OF_ALL_RATE if part == whole else _SAYS_SIZE_RATE):
            body["archiveSizeInBytes"] = chosen.size_mib * MIB
        if tier == "Expedited" and chance.random() < 0.4:
            body["expeditedFallback"] = chance.choice(["Standard", "Bulk"])
        self.request(body, after_seconds)

    def _range(self, archive: int, whole: str) -> str | None:
        kind = self._chance.random()
        if kind < _ALL_BY_RANGE_RATE:
            return whole
        is_part = archive in (0, 1) and kind < _ALL_BY_RANGE_RATE + _RANGES_RATE
        return self._chance.choice(_RANGES) if is_part else None

    def ask_expedited(self, after_seconds: float) -> None:
        """For what nobody else asks for."""
        number = len(self.requests)
        job = {"Type": "archive-retrieval", "ArchiveId": self._archives[number % 4].id, "Tier": "Expedited"}
        job |= {"RetrievalByteRange": f"0-{MIB - 1}"} if number >= 4 else {}
        self.request({"requestId": f"r{number + 1}", "vaultName": VAULT, "jobParameters": job}, after_seconds)

    def part(self) -> Part:
        """Of an inventory: the usual one, often, so that requests meet."""
        return self._chance.choice([USUAL_PART, USUAL_PART, USUAL_PART, *_PARTS])

    def ask_inventory(
        self,
        after_seconds: float = 0.0,
        *,
        follow: bool | None = None,
        part: Part | None = None,
        tier: str | None = None,
    ) -> None:
        """What is None is drawn; each request has a spelling of its own for its dates."""
        chance, part = self._chance, part or self.part()
        follow = chance.random() < 0.6 if follow is None else follow
        tier = tier or chance.choice(["Standard", "Standard", "Bulk"])
        asked = {
            "Limit": part.limit,
            "StartDate": chance.choice(_SINCE) if part.since else None,
            "EndDate": chance.choice(_UNTIL) if part.until else None,
            "Marker": marker_after(self._archives[part.after].id) if part.after is not None else None,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        job: Body = {"Type": "inventory-retrieval", "Tier": tier}
        job |= {"InventoryRetrievalParameters": given} if given else {}
        job |= {"Format": "CSV"} if part.csv else {}
        body = {"requestId": f"r{len(self.requests) + 1}", "vaultName": VAULT, "jobParameters": job}
        self.request(body | ({"followPages": True} if follow else {}), after_seconds)

    def ask_partners(self, after_seconds: float = 0.0) -> None:
        tier = self._chance.choice(["Expedited", "Standard"])
        self.ask(tier, after_seconds, archive=0, vaultName=FOREIGN_VAULT, accountId=FOREIGN_ACCOUNT)

    def request(self, body: dict[str, Any], after_seconds: float) -> None:
        """Two of three say something that is to come back in their events."""
        if len(self.requests) % 3:
            body = {**body, "context": {"of": body["requestId"]}}
        self.requests.append(body)
        self.send(body, after_seconds)
