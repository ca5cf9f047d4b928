"""What is left of a retrieval's jobs, once a faster one has served it, serves who asks later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.end_to_end.user import User

SETTINGS = {"maxUnits": 0}


def at_tier(tier: str) -> Callable[[Any], bool]:
    return lambda call: bool(call["jobParameters"].get("Tier") == tier)


is_bulk = at_tier("Bulk")


def leave_a_bulk_job(user: User, hours: float) -> str:
    """The archive of which a Bulk job takes so long, and an Expedited one has served at once."""
    archive = user.archive()
    user.faults.job_takes(hours * 3600, when=is_bulk)
    user.ask("slow", archive, "Bulk")
    user.wait(minutes=5)
    user.ask("fast", archive, "Expedited")
    user.wait_for_the_end("slow", "fast", hours=1)
    return archive


def leave_a_bulk_listing(user: User, hours: float) -> None:
    """The vault's inventory of which a Bulk job takes so long, and one at Standard has served hours before."""
    user.archives(3)
    user.faults.job_takes(hours * 3600, when=is_bulk)
    user.ask_inventory("slow", tier="Bulk")
    user.wait(hours=1)
    user.ask_inventory("fast", tier="Standard")
    user.wait_for_the_end("slow", "fast", hours=6)


def leave_in_doubt(user: User, lose: Callable[[str], None]) -> None:
    """A Bulk job serves an inventory while nobody knows whether the one at Standard was started."""
    user.archives(3)
    user.faults.job_takes(6 * 3600, when=is_bulk)
    user.ask_inventory("slow", tier="Bulk")
    user.wait(hours=5, minutes=58)
    lose("InitiateJob")
    user.ask_inventory("fast", tier="Standard")
    user.wait_for_the_end("slow", "fast", hours=1)


def test_a_slower_job_that_goes_on_serves_who_asks_after_a_faster_one_has_served(user: User) -> None:
    leave_a_bulk_listing(user, hours=12)
    user.ask_inventory("later", tier="Bulk")
    user.wait_for_the_end("later", hours=8)
    assert [job.tier for job in user.jobs] == ["Bulk", "Standard"]
    assert user.story("later") == ["Initiated", "Succeeded"]
    assert user.only("later", "Retrieval Succeeded")["jobId"] == user.jobs[0].job_id
    user.ask_inventory("last", tier="Bulk")
    user.wait_for_the_end("last")
    assert len(user.jobs) == 3, "what has ended is no news"
    user.assert_settled()


def test_the_output_of_a_slower_job_serves_on_when_that_of_the_faster_one_is_of_no_use(user: User) -> None:
    archive = leave_a_bulk_job(user, hours=12)
    user.wait(hours=18, minutes=5)
    user.ask("later", archive, "Bulk")
    user.wait_for_the_end("later", hours=1)
    assert user.only("later", "Retrieval Succeeded")["jobId"] == user.jobs[0].job_id
    user.wait(hours=13)
    user.ask("last", archive, "Bulk")
    user.wait_for_the_end("last")
    assert [job.tier for job in user.jobs] == ["Bulk", "Expedited", "Bulk"]
    user.assert_settled()


def test_who_is_faster_than_what_goes_on_has_a_job_of_their_own(user: User) -> None:
    leave_a_bulk_listing(user, hours=20)
    user.ask_inventory("fast-again", tier="Standard")
    user.wait_for_the_end("fast-again", hours=6)
    assert [job.tier for job in user.jobs] == ["Bulk", "Standard", "Standard"]
    user.ask_inventory("slow-again", tier="Bulk")
    user.wait_for_the_end("slow-again", hours=12)
    assert user.only("slow-again", "Retrieval Succeeded")["jobId"] == user.jobs[0].job_id
    assert len(user.jobs) == 3
    user.assert_settled()


def test_a_job_taken_over_that_fails_is_no_failure_of_who_came_later(user: User) -> None:
    user.faults.job_fails(when=is_bulk)
    archive = leave_a_bulk_job(user, hours=20)
    user.wait(hours=18, minutes=5)
    user.ask("later", archive, "Bulk")
    user.wait_for_the_end("later", hours=16)
    assert user.story("later")[-1] == "Succeeded"
    assert [job.tier for job in user.jobs] == ["Bulk", "Expedited", "Bulk"]
    user.assert_settled()


