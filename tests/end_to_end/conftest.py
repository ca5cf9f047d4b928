"""A deployed cloud, back to just deployed for each test."""

from collections.abc import Iterator, Mapping

import pytest

from local.cloud import Cloud
from local.stock import Stock
from tests.end_to_end.ticks import let_sleep, wake_at_every_tick
from tests.end_to_end.user import OWN_ACCOUNT, User
from tests.kept import Kept


@pytest.fixture(scope="module")
def deployed(request: pytest.FixtureRequest, kept: Kept, stock: Stock) -> Cloud:
    """Both stacks, with the settings that the module names in `SETTINGS`."""
    settings: Mapping[str, object] = getattr(request.module, "SETTINGS", {})
    return kept.get(request, lambda: Cloud(settings=settings, stock=stock))


@pytest.fixture
def cloud(deployed: Cloud) -> Iterator[Cloud]:
    """Empty but for what was deployed; reconcile and top_up sleep through ticks that would find nothing to do."""
    deployed.reset(seed=1)
    let_sleep(deployed)
    deployed.glacier.settings.inventories = "always"
    yield deployed
    assert not deployed.glacier.faults.pending, "a fault that the test set never happened"
    deployed.glacier.faults.clear()


@pytest.fixture
def every_tick(cloud: Cloud) -> None:
    """For tests of what reconcile and top_up do, or leave, when there is nothing to do."""
    wake_at_every_tick(cloud)


@pytest.fixture
def user(cloud: Cloud) -> User:
    """Someone with a vault named photos."""
    user = User(cloud)
    user.create_vault("photos", OWN_ACCOUNT)
    return user
