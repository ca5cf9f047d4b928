"""What must hold of the time that requests take: each is served as fast as it asks, and at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from local.calls import Call
from local.glacier.ledger import JobStarted
from simulation.history import Attributes, Change, History
from simulation.promises.answers import named_range, part_asked_for
from simulation.promises.said import SUCCEEDED, Told
from simulation.promises.violation import Promise, Violation
from simulation.workload import Body
from thaw import bounds
from thaw.retrieval import EXPEDITED_BACKLOG, SLOT_UNIT
from thaw.states import State
from thaw.tiers import LOOK_EVERY_SECONDS, Tier, faster, fastest, first_look_seconds

_NO_CAPACITY = "InsufficientCapacityException"
_HURRIES_WITHIN = timedelta(hours=1)
"""So long after faults have ceased a further attempt at a faster tier was made at the latest."""
_RESUMED_WITHIN = timedelta(minutes=30)
"""A message for it may be late, or lost: reconcile sends another."""
_LOOKED_AT_WITHIN = timedelta(hours=2)
"""After a refused look the next may be an hour later."""


def served_as_fast_as_asked(
    sent: Iterable[tuple[datetime, Body]],
    told: Told,
    jobs: Mapping[str, JobStarted],
    calls: Iterable[Call],
    faults_end: datetime,
    history: History,
) -> Iterator[Violation]:
    """A request that joined the job of a slower tier gets that one only where it came first: an attempt as fast as it
    asks was made.

    It counts from when the request joined, which a dead letter does only once it is redriven.
    """
    joined_ms = history.joined_ms()
    tried: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for call in calls:
        if call.operation == "InitiateJob":
            part = call.params["jobParameters"].get("RetrievalByteRange")
            tried[_target(call.params, part)].add(_tier(call.params))
    for _, body in sent:
        slower = _slower_than(_tier(body))
        for event in told.terminal[body["requestId"]]:
            job = jobs.get(event.detail.get("jobId") or "")
            since_ms = max(joined_ms.get(body["requestId"], 0), faults_end.timestamp() * 1000)
            had_time = event.at_ms > since_ms + _HURRIES_WITHIN.total_seconds() * 1000
            was_slower = event.detail_type == SUCCEEDED and job is not None and job.tier in slower
            page = (event.detail.get("inventory") or {}).get("marker")
            if was_slower and had_time and tried[_target(body, named_range(body), page)] <= slower:
                yield Violation(Promise.AS_ASKED, f"{body['requestId']} waited for the job {event.detail['jobId'][:6]}")


def _target(parameters: Mapping[str, Any], part: str | None, page: str | None = None) -> tuple[object, ...]:
    """The bytes, or the inventory's page, in a request's words or InitiateJob's.

    Args:
        part: the range; None for all of an archive.
        page: the marker at which it begins, where it is not in the parameters.
    """
    job, account_id = parameters["jobParameters"], parameters.get("accountId", "-")
    page = job.get("InventoryRetrievalParameters", {}).get("Marker", page)
    return account_id, parameters["vaultName"], job.get("ArchiveId"), part, part_asked_for(job), page


def _tier(parameters: Mapping[str, Any]) -> str:
    return str(parameters["jobParameters"].get("Tier", Tier.STANDARD))


def _slower_than(tier: str) -> set[str]:
    return {each for each in Tier if faster(Tier(tier), each)}


def claimed_as_asked(change: Change) -> Iterator[Violation]:
    """No job is begun at a tier that nobody has asked for, or fallen back to; nor at Bulk where the record says that
    Standard is wanted: each would be a second job soon."""
    old, new = change.old, change.new
    if new is None or new.get("state") != State.INITIATING or _has_claimed(old, new):
        return
    wanted = {asker["tier"] for asker in new["requests"].values() if not asker.get("cancelled")}
    if new["tier"] not in wanted or (new["tier"] == Tier.BULK and Tier.STANDARD in wanted):
        yield Violation(
            Promise.AS_ASKED, f"{change.id} was claimed at {new['tier']}, and asked for is {sorted(wanted)}"
        )


def refused_as_asked(change: Change) -> Iterator[Violation]:
    """What Glacier refused for want of capacity falls back where the request says so. Any other attempt that was
    refused is made again at its tier, or at the faster one of who came meanwhile. Why it waits is in its record, from
    which it is told."""
    old, new = change.old, change.new
    if not _was_refused(old, new):
        return
    assert old is not None
    assert new is not None
    if "reason" not in new:
        yield Violation(Promise.EACH_CHANGE_PUBLISHED, f"{change.id} was refused, and does not say why it waits")
        return
    if new["reason"]["code"] == _NO_CAPACITY:
        waits = [
            name for name, asker in new["requests"].items() if asker.get("fallback") and not asker.get("cancelled")
        ]
        if waits and old["tier"] == Tier.EXPEDITED and old.get("slot") != SLOT_UNIT:
            yield Violation(Promise.AS_ASKED, f"{change.id}: {waits} take less, and wait for capacity")
        return
    came = (asker for asker in new["requests"].values() if asker["since"] > old["claimedAt"])
    right = fastest([Tier(old["tier"]), *(Tier(asker["tier"]) for asker in came if not asker.get("cancelled"))])
    if new["tier"] != right:
        yield Violation(Promise.AS_ASKED, f"{change.id}: after a refusal at {old['tier']} it tries {new['tier']}")


def _was_refused(old: Attributes | None, new: Attributes | None) -> bool:
    if old is None or new is None or old.get("state") != State.INITIATING or old["generation"] != new["generation"]:
        return False
    return bool(new["state"] == State.WAITING and new.get("delays", 0) > old.get("delays", 0))


def resumed_in_time(change: Change, faults_end: datetime) -> Iterator[Violation]:
    """A wait that is over is over soon; one for a release is top_up's."""
    old, new = change.old, change.new
    if old is None or new is None or old.get("state") != State.WAITING or old["dueIn"] == EXPEDITED_BACKLOG:
        return
    since_ms = max(old["dueAt"], faults_end.timestamp() * 1000)
    if new["state"] == State.INITIATING and change.at_ms > since_ms + _RESUMED_WITHIN.total_seconds() * 1000:
        late_minutes = (change.at_ms - old["dueAt"]) / 60_000
        yield Violation(Promise.AS_ASKED, f"{change.id} was tried again {late_minutes:.0f} minutes late")


