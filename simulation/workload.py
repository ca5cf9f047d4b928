"""What users do in a run: drawn from the seed as a whole, so that leaving one step out changes no other."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from simulation.choices import Choice, Schedule
from thaw import bounds, capacity
from thaw.tiers import Tier, first_look_seconds

MIB = 2**20
VAULT = "photos"
FOREIGN_VAULT, FOREIGN_ACCOUNT = "partners", "210987654321"
SOMEONE_ELSES = "someone else's"
"""The description of jobs that users start themselves."""

_HOUR_SECONDS = 3600.0
_DAY_SECONDS = 24 * _HOUR_SECONDS
_SIZES_MIB = (2, 3, 5, 4)
_RANGES = (None, None, None, f"0-{MIB - 1}", f"{2 * MIB}-{3 * MIB - 1}")
"""The last is beyond the end of the first archive, which Glacier refuses."""
_BAD_ID = "bad"
_BAD = (
    "no JSON",
    '{"requestId": "bad", "vaultName": "photos"}',
    '{"requestId": "bad", "vaultName": "photos", "jobParameters": {"Type": "archive-retrieval", "Tier": "bulk"}}',
    "[1, 2]",
)


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
        return body if "Tier" in body.get("jobParameters", {}) and body["requestId"] != _BAD_ID else None


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


def drawn(chance: random.Random) -> Workload:
    theme = chance.choice(list(_THEMES))
    steps = _Steps(chance)
    _THEMES[theme](steps, chance)
    _sprinkle(steps, chance)
    last_seconds = max(step.at_seconds for step in steps.steps)
    max_units = chance.choice([0, 1, 2, 2])
    # Without room and units an Expedited retrieval tries again and again: not for a month.
    may_lack_room = max_units > 0 or theme not in _LONG
    workload = Workload(
        steps=tuple(sorted(steps.steps, key=lambda step: step.at_seconds)),
        archives=archives(),
        max_units=max_units,
        drain_within_minutes=chance.choice([5, 10, 60]),
        try_beyond_guarantee=chance.random() < 0.2,
        concurrency=chance.choice([2, 10, 10, 10]),
        on_demand_room=chance.random() < 0.5 or not may_lack_room,
        beyond_guarantee_served=chance.random() < 0.3,
        newest_jobs_first=chance.random() < 0.5,
        marker_repeats=chance.random() < 0.5,
        vault_notifies=chance.random() < 0.2,
        faults_end_seconds=last_seconds + chance.choice([0.2, 1, 4, 8]) * _HOUR_SECONDS,
        jobs_per_page=chance.choice([50, 50, 3, 2]),
        theme=theme,
        certain=steps.certain,
    )
    return replace(workload, **steps.settings)


class _Steps:
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
        self._request(body, after_seconds)

    def ask_expedited(self, after_seconds: float) -> None:
        """For what nobody else asks for."""
        number = len(self.requests)
        job = {"Type": "archive-retrieval", "ArchiveId": self._archives[number % 4].id, "Tier": "Expedited"}
        job |= {"RetrievalByteRange": f"0-{MIB - 1}"} if number >= 4 else {}
        self._request({"requestId": f"r{number + 1}", "vaultName": VAULT, "jobParameters": job}, after_seconds)

    def ask_inventory(self, after_seconds: float = 0.0, follow: bool | None = None) -> None:
        follow = self._chance.random() < 0.7 if follow is None else follow
        job: Body = {"Type": "inventory-retrieval", "Tier": self._chance.choice(["Standard", "Standard", "Bulk"])}
        job |= {"InventoryRetrievalParameters": {"Limit": "2" if follow else "3"}}
        body = {"requestId": f"r{len(self.requests) + 1}", "vaultName": VAULT, "jobParameters": job}
        self._request(body | ({"followPages": True} if follow else {}), after_seconds)

    def ask_partners(self, after_seconds: float = 0.0) -> None:
        tier = self._chance.choice(["Expedited", "Standard"])
        self.ask(tier, after_seconds, archive=0, vaultName=FOREIGN_VAULT, accountId=FOREIGN_ACCOUNT)

    def _request(self, body: dict[str, Any], after_seconds: float) -> None:
        """Two of three say something that is to come back in their events."""
        if len(self.requests) % 3:
            body = {**body, "context": {"of": body["requestId"]}}
        self.requests.append(body)
        self.send(body, after_seconds)


def _pause_seconds(chance: random.Random) -> float:
    return chance.choice(
        [0, 0, 0, 1, chance.uniform(0, 60), chance.uniform(0, 600), chance.uniform(0, 6) * _HOUR_SECONDS]
    )


def _tier(chance: random.Random) -> str:
    return chance.choice(["Expedited", "Standard", "Standard", "Bulk"])


def _mixed(steps: _Steps, chance: random.Random) -> None:
    for _ in range(chance.randint(2, 5)):
        kind = chance.random()
        pause_seconds = _pause_seconds(chance)
        if kind < 0.7:
            steps.ask(_tier(chance), pause_seconds)
        elif kind < 0.9:
            steps.ask_inventory(pause_seconds)
        else:
            steps.ask_partners(pause_seconds)


def _shared(steps: _Steps, chance: random.Random) -> None:
    """All want the same archive, at tiers and times of their own."""
    for _ in range(chance.randint(2, 6)):
        steps.ask(_tier(chance), _pause_seconds(chance), archive=1)


def _expedited_run(steps: _Steps, chance: random.Random) -> None:
    for number in range(chance.randint(2, 7)):
        steps.ask("Expedited", chance.choice([0, 0, 0.3, 30]), archive=number % 4)


def _inventories(steps: _Steps, chance: random.Random) -> None:
    """Mostly the same one, so that they meet: in progress, between two pages, ended with a slower job still there."""
    follow = chance.choice([True, True, False, None])
    for _ in range(chance.randint(1, 4)):
        steps.ask_inventory(_pause_seconds(chance), follow)


def _burst(steps: _Steps, chance: random.Random) -> None:
    for _ in range(chance.randint(5, 9)):
        steps.ask(_tier(chance))


def _days_of_quiet(steps: _Steps, chance: random.Random) -> None:
    """The same again after days: outputs that may still be joined, that may not, and that are gone."""
    for _ in range(chance.randint(2, 4)):
        hours = chance.choice([2, 20, 23, 26, 40, 24 * chance.uniform(2, 9)])
        steps.ask(_tier(chance), hours * _HOUR_SECONDS, archive=chance.choice([0, 1]))


def _months_end(steps: _Steps, chance: random.Random) -> None:
    """Units expire while Expedited retrievals come."""
    if chance.random() < 0.6:
        steps.add("buy")
    else:
        steps.ask("Expedited")
    month_ends_seconds = 31 * _DAY_SECONDS - chance.choice([30, 200, 900, 4000])
    steps.ask("Expedited", month_ends_seconds)
    for _ in range(chance.randint(1, 4)):
        steps.ask("Expedited", chance.choice([0, 1, 100, 600]))


_TWO_TIERS = [(Tier.BULK, Tier.STANDARD), (Tier.BULK, Tier.EXPEDITED), (Tier.STANDARD, Tier.EXPEDITED)]


def _hurried_at_the_start(steps: _Steps, chance: random.Random) -> None:
    """A faster tier is asked for while the slower attempt is made, or when its job is about to end; or nobody hears of
    the faster job's end, long before the slower one's; or who asked takes it back, when another has joined."""
    slower, tier = chance.choice(_TWO_TIERS)
    refusal = {"initiate InitiateJob 1": Choice(chance.choice(["throttled", "limit exceeded", "slow reply"]), 15.0)}
    ends = {"job's time 1": Choice("job early", 60.0), "initiate InitiateJob 2": Choice("slow reply", 19.0)}
    late = {"job's time 1": Choice("job late", 6 * _HOUR_SECONDS)}
    lost = {**late, "notification 1": Choice("notification lost")}
    waits = {"top_up ListProvisionedCapacity 1": Choice("slow reply", 19.0)}
    after_seconds, steps.certain = chance.choice([(5.0, refusal), (50.0, ends), (50.0, lost), (50.0, waits)])
    steps.ask(slower, archive=3)
    steps.ask(tier, after_seconds, archive=3)
    if steps.certain is waits:
        steps.ask(slower, chance.uniform(0, 5), archive=3)
        steps.send({"cancel": "r2"}, chance.uniform(0, 5))
    steps.settings = {"on_demand_room": True}


def _falls_back(steps: _Steps, chance: random.Random) -> None:
    """There is no room for an Expedited attempt: who takes less goes on, is refused once more, and is taken back then,
    or joined; who insists goes on waiting."""
    steps.ask_expedited(bounds.TICK_SECONDS - 20.0)
    less = chance.choice([{"Tier": "Expedited"}, {"Tier": "Standard"}, {"Tier": "Bulk"}])
    job = {**steps.requests[0]["jobParameters"], **less}
    fallback = {"expeditedFallback": chance.choice(["Standard", "Bulk"])} if job["Tier"] == "Expedited" else {}
    steps._request({"requestId": "r2", "vaultName": VAULT, "jobParameters": job, **fallback}, 1.0)
    after_seconds = 20 + chance.uniform(0, 40)
    if chance.random() < 0.6:
        steps.send({"cancel": "r2"}, after_seconds)
    else:
        steps.ask(_tier(chance), after_seconds, archive=0)
    steps.certain = {"initiate InitiateJob 2": Choice("throttled")}
    steps.settings = {"max_units": chance.choice([0, 0, 1]), "on_demand_room": False}


def _hurried(steps: _Steps, chance: random.Random) -> None:
    """A faster tier is asked for just before the slower job, of whose end nobody heard, is looked at; there may be no
    room for it.

    A job is looked at by the first tick after it is due; and the look is put off where the faster one is started later.
    """
    slower, tier = chance.choice(_TWO_TIERS)
    ahead_seconds = 200 if tier is Tier.STANDARD else 40  # an Expedited job may have ended by then
    steps.ask(slower, bounds.TICK_SECONDS - chance.choice([1, 30, 60, 90]), archive=3)
    steps.ask(tier, first_look_seconds(slower) - chance.uniform(1, ahead_seconds), archive=3)
    late = {"job's time 1": Choice("job late", round(chance.uniform(1, 6) * _HOUR_SECONDS, 3))}
    lost = {"notification 1": Choice("notification lost")}
    fails = {"job's end 1": Choice("job fails"), **lost}
    steps.certain = chance.choice([late, late, fails, fails, fails, lost])
    begin_seconds = bounds.TICK_SECONDS + first_look_seconds(slower) - 1.0
    room = chance.choice([{"on_demand_room": True}] * 3 + [{"on_demand_room": False, "max_units": 0}])
    steps.settings = {**room, "faults_begin_seconds": chance.choice([0.0, begin_seconds])}


def _about_units() -> list[dict[str, Choice]]:
    """A purchase without a reply, and then a lag; a lag once the unit was seen; two that decide at the same time; slots
    that nobody was told of."""
    late = Choice("listed late", bounds.LISTING_LAG_SECONDS)
    lags = {number: {f"top_up ListProvisionedCapacity {number}": late} for number in range(2, 7)}
    unknown = {"top_up PurchaseProvisionedCapacity 1": Choice("loses reply")} | lags[2] | lags[3] | lags[4]
    seen = lags[3] | lags[4] | lags[5] | lags[6]
    at_once = {"top_up ListProvisionedCapacity 1": Choice("slow reply", 19.0)}
    slots_only = {"top_up PutItem 5": Choice("dies after")}
    return [unknown, seen, at_once, slots_only]


def _just_in_time(steps: _Steps, chance: random.Random) -> None:
    """What one unit does within the time allowed, to the last second: whatever is counted twice, or too long, would be
    worth another."""
    count = chance.randint(3, 6)
    for _ in range(count):
        steps.ask_expedited(chance.choice([0, 0, 0, 5, 30, 200]))
    steps.certain = chance.choice([{}, {}, *_about_units()])
    minutes = -(-count * capacity.UNIT_SECONDS_EACH // 60)
    steps.settings = {
        "max_units": 2,
        "drain_within_minutes": minutes,
        "try_beyond_guarantee": False,
        "on_demand_room": False,
        "beyond_guarantee_served": False,
    }


_THEMES: dict[str, Callable[[_Steps, random.Random], None]] = {
    "mixed": _mixed,
    "shared": _shared,
    "expedited run": _expedited_run,
    "inventories": _inventories,
    "burst": _burst,
    "days of quiet": _days_of_quiet,
    "month's end": _months_end,
    "hurried at the look": _hurried,
    "hurried at the start": _hurried_at_the_start,
    "just in time": _just_in_time,
    "falls back": _falls_back,
}
_LONG = ("month's end", "days of quiet")


def _sprinkle(steps: _Steps, chance: random.Random) -> None:
    """Repeats, cancels, bad messages and what others do, somewhere in between or after."""
    for request in list(steps.requests):
        if chance.random() < 0.2:
            _insert(steps, chance, "send", json.dumps(request))
        if chance.random() < 0.2:
            _insert(steps, chance, "send", json.dumps({"cancel": request["requestId"]}))
        if chance.random() < 0.07:
            _insert(steps, chance, "send", json.dumps({**request, "context": {"other": "contents"}}))
    if chance.random() < 0.15:
        _insert(steps, chance, "send", chance.choice(_BAD))
    if chance.random() < 0.1:
        _insert(steps, chance, "buy")
    if chance.random() < 0.1:
        _insert(steps, chance, "start", steps._archives[chance.choice([0, 1])].id)
    if chance.random() < 0.1:
        _insert(steps, chance, "delete", steps._archives[1].id)


def _insert(steps: _Steps, chance: random.Random, what: str, body: str = "") -> None:
    """Near one of the steps there are: a moment or some hours after it."""
    near = chance.choice(steps.steps).at_seconds
    after_seconds = chance.choice([-1, 0, 0, 0.5, chance.uniform(0, 300), chance.uniform(0, 8) * _HOUR_SECONDS])
    steps.steps.append(Step(f"step {len(steps.steps) + 1}", round(max(0.0, near + after_seconds), 3), what, body))
