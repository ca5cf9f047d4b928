"""What one may choose about the Glacier that behaves; the defaults are what is published of the real one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

_HOUR_SECONDS = 3600.0


def _usual_durations() -> dict[str, tuple[float, float]]:
    return {
        "Expedited": (60.0, 300.0),
        "Standard": (3 * _HOUR_SECONDS, 5 * _HOUR_SECONDS),
        "Bulk": (5 * _HOUR_SECONDS, 12 * _HOUR_SECONDS),
        "Inventory": (3 * _HOUR_SECONDS, 5 * _HOUR_SECONDS),
    }


@dataclass
class Settings:
    """Read at each use, so a test may change one while it runs.

    `seed`, with the account and the region, decides every id and duration. `durations_seconds` holds the
    least and the most that a job takes, by tier, or `Inventory` for an inventory at the Standard tier;
    `speed` divides them and nothing else. The fields below the line answer what the documentation leaves
    open or states in two ways: a caller has to bear either answer.
    """

    seed: int = 0
    speed: float = 1.0
    durations_seconds: dict[str, tuple[float, float]] = field(default_factory=_usual_durations)
    output_kept_seconds: float = 24 * _HOUR_SECONDS
    inventories: Literal["daily", "always"] = "daily"
    """`daily` as the real one makes them; `always`: current at the moment a job is initiated."""
    first_inventory_seconds: tuple[float, float] = (12 * _HOUR_SECONDS, 24 * _HOUR_SECONDS)
    """From the first upload to a vault until its first inventory can be retrieved (least, most)."""
    free_tier_bytes_per_day: int = 10 * 2**30 // 30
    # ---------------------------------------------------------------- what is not certain about the real one
    on_demand_room: bool = True
    """Whether Expedited is served without a provisioned unit; if not, InsufficientCapacityException."""
    beyond_guarantee: Literal["rejected", "served"] = "rejected"
    """What happens to Expedited beyond the 3 in 5 minutes that each provisioned unit guarantees."""
    insufficient_capacity_status: Literal[400, 503] = 503
    recently_deleted_seconds: float = 24 * _HOUR_SECONDS
    """For so long an archive that was deleted is still accepted by InitiateJob; the job then fails."""
    listing_lag_seconds: float = 0.0
    """A job is listed by ListJobs, and a unit by ListProvisionedCapacity, only this long after it came to be."""
    newest_jobs_first: bool = False
    jobs_per_page: int = 50
    """A page of ListJobs has no more, whatever limit is asked for."""
    marker_repeats: bool = True
    """ListJobs' marker names the last job of the page, which the next page repeats; else the next job."""
