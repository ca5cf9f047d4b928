"""One account's Glacier in one region: its vaults, its capacity, its policy, and what is to happen when."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from local.glacier import ids, times
from local.glacier.archives import Archive
from local.glacier.capacity import MOST_UNITS, Expedited, Unit
from local.glacier.content import Content
from local.glacier.errors import GlacierError, not_found
from local.glacier.faults import Effect, Faults
from local.glacier.jobs import Job
from local.glacier.ledger import JobStarted, Ledger, UnitBought
from local.glacier.policies import RetrievalPolicy
from local.glacier.settings import Settings
from local.glacier.vaults import Vault

Send = Callable[[str, str, dict[str, Any]], None]
"""Publishes to a topic (its ARN), for an account, a notification's message."""


class Account:
    """`ledger` holds what it has been served. Nothing completes before `run_next` is called for it."""

    def __init__(self, account_id: str, region: str, settings: Settings, faults: Faults, send: Send) -> None:
        self.account_id = account_id
        self.region = region
        self.settings = settings
        self.faults = faults
        self.vaults: dict[str, Vault] = {}
        self.policy = RetrievalPolicy()
        self.expedited = Expedited()
        self.ledger = Ledger()
        self._send = send
        self._units: list[Unit] = []
        self._random = random.Random(f"{settings.seed} {account_id} {region}")
        self._numbers = itertools.count(1)
        self._completed: deque[tuple[Vault, Job]] = deque()
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []

    def new_id(self, length: int) -> str:
        return ids.new_id(self._random, length)

    # ---------------------------------------------------------------------------------- vaults and archives

    def vault(self, name: str) -> Vault:
        try:
            return self.vaults[name]
        except KeyError:
            raise not_found(f"Vault not found for ARN: {self.vault_arn(name)}") from None

    def vault_arn(self, name: str) -> str:
        return f"arn:aws:glacier:{self.region}:{self.account_id}:vaults/{name}"

    def add_vault(self, name: str) -> None:
        first_inventory_seconds = self._random.uniform(*self.settings.first_inventory_seconds)
        self.vaults[name] = Vault(
            name,
            self.vault_arn(name),
            times.now(),
            timedelta(seconds=round(first_inventory_seconds)),
            self.settings,
        )

    def add_archive(
        self,
        vault: Vault,
        content: Content,
        description: str | None,
        archive_id: str | None = None,
        created_at: datetime | None = None,
    ) -> Archive:
        """A new archive; with an id and a date of its own if they are given."""
        archive_id = archive_id or self.new_id(ids.ARCHIVE_ID_LENGTH)
        archive = Archive(archive_id, next(self._numbers), content, description, created_at or times.now())
        vault.archives[archive_id] = archive
        return archive

    # --------------------------------------------------------------------------------------------- capacity

    def valid_units(self) -> list[Unit]:
        moment = times.now()
        return [unit for unit in self._units if unit.is_valid(moment)]

    def buy_unit(self) -> Unit:
        if len(self.valid_units()) >= MOST_UNITS:
            raise GlacierError(
                "LimitExceededException",
                f"An account can have at most {MOST_UNITS} provisioned capacity units",
            )
        unit = Unit(self.new_id(ids.CAPACITY_ID_LENGTH), times.now())
        self._units.append(unit)
        self.ledger.units.append(UnitBought(unit.start, self.account_id, self.region, unit.capacity_id))
        return unit

    def admit_expedited(self) -> None:
        """Takes up one Expedited retrieval, or says that there is no room for it."""
        moment, settings = times.now(), self.settings
        units = len(self.valid_units())
        if units:
            room = settings.beyond_guarantee == "served" or self.expedited.is_guaranteed(moment, units)
        else:
            room = settings.on_demand_room
        if not room:
            raise GlacierError("InsufficientCapacityException")
        if units:
            self.expedited.accept(moment)

    # ------------------------------------------------------------------------------------------------- jobs

    def admit_standard(self, more_bytes: int) -> None:
        """Lets a Standard retrieval of so many bytes pass the data retrieval policy, or refuses it."""
        if self.policy.strategy == "None":
            return
        moment = times.now()
        in_progress = sum(
            job.bytes_retrieved
            for vault in self.vaults.values()
            for job in vault.jobs.values()
            if job.completed_at is None and job.tier == "Standard"
        )
        today = sum(
            job.bytes_retrieved for job in self.ledger.jobs if job.at.date() == moment.date() and job.tier == "Standard"
        )
        if not self.policy.allows(more_bytes, in_progress, today, self.settings.free_tier_bytes_per_day):
            raise GlacierError("PolicyEnforcedException")

    def start_job(self, vault: Vault, job: Job, seconds: float, failure: str | None) -> None:
        """Lists the job, and puts its completion on the agenda."""
        vault.jobs[job.job_id] = job
        self.ledger.jobs.append(_entry(self, vault, job))
        due_at = job.created_at + timedelta(milliseconds=round(seconds * 1000))
        self._at(due_at, lambda moment: self._complete(vault, job, moment, failure))

    def job_seconds(self, of: str) -> float:
        """A duration drawn for a tier, or for `Inventory`."""
        return self._random.uniform(*self.settings.durations_seconds[of]) / self.settings.speed

    def _complete(self, vault: Vault, job: Job, moment: datetime, failure: str | None) -> None:
        job.complete(moment, failure)
        self._completed.append((vault, job))
        message = job.describe()
        topics = [job.topic_arn] if job.topic_arn else []
        if vault.notifications and f"{job.action}Completed" in vault.notifications.events:
            topics.append(vault.notifications.topic_arn)
        for topic_arn in topics:
            self._notify(topic_arn, message, moment)

    def _notify(self, topic_arn: str, message: dict[str, Any], moment: datetime) -> None:
        fault = self.faults.on_notification(message)
        if fault is None:
            self._send(topic_arn, self.account_id, message)
        elif fault.effect is Effect.DELAY:
            later = moment + timedelta(seconds=fault.seconds)
            self._at(later, lambda _: self._send(topic_arn, self.account_id, message))
        elif fault.effect is Effect.DOUBLE:
            self._send(topic_arn, self.account_id, message)
            self._send(topic_arn, self.account_id, message)

    # ----------------------------------------------------------------------------------------------- agenda

    def next_event_at(self) -> datetime | None:
        return self._agenda[0][0] if self._agenda else None

    def run_next(self) -> None:
        moment, _, run = heapq.heappop(self._agenda)
        run(moment)

    def forget_expired(self, moment: datetime) -> None:
        while self._completed and self._completed[0][1].is_expired(moment):
            vault, job = self._completed.popleft()
            vault.jobs.pop(job.job_id, None)

    def _at(self, moment: datetime, run: Callable[[datetime], None]) -> None:
        heapq.heappush(self._agenda, (moment, next(self._numbers), run))


def _entry(account: Account, vault: Vault, job: Job) -> JobStarted:
    described = job.describe()
    return JobStarted(
        at=job.created_at,
        account_id=account.account_id,
        region=account.region,
        vault_name=vault.name,
        job_id=job.job_id,
        action=job.action,
        archive_id=described["ArchiveId"],
        byte_range=described["RetrievalByteRange"],
        tier=job.tier,
        bytes_retrieved=job.bytes_retrieved,
        description=job.description,
        inventory=described["InventoryRetrievalParameters"],
    )


def due_first(accounts: Iterator[Account]) -> Account | None:
    """The account whose next event is the earliest; with equal times, by account and region."""
    waiting = [
        (event_at, account.account_id, account.region, account)
        for account in accounts
        if (event_at := account.next_event_at()) is not None
    ]
    return min(waiting, key=lambda entry: entry[:3])[3] if waiting else None
