"""No dollar twice (promise 2), by Glacier's own ledger.

*Jobs.* Two jobs are for the same thing if they retrieve the same bytes, or the same page of the same inventory. Not the
same to Thaw are all of an archive and a range of which nobody said that it is all of it; pages of two inventories that
begin alike; and a page that was asked for by its Marker before an inventory came to it. The later job is paid for in
vain if, when it was started, the earlier one was in progress at a tier at least as fast, or had succeeded at one and
its output was good for long enough. And each was asked for, at its tier.

*Units.* A unit is paid for in vain if those there were could have done, within `drainWithinMinutes` and up to their
expiry, all that waited for one, and all slots that were not over, when top_up read what waits and whether those with a
slot had ended; or if it is beyond the ceiling.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations, groupby

from local.calls import Call
from local.glacier.capacity import one_month_after
from local.glacier.ledger import JobStarted, UnitBought
from simulation.history import Attributes, History
from simulation.promises.answers import answers, marker_of, named_range, part_of
from simulation.promises.violation import Promise, Violation
from simulation.workload import SOMEONE_ELSES, Body
from thaw import bounds
from thaw.capacity import ITEM_ID
from thaw.description import Tag
from thaw.retrieval import EXPEDITED_BACKLOG
from thaw.states import OPEN, State
from thaw.tiers import Tier

Sent = Callable[[str], Sequence[Body]]
"""Gives all that was sent as a request, by its id."""

IN_DOUBT = "PurchaseInDoubt"
_RANK = {"Expedited": 0, "Standard": 1, "Bulk": 2}
_LIVES_MS = bounds.OUTPUT_KEPT_SECONDS * 1000
_WORTH_MS = bounds.OUTPUT_WORTH_JOINING_SECONDS * 1000
_UNIT_SECONDS_EACH = 100
"""3 Expedited retrievals every 5 minutes."""
_RELEASED_AHEAD = timedelta(minutes=15)
"""So long before it is due a retrieval may be given its slot."""
_SKEW = timedelta(seconds=bounds.CLOCK_SKEW_SECONDS)
_LISTED_WITHIN = timedelta(seconds=bounds.LISTING_LAG_SECONDS + 2 * bounds.CLOCK_SKEW_SECONDS)
_PURCHASE, _READ = "PurchaseProvisionedCapacity", "BatchGetItem"
"""What top_up calls to buy a unit, and to read what waits for one."""


def jobs_in_vain(
    jobs: Sequence[JobStarted], history: History, sent: Sent, slack_seconds: float = 2 * bounds.CLOCK_SKEW_SECONDS
) -> Iterator[tuple[JobStarted, JobStarted]]:
    """Pairs of jobs, of which the earlier would have served."""

    def target(job: JobStarted) -> tuple[str, ...]:
        return _target(job, history, sent)

    ours = sorted((job for job in jobs if job.description != SOMEONE_ELSES), key=target)
    for _, same in groupby(ours, key=target):
        jobs_in_order = sorted(same, key=lambda job: job.at)
        for first, second in combinations(jobs_in_order, 2):
            is_one = first.archive_id is not None or _is_one_page(first, second, jobs_in_order, history)
            if is_one and _served(first, second, history, slack_seconds * 1000):
                yield first, second


def _target(job: JobStarted, history: History, sent: Sent) -> tuple[str, ...]:
    vault = (job.account_id, job.vault_name)
    if job.archive_id is not None:
        range_named = "range" if _is_taken_for_a_range(job, history, sent) else ""
        return (*vault, job.archive_id, job.byte_range or "", range_named)
    return (*vault, str(part_of(job.inventory or {})), marker_of(job) or "")


def _is_taken_for_a_range(job: JobStarted, history: History, sent: Sent) -> bool:
    """Whether each request it is for named a range, and none said that it is all of the archive."""
    bodies = [body for request_id in _record_of(job, history).get("requests", ()) for body in sent(request_id)]
    return bool(bodies) and all(named_range(body) is not None for body in bodies)


def _is_one_page(first: JobStarted, second: JobStarted, jobs: Sequence[JobStarted], history: History) -> bool:
    """Whether two pages that begin alike are one. Each listing has pages of its own. Who asks for a page by its Marker
    shares it with the listing that came to it last, if any had by then."""
    before, asked_alone = _page_before(first, history), not _page_before(second, history)
    if not before or not asked_alone:
        return before == _page_before(second, history)
    opened_ms = _record_of(first, history)["openedAt"]
    if _record_of(second, history)["openedAt"] <= opened_ms + 2 * bounds.CLOCK_SKEW_SECONDS * 1000:
        return False
    if _record_of(first, history).get("jobId", first.job_id) != first.job_id:
        return False  # a faster job has ended that page, and what a page leaves is taken over by nobody
    others = (_record_of(job, history) for job in jobs if _page_before(job, history) not in ("", before))
    return not any(opened_ms < other["openedAt"] <= second.at.timestamp() * 1000 for other in others)


def _page_before(job: JobStarted, history: History) -> str:
    """The job of the page that it follows, as far as Glacier bears the record out: each inventory has pages of its own,
    which may begin alike."""
    (*_, before) = _record_of(job, history).get("pages") or [""]
    end = history.job_ends.get(before)
    ends_there = end is not None and end.said["InventoryRetrievalParameters"]["Marker"] == marker_of(job)
    return before if ends_there else ""


def _record_of(job: JobStarted, history: History) -> Attributes:
    tag = Tag.read(job.description)
    return history.retrieval(tag.key, tag.generation) if tag else {}


def _served(first: JobStarted, second: JobStarted, history: History, slack_ms: float) -> bool:
    if _RANK[first.tier] > _RANK[second.tier]:
        return False
    end, at_ms = history.job_ends.get(first.job_id), second.at.timestamp() * 1000
    if end is None or end.at_ms > at_ms:
        return True
    if end.status != "Succeeded" or first.archive_id is None:
        return False
    return end.at_ms + _LIVES_MS - at_ms > _WORTH_MS + slack_ms


def of_jobs(jobs: Sequence[JobStarted], history: History, sent: Sent) -> Iterator[Violation]:
    for first, second in jobs_in_vain(jobs, history, sent):
        what = f"{_shown(second)} was started though {_shown(first)} would have served"
        yield Violation(Promise.NO_DOLLAR_TWICE, what)


def untagged(jobs: Sequence[JobStarted]) -> Iterator[Violation]:
    """Jobs that nobody would recognise."""
    for job in jobs:
        if job.description != SOMEONE_ELSES and Tag.read(job.description) is None:
            yield Violation(Promise.NO_DOLLAR_TWICE, f"{_shown(job)} has no tag to be recognised by")


def unasked_for(
    jobs: Sequence[JobStarted], asked: Sequence[tuple[datetime, Body]], cancelled_ms: Mapping[str, int]
) -> Iterator[Violation]:
    """Jobs that nobody wanted at their tier, or as the fallback to it.

    Args:
        asked: what, and when it was sent.
        cancelled_ms: when each of the requests that were taken back in time was.
    """

    def still_asks(job: JobStarted, at: datetime, body: Body) -> bool:
        until_ms = cancelled_ms.get(body["requestId"], float("inf"))
        return at <= job.at and job.at.timestamp() * 1000 < until_ms and answers(job, body)

    for job in jobs:
        wanted = (
            job.tier in (body["jobParameters"]["Tier"], body.get("expeditedFallback"))
            for at, body in asked
            if still_asks(job, at, body)
        )
        if job.description != SOMEONE_ELSES and not any(wanted):
            yield Violation(Promise.NO_DOLLAR_TWICE, f"{_shown(job)} was started, and nobody had asked for it")


def duplicates_told(told: Iterable[str]) -> Iterator[Violation]:
    """Within the bounds there is nothing to tell. Args: told: the ids of the jobs of `Duplicate Job` events."""
    yield from (Violation(Promise.NO_DOLLAR_TWICE, f"Duplicate Job was told of {job_id[:6]}") for job_id in told)


def duplicates_noticed(
    jobs: Sequence[JobStarted], history: History, sent: Sent, told: set[str], heard_of: set[str]
) -> Iterator[Violation]:
    """Beyond the bounds a job may be started in vain; once Thaw hears of both, it names the one that serves nobody.
    Beside one that failed in the end it was not in vain; and of one that failed itself there is no output to tell of.

    Args:
        told: the ids of the jobs of `Duplicate Job` events.
        heard_of: those of which any notification came.
    """
    serving = {item.get("jobId") for item in history.items.values() if item.get("state") == State.SUCCEEDED}
    for pair in jobs_in_vain(jobs, history, sent):
        ids = {job.job_id for job in pair}
        ends = [history.job_ends.get(job.job_id) for job in pair]
        served = ends[0] is not None and ends[0].status == "Succeeded"
        failed = ends[1] is not None and ends[1].status == "Failed"
        if served and not failed and ids <= heard_of and not ids <= serving and not (ids - serving) & told:
            yield Violation(Promise.NO_DOLLAR_TWICE, f"nobody was told that {_shown(pair[1])} was in vain")


def _shown(job: JobStarted) -> str:
    return f"{job.tier} job {job.job_id[:6]} of {job.at:%d %H:%M:%S} for {(job.archive_id or 'inventory')[:9]}"


def of_units(
    units: Sequence[UnitBought],
    ours: Sequence[str],
    calls: Sequence[Call],
    history: History,
    expedited: set[str],
    max_units: int,
    drain: timedelta,
) -> Iterator[Violation]:
    """A unit that a user bought just now is not listed yet: nobody can know of it; and one that ends in a moment has
    ended by a clock that is ahead.

    Args:
        ours: the ids of the units that were bought by Thaw, not by a user.
        calls: every call there was, in the order of time.
        expedited: the ids of the requests that ask for Expedited.
    """
    for number, unit in enumerate(units):
        if unit.capacity_id not in ours:
            continue
        known = [each for each in units[:number] if each.capacity_id in ours or unit.at - each.at > _LISTED_WITHIN]
        ends = [one_month_after(earlier.at) for earlier in known]
        left = [end - unit.at - _SKEW for end in ends if end - unit.at > _SKEW]
        looked = _read_of_backlog(unit, calls)
        times = {drain, max(drain, _RELEASED_AHEAD)}
        work_seconds = {time: _work_seconds(*looked, history, expedited, time) for time in times}
        suffice = all(work_seconds[time] <= sum(min(time, each).total_seconds() for each in left) for time in times)
        if len(left) >= max_units:
            what = f"unit {number + 1} was bought; there were {len(left)}, and {max_units} are allowed"
            yield Violation(Promise.NO_DOLLAR_TWICE, what)
        elif suffice:
            most_seconds = max(work_seconds.values())
            what = f"unit {number + 1} was bought for {most_seconds:.0f} s of work, with {len(left)} units there"
            yield Violation(Promise.NO_DOLLAR_TWICE, what)


def _read_of_backlog(unit: UnitBought, calls: Sequence[Call]) -> tuple[Call, Call]:
    """With which call top_up began to read what waits when it decided to buy a unit, for one may leave something to the
    next; and with which it went on. Who bought without a look has the purchase for both."""
    at_ms = math.ceil(unit.at.timestamp() * 1000)
    *_, purchase = (call for call in calls if call.operation == _PURCHASE and call.at_ms <= at_ms)
    before = [call for call in calls if call.instance == purchase.instance and call.number <= purchase.number]
    reads = [list(calls) for operation, calls in groupby(before, lambda call: call.operation) if operation == _READ]
    if not reads:
        return purchase, purchase
    first, last = reads[-1][0], reads[-1][-1]
    return first, next(call for call in before if call.number > last.number)


def _work_seconds(read: Call, after: Call, history: History, expedited: set[str], within: timedelta) -> float:
    """Unit-seconds of what waited for a unit then, and of the slots that were given out and not over. Requests for the
    same bytes share one; what has a slot and waits again counts once. What has ended has its place in the rate, and
    needs no more of its slot; what Glacier denies to start, or is due only later, needs no unit."""
    records = list(history.versions(read, after))
    waits = [record for record in records if _waits(record, expedited)]
    waiting = {record["id"] for record in waits}
    until_ms = after.at_ms + (within + _SKEW).total_seconds() * 1000
    due = {record["id"] for record in waits if record["dueAt"] <= until_ms}
    alive = {record["id"] for record in records if _needs_its_slot(record)}
    seen = {record["id"] for record in records}
    denied = seen - {record["id"] for record in records if record.get("deniedSince") is None}
    slots = {slot["id"]: slot for record in records for slot in record.get("slots", [])}
    from_ms = read.at_ms - _SKEW.total_seconds() * 1000
    taken_ms: float = sum(
        max(0, _slot_ends_ms(slot, name in alive) - max(from_ms, slot["startsAt"])) * slot["units"]
        for name, slot in slots.items()
        if name in alive or slot["startsAt"] <= after.at_ms + _SKEW.total_seconds() * 1000
        if name not in waiting | denied and slot["startsAt"] <= until_ms
    )
    return len(due) * _UNIT_SECONDS_EACH + taken_ms / 1000


def _slot_ends_ms(slot: Attributes, alive: bool) -> float:
    ends_ms: float = slot["endsAt"]
    return ends_ms if alive else min(ends_ms, slot["startsAt"] + _UNIT_SECONDS_EACH * 1000 / slot["units"])


def _needs_its_slot(record: Attributes) -> bool:
    tiers = (record.get("tier"), *(job["tier"] for job in record.get("jobs", {}).values()))
    return record.get("state") in OPEN and Tier.EXPEDITED in tiers


def _waits(record: Attributes, expedited: set[str]) -> bool:
    """For a unit of ours, because someone asked for Expedited and was not cancelled, and Glacier does not deny it."""
    asks = (
        name in expedited and asker["tier"] == Tier.EXPEDITED and not asker.get("cancelled")
        for name, asker in record.get("requests", {}).items()
    )
    served = not record.get("foreign") and record.get("deniedSince") is None
    return record.get("dueIn") == EXPEDITED_BACKLOG and served and any(asks)


def units_told(
    ours: Sequence[str],
    told: Mapping[str, str | None],
    units: Sequence[UnitBought],
    history: History,
    listed_within: timedelta,
) -> Iterator[Violation]:
    """Whatever was bought, within the bounds or beyond them, is named; and what is named was bought, or may have been:
    by a purchase that was begun before, or when it was not yet listed. Who finds one that was begun can't know whether
    its call was ever sent.

    Args:
        told: the ids in `Capacity Purchased`, each with the code of its reason, if it has one.
    """
    begun_ms = (change.at_ms for change in history.changes if change.id == ITEM_ID and "intent" in (change.new or {}))
    first_ms = min(begun_ms, default=math.inf)
    may_be_ours = {unit.capacity_id for unit in units if (unit.at + listed_within).timestamp() * 1000 >= first_ms}
    for capacity_id in ours:
        if capacity_id not in told:
            yield Violation(Promise.NO_DOLLAR_TWICE, f"nobody was told of the unit {capacity_id}")
    for capacity_id, code in told.items():
        if capacity_id not in ours and (code != IN_DOUBT or capacity_id not in may_be_ours):
            yield Violation(Promise.NO_DOLLAR_TWICE, f"the unit {capacity_id} was told as ours, and is someone else's")
