"""Provisioned capacity: the one record that is kept of it, and what became of a purchase.

A unit guarantees 3 Expedited retrievals every 5 minutes and up to 150 MB/s (InitiateJob, "Expedited and Bulk"); so
one retrieval takes 100 seconds of a unit, or longer where its bytes need it. Work is counted in such unit-seconds.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from thaw import bounds
from thaw.job import epoch_ms
from thaw.retrieval import NUMBER_AT_MOST, Number, Reason, Stored

UNITS_AT_MOST = 2
"""Glacier's limit, which nobody can have raised."""
UNIT_RETRIEVALS = 3
UNIT_SECONDS_EACH = 5 * 60 // UNIT_RETRIEVALS
UNIT_LASTS_SECONDS = 31 * 24 * 3600
UNIT_BYTES_PER_SECOND = 150 * 10**6
SLOT_AT_MOST_MS = ceil(NUMBER_AT_MOST / UNIT_BYTES_PER_SECOND * 1000)
"""As long as one unit takes for the largest size that a record can hold."""
SLOT_UNITS_AT_MOST = 100
"""Far more than Glacier's limit, which units that expire just now may exceed."""
ITEM_ID = "capacity"


def _a_date(text: str) -> str:
    epoch_ms(text)
    return text


class Unit(Stored):
    """A provisioned capacity unit, as ListProvisionedCapacity gives it; its end is Glacier's to say."""

    capacity_id: str
    start_date: str
    expiration_date: Annotated[str, AfterValidator(_a_date)]
    in_doubt: bool = False
    """Whether it came after a purchase whose reply was lost: ours, or bought by someone else just then."""
    sequence: Number = 0
    """The revision of the record that told of it."""

    @property
    def expires_ms(self) -> int:
        return epoch_ms(self.expiration_date)


class ListedUnit(BaseModel):
    """An entry of ListProvisionedCapacity."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    CapacityId: Annotated[str, Field(min_length=1)]
    StartDate: Annotated[str, AfterValidator(_a_date)]
    ExpirationDate: Annotated[str, AfterValidator(_a_date)]

    def unit(self) -> Unit:
        return Unit(capacity_id=self.CapacityId, start_date=self.StartDate, expiration_date=self.ExpirationDate)


class Intent(Stored):
    """A purchase that was begun: written before the call, and gone only when its outcome is known."""

    until: Number
    """End of the claim, epoch milliseconds."""
    seen: list[str] = Field(default_factory=list)
    """The ids of the units there were before."""
    capacity_id: str | None = None
    """Glacier's reply, where one came."""


class Short(Stored):
    """That the capacity does not suffice, as it was last told."""

    at: Number
    units: Number
    wanted: Number
    max_units: Number
    waiting: Number
    reason: Reason
    sequence: Number = 0
    """The revision of the record that told of it."""


class Slot(Stored):
    """The time for which a retrieval that was released has the units, all of them: epoch milliseconds.

    One that nobody can have given out is no slot: what is planned by it would fit no record.
    """

    id: Annotated[str, Field(min_length=1, max_length=256)]
    starts_at: Number
    ends_at: Number
    units: Annotated[Number, Field(ge=1, le=SLOT_UNITS_AT_MOST)]

    @model_validator(mode="after")
    def _can_have_been_given_out(self) -> Self:
        if not 0 <= self.ends_at - self.starts_at <= SLOT_AT_MOST_MS:
            raise ValueError("ends before it starts, or lasts longer than any retrieval")
        return self

    def left_behind(self, now_ms: int) -> Self | None:
        """What is left of it once its retrieval has ended: its place in the rate, as it may have been started; and
        nothing of one that has not begun."""
        if self.starts_at > now_ms:
            return None
        place_ends_at = self.starts_at + ceil(UNIT_SECONDS_EACH * 1000 / self.units)
        return self.model_copy(update={"ends_at": min(self.ends_at, place_ends_at)})

    def unit_seconds_left(self, now_ms: int) -> float:
        return max(0, self.ends_at - max(now_ms, self.starts_at)) / 1000 * self.units


