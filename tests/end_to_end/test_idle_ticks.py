"""Ticks that would find nothing to do: the other tests let reconcile and top_up sleep through them."""

from collections.abc import Mapping
from typing import Any

from local.cloud import Cloud
from tests.end_to_end.ticks import let_sleep, wake_at_every_tick
from tests.end_to_end.user import OWN_ACCOUNT, User

SETTINGS = {"maxUnits": 0}
NAMES = ("lost", "unheard", "never", "slow", "denied", "page", "crowded")


def test_all_goes_the_same_way_whether_they_wake_or_sleep(cloud: Cloud) -> None:
    let_sleep(cloud)
    asleep, few = _until_all_have_ended(cloud)
    cloud.reset()
    wake_at_every_tick(cloud)
    awake, many = _until_all_have_ended(cloud)
    assert asleep == awake
    assert 20 < few < many / 2


def _until_all_have_ended(cloud: Cloud) -> tuple[Any, int]:
    """What is told and what is left, but for times and ids; and how often reconcile and top_up queried the index."""
    user = User(cloud)
    user.create_vault("photos", OWN_ACCOUNT)
    user.cloud.glacier.settings.on_demand_room = False
    _ask(user)
    user.wait(hours=2)
    user.cloud.glacier.settings.on_demand_room = True
    user.wait(hours=14)
    told = {name: [(event.detail_type, _known(event.detail)) for event in user.events(name)] for name in NAMES}
    assert all(told.values())
    user.assert_settled()
    left = sorted((item["kind"]["S"], item.get("state", {}).get("S", "")) for item in cloud.items())
    jobs = sorted((job.tier, job.action) for job in user.jobs)
    return (told, left, jobs), user.calls("reconcile", "Query") + user.calls("top_up", "Query")


def _ask(user: User) -> None:
    """Each of them needs reconcile or top_up, and more than once."""
    user.faults.lose_reply("InitiateJob")
    user.ask("lost", user.archive())
    user.wait(seconds=5)
    user.faults.lose_request("InitiateJob")
    user.ask("never", user.archive())
    user.wait(seconds=5)
    denied, slow, unheard = user.archives(3)
    user.faults.fail("InitiateJob", "AccessDeniedException", 9, when=lambda given: _archive(given) == denied)
    user.faults.job_takes(9 * 3600, when=lambda given: _archive(given) == slow)
    user.faults.drop_notification(2, when=lambda job: job["ArchiveId"] in (slow, unheard))
    user.ask("denied", denied)
    user.ask("slow", slow)
    user.ask("unheard", unheard, "Bulk")
    user.ask_inventory("page", {"Limit": "2"}, followPages=True)
    user.ask("crowded", user.archive(), "Expedited")


def _archive(given: Mapping[str, Any]) -> str | None:
    archive_id: str | None = given["jobParameters"].get("ArchiveId")
    return archive_id


def _known(detail: Any) -> tuple[Any, ...]:
    return detail.get("tier"), detail.get("attempt"), (detail.get("reason") or {}).get("code")
