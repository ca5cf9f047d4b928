"""List prices of the Glacier vault API, to say what a run would have cost."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from local.glacier.ledger import JobStarted, Ledger

_BYTES_PER_GB = 2**30  # as AWS bills them
_TABLE = Path(__file__).parents[1] / "cli" / "prices.toml"
_GLACIER: dict[str, Any] = tomllib.loads(_TABLE.read_text(), parse_float=Decimal)["glacier"]

DOLLARS_PER_UNIT: Decimal = _GLACIER["unit_month"]
"""A provisioned capacity unit, for its month."""


def job_dollars(tier: str, bytes_retrieved: int) -> Decimal:
    price: dict[str, Decimal] = _GLACIER["tiers"][tier]
    return price["request"] + price["gb"] * bytes_retrieved / _BYTES_PER_GB


def jobs_dollars(jobs: Iterable[JobStarted]) -> Decimal:
    return sum((job_dollars(job.tier, job.bytes_retrieved) for job in jobs), Decimal(0))


def total_dollars(ledger: Ledger) -> Decimal:
    """What the jobs and the units of a ledger cost together, unrounded."""
    return jobs_dollars(ledger.jobs) + DOLLARS_PER_UNIT * len(ledger.units)
