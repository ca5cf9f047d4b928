"""What users have to hear while a retrieval goes on: that its job runs, or why it waits and until when (promise 5).

By the records as they were written: which events the functions make of a change is not asked, for they may be wrong
about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.calls import Call
from local.deliveries import Event
from local.deploy import ACCOUNT_ID
from local.glacier.ledger import UnitBought
from simulation.history import Attributes, Change, History
from simulation.promises.said import DELAYED, INITIATED, Told
from simulation.promises.violation import Promise, Violation
from thaw.capacity import UNITS_AT_MOST
from thaw.job import epoch_ms
from thaw.refusals import Refusal, refusal_of
from thaw.states import OPEN, State
from thaw.tiers import Tier
from thaw.work.topping_up import NOT_CONFIRMED, TOO_SLOW

CALLS_ABOUT_UNITS = ("ListProvisionedCapacity", "PurchaseProvisionedCapacity")


@dataclass(frozen=True)
class _Standing:
    """How an open retrieval stands."""

    detail_type: str
    """Of the event that tells it."""
    what: str
    """The job that runs; or the code of the reason for which it waits."""
    until_ms: int | None
    """As far as is known, it waits so long."""

    @classmethod
    def of_event(cls, event: Event) -> _Standing:
        detail = event.detail
        if event.detail_type == INITIATED:
            return cls(INITIATED, detail["jobId"], None)
        until = detail["delayedUntil"]
        return cls(DELAYED, detail["reason"]["code"], epoch_ms(until) if until is not None else None)

    @classmethod
    def of_record(cls, record: Attributes) -> _Standing | None:
        if "reason" in record:
            return cls(DELAYED, record["reason"]["code"], record.get("expectedAt") or record["dueAt"])
        if State(record["state"]) is not State.IN_PROGRESS:
            return None
        return cls(INITIATED, _newest_job(record)[1]["jobId"], None)


@dataclass(frozen=True)
class _Turn:
    """What a request hears."""

    request_id: str
    retrieval_id: str
    sequence: int
    stands: _Standing
    attempt: int
    tier: str

    @classmethod
    def of_event(cls, event: Event) -> _Turn:
        detail = event.detail
        said = (detail["requestId"], detail["retrievalId"], detail["sequence"])
        return cls(*said, _Standing.of_event(event), detail["attempt"], detail["tier"])

    def __str__(self) -> str:
        stands = self.stands
        until = f" until {datetime.fromtimestamp(stands.until_ms / 1000, UTC)}" if stands.until_ms else ""
        named = f"{stands.detail_type} {self.sequence} of {self.retrieval_id}"
        return f"{named}: {stands.what}{until}, attempt {self.attempt}, {self.tier}"


def _newest_job(record: Attributes) -> tuple[int, Attributes]:
    """Of those that were not seen to end, and its attempt."""
    newest = max(record["jobs"], key=int)
    return int(newest), record["jobs"][newest]


def turns_are_told(told: Told, history: History) -> Iterator[Violation]:
    """Each request of a retrieval hears of each turn that it takes; and who joins it, how it stands then."""
    heard = {_Turn.of_event(event) for event in told.first.values() if event.detail_type in (INITIATED, DELAYED)}
    for change in history.changes:
        for turn in _turns(change):
            if turn not in heard:
                yield Violation(Promise.EACH_CHANGE_PUBLISHED, f"{turn.request_id} did not hear {turn}")


def _turns(change: Change) -> Iterator[_Turn]:
    """What is to be heard of a change, and by whom."""
    new, old = change.new, change.old
    if new is None or new["kind"] != "retrieval" or State(new["state"]) not in OPEN:
        return
    before = old if old is not None and old["generation"] == new["generation"] else None
    stands = _Standing.of_record(new)
    if stands is None:
        return
    is_turn = before is None or before["state"] != new["state"] or _Standing.of_record(before) != stands
    retrieval_id = f"{new['id'].removeprefix('retrieval/')}-{new['generation']}"
    attempt, tier = new["attempt"], new["tier"]
    if stands.detail_type == INITIATED:
        attempt, job = _newest_job(new)
        tier = job["tier"]
    for request_id, asker in new["requests"].items():
        joins = before is None or request_id not in before["requests"]
        if not asker.get("cancelled") and (is_turn or joins):
            yield _Turn(request_id, retrieval_id, max(new["sequence"], asker["since"]), stands, attempt, tier)


def shortage_is_told(
    told: Told, calls: Sequence[Call], units: Sequence[UnitBought], max_units: int
) -> Iterator[Violation]:
    """Where no unit is there, and none may be bought, whoever has Expedited tried on demand hears that units are short;
    where Glacier denied a start, at whatever tier, a unit may be of no use to who was denied it."""
    starts = [call for call in calls if call.operation == "InitiateJob"]
    denied = any(refusal_of(call.outcome) is Refusal.DENIED for call in starts)
    if any(map(_needs_a_unit, starts)) and max_units == 0 and not units and not denied and not told.short:
        yield Violation(Promise.EACH_CHANGE_PUBLISHED, "nobody was told that units are short")


def _needs_a_unit(call: Call) -> bool:
    account_id = call.params.get("accountId", ACCOUNT_ID)
    return call.params["jobParameters"].get("Tier") == Tier.EXPEDITED and account_id in ("-", ACCOUNT_ID)


def short_is_so(told: Told, calls: Sequence[Call], units: Sequence[UnitBought], max_units: int) -> Iterator[Violation]:
    """Whoever hears that units are short is not told of more than there were; and that more may not be bought where
    that is so, else why none was."""
    asked = [call for call in calls if call.operation in CALLS_ABOUT_UNITS]
    refusals = {call.outcome for call in asked} - {"ok"} | {NOT_CONFIRMED.code, TOO_SLOW.code}
    for detail in told.short:
        is_so = detail["maxUnits"] == max_units and detail["units"] <= len(units) and detail["retrievalsWaiting"] >= 1
        if not is_so or not (_is_beyond_what_may_be_bought(detail) or detail["reason"]["code"] in refusals):
            yield Violation(Promise.EACH_CHANGE_PUBLISHED, f"Capacity Short says {detail}, of {len(units)} units")


def _is_beyond_what_may_be_bought(detail: Mapping[str, Any]) -> bool:
    allowed = min(detail["maxUnits"], UNITS_AT_MOST)
    return detail["reason"]["code"] == "MaxUnits" and bool(detail["unitsWanted"] > max(detail["units"], allowed))
