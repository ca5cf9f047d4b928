"""What runs are about: each theme is a way in which users use Thaw."""

from __future__ import annotations

import random
from collections.abc import Callable

from simulation.choices import Choice
from simulation.limits import WITHIN
from simulation.steps import SECOND_PAGE, USUAL_PART, Steps
from simulation.strikes import WITHDRAWN
from simulation.workload import MIB, VAULT, archives
from thaw import bounds, capacity
from thaw.tiers import Tier, first_look_seconds

HOUR_SECONDS = 3600.0
_DAY_SECONDS = 24 * HOUR_SECONDS


def _pause_seconds(chance: random.Random) -> float:
    return chance.choice(
        [0, 0, 0, 1, chance.uniform(0, 60), chance.uniform(0, 600), chance.uniform(0, 6) * HOUR_SECONDS]
    )


def _tier(chance: random.Random) -> str:
    return chance.choice(["Expedited", "Standard", "Standard", "Bulk"])


def _mixed(steps: Steps, chance: random.Random) -> None:
    for _ in range(chance.randint(2, 5)):
        kind = chance.random()
        pause_seconds = _pause_seconds(chance)
        if kind < 0.7:
            steps.ask(_tier(chance), pause_seconds)
        elif kind < 0.9:
            steps.ask_inventory(pause_seconds)
        else:
            steps.ask_partners(pause_seconds)


def _shared(steps: Steps, chance: random.Random) -> None:
    """All want the same archive, at tiers and times of their own."""
    for _ in range(chance.randint(2, 6)):
        steps.ask(_tier(chance), _pause_seconds(chance), archive=1)


def _expedited_run(steps: Steps, chance: random.Random) -> None:
    for number in range(chance.randint(2, 7)):
        steps.ask("Expedited", chance.choice([0, 0, 0.3, 30]), archive=number % 4)


def _inventories(steps: Steps, chance: random.Random) -> None:
    """Mostly the same part, so that they meet: in progress, between two pages, ended with a slower job still there.
    Some follow, and others do not. The function that ends the first page may die of the write."""
    kind = chance.random()
    if kind < 0.4:
        (_hurried_pages if kind < 0.2 else _asked_by_marker)(steps, chance)
        return
    follow, part = chance.choice([True, False, None, None]), steps.part()
    if follow is not False and chance.random() < 0.3:
        writes = ("complete PutItem 1", "complete TransactWriteItems 1")
        steps.certain = dict.fromkeys(writes, Choice("dies after"))
    for _ in range(chance.randint(1, 4)):
        mostly = part if chance.random() < 0.8 else None
        steps.ask_inventory(_pause_seconds(chance), follow=follow, part=mostly)


def _hurried_pages(steps: Steps, chance: random.Random) -> None:
    """A faster tier is asked for, and to be followed at, when the first page is about to be there."""
    steps.certain = {"job's time 1": Choice("job early", 60.0), "initiate InitiateJob 2": Choice("slow reply", 19.0)}
    steps.ask_inventory(part=USUAL_PART, tier="Bulk")
    steps.ask_inventory(50.0 + chance.uniform(0, 5), follow=True, part=USUAL_PART, tier="Standard")


def _asked_by_marker(steps: Steps, chance: random.Random) -> None:
    """While a page is retrieved for who follows, others ask for it by its Marker, and some follow from there."""
    steps.certain = {"job's time 1": Choice("job early", 60.0)}
    steps.ask_inventory(follow=True, part=USUAL_PART)
    for _ in range(chance.randint(1, 2)):
        steps.ask_inventory(60.0 + chance.choice([chance.uniform(0, 2), chance.uniform(0, 7200)]), part=SECOND_PAGE)


def _burst(steps: Steps, chance: random.Random) -> None:
    """More than one batch, at times."""
    if chance.random() < 0.5:
        _listed_in_pieces(steps, chance)
        return
    for _ in range(chance.randint(5, 12)):
        steps.ask(_tier(chance))


