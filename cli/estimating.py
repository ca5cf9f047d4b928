"""What some retrievals would cost at each tier, and how long they would take: the choices there are, compared.

Times are the upper end of what Glacier says, after the last job has been started. With units the rate is what they
guarantee (`thaw.capacity`); Expedited without a unit is served when there is room, and nobody can say when that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cli.pricing import Prices
from cli.quantities import count_text
from thaw.capacity import UNIT_SECONDS_EACH, UNITS_AT_MOST
from thaw.planning import Waiting
from thaw.request import ArchiveRetrieval, RetrievalRequest
from thaw.retrieval import requested_bytes
from thaw.tiers import USUAL_SECONDS, Tier

SOONEST_SECONDS = {Tier.EXPEDITED: 60, Tier.STANDARD: 3 * 3600, Tier.BULK: 5 * 3600}
"""The lower end of what Glacier promises for a tier; the upper one is `thaw.tiers`'."""
EXPEDITED_TYPICAL_BYTES = 250 * 10**6
"""Only up to about this size does an Expedited retrieval take minutes."""
UNIT_LASTS_AT_LEAST_SECONDS = 28 * 24 * 3600
"""A month; this is the shortest."""


@dataclass
class Workload:
    """What is to be retrieved."""

    archives: int = 0
    inventories: int = 0
    bytes: int = 0
    of_unknown_size: int = 0
    large: int = 0
    """Larger than Expedited is made for."""
    unit_seconds: float = 0
    """How long one unit would be occupied by them all."""

    def add(self, request: RetrievalRequest) -> None:
        if not isinstance(request.job_parameters, ArchiveRetrieval):
            self.inventories += 1
            return
        size_bytes = requested_bytes(request)
        self.archives += 1
        self.bytes += size_bytes or 0
        self.of_unknown_size += size_bytes is None
        self.large += (size_bytes or 0) > EXPEDITED_TYPICAL_BYTES
        self.unit_seconds += Waiting("", 0, size_bytes).unit_seconds


@dataclass(frozen=True)
class Choice:
    """One way to retrieve it all. `units` is None where the tier knows none, 0 for Expedited on demand."""

    tier: Tier
    units: int | None
    retrieval_dollars: Decimal
    request_dollars: Decimal
    unit_dollars: Decimal
    thaw_dollars: Decimal
    soonest_seconds: float
    latest_seconds: float | None
    """None: nobody can say."""

    @property
    def dollars(self) -> Decimal:
        return self.retrieval_dollars + self.request_dollars + self.unit_dollars + self.thaw_dollars

    @property
    def name(self) -> str:
        if self.units is None:
            return self.tier
        return f"{self.tier} on {count_text(self.units, 'unit') if self.units else 'demand'}"


def choices(work: Workload, prices: Prices, units_there: int = 0) -> list[Choice]:
    """Every way there is, Bulk first.

    Args:
        units_there: bought already; with one, nothing Expedited goes on demand.
    """
    plain = [_choice(work, prices, tier, None, units_there) for tier in (Tier.BULK, Tier.STANDARD)]
    units = range(units_there, UNITS_AT_MOST + 1)
    return plain + [_choice(work, prices, Tier.EXPEDITED, each, units_there) for each in units]


def _choice(work: Workload, prices: Prices, tier: Tier, units: int | None, units_there: int) -> Choice:
    started_seconds = (work.archives + work.inventories - 1) / float(prices.starting.jobs_per_second)
    if units:
        started_seconds = max(started_seconds, (work.unit_seconds - UNIT_SECONDS_EACH) / units)
    tier_of_inventories = Tier.STANDARD if tier is Tier.EXPEDITED else tier
    slowest = tier_of_inventories if work.inventories else tier
    return Choice(
        tier=tier,
        units=units,
        retrieval_dollars=prices.retrieval_dollars(tier, work.bytes),
        request_dollars=work.archives * prices.glacier.tiers[tier].request
        + work.inventories * prices.glacier.tiers[tier_of_inventories].request,
        unit_dollars=_units_bought(units or 0, units_there, started_seconds) * prices.glacier.unit_month,
        thaw_dollars=work.archives * prices.thaw.dollars_each(tier)
        + work.inventories * prices.thaw.dollars_each(tier_of_inventories),
        soonest_seconds=max(started_seconds + SOONEST_SECONDS[tier], SOONEST_SECONDS[slowest]),
        latest_seconds=None if units == 0 else max(started_seconds + USUAL_SECONDS[tier], USUAL_SECONDS[slowest]),
    )


def _units_bought(units: int, there: int, occupied_seconds: float) -> int:
    """Over all the months that they are needed; those that are there last for one."""
    months = max(1, -int(-occupied_seconds // UNIT_LASTS_AT_LEAST_SECONDS))
    return units * months - min(units, there)


def cheapest(among: Sequence[Choice], within_seconds: float | None) -> Choice | None:
    """The cheapest that is sure to be done within the time; None if there is none. Of two alike the faster."""
    sure = [
        (choice.dollars, choice.latest_seconds, number)
        for number, choice in enumerate(among)
        if choice.latest_seconds is not None and (within_seconds is None or choice.latest_seconds <= within_seconds)
    ]
    return among[min(sure)[2]] if sure else None


def slower_than_standard(among: Sequence[Choice]) -> list[Choice]:
    """The Expedited ones for which their units are so few that Standard is done sooner, even where it takes longest."""
    standard, expedited = _standard_and_expedited(among)
    return [choice for choice in expedited if (choice.latest_seconds or 0) > (standard.latest_seconds or 0)]


def perhaps_slower_than_standard(among: Sequence[Choice]) -> list[Choice]:
    """Those others for which Standard may be done sooner, where it is quick."""
    standard, expedited = _standard_and_expedited(among)
    surely = slower_than_standard(among)
    return [each for each in expedited if each.soonest_seconds > standard.soonest_seconds and each not in surely]


def _standard_and_expedited(among: Sequence[Choice]) -> tuple[Choice, list[Choice]]:
    [standard] = [choice for choice in among if choice.tier is Tier.STANDARD]
    return standard, [choice for choice in among if choice.tier is Tier.EXPEDITED]
