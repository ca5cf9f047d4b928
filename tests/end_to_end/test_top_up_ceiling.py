"""With the ceiling at 0, as it is until the user sets it, nothing is bought."""

import pytest

from tests.end_to_end.ticks import let_sleep, wake_at_every_tick
from tests.end_to_end.user import User

pytestmark = pytest.mark.usefixtures("every_tick")
SETTINGS = {"maxUnits": 0}


def test_nothing_is_bought_the_shortage_is_told_and_expedited_is_tried_on_demand(user: User) -> None:
    for number, archive in enumerate(user.archives(4)):
        user.ask(f"r{number}", archive, "Expedited")
    user.wait_for_the_end("r0", "r1", "r2", "r3")
    assert user.calls("top_up", "PurchaseProvisionedCapacity") == 0
    (short,) = user.cloud.events_of("Capacity Short")
    assert short.detail["reason"]["code"] == "MaxUnits"
    assert "Set maxUnits to 1" in short.detail["reason"]["message"]
    assert short.detail["maxUnits"] == 0
    assert [job.tier for job in user.jobs] == ["Expedited"] * 4
    user.assert_settled()


def test_the_shortage_is_told_again_only_after_a_day(user: User) -> None:
    user.ask("r1", user.archive(), "Expedited")
    _wait_an_hour_and_sleep(user, hours=11)
    user.ask("r2", user.archive(), "Expedited")
    _wait_an_hour_and_sleep(user, hours=12)
    assert len(user.cloud.events_of("Capacity Short")) == 1
    user.ask("r3", user.archive(), "Expedited")
    user.wait(hours=1)
    assert len(user.cloud.events_of("Capacity Short")) == 2


def _wait_an_hour_and_sleep(user: User, hours: int) -> None:
    """Where nothing waits since an hour ticks find nothing; they are what takes longest here."""
    user.wait(hours=1)
    let_sleep(user.cloud)
    user.wait(hours=hours)
    wake_at_every_tick(user.cloud)