def _listed_in_pieces(steps: Steps, chance: random.Random) -> None:
    """Of no start there is an answer; and the listing that would show the jobs is broken off, or takes more time than
    there is. The next run carries it on, with those that have come to be in doubt since."""
    count, later = 8, chance.randint(1, 3)
    for number in range(count):
        job = {"Type": "archive-retrieval", "ArchiveId": archives()[number % 4].id, "Tier": _slow_tier(chance)}
        job |= {"RetrievalByteRange": f"0-{MIB - 1}"} if number >= 4 else {}
        body = {"requestId": f"r{number + 1}", "vaultName": VAULT, "jobParameters": job}
        steps.request(body, chance.uniform(10, bounds.TICK_SECONDS) if number == count - later else 0.0)
    started = {f"initiate InitiateJob {number}": _unanswered(chance) for number in range(1, count + 1)}
    breaks_off = {f"reconcile ListJobs {chance.randint(2, 4)}": Choice("keeps failing")}
    every_third = {f"reconcile ListJobs {n}": Choice("times out before") for n in range(1, 3 * count) if n % 3}
    steps.certain = started | chance.choice([breaks_off, every_third])
    steps.settings = {"jobs_per_page": 1, "newest_jobs_first": chance.random() < 0.7}


def _slow_tier(chance: random.Random) -> str:
    return chance.choice(["Standard", "Bulk"])


def _unanswered(chance: random.Random) -> Choice:
    return Choice(chance.choice(["loses reply", "loses reply", "loses reply", "loses request"]))


def _days_of_quiet(steps: Steps, chance: random.Random) -> None:
    """The same again after days: outputs that may still be joined, that may not, and that are gone."""
    for _ in range(chance.randint(2, 4)):
        hours = chance.choice([2, 20, 23, 26, 40, 24 * chance.uniform(2, 9)])
        steps.ask(_tier(chance), hours * HOUR_SECONDS, archive=chance.choice([0, 1]))


def _opened_anew(steps: Steps, chance: random.Random) -> None:
    """What failed, or an inventory, is asked for again as soon as it has ended; and then that end is told once more."""
    ends_seconds = 60.0
    told_again = Choice("message twice", round(chance.uniform(1, WITHIN.message_seconds), 3))
    steps.certain = {"job's time 1": Choice("job early", ends_seconds), "message notifications 1": told_again}
    again_seconds = ends_seconds + chance.uniform(1, 60)
    if chance.random() < 0.5:
        part = steps.part()
        steps.ask_inventory(follow=False, part=part)
        steps.ask_inventory(again_seconds, follow=False, part=part)
    else:
        steps.certain["job's end 1"] = Choice("job fails")
        steps.ask(_tier(chance), archive=3)
        steps.ask(_tier(chance), again_seconds, archive=3)
    steps.settings = {"on_demand_room": True}


def _months_end(steps: Steps, chance: random.Random) -> None:
    """Units expire while Expedited retrievals come."""
    if chance.random() < 0.6:
        steps.add("buy")
    else:
        steps.ask("Expedited")
    month_ends_seconds = 31 * _DAY_SECONDS - chance.choice([30, 200, 900, 4000])
    steps.ask("Expedited", month_ends_seconds)
    for _ in range(chance.randint(1, 4)):
        steps.ask("Expedited", chance.choice([0, 1, 100, 600]))


_TWO_TIERS = [(Tier.BULK, Tier.STANDARD), (Tier.BULK, Tier.EXPEDITED), (Tier.STANDARD, Tier.EXPEDITED)]


