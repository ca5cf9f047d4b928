"""List prices of the Glacier vault API, to say what a run would have cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from local.glacier.ledger import JobStarted, Ledger

_BYTES_PER_GB = 2**30  # as AWS bills them


@dataclass(frozen=True)
class TierPrice:
    dollars_per_gb: Decimal
    dollars_per_job: Decimal


TIERS = {
    "Expedited": TierPrice(Decimal("0.03"), Decimal("0.01")),
    "Standard": TierPrice(Decimal("0.01"), Decimal("0.05") / 1000),
    "Bulk": TierPrice(Decimal("0.0025"), Decimal("0.025") / 1000),
}
DOLLARS_PER_UNIT = Decimal("100")
"""A provisioned capacity unit, for its month. All prices: us-east-1, to be edited for another region."""


def job_dollars(tier: str, bytes_retrieved: int) -> Decimal:
    price = TIERS[tier]
    return price.dollars_per_job + price.dollars_per_gb * bytes_retrieved / _BYTES_PER_GB


def jobs_dollars(jobs: Iterable[JobStarted]) -> Decimal:
    return sum((job_dollars(job.tier, job.bytes_retrieved) for job in jobs), Decimal(0))


def total_dollars(ledger: Ledger) -> Decimal:
    """What the jobs and the units of a ledger cost together, unrounded."""
    return jobs_dollars(ledger.jobs) + DOLLARS_PER_UNIT * len(ledger.units)