@pytest.mark.parametrize("tier", ["Standard", "Expedited"])
def test_it_serves_who_wants_it_faster_too_where_it_is_there_already(user: User, tier: str) -> None:
    archive = leave_a_bulk_job(user, hours=12)
    user.wait(hours=18, minutes=5)
    user.ask("later", archive, "Bulk")
    user.wait(seconds=10)
    user.ask("faster", archive, tier)
    user.wait_for_the_end("later", "faster", hours=1)
    assert [job.tier for job in user.jobs] == ["Bulk", "Expedited"]
    user.assert_settled()


def test_a_job_that_is_known_to_have_failed_is_not_told_as_one_that_serves(user: User) -> None:
    user.faults.job_fails(when=is_bulk)
    archive = leave_a_bulk_job(user, hours=12)
    user.wait(hours=18, minutes=5)
    user.ask("later", archive, "Bulk")
    user.wait_for_the_end("later")
    assert user.only("later", "Retrieval Initiated")["jobId"] == user.jobs[2].job_id
    user.assert_settled()


def test_a_refusal_for_good_is_the_end_whatever_is_left(user: User) -> None:
    archive = leave_a_bulk_job(user, hours=30)
    user.faults.fail("InitiateJob", "InvalidParameterValueException")
    user.wait(hours=18, minutes=5)
    user.ask("later", archive, "Expedited")
    user.wait_for_the_end("later", hours=1)
    assert user.only("later", "Retrieval Failed")["reason"]["code"] == "InvalidParameterValueException"
    user.wait(hours=30)
    assert [job.tier for job in user.jobs] == ["Bulk", "Expedited"]
    user.assert_settled()


def test_nobody_waits_for_ever_for_a_job_that_may_not_be_looked_at(user: User) -> None:
    archive = leave_a_bulk_job(user, hours=34)
    user.faults.drop_notification(when=lambda told: told["Tier"] == "Bulk")
    for operation in ("DescribeJob", "ListJobs"):
        user.faults.fail(operation, "AccessDeniedException", times=10_000)
    user.wait(hours=30)
    user.ask("later", archive, "Bulk")
    user.wait_for_the_end("later", hours=30)
    user.faults.clear()
    assert user.story("later")[-1] == "Succeeded"
    assert [job.tier for job in user.jobs] == ["Bulk", "Expedited", "Bulk"]
    user.assert_settled()


@pytest.mark.parametrize("hours", [0.01, 2])
def test_an_attempt_in_doubt_while_an_older_job_served_is_found_by_who_asks_next(user: User, hours: float) -> None:
    leave_in_doubt(user, user.faults.lose_reply)
    user.wait(hours=hours)
    user.ask_inventory("later", tier="Standard")
    user.wait_for_the_end("later", hours=8)
    assert [job.tier for job in user.jobs] == ["Bulk", "Standard"]
    assert user.only("later", "Retrieval Succeeded")["jobId"] == user.jobs[1].job_id
    user.assert_settled()


def test_an_attempt_in_doubt_that_came_to_nothing_is_made_by_who_asks_next(user: User) -> None:
    leave_in_doubt(user, user.faults.lose_request)
    user.ask_inventory("later", tier="Standard")
    user.wait_for_the_end("later", hours=8)
    assert [job.tier for job in user.jobs] == ["Bulk", "Standard"]
    assert user.story("later") == ["Initiated", "Succeeded"]
    user.assert_settled()


def test_through_three_generations_a_job_serves_in_the_end_though_its_notification_is_late(user: User) -> None:
    archive = leave_a_bulk_job(user, hours=20)
    user.faults.delay_notification(16 * 3600 + 900, when=lambda told: told.get("Tier") == "Bulk")
    user.wait(hours=18, minutes=5)
    user.ask("second", archive, "Expedited")
    user.wait_for_the_end("second", hours=1)
    user.wait(hours=18, minutes=1)
    user.ask("third", archive, "Bulk")
    user.wait_for_the_end("third", hours=30)
    user.wait(days=1)
    assert [job.tier for job in user.jobs] == ["Bulk", "Expedited", "Expedited"]
    assert user.only("third", "Retrieval Succeeded")["jobId"] == user.jobs[0].job_id
    assert user.cloud.events_of("Duplicate Job") == []
    user.assert_settled()