def _hurried_at_the_start(steps: Steps, chance: random.Random) -> None:
    """A faster tier is asked for while the slower attempt is made, or when its job is about to end; or nobody hears of
    the faster job's end, long before the slower one's; or who asked takes it back, when another has joined."""
    slower, tier = chance.choice(_TWO_TIERS)
    refusal = {"initiate InitiateJob 1": Choice(chance.choice(["throttled", "slow reply"]), 15.0)}
    ends = {"job's time 1": Choice("job early", 60.0), "initiate InitiateJob 2": Choice("slow reply", 19.0)}
    late = {"job's time 1": Choice("job late", 6 * HOUR_SECONDS)}
    lost = {**late, "notification 1": Choice("notification lost")}
    waits = {"top_up ListProvisionedCapacity 1": Choice("slow reply", 19.0)}
    after_seconds, steps.certain = chance.choice([(5.0, refusal), (50.0, ends), (50.0, lost), (50.0, waits)])
    steps.ask(slower, archive=3)
    steps.ask(tier, after_seconds, archive=3)
    if steps.certain is waits:
        steps.ask(slower, chance.uniform(0, 5), archive=3)
        steps.send({"cancel": "r2"}, chance.uniform(0, 5))
    steps.settings = {"on_demand_room": True}


def _falls_back(steps: Steps, chance: random.Random) -> None:
    """There is no room for an Expedited attempt: who takes less goes on, is refused once more, and is taken back then,
    or joined; who insists goes on waiting."""
    steps.ask_expedited(bounds.TICK_SECONDS - 20.0)
    less = chance.choice([{"Tier": "Expedited"}, {"Tier": "Standard"}, {"Tier": "Bulk"}])
    job = {**steps.requests[0]["jobParameters"], **less}
    fallback = {"expeditedFallback": chance.choice(["Standard", "Bulk"])} if job["Tier"] == "Expedited" else {}
    steps.request({"requestId": "r2", "vaultName": VAULT, "jobParameters": job, **fallback}, 1.0)
    after_seconds = 20 + chance.uniform(0, 40)
    if chance.random() < 0.6:
        steps.send({"cancel": "r2"}, after_seconds)
    else:
        steps.ask(_tier(chance), after_seconds, archive=0)
    steps.certain = {"initiate InitiateJob 2": Choice("throttled")}
    steps.settings = {"max_units": chance.choice([0, 0, 1]), "on_demand_room": False}


def _hurried(steps: Steps, chance: random.Random) -> None:
    """A faster tier is asked for just before the slower job, of whose end nobody heard, is looked at; there may be no
    room for it.

    A job is looked at by the first tick after it is due; and the look is put off where the faster one is started later.
    """
    slower, tier = chance.choice(_TWO_TIERS)
    ahead_seconds = 200 if tier is Tier.STANDARD else 40  # an Expedited job may have ended by then
    steps.ask(slower, bounds.TICK_SECONDS - chance.choice([1, 30, 60, 90]), archive=3)
    steps.ask(tier, first_look_seconds(slower) - chance.uniform(1, ahead_seconds), archive=3)
    late = {"job's time 1": Choice("job late", round(chance.uniform(1, 6) * HOUR_SECONDS, 3))}
    lost = {"notification 1": Choice("notification lost")}
    fails = {"job's end 1": Choice("job fails"), **lost}
    steps.certain = chance.choice([late, late, fails, fails, fails, lost])
    begin_seconds = bounds.TICK_SECONDS + first_look_seconds(slower) - 1.0
    room = chance.choice([{"on_demand_room": True}] * 3 + [{"on_demand_room": False, "max_units": 0}])
    steps.settings = {**room, "faults_begin_seconds": chance.choice([0.0, begin_seconds])}


