"""Each kind of retrieval, as users ask for it: the lives that the sweep strikes at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulation.choices import Choice, Schedule
from simulation.workload import MIB, VAULT, Step, Workload, archives
from thaw.tiers import Tier, first_look_seconds

_HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Life:
    """A workload, and what happens in it before anything else is struck."""

    name: str
    workload: Workload
    given: Schedule = field(default_factory=dict)
    about: tuple[str, ...] = ("",)
    """How the points begin of which a pair has one at least, and which the quick sweep strikes at; the others are also
    in other lives."""


def _archive(name: str, tier: str, *, part: str | None = None, archive: int = 2, **fields: Any) -> dict[str, Any]:
    job = {"Type": "archive-retrieval", "ArchiveId": archives()[archive].id, "Tier": tier}
    job |= {"RetrievalByteRange": part} if part else {}
    return {"requestId": name, "vaultName": VAULT, "jobParameters": job, **fields}


def _inventory(
    name: str, tier: str = "Standard", limit: str = "2", *, follow: bool = True, **dates: str
) -> dict[str, Any]:
    part = {"Limit": limit, **dates}
    job = {"Type": "inventory-retrieval", "Tier": tier, "InventoryRetrievalParameters": part}
    return {"requestId": name, "vaultName": VAULT, "followPages": follow, "jobParameters": job}


def _workload(*steps: tuple[float, object], units: int = 0, room: bool = True, drain_minutes: int = 60) -> Workload:
    """Args: steps: bodies to send, or `buy`, each with its second."""
    made = tuple(
        Step(f"step {number}", at_seconds, *(("buy", "") if body == "buy" else ("send", json.dumps(body))))
        for number, (at_seconds, body) in enumerate(steps, 1)
    )
    return Workload(
        steps=made,
        archives=archives(),
        max_units=units,
        drain_within_minutes=drain_minutes,
        try_beyond_guarantee=False,
        concurrency=10,
        on_demand_room=room,
        beyond_guarantee_served=False,
        newest_jobs_first=False,
        jobs_per_page=50,
        marker_repeats=True,
        vault_notifies=False,
        faults_end_seconds=None,
        theme="sweep",
    )


_SIZE = {"archiveSizeInBytes": archives()[2].size_mib * MIB}
_ALL = f"0-{_SIZE['archiveSizeInBytes'] - 1}"
"""Who says it with the size asks for the same as who asks for all of the archive."""
_LOST_REPLY: Mapping[str, Choice] = {"initiate InitiateJob 1": Choice("loses reply")}
_ENDS_DURING_THE_NEXT_START: Mapping[str, Choice] = {
    "job's time 1": Choice("job early", 60.0),
    "initiate InitiateJob 2": Choice("slow reply", 19.0),
}
_LATE_JOB: Mapping[str, Choice] = {"job's time 1": Choice("job late", 1.5 * _HOUR_SECONDS)}
_LOST_NOTIFICATION: Mapping[str, Choice] = {"notification 1": Choice("notification lost")}
_JUST_BEFORE_THE_LOOK = (first_look_seconds(Tier.BULK) - 60.0, _archive("r2", "Standard"))
"""Then reconcile asks Glacier of a job that was started just now."""
_HURRIED = _workload((0, _archive("r1", "Bulk")), _JUST_BEFORE_THE_LOOK)
_LOOKED_AT = ("reconcile", "initiate InitiateJob 2")
"""The calls of these lives that no other has."""
_NO_CAPACITY: Mapping[str, Choice] = {"initiate InitiateJob 1": Choice("no capacity")}
_SLOW_BACKLOG: Mapping[str, Choice] = {"top_up BatchGetItem 1": Choice("slow reply", 19.0)}


def _expedited(number: int, at_seconds: float = 0.0) -> tuple[float, object]:
    return at_seconds, _archive(f"r{number}", "Expedited", archive=number - 1)


# A unit takes 100 seconds for each: what is counted twice, or too long, would be worth a second unit.
_THREE = _workload(_expedited(1), _expedited(2), _expedited(3), units=2, room=False, drain_minutes=5)
_AGAIN = _workload(_expedited(1), _expedited(2, 400.0), units=2, room=False, drain_minutes=5)
_SIDE_BY_SIDE = _workload(_expedited(1), _expedited(2, 5.0), _expedited(3, 5.0), units=2, room=False, drain_minutes=5)

_SERVES_IN_DOUBT = {"job's time 1": Choice("job early", 60.0), "initiate InitiateJob 2": Choice("loses reply")}

LIVES = (
    Life("Standard", _workload((0, _archive("r1", "Standard")))),
    Life("Bulk", _workload((0, _archive("r1", "Bulk")))),
    Life("Expedited, on demand", _workload((0, _archive("r1", "Expedited")))),
    Life("Expedited, unit there", _workload((0, "buy"), (1, _archive("r1", "Expedited")), units=1, room=False)),
    Life("top-up", _workload((0, _archive("r1", "Expedited")), units=1, room=False)),
    Life("top-up of three", _THREE, about=("top_up PutItem", "initiate InitiateJob 1")),
    Life("unit, refused once, then another", _AGAIN, _NO_CAPACITY, about=("initiate InitiateJob 2",)),
    Life("two top_ups side by side", _SIDE_BY_SIDE, _SLOW_BACKLOG, about=("top_up PutItem",)),
    Life("fallback", _workload((0, _archive("r1", "Expedited", expeditedFallback="Bulk")), room=False)),
    Life("range", _workload((0, _archive("r1", "Standard", part=f"0-{MIB - 1}")))),
    Life("inventory pages", _workload((0, _inventory("r1")))),
    Life(
        "inventory, shared, then faster, then again",
        _workload(
            (0, _inventory("r1", "Bulk", "3", follow=False, StartDate="2026-01-01T00:00:00Z")),
            (0, _inventory("r2", "Bulk", "3", StartDate="2026-01-01T00:00:00.000Z")),
            (_HOUR_SECONDS, _inventory("r3", "Standard", "3", StartDate="2026-01-01T01:00:00+01:00")),
            (8 * _HOUR_SECONDS, _inventory("r4", "Bulk", "3", follow=False, StartDate="2026-01-01T00:00:00Z")),
        ),
        about=("complete", "initiate InitiateJob 2"),
    ),
    Life("shared", _workload((0, _archive("r1", "Standard")), (0, _archive("r2", "Bulk", part=_ALL, **_SIZE)))),
    Life("faster tier", _workload((0, _archive("r1", "Bulk")), (60, _archive("r2", "Standard")))),
    Life(
        "faster tier, when the slower ends",
        _workload((0, _archive("r1", "Bulk")), (50, _archive("r2", "Standard"))),
        _ENDS_DURING_THE_NEXT_START,
        about=("initiate PutItem", "complete"),
    ),
    Life(
        "two faster tiers at once",
        _workload((0, _archive("r1", "Bulk")), (60, _archive("r2", "Standard")), (60, _archive("r3", "Expedited"))),
        about=("initiate UpdateItem", "initiate InitiateJob 2"),
    ),
    Life("joined when done", _workload((0, _archive("r1", "Standard")), (8 * _HOUR_SECONDS, _archive("r2", "Bulk")))),
    Life("opened anew", _workload((0, _archive("r1", "Standard")), (28 * _HOUR_SECONDS, _archive("r2", "Bulk")))),
    Life(
        "taken over",
        _workload(
            (0, _archive("r1", "Bulk")),
            (60, _archive("r2", "Expedited")),
            (19 * _HOUR_SECONDS, _archive("r3", "Bulk")),
        ),
        about=("complete", "reconcile"),
    ),
    Life(
        "claim taken over",
        _workload(
            (0, _inventory("r1", "Bulk", "3", follow=False)),
            (50, _inventory("r2", "Standard", "3", follow=False)),
            (90, _inventory("r3", "Standard", "3", follow=False)),
        ),
        _SERVES_IN_DOUBT,
        about=("reconcile", "complete", "initiate TransactWriteItems"),
    ),
    Life("cancelled", _workload((0, _archive("r1", "Expedited")), (0, {"cancel": "r1"}))),
    Life("refused", _workload((0, _archive("r1", "Standard", archive=4)))),
    Life("rejected", _workload((0, {"requestId": "bad", "vaultName": VAULT}))),
    Life("reply lost", _workload((0, _archive("r1", "Standard"))), _LOST_REPLY, ("reconcile",)),
    Life("faster tier at the look", _HURRIED, _LOST_NOTIFICATION, _LOOKED_AT),
    Life("faster tier, the other late", _HURRIED, _LATE_JOB, _LOOKED_AT),
    Life("notification lost", _workload((0, _archive("r1", "Standard"))), _LOST_NOTIFICATION, ("reconcile",)),
)
