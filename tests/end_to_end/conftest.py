"""A deployed cloud, back to just deployed for each test."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from local.cloud import Cloud
from local.stock import Stock
from tests.end_to_end.ticks import let_sleep, wake_at_every_tick
from tests.end_to_end.user import OWN_ACCOUNT, User
from tests.kept import Kept

_HERE = Path(__file__).parent


_DEPLOYED: Kept[Cloud] = Kept()


def _settings_of(item: pytest.Item | None) -> Mapping[str, object] | None:
    """What a test has `deployed` with; None where it makes its own cloud, or has none."""
    if not isinstance(item, pytest.Function) or "deployed" not in item.fixturenames or item.path.parent != _HERE:
        return None
    settings: Mapping[str, object] = getattr(item.module, "SETTINGS", {})
    return settings


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Modules with the same settings share a cloud."""
    if nextitem is not None and nextitem.path != item.path:
        _DEPLOYED.end_unless(_settings_of(nextitem))


@pytest.fixture(scope="session")
def deployments(role_usage_is_noted: None) -> Iterator[Kept[Cloud]]:
    """Ends while it is still noted what roles were used for."""
    yield _DEPLOYED
    _DEPLOYED.end()


@pytest.fixture(scope="module")
def deployed(request: pytest.FixtureRequest, deployments: Kept[Cloud], stock: Stock) -> Cloud:
    """Both stacks, with the settings that the module names in `SETTINGS`."""
    settings: Mapping[str, object] = getattr(request.module, "SETTINGS", {})
    return deployments.get(settings, lambda: Cloud(settings=settings, stock=stock))


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