def _taken_over(steps: Steps, chance: random.Random) -> None:
    """A slower job goes on, or its output is there for longer, when what a faster one gave is of no use any more: it
    may do for who asks then. Or it failed, or nobody heard of its end; or it served while nobody knew whether the
    faster one was started."""
    if chance.random() < 0.3:
        _served_in_doubt(steps, chance)
        return
    fate = chance.choice([{}, {}, {"job's time 1": Choice("job late", 6 * HOUR_SECONDS)}, _FAILS, _UNHEARD])
    steps.certain = dict(fate)
    part = steps.part()
    of_archive = chance.random() < 0.5
    slower, tier = chance.choice(_TWO_TIERS) if of_archive else _TWO_TIERS[0]

    def ask(tier: str, after_hours: float) -> None:
        if of_archive:
            steps.ask(tier, after_hours * HOUR_SECONDS, archive=3)
        else:
            steps.ask_inventory(after_hours * HOUR_SECONDS, part=part, tier=tier)

    ask(slower, 0.0)
    ask(tier, chance.uniform(0.05, 1.5))
    ask(chance.choice([slower, slower, tier]), chance.uniform(17, 38) if of_archive else chance.uniform(3, 14))
    if chance.random() < 0.5:
        ask(slower, chance.uniform(0, 12))
    steps.settings = {"on_demand_room": True}


def _served_in_doubt(steps: Steps, chance: random.Random) -> None:
    part = steps.part()
    steps.certain = {"job's time 1": Choice("job early", 60.0), "initiate InitiateJob 2": _unanswered(chance)}
    if chance.random() < 0.5:
        steps.certain["notification 2"] = Choice("notification lost")
    steps.ask_inventory(part=part, tier="Bulk")
    steps.ask_inventory(chance.uniform(40, 60), part=part, tier="Standard")
    for _ in range(chance.randint(1, 3)):
        steps.ask_inventory(chance.choice([chance.uniform(1, 600), chance.uniform(0, 6) * HOUR_SECONDS]), part=part)


_FAILS = {"job's end 1": Choice("job fails")}
_UNHEARD = {"notification 1": Choice("notification lost"), "notification 2": Choice("notification lost")}


def _permission_withdrawn(steps: Steps, chance: random.Random) -> None:
    """For about two days nobody may look at jobs, of whose ends nobody hears either; or start one."""
    slower, tier = chance.choice(_TWO_TIERS)
    of_looks = chance.random() < 0.75
    steps.ask(slower, archive=3)
    begins_seconds = first_look_seconds(slower) + bounds.TICK_SECONDS if of_looks else 0.0
    _ask_until_it_fails(steps, chance, tier, begins_seconds + bounds.DENIED_AT_MOST_SECONDS)
    lasts_hours = chance.choice([chance.uniform(0.1, 47), chance.uniform(47, 60), chance.uniform(49, 60)])
    withdrawn = Choice(WITHDRAWN, round(lasts_hours * HOUR_SECONDS, 3))
    denied = ("reconcile DescribeJob 1", "reconcile ListJobs 1") if of_looks else ("initiate InitiateJob 1",)
    lost = {f"notification {number}": Choice("notification lost") for number in range(1, chance.randint(2, 4))}
    steps.certain = dict.fromkeys(denied, withdrawn) | lost
    ends_seconds = begins_seconds + withdrawn.amount + chance.uniform(0, 2) * HOUR_SECONDS
    steps.settings = {"on_demand_room": True, "faults_end_seconds": max(ends_seconds, steps.at_seconds)}


def _ask_until_it_fails(steps: Steps, chance: random.Random, tier: Tier, fails_seconds: float) -> None:
    """Others want the same bytes at a faster tier, in the last hours above all; and again soon, when the retrieval has
    failed, or goes on because of the job that is new."""
    ahead_hours = chance.choice([chance.uniform(0, 1), chance.uniform(0, 6), chance.uniform(0, 48)])
    steps.ask(tier, fails_seconds - ahead_hours * HOUR_SECONDS, archive=3)
    for _ in range(chance.randint(1, 3)):
        steps.ask(_tier(chance), chance.choice([chance.uniform(0, 1), chance.uniform(0, 5)]) * HOUR_SECONDS, archive=3)


