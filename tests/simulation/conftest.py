"""One deployment for all runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stock import Stock
from simulation.world import World
from tests.kept import Kept

_HERE = Path(__file__).parent
_KEPT: Kept[World] = Kept()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is not None and nextitem.path != item.path:
        wants_it = isinstance(nextitem, pytest.Function) and "world" in nextitem.fixturenames
        _KEPT.end_unless("world" if wants_it and nextitem.path.parent == _HERE else None)


@pytest.fixture(scope="session")
def worlds(role_usage_is_noted: None) -> Iterator[Kept[World]]:
    """Ends while it is still noted what roles were used for."""
    yield _KEPT
    _KEPT.end()


@pytest.fixture(scope="module")
def world(worlds: Kept[World], stock: Stock) -> World:
    return worlds.get("world", lambda: World.deployed(stock=stock))
