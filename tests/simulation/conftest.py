"""One deployment for all runs of a module."""

from collections.abc import Iterator

import pytest

from local.stock import Stock
from simulation.world import World


@pytest.fixture(scope="module")
def world(stock: Stock) -> Iterator[World]:
    with World.deployed(stock=stock) as world:
        yield world