def _about_units() -> list[dict[str, Choice]]:
    """A purchase without a reply, and then a lag; a lag once the unit was seen; two that decide at the same time; slots
    that nobody was told of; a purchase that is on its way while someone else buys a unit."""
    late = Choice("listed late", bounds.LISTING_LAG_SECONDS)
    lags = {number: {f"top_up ListProvisionedCapacity {number}": late} for number in range(2, 7)}
    unknown = {"top_up PurchaseProvisionedCapacity 1": Choice("loses reply")} | lags[2] | lags[3] | lags[4]
    seen = lags[3] | lags[4] | lags[5] | lags[6]
    at_once = {"top_up ListProvisionedCapacity 1": Choice("slow reply", 19.0)}
    slots_only = {"top_up PutItem 5": Choice("dies after")}
    return [unknown, seen, at_once, slots_only, _ON_ITS_WAY]


_TAKEN_BACK: dict[str, Choice] = {}
_ON_ITS_WAY = {"top_up PurchaseProvisionedCapacity 1": Choice("times out, effect late", bounds.NETWORK_SECONDS - 1.0)}


def _two_more(steps: Steps, chance: random.Random) -> dict[str, Choice]:
    """Each comes when some of those before have had their time; and then the index has all as they were at first. Other
    faults come later: by what else is late the index would be behind in vain."""
    first_seconds = capacity.UNIT_SECONDS_EACH + chance.uniform(5, 40)
    lag_seconds = round(WITHIN.index_lag_seconds - chance.uniform(5, 30), 3)
    steps.ask_expedited(first_seconds)
    steps.ask_expedited(lag_seconds - 1 - first_seconds)
    steps.settings["faults_begin_seconds"] = WITHIN.index_lag_seconds + 30.0
    return {f"top_up Query {number}": Choice("index behind", lag_seconds) for number in range(7, 11)}


def _taken_back(steps: Steps, chance: random.Random) -> None:
    """All but the first, once they have their slots; and others come for their time. Other faults come later: where
    slots are given only then, there is nothing to take back."""
    others = len(steps.requests)
    for number in range(2, others + 1):
        steps.send({"cancel": f"r{number}"}, chance.uniform(40, 80) if number == 2 else 0.0)
    for number in range(2, others + 1):
        steps.ask_expedited(chance.choice([1, 2, 5]) if number == 2 else 0.0)
    steps.settings["faults_begin_seconds"] = steps.at_seconds + 5.0


def _just_in_time(steps: Steps, chance: random.Random) -> None:
    """What one unit does within the time allowed, to the last second: whatever is counted twice, or too long, would be
    worth another."""
    count = chance.randint(3, 6)
    about = chance.choice([{}, _TAKEN_BACK, *_about_units(), None])
    for number in range(count):
        if about is _TAKEN_BACK:
            steps.ask_expedited(0.5 if number == 1 else 0.0)  # the first has the first slot
        else:
            steps.ask_expedited(0.0 if about is None else chance.choice([0, 0, 0, 5, 30, 200]))
    if about is _ON_ITS_WAY:
        steps.add("buy", after_seconds=chance.uniform(5, 50))
    if about is _TAKEN_BACK:
        _taken_back(steps, chance)
    steps.certain = _two_more(steps, chance) if about is None else about
    minutes = -(-count * capacity.UNIT_SECONDS_EACH // 60)
    steps.settings |= {
        "max_units": 2,
        "drain_within_minutes": minutes,
        "try_beyond_guarantee": False,
        "on_demand_room": False,
        "beyond_guarantee_served": False,
    }


THEMES: dict[str, Callable[[Steps, random.Random], None]] = {
    "mixed": _mixed,
    "shared": _shared,
    "expedited run": _expedited_run,
    "inventories": _inventories,
    "burst": _burst,
    "days of quiet": _days_of_quiet,
    "opened anew": _opened_anew,
    "month's end": _months_end,
    "hurried at the look": _hurried,
    "hurried at the start": _hurried_at_the_start,
    "just in time": _just_in_time,
    "falls back": _falls_back,
    "taken over": _taken_over,
    "permission withdrawn": _permission_withdrawn,
}
LONG = ("month's end", "days of quiet", "permission withdrawn")
