"""What went on in a run, line by line, for a person to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.calls import Call
from local.deliveries import Event
from local.environments import Environment
from local.happenings import FunctionError, Happening, MessageSent, of_message
from simulation.choices import Choice
from simulation.history import Attributes, Change
from simulation.run import Run

_SHORT = 6
_ROUTINE = ("Query", "BatchGetItem")
"""Reads that are told only where something happened to them."""


@dataclass
class _Line:
    at_ms: int
    who: str
    what: str
    call: Call | None = None
    choice: Choice | None = None


@dataclass
class Timeline:
    """Attach it to a run before that is performed; `lines` afterwards."""

    run: Run
    _lines: list[_Line] = field(default_factory=list)
    _of_glacier: set[tuple[str, str]] = field(default_factory=set)
    """What of Glacier's ledger stands there already: what happened, and the id of which job or unit."""

    def __post_init__(self) -> None:
        self.run.on_call = self._on_call
        self.run.on_begin = self._on_begin
        self.run.on_start = self._on_start
        self.run.on_happening = self._on_happening

    def _on_begin(self) -> None:
        self.run.history.watchers.append(self._on_change)

    # ----------------------------------------------------------------------------------------------- listen

    def _add(self, who: str, what: str, call: Call | None = None, choice: Choice | None = None) -> None:
        self._add_of_glacier()
        self._lines.append(_Line(self.run.world.cloud.clock.now_ms(), who, what, call, choice))

    def _add_of_glacier(self) -> None:
        """What Glacier did since the line before: ahead of what follows from it, be it within the same millisecond."""
        for happened, the_id, line in self._glacier_lines():
            if (happened, the_id) not in self._of_glacier:
                self._of_glacier.add((happened, the_id))
                self._lines.append(line)

    def _glacier_lines(self) -> Iterator[tuple[str, str, _Line]]:
        ledger = self.run.world.cloud.glacier.ledger
        for job in ledger.jobs:
            what = f"job {job.job_id[:_SHORT]} of {(job.archive_id or 'inventory')[:_SHORT]} started at {job.tier}"
            yield "started", job.job_id, _glacier(job.at.timestamp() * 1000, what)
        for unit in ledger.units:
            what = f"unit {unit.capacity_id[:_SHORT]} bought"
            yield "bought", unit.capacity_id, _glacier(unit.at.timestamp() * 1000, what)
        for job_id, end in self.run.history.job_ends.items():
            yield "ended", job_id, _glacier(end.at_ms, f"job {job_id[:_SHORT]} {end.status}")

    def _on_call(self, call: Call, choice: Choice | None) -> None:
        self._add(call.instance, f"{call.operation} {_subject(call)}".rstrip(), call, choice)

    def _on_start(self, environment: Environment) -> None:
        skew = f", its clock ahead by {environment.skew_ms / 1000:g} s" if environment.skew_ms else ""
        self._add(environment.instance, f"begins{skew}")

    def _on_change(self, change: Change) -> None:
        self._add("  table", _change(change))

    def _on_happening(self, happening: Happening) -> None:
        match happening:
            case MessageSent(queue, body):
                self._add("  queue", f"{queue}: {body if 'requests' in queue else of_message(body)}")
            case FunctionError(function, result):
                error = result.error or {}
                self._add(function, f"ends: {error.get('errorType')}: {str(error.get('errorMessage'))[:120]}")
            case Event():
                self._add("  bus", _event(happening))

    # ------------------------------------------------------------------------------------------------- tell

    def lines(self) -> Iterator[str]:
        self._add_of_glacier()
        for line in sorted(self._lines, key=lambda line: line.at_ms):
            struck = line.choice is not None
            if line.call is not None and line.call.operation in _ROUTINE and not struck:
                continue
            outcome = line.call.outcome if line.call is not None else ""
            shown = line.what if outcome in ("", "ok") else f"{line.what}: {outcome}"
            mark = f"   <-- {line.choice}" if struck else ""
            yield f"{_time(line.at_ms)}  {line.who:<13} {shown}{mark}"


def _glacier(at_ms: float, what: str) -> _Line:
    return _Line(round(at_ms), "  Glacier", what)


def schedule_lines(run: Run) -> Iterator[str]:
    """The steps and the choices of a run."""
    for step in run.workload.steps:
        yield f"{step.name}: after {step.at_seconds:g} s, {step.what} {step.body}".rstrip()
    for point, choice in run.chooser.chosen.items():
        yield f"{point}: {choice}"


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%m-%d %H:%M:%S.%f}"[:-3]


def _change(change: Change) -> str:
    name = change.id.replace("retrieval/", "")
    short = name if change.id.startswith(("request/", "message/", "capacity")) else f"{name[:_SHORT]}{name[32:]}"
    if change.new is None:
        return f"{short} deleted"
    new, old = change.new, change.old or {}
    if new["kind"] != "retrieval":
        return f"{short} {'written' if not old else 'changed'}: {_differences(old, new)}"
    state = new["state"] if old.get("state") == new["state"] else f"{old.get('state', '-')} -> {new['state']}"
    due = f", due {_time(new['dueAt'])} in {new['dueIn']}" if "dueAt" in new else ""
    return f"{short}-{new['generation']} {state}, {new['tier']}, attempt {new['attempt']}{due}"


def _differences(old: Attributes, new: Attributes) -> str:
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    quiet = ("id", "kind", "revision", "expiresAt", "contents", "sequence")
    return ", ".join(f"{name}={_brief(new.get(name))}" for name in names if name not in quiet)


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _event(event: Event) -> str:
    detail = event.detail
    reason = f" ({detail['reason']['code']})" if detail.get("reason") else ""
    job = f" job {detail['jobId'][:_SHORT]}" if detail.get("jobId") else ""
    return f"{event.detail_type} {detail.get('requestId') or ''}{job} sequence {detail['sequence']}{reason}"


def _subject(call: Call) -> str:
    """What a call is about."""
    params = call.params
    for name in ("Item", "Key"):
        if name in params:
            item = params[name]["id"]["S"]
            return str(item if not item.startswith("retrieval/") else item[: len("retrieval/") + _SHORT])
    if "jobParameters" in params:
        job = params["jobParameters"]
        tag = str(job.get("Description"))
        return f"{job.get('Tier', '')} {(job.get('ArchiveId') or 'inventory')[:_SHORT]} as {tag[:11]}{tag[37:45]}"
    if "TransactItems" in params:
        return f"of {len(params['TransactItems'])} items"
    if "Entries" in params:
        return ", ".join(entry["DetailType"] for entry in params["Entries"])
    if "MessageBody" in params:
        return f"{params['MessageBody'][:60]} in {params.get('DelaySeconds', 0)} s"
    return str(params.get("jobId", ""))[:_SHORT]