def test_a_claim_that_may_not_be_looked_for_is_no_longer_waited_for_than_its_job_can_be_of_use(user: User) -> None:
    leave_in_doubt(user, user.faults.lose_request)
    user.faults.fail("ListJobs", "AccessDeniedException", times=10_000)
    user.ask_inventory("later", tier="Standard")
    user.wait_for_the_end("later", hours=40)
    user.faults.clear()
    assert user.story("later")[-1] == "Succeeded"
    user.assert_settled()


@pytest.mark.parametrize("refused", [False, True])
def test_who_may_do_with_what_is_left_goes_on_with_it_whatever_befalls_who_wants_it_faster(
    user: User, *, refused: bool
) -> None:
    archive = leave_a_bulk_job(user, hours=30)
    user.wait(hours=18, minutes=5)
    user.ask("later", archive, "Bulk")
    user.wait(minutes=20)
    if refused:
        user.faults.fail("InitiateJob", "InvalidParameterValueException")
    else:
        user.faults.job_fails()
    user.ask("hurry", archive, "Expedited")
    user.wait_for_the_end("later", "hurry", hours=30)
    for name in ("later", "hurry"):
        assert user.only(name, "Retrieval Succeeded")["jobId"] == user.jobs[0].job_id
    user.assert_settled()


def test_a_claim_in_doubt_is_handed_on_as_often_as_need_be(user: User) -> None:
    """Expedited is in doubt when Standard serves; Bulk, told late, serves who asks next; and then comes a third."""
    archive = user.archive()
    for tier, hours in (("Standard", 1), ("Bulk", 3), ("Expedited", 4)):
        user.faults.job_takes(hours * 3600, when=at_tier(tier))
    user.faults.drop_notification(when=lambda told: told["Tier"] == "Expedited")
    user.faults.delay_notification(16 * 3600 + 620, when=lambda told: told["Tier"] == "Bulk")
    user.ask("slow", archive, "Bulk")
    user.ask("mid", archive, "Standard")
    user.wait(minutes=58)
    user.faults.lose_reply("InitiateJob")
    user.ask("fast", archive, "Expedited")
    user.wait_for_the_end("slow", "mid", "fast", hours=1)
    told_at = user.jobs[0].at + timedelta(hours=19, seconds=620)
    user.wait(seconds=(told_at - user.cloud.now).total_seconds() - 8)
    user.ask("second", archive, "Bulk")
    user.wait_for_the_end("second", hours=1)
    assert user.only("second", "Retrieval Succeeded")["jobId"] == user.jobs[0].job_id
    user.wait(hours=2)
    user.ask("third", archive, "Expedited")
    user.wait_for_the_end("third")
    assert [job.tier for job in user.jobs] == ["Bulk", "Standard", "Expedited"]
    user.assert_settled()


@pytest.mark.parametrize("one_by_one", [False, True])
def test_all_that_is_left_is_looked_at_before_a_faster_job_is_begun(user: User, *, one_by_one: bool) -> None:
    archive = user.archive()
    others = user.archives(60)
    for tier, hours in (("Bulk", 34), ("Standard", 6), ("Expedited", 0.1)):
        user.faults.job_takes(hours * 3600, when=at_tier(tier))
    for name, tier in (("slow", "Bulk"), ("mid", "Standard"), ("fast", "Expedited")):
        user.ask(name, archive, tier)
        user.wait(minutes=2)
    user.wait_for_the_end("slow", "mid", "fast", hours=1)
    user.wait(hours=8)
    for number, other in enumerate(others):
        user.ask(f"other-{number}", other)
    user.wait(hours=10, minutes=10)
    begun = len(user.jobs)
    if one_by_one:
        user.faults.fail("ListJobs", "AccessDeniedException")
    user.ask("later", archive, "Expedited")
    user.wait_for_the_end("later", hours=1)
    assert user.only("later", "Retrieval Succeeded")["tier"] == "Standard"
    assert len(user.jobs) == begun
    user.assert_settled()
