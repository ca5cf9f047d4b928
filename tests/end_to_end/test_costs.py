"""What a plain Standard retrieval costs in calls and write units, and what its records look like."""

import pytest

from local.meter import item_bytes
from tests.end_to_end.user import User
from thaw import bounds

pytestmark = pytest.mark.usefixtures("every_tick")
SETTINGS = {"maxUnits": 0}
READS = ("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems")
UUID = "01234567-89ab-cdef-0123-456789abcdef"


def test_a_plain_retrieval_takes_eight_write_units_and_no_read(user: User) -> None:
    user.cloud.meter.clear()
    user.ask(UUID, user.archive())
    user.wait_for_the_end(UUID)
    assert user.cloud.meter.units <= 8
    for function in ("initiate", "complete", "publish"):
        assert user.calls(function, *READS) == 0
    assert user.calls("reconcile", "DescribeJob", "ListJobs") == 0
    assert user.calls("initiate", "InitiateJob") == 1


def test_the_costs_of_many_are_those_of_one(user: User) -> None:
    user.cloud.meter.clear()
    names = [f"{UUID}{number}" for number in range(30)]
    for name, archive in zip(names, user.archives(30), strict=True):
        user.ask(name, archive)
    user.wait_for_the_end(*names)
    assert user.cloud.meter.units <= 8 * 30
    assert len(user.jobs) == 30


def test_items_stay_below_a_kilobyte_and_are_always_due_while_open(user: User) -> None:
    user.ask(UUID, user.archive())
    seen = set()

    def look() -> bool:
        for item in user.cloud.items():
            assert item_bytes(item) < 1024
            if item["kind"]["S"] == "retrieval":
                state = item["state"]["S"]
                seen.add(state)
                assert ("dueAt" in item) == ("dueIn" in item) == (state in ("waiting", "initiating", "in_progress"))
        return "succeeded" in seen

    user.cloud.run_until(look)
    assert "in_progress" in seen


def test_records_live_longer_than_any_message_can(user: User) -> None:
    user.ask("r1", user.archive())
    user.wait_for_the_end("r1")
    end_seconds = user.cloud.clock.now_ms() / 1000
    for item in user.cloud.items():
        kept_seconds = int(item["expiresAt"]["N"]) - end_seconds
        assert kept_seconds > bounds.MESSAGE_LIVES_SECONDS


def test_an_open_record_never_expires(user: User) -> None:
    user.ask("r1", user.archive())
    user.wait(minutes=5)
    (record,) = [item for item in user.cloud.items() if item["kind"]["S"] == "retrieval"]
    assert "expiresAt" not in record


@pytest.mark.parametrize("tier", ["Expedited", "Bulk"])
def test_the_other_tiers_read_only_what_they_must(user: User, tier: str) -> None:
    user.ask("r1", user.archive(), tier)
    user.wait_for_the_end("r1")
    assert user.calls("initiate", *READS) == 0
    assert user.calls("complete", *READS) == 0
