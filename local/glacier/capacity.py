"""Provisioned capacity: units that last a calendar month, and what they guarantee."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.glacier.times import with_milliseconds

MOST_UNITS = 2
GUARANTEED_PER_UNIT = 3
GUARANTEE_WINDOW = timedelta(minutes=5)


def one_month_after(start: datetime) -> datetime:
    """The same second a calendar month later; from a 31st, on the last day of the next month."""
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    day = min(start.day, calendar.monthrange(year, month)[1])
    return start.replace(year=year, month=month, day=day, microsecond=0)


@dataclass(frozen=True)
class Unit:
    capacity_id: str
    start: datetime

    @property
    def expiration(self) -> datetime:
        return one_month_after(self.start)

    def is_valid(self, moment: datetime) -> bool:
        return self.start <= moment < self.expiration

    def to_wire(self) -> dict[str, str]:
        return {
            "CapacityId": self.capacity_id,
            "StartDate": with_milliseconds(self.start),
            "ExpirationDate": with_milliseconds(self.expiration),
        }


class Expedited:
    """The Expedited retrievals that were accepted lately, in the order of time."""

    def __init__(self) -> None:
        self._accepted: list[datetime] = []

    def accept(self, moment: datetime) -> None:
        self._accepted.append(moment)

    def is_guaranteed(self, moment: datetime, valid_units: int) -> bool:
        """Whether one more now is within what so many units guarantee."""
        self._accepted = [earlier for earlier in self._accepted if earlier > moment - GUARANTEE_WINDOW]
        return len(self._accepted) < GUARANTEED_PER_UNIT * valid_units
