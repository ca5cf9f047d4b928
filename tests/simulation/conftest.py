"""One deployment for all runs of a module."""

from collections.abc import Iterator

import pytest

from simulation.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World.deployed() as world:
        yield world
