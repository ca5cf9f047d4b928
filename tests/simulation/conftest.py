"""One deployment for all runs."""

import pytest

from local.stock import Stock
from simulation.world import World
from tests.kept import Kept


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, kept: Kept, stock: Stock) -> World:
    return kept.get(request, lambda: World.deployed(stock=stock))
