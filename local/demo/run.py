"""The demo itself: sets the stage, sends the requests, lets time pass until all have ended, looks at the outputs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Protocol

from local import prices
from local.cloud import Cloud
from local.demo import examples, story
from local.demo.examples import Archive, Inventory, Request
from local.demo.history import History, Outcome, Told
from local.demo.user import User
from local.glacier.ledger import Ledger

_AT_MOST = timedelta(hours=30)
_SHOWN_EVERY = timedelta(minutes=10)
_PLAIN_REQUEST = "crm-restore"


class Screen(Protocol):
    """Where it shows how it goes."""

    def told(self, told: Told) -> None: ...
    def time_passes(self, now: datetime, histories: Mapping[str, History]) -> None: ...


@dataclass(frozen=True)
class Totals:
    """What all of it took."""

    passed: timedelta
    ledger: Ledger
    calls: Counter[tuple[str, str]]
    """The functions' AWS calls by service and operation."""
    write_units: int
    plain_write_units: int
    """Those of one plain Standard retrieval, from its request to its last event."""

    @property
    def jobs_dollars(self) -> Decimal:
        return prices.jobs_dollars(self.ledger.jobs)

    @property
    def units_dollars(self) -> Decimal:
        return prices.DOLLARS_PER_UNIT * len(self.ledger.units)


@dataclass
class Run:
    """The finished demo."""

    histories: dict[str, History]
    outcomes: dict[str, Outcome]
    totals: Totals
    archives_listed: int
    wrong: dict[str, list[str]] = field(default_factory=dict)
    """By request, what is not as it should be; under an empty name what is of no one request."""


def perform(cloud: Cloud, screen: Screen, expected: Mapping[str, Outcome] = story.EXPECTED) -> Run:
    """Plays the demo on a cloud that was just deployed with the story's settings."""
    inventory, partners = Inventory.read(examples.INVENTORY), Inventory.read(examples.PARTNER_INVENTORY)
    for each in (inventory, partners):
        each.fill_vault(cloud)
    user = User(cloud)
    uploaded = user.upload(inventory.vault_name, examples.REQUESTS.name, examples.REQUESTS.read_bytes())
    requests = [*examples.read_requests(), _request_for(uploaded, inventory.vault_name)]
    histories = {request.request_id: History(request) for request in requests}
    _arrange_troubles(cloud, histories)
    _send(cloud, user, histories)
    _watch(cloud, user, screen, histories)
    _look_at_outputs(user, histories, [*inventory.archives, uploaded], partners.archives)
    totals = _totals(cloud, histories)
    outcomes = {name: history.outcome(histories.values()) for name, history in histories.items()}
    run = Run(histories, outcomes, totals, len(inventory.archives) + 1)
    cloud.run_until_quiet()
    run.wrong = _differences(run, expected) | _wrong_with_the_whole(cloud)
    return run


def _request_for(uploaded: Archive, vault_name: str) -> Request:
    job = {"Type": "archive-retrieval", "ArchiveId": uploaded.archive_id}
    return Request(json.dumps({"requestId": story.UPLOADED, "vaultName": vault_name, "jobParameters": job}))


def _arrange_troubles(cloud: Cloud, histories: Mapping[str, History]) -> None:
    cloud.glacier.settings.on_demand_room = False
    for trouble in story.TROUBLES:
        trouble.arrange(cloud.glacier.faults, story.about(histories[trouble.request_id].request.archive_id))


def _send(cloud: Cloud, user: User, histories: Mapping[str, History]) -> None:
    def send(history: History) -> None:
        history.sent_at = cloud.now
        user.send(history.request)

    for name, history in histories.items():
        if name in story.LATER:
            cloud.clock.after(story.LATER[name].total_seconds(), partial(send, history))
        else:
            send(history)


def _watch(cloud: Cloud, user: User, screen: Screen, histories: Mapping[str, History]) -> None:
    """Until all have ended, or for so long that they should have."""
    give_up_at = cloud.now + _AT_MOST
    while cloud.now < give_up_at and any(history.end is None for history in histories.values()):
        cloud.run_until(partial(_mail_or_time, cloud, user, cloud.now + _SHOWN_EVERY))
        for told in user.receive():
            history = histories.get(str(told.detail.get("requestId")))
            if history is not None:
                history.told.append(told)
            screen.told(told)
        screen.time_passes(cloud.now, histories)


def _mail_or_time(cloud: Cloud, user: User, until: datetime) -> bool:
    return user.has_mail or cloud.now >= until


def _look_at_outputs(
    user: User, histories: Mapping[str, History], archives: list[Archive], partners: tuple[Archive, ...]
) -> None:
    known = {archive.archive_id: archive for archive in (*archives, *partners)}
    for history in histories.values():
        details = [told.detail for told in history.succeeded]
        if history.request.archive_id is None and details:
            history.outputs_right = [user.lists(details, archives)]
        else:
            history.outputs_right = [user.has_right_output(detail, known) for detail in details]


def _totals(cloud: Cloud, histories: Mapping[str, History]) -> Totals:
    calls: Counter[tuple[str, str]] = Counter()
    for (actor, service, operation), number in cloud.calls.counts.items():
        if actor != "user":
            calls[service, operation] += number
    plain = histories[_PLAIN_REQUEST]
    key = str(plain.told[0].detail["retrievalId"]).rpartition("-")[0] if plain.told else ""
    by_item = cloud.meter.by_item
    plain_units = by_item[f"request/{_PLAIN_REQUEST}"] + by_item[f"retrieval/{key}"]
    return Totals(cloud.now - cloud.start, cloud.glacier.ledger, calls, cloud.meter.units, plain_units)


def _differences(run: Run, expected: Mapping[str, Outcome]) -> dict[str, list[str]]:
    differences = {
        name: run.outcomes.get(name, Outcome("")).differences(expected.get(name, Outcome("")))
        for name in {**run.outcomes, **expected}
    }
    return {name: lines for name, lines in differences.items() if lines}


def _wrong_with_the_whole(cloud: Cloud) -> dict[str, list[str]]:
    """What was paid for twice, left behind, or never came about."""
    jobs, units = len(cloud.glacier.ledger.jobs), len(cloud.glacier.ledger.units)
    left = {
        "duplicate jobs": cloud.events_of("Duplicate Job"),
        "dead letters": cloud.dead_letters(),
        "errors of functions": [(name, result.error) for name, result in cloud.errors],
        "open records": [item["id"]["S"] for item in cloud.items() if "dueAt" in item],
        "troubles that never came": cloud.glacier.faults.pending,
    }
    found = [f"{name}: {what}" for name, what in left.items() if what]
    if (jobs, units) != (story.JOBS, story.UNITS):
        found.append(f"{jobs} jobs and {units} units were paid for, expected {story.JOBS} and {story.UNITS}")
    return {"": found} if found else {}