def _has_claimed(old: Attributes | None, new: Attributes) -> bool:
    """Before, or for the retrieval before it, of which the claim was taken over."""
    if new["attempt"] == new.get("takenOver"):
        return True
    return old is not None and (old["generation"], old["attempt"]) == (new["generation"], new["attempt"])


def ends_are_noticed(jobs: Mapping[str, JobStarted], faults_end: datetime, history: History) -> Iterator[Violation]:
    """Without a notification too, a job's end is seen at its own next look, whatever else its retrieval waits for; that
    of one that was taken over at the first look at all."""
    for change in history.changes:
        old, new = change.old, change.new
        if new is None or new.get("state") != State.SUCCEEDED or (old and old["state"] == State.SUCCEEDED):
            continue
        job = jobs.get(new["jobId"])
        end = history.job_ends.get(new["jobId"])
        if new["kind"] != "retrieval" or job is None or end is None:
            continue
        tier = Tier(job.tier)
        first_look_ms = job.at.timestamp() * 1000 + first_look_seconds(tier) * 1000
        since_ms = max(end.at_ms, first_look_ms, new["openedAt"], faults_end.timestamp() * 1000)
        within_seconds = LOOK_EVERY_SECONDS[tier] + 2 * bounds.TICK_SECONDS + _LOOKED_AT_WITHIN.total_seconds()
        if change.at_ms > since_ms + within_seconds * 1000:
            late_hours = (change.at_ms - end.at_ms) / 3_600_000
            yield Violation(Promise.AS_ASKED, f"that job {job.job_id[:6]} ended was noticed {late_hours:.1f} h later")