class Capacity(Stored):
    """The one record that top_up decides on."""

    id: str = ITEM_ID
    kind: Literal["capacity"] = "capacity"
    revision: Number
    lock: str | None = None
    lock_until: Number | None = None
    again: bool = False
    """Someone was woken while another held the lock."""
    intent: Intent | None = None
    in_doubt: Intent | None = None
    """The newest purchase that had no reply, once a listing has settled it."""
    buy_not_before: Number | None = None
    unlisted_since: Number | None = None
    """Since when Glacier gives no list of the units; None where it gave one, when it was asked last."""
    slots: list[Slot] = Field(default_factory=list)
    """Those given out that are not over, by the clock or because their retrieval has ended."""
    bought: list[Unit] = Field(default_factory=list)
    """Units of ours that have not expired, the newest last; a listing may not have them yet."""
    short: Short | None = None

    def item(self) -> dict[str, object]:
        return {**super().item(), "id": self.id, "kind": self.kind}

    def follows_a_purchase(self, now_ms: int) -> bool:
        """Whether one is open, or so recent that its outcome may yet prove otherwise."""
        return self.intent is not None or is_in_doubt(self.in_doubt, now_ms)

    def changed(self, **changes: Any) -> Self:
        """The record after one write. What is new and to be told gets the revision that tells it; what this record has
        told already stands, for whoever decides again after the reply to a write of theirs was lost."""
        revision = self.revision + 1
        new = self.model_copy(update={"revision": revision, **changes})
        told = {unit.capacity_id: unit for unit in self.bought}
        bought = [told.get(unit.capacity_id) or unit.model_copy(update={"sequence": revision}) for unit in new.bought]
        short = new.short
        if short is not None and self.short is not None and short.at == self.short.at:
            short = self.short
        elif short is not None:
            short = short.model_copy(update={"sequence": revision})
        return new.model_copy(update={"bought": bought, "short": short})


@dataclass(frozen=True)
class Settings:
    """What the user allows."""

    max_units: int
    drain_within_seconds: int
    try_beyond_guarantee: bool


def known(listed: list[Unit], bought: list[Unit]) -> list[Unit]:
    """The units there are: a unit that was once listed is there, even should a later listing lag behind."""
    ids = {unit.capacity_id for unit in listed}
    return listed + [unit for unit in bought if unit.capacity_id not in ids]


def valid(units: list[Unit], now_ms: int) -> list[Unit]:
    """The units that serve at this time."""
    return [unit for unit in units if unit.expires_ms > now_ms]


class Outcome(StrEnum):
    """What became of a purchase."""

    BOUGHT = "bought"
    NOT_BOUGHT = "notBought"
    UNKNOWN = "unknown"


def outcome(intent: Intent, units: list[Unit], listed_at_ms: int) -> tuple[Outcome, Unit | None]:
    """What a listing asked for at a time says of a purchase; certain when a new unit is there, or after the bounds.

    Glacier's reply is believed, too: its unit is waited for until it would have expired.
    """
    new = [unit for unit in units if unit.capacity_id not in intent.seen]
    if intent.capacity_id is not None:
        new = [unit for unit in new if unit.capacity_id == intent.capacity_id]
    if new:
        return Outcome.BOUGHT, new[0].model_copy(update={"in_doubt": intent.capacity_id is None})
    wait_seconds = bounds.SETTLED_AFTER_CLAIM_SECONDS if intent.capacity_id is None else UNIT_LASTS_SECONDS
    if listed_at_ms > intent.until + wait_seconds * 1000:
        return Outcome.NOT_BOUGHT, None
    return Outcome.UNKNOWN, None


def is_in_doubt(settled: Intent | None, now_ms: int) -> bool:
    """Whether a purchase without a reply is so recent that its unit may yet come, contrary to how it was settled."""
    return settled is not None and now_ms <= settled.until + bounds.PURCHASE_IN_DOUBT_SECONDS * 1000


def more_in_doubt(settled: Intent, units: list[Unit], bought: list[Unit]) -> list[Unit]:
    """The units beside those there were, and those told as ours: the purchase may have bought one of them.

    It took effect after it was given up; or the unit that was taken for its own was someone else's.
    """
    known_ids = {*settled.seen, *(unit.capacity_id for unit in bought)}
    return [unit.model_copy(update={"in_doubt": True}) for unit in units if unit.capacity_id not in known_ids]


def settled_at_ms(intent: Intent) -> int:
    """When the bounds for a purchase to take effect and be listed have run out."""
    return intent.until + bounds.SETTLED_AFTER_CLAIM_SECONDS * 1000
