"""What an account has been served: every job that was accepted and every unit that was bought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class JobStarted:
    """One accepted InitiateJob; `bytes_retrieved` is the size of the range, and 0 for an inventory."""

    at: datetime
    account_id: str
    region: str
    vault_name: str
    job_id: str
    action: str
    archive_id: str | None
    byte_range: str | None
    tier: str
    bytes_retrieved: int
    description: str | None
    inventory: Mapping[str, str | None] | None
    """`InventoryRetrievalParameters` as they were asked for, with the `Format`."""


@dataclass(frozen=True)
class UnitBought:
    at: datetime
    account_id: str
    region: str
    capacity_id: str


@dataclass
class Ledger:
    """In order of time; never shortened, not even when a job expires."""

    jobs: list[JobStarted] = field(default_factory=list)
    units: list[UnitBought] = field(default_factory=list)
