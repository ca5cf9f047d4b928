"""What users have to hear while a retrieval goes on: that its job runs, or why it waits (promise 5).

In words of its own: which events the functions make of a change is not asked, for they may be wrong about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from local.calls import Call
from local.deploy import ACCOUNT_ID
from local.glacier.ledger import UnitBought
from simulation.history import Attributes, Change, History
from simulation.promises.said import DELAYED, INITIATED, Told
from simulation.promises.violation import Promise, Violation
from thaw.refusals import Refusal, refusal_of
from thaw.states import OPEN, State
from thaw.tiers import Tier


def turns_are_told(told: Told, history: History) -> Iterator[Violation]:
    """Each request of a retrieval hears of each turn that it takes; and who joins it, how it stands then."""
    heard = {
        (event.detail["requestId"], event.detail["retrievalId"], event.detail["sequence"], event.detail_type)
        for event in told.first.values()
        if event.detail_type in (INITIATED, DELAYED)
    }
    for change in history.changes:
        for turn in _turns(change):
            if turn not in heard:
                request_id, retrieval_id, sequence, detail_type = turn
                what = f"{request_id} did not hear {detail_type} {sequence} of {retrieval_id}"
                yield Violation(Promise.EACH_CHANGE_PUBLISHED, what)


def _turns(change: Change) -> Iterator[tuple[str, str, int, str]]:
    """What is to be heard of a change: by which request, of which retrieval, with which sequence, and what."""
    new, old = change.new, change.old
    if new is None or new["kind"] != "retrieval" or State(new["state"]) not in OPEN:
        return
    before = old if old is not None and old["generation"] == new["generation"] else None
    stands = _stands(new)
    if stands is None:
        return
    is_turn = before is None or _stands(before) != stands
    retrieval_id = f"{new['id'].removeprefix('retrieval/')}-{new['generation']}"
    for request_id, asker in new["requests"].items():
        joins = before is None or request_id not in before["requests"]
        if not asker.get("cancelled") and (is_turn or joins):
            yield request_id, retrieval_id, max(new["sequence"], asker["since"]), stands[0]


def _stands(record: Attributes) -> tuple[str, State, str] | None:
    """How an open retrieval stands: it waits, or goes on waiting in that state, for a reason; or a job runs."""
    state, jobs = State(record["state"]), record.get("jobs", {})
    if "reason" in record:
        return DELAYED, state, record["reason"]["code"]
    if state is not State.IN_PROGRESS:
        return None
    return INITIATED, state, jobs[max(jobs, key=int)]["jobId"]


def shortage_is_told(
    told: Told, calls: Sequence[Call], units: Sequence[UnitBought], max_units: int
) -> Iterator[Violation]:
    """Where no unit is there, and none may be bought, whoever has Expedited tried on demand hears that units are short;
    where Glacier denied a start, at whatever tier, a unit may be of no use to who was denied it."""
    starts = [call for call in calls if call.operation == "InitiateJob"]
    denied = any(refusal_of(call.outcome) is Refusal.DENIED for call in starts)
    if any(map(_needs_a_unit, starts)) and max_units == 0 and not units and not denied and not told.short:
        yield Violation(Promise.EACH_CHANGE_PUBLISHED, "nobody was told that units are short")
    for detail in told.short:
        if detail["maxUnits"] != max_units or detail["units"] > len(units) or detail["retrievalsWaiting"] < 1:
            yield Violation(Promise.EACH_CHANGE_PUBLISHED, f"Capacity Short says {detail}, of {len(units)} units")


def _needs_a_unit(call: Call) -> bool:
    account_id = call.params.get("accountId", ACCOUNT_ID)
    return call.params["jobParameters"].get("Tier") == Tier.EXPEDITED and account_id in ("-", ACCOUNT_ID)
