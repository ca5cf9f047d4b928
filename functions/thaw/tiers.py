"""Glacier's retrieval tiers: their order, how long they take, and when to look after a job."""

from enum import StrEnum


class Tier(StrEnum):
    """As in InitiateJob's `Tier`."""

    EXPEDITED = "Expedited"
    STANDARD = "Standard"
    BULK = "Bulk"


_FASTEST_FIRST = (Tier.EXPEDITED, Tier.STANDARD, Tier.BULK)

USUAL_SECONDS = {Tier.EXPEDITED: 5 * 60, Tier.STANDARD: 5 * 3600, Tier.BULK: 12 * 3600}
"""The upper end of what Glacier promises for a tier."""

LOOK_EVERY_SECONDS = {Tier.EXPEDITED: 10 * 60, Tier.STANDARD: 30 * 60, Tier.BULK: 60 * 60}
"""How long after the usual time, and then how often, a silent job is looked at."""


def first_look_seconds(tier: Tier) -> int:
    """From a job's start until someone must look at it, had no notification come."""
    return USUAL_SECONDS[tier] + LOOK_EVERY_SECONDS[tier]


def faster(one: Tier, other: Tier) -> bool:
    """Whether `one` is strictly faster than `other`."""
    return _FASTEST_FIRST.index(one) < _FASTEST_FIRST.index(other)


def fastest(tiers: list[Tier]) -> Tier:
    """The fastest of one or more tiers."""
    return min(tiers, key=_FASTEST_FIRST.index)
