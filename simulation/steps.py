"""How the steps of a workload are put together."""

from __future__ import annotations

import json
import random
from typing import Any

from simulation.choices import Choice
from simulation.workload import FOREIGN_ACCOUNT, FOREIGN_VAULT, MIB, VAULT, Body, Step, archives

_RANGES = (None, None, None, f"0-{MIB - 1}", f"{2 * MIB}-{3 * MIB - 1}")
"""The last is beyond the end of the first archive, which Glacier refuses."""


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
        part = chance.choice(_RANGES) if number in (0, 1) and chance.random() < 0.3 else None
        job |= {"RetrievalByteRange": part} if part else {}
        body = {"requestId": f"r{len(self.requests) + 1}", "vaultName": VAULT, "jobParameters": job, **fields}
        if chance.random() < 0.3:
            body["archiveSizeInBytes"] = chosen.size_mib * MIB
        if tier == "Expedited" and chance.random() < 0.4:
            body["expeditedFallback"] = chance.choice(["Standard", "Bulk"])
        self.request(body, after_seconds)

    def ask_expedited(self, after_seconds: float) -> None:
        """For what nobody else asks for."""
        number = len(self.requests)
        job = {"Type": "archive-retrieval", "ArchiveId": self._archives[number % 4].id, "Tier": "Expedited"}
        job |= {"RetrievalByteRange": f"0-{MIB - 1}"} if number >= 4 else {}
        self.request({"requestId": f"r{number + 1}", "vaultName": VAULT, "jobParameters": job}, after_seconds)

    def ask_inventory(self, after_seconds: float = 0.0, follow: bool | None = None) -> None:
        follow = self._chance.random() < 0.7 if follow is None else follow
        job: Body = {"Type": "inventory-retrieval", "Tier": self._chance.choice(["Standard", "Standard", "Bulk"])}
        job |= {"InventoryRetrievalParameters": {"Limit": "2" if follow else "3"}}
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
