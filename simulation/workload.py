"""What users do in a run, and in which settings."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from simulation.choices import Schedule

MIB = 2**20
VAULT = "photos"
FOREIGN_VAULT, FOREIGN_ACCOUNT = "partners", "210987654321"
SOMEONE_ELSES = "someone else's"
"""The description of jobs that users start themselves."""

_SIZES_MIB = (2, 3, 5, 4)
BAD_ID = "bad"
"""Of messages that are no requests."""

Body = dict[str, Any]


@dataclass(frozen=True)
class Archive:
    id: str
    size_mib: int


@dataclass(frozen=True)
class Step:
    """Something that a user does."""

    name: str
    at_seconds: float
    """From the start."""
    what: str
    """`send` a body to the request queue; `buy` a unit; `start` a job of their own for, or `delete`, an archive."""
    body: str = ""

    @property
    def request(self) -> Body | None:
        """What a message asks for, where it is a request."""
        if self.what != "send" or not self.body.startswith("{"):
            return None
        body: Body = json.loads(self.body)
        return body if "Tier" in body.get("jobParameters", {}) and body["requestId"] != BAD_ID else None


@dataclass(frozen=True)
class Workload:
    steps: tuple[Step, ...]
    archives: tuple[Archive, ...]
    """Of the own vault; the last one is not there."""
    max_units: int
    drain_within_minutes: int
    try_beyond_guarantee: bool
    concurrency: int
    """How many functions Lambda runs at once."""
    on_demand_room: bool
    beyond_guarantee_served: bool
    newest_jobs_first: bool
    jobs_per_page: int
    marker_repeats: bool
    vault_notifies: bool
    """Whether the vault has a notification of its own, to the same topic."""
    faults_end_seconds: float | None
    """When faults cease, and Glacier has room on demand. None: what happens is given as a whole."""
    theme: str
    faults_begin_seconds: float = 0.0
    """What goes wrong before, is certain."""
    every_tick: bool = False
    """Whether reconcile and top_up are woken also where the index has nothing for them."""
    certain: Schedule = field(default_factory=dict)
    """What happens in any case: what the theme is about."""

    @property
    def asks_partners(self) -> bool:
        """Whether something of another account's vault is asked for, which no unit of ours serves."""
        return any("accountId" in (step.request or {}) for step in self.steps)

    def requests(self, request_id: str) -> list[Body]:
        """All that was sent as this request."""
        bodies = (step.request for step in self.steps)
        return [body for body in bodies if body is not None and body["requestId"] == request_id]


def archives() -> tuple[Archive, ...]:
    """The same in every run."""
    there = [Archive(f"{number}".ljust(138, "A"), size) for number, size in enumerate(_SIZES_MIB)]
    return (*there, Archive("9".ljust(138, "Z"), 1))
