"""What users do in a run: drawn from the seed as a whole, so that leaving one step out changes no other."""

from __future__ import annotations

import json
import random
from dataclasses import replace

from simulation.steps import Steps
from simulation.themes import HOUR_SECONDS, LONG, THEMES
from simulation.workload import Step, Workload, archives

_BAD = (
    "no JSON",
    '{"requestId": "bad", "vaultName": "photos"}',
    '{"requestId": "bad", "vaultName": "photos", "jobParameters": {"Type": "archive-retrieval", "Tier": "bulk"}}',
    "[1, 2]",
)

_EVERY_TICK_RATE = 0.04
"""Such runs take several times as long."""


def drawn(chance: random.Random) -> Workload:
    theme = chance.choice(list(THEMES))
    steps = Steps(chance)
    THEMES[theme](steps, chance)
    _sprinkle(steps, chance)
    last_seconds = max(step.at_seconds for step in steps.steps)
    max_units = chance.choice([0, 1, 2, 2])
    # Without room and units an Expedited retrieval tries again and again: not for a month.
    may_lack_room = max_units > 0 or theme not in LONG
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
        faults_end_seconds=last_seconds + chance.choice([0.2, 1, 4, 8]) * HOUR_SECONDS,
        jobs_per_page=chance.choice([50, 50, 3, 2]),
        theme=theme,
        certain=steps.certain,
    )
    every_tick = theme not in LONG and chance.random() < _EVERY_TICK_RATE
    return replace(workload, every_tick=every_tick, **steps.settings)


def _sprinkle(steps: Steps, chance: random.Random) -> None:
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


def _insert(steps: Steps, chance: random.Random, what: str, body: str = "") -> None:
    """Near one of the steps there are: a moment or some hours after it."""
    near = chance.choice(steps.steps).at_seconds
    after_seconds = chance.choice([-1, 0, 0, 0.5, chance.uniform(0, 300), chance.uniform(0, 8) * HOUR_SECONDS])
    steps.steps.append(Step(f"step {len(steps.steps) + 1}", round(max(0.0, near + after_seconds), 3), what, body))
