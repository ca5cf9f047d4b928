"""What came of each seed, kept in a file so that a shard can be carried on; and all of it taken together."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from simulation.history import Change
from simulation.mishaps import RESULT_LOST
from simulation.promises.money import IN_DOUBT, jobs_in_vain
from simulation.promises.said import Told
from simulation.run import Run
from simulation.strikes import EVERY_CALL, SERVICES
from thaw.states import FIRST, MOVES

ROOT = Path(__file__).parent.parent
_SOURCES = ("functions", "infra", "local", "simulation")
_SETTINGS = ("app.py", "cdk.json", "constraints.txt", "local/dynamodb_local/pom.xml")
_WOKEN = ("initiate", "top_up", "complete", "publish")
CARRIED_ON = "a listing carried on"
_LONG_SEEDS = 1000
_BY_LUCK = 20


@dataclass(frozen=True)
class Result:
    """One seed's."""

    seed: int
    theme: str
    violations: list[str]
    faults: dict[str, int]
    """By kind."""
    struck_at: dict[str, int]
    """By service and kind, of those that any call can meet: `sqs throttled`; and `publish result lost`."""
    moves: dict[str, int]
    """Of retrievals' states: `waiting -> initiating`."""
    choices: int
    calls: int
    days: float
    """Of virtual time."""
    jobs: int
    units: int
    in_vain: int
    """Jobs that were started though another would have served."""
    duplicates: int
    """Jobs of which it was told."""
    in_doubt: int
    """Units of which was told that perhaps they are not ours."""
    carried_on: int
    """Runs of reconcile that left a listing of a vault's jobs to the next one."""

    @classmethod
    def of(cls, run: Run) -> Result:
        cloud, told = run.world.cloud, Told(run.world.cloud.events)
        in_vain = jobs_in_vain(cloud.glacier.ledger.jobs, run.history, run.workload.requests)
        return cls(
            seed=run.seed,
            theme=run.workload.theme,
            violations=[str(violation) for violation in run.violations],
            faults=dict(run.struck),
            struck_at=dict(run.struck_at),
            moves=dict(_moves(run)),
            choices=len(run.chooser.chosen),
            calls=len(cloud.calls.log),
            days=round((cloud.now - cloud.start).total_seconds() / 86400, 2),
            jobs=len(cloud.glacier.ledger.jobs),
            units=len(cloud.glacier.ledger.units),
            in_vain=len({second.job_id for _, second in in_vain}),
            duplicates=len(told.duplicates),
            in_doubt=sum(code == IN_DOUBT for code in told.units.values()),
            carried_on=sum(_is_left_to_others(change) for change in run.history.changes),
        )


def _moves(run: Run) -> Counter[str]:
    moves: Counter[str] = Counter()
    for change in run.history.changes:
        old, new = change.old, change.new
        if new is None or new["kind"] != "retrieval":
            continue
        if old is None or old["generation"] != new["generation"]:
            moves[f"new -> {new['state']}"] += 1
        elif old["state"] != new["state"]:
            moves[f"{old['state']} -> {new['state']}"] += 1
    return moves


def _is_left_to_others(change: Change) -> bool:
    return change.new is not None and change.new["kind"] == "listing" and "marker" in change.new


def legal_moves() -> list[str]:
    onward = [f"{old} -> {new}" for old, states in MOVES.items() for new in sorted(states)]
    return [*(f"new -> {state}" for state in sorted(FIRST)), *onward]


def places() -> list[str]:
    """Each service with each kind that any call can meet; and each function that a queue or the stream wakes."""
    calls = [f"{service} {kind}" for kind in EVERY_CALL for service in SERVICES]
    return [*calls, *(f"{function} {RESULT_LOST}" for function in _WOKEN)]


@dataclass
class Totals:
    seeds: int = 0
    failed: list[Result] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    struck_at: Counter[str] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)
    themes: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    days: float = 0.0
    jobs: int = 0
    units: int = 0
    in_vain: int = 0
    duplicates: int = 0
    in_doubt: int = 0
    carried_on: int = 0

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.faults.update(result.faults)
        self.struck_at.update(result.struck_at)
        self.moves.update(result.moves)
        self.themes[result.theme] += 1
        self.calls += result.calls
        self.days += result.days
        self.jobs += result.jobs
        self.units += result.units
        self.in_vain += result.in_vain
        self.duplicates += result.duplicates
        self.in_doubt += result.in_doubt
        self.carried_on += result.carried_on
        if result.violations:
            self.failed.append(result)

    def uncovered(self, kinds: Iterable[str]) -> list[str]:
        """The legal moves, the kinds of fault, the services that such a fault met, and the rest, that did not occur."""
        return [name for name, count in self._counts(kinds) if count == 0]

    def hardly_covered(self, kinds: Iterable[str]) -> list[str]:
        """Those that occurred so seldom, in so many seeds, that it was luck."""
        return [name for name, count in self._counts(kinds) if self.is_long and 0 < count < _BY_LUCK]

    @property
    def is_long(self) -> bool:
        """Whether so many seeds were run that everything should have occurred."""
        return self.seeds >= _LONG_SEEDS

    def _counts(self, kinds: Iterable[str]) -> Iterator[tuple[str, int]]:
        yield from ((move, self.moves[move]) for move in legal_moves())
        yield from ((kind, self.faults[kind]) for kind in kinds)
        yield from ((place, self.struck_at[place]) for place in places())
        yield CARRIED_ON, self.carried_on


@dataclass(frozen=True)
class ResultsFile:
    """Of one state of the code; another has another file."""

    path: Path

    @classmethod
    def of_this_code(cls, name: str) -> ResultsFile:
        folder = ROOT / ".cache" / "simulation"
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder / f"{name}-{_fingerprint()}.jsonl")

    def read(self) -> Iterator[Result]:
        """What it holds, but for lines that were cut off with the process that wrote them."""
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            with suppress(json.JSONDecodeError):
                yield Result(**json.loads(line))

    def add(self, result: Result) -> None:
        """Only ever appends: several shards may be under way. The line begins by ending whatever was cut off."""
        with self.path.open("a") as file:
            file.write("\n" + json.dumps(asdict(result)))


def _fingerprint() -> str:
    digest = hashlib.sha256()
    modules = (path for source in _SOURCES for path in (ROOT / source).rglob("*.py"))
    for path in sorted([*modules, *(ROOT / name for name in _SETTINGS)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
