"""How far the simulator goes: up to the bounds that the promises rest on, or beyond them."""

from __future__ import annotations

from dataclasses import dataclass

from thaw import bounds

_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3600


@dataclass(frozen=True)
class Limits:
    """The most that is drawn, in seconds."""

    effect_seconds: float
    """From the sending of a call until it takes effect."""
    listing_lag_seconds: float
    """From the start of a job, or the purchase of a unit, until it is listed and described."""
    skew_seconds: float
    """Between any two clocks, Glacier's among them."""
    index_lag_seconds: float = 5 * _MINUTE_SECONDS
    """How far an index is behind its table. No promise rests on it, and none is made about it."""
    message_seconds: float = 20 * _MINUTE_SECONDS
    """How late a message comes, or comes again."""
    notification_seconds: float = 12 * _HOUR_SECONDS
    late_job_seconds: float = 6 * _HOUR_SECONDS


WITHIN = Limits(bounds.NETWORK_SECONDS, bounds.LISTING_LAG_SECONDS, bounds.CLOCK_SKEW_SECONDS)
BEYOND = Limits(40 * _MINUTE_SECONDS, 2 * _HOUR_SECONDS, 10 * _MINUTE_SECONDS)
