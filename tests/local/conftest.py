from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import Cloud
from tests.local.small_stack import BEHAVIOUR, Handler, write_assembly

MakeCloud = Callable[..., Cloud]


@pytest.fixture
def make_cloud(tmp_path: Path) -> Iterator[MakeCloud]:
    """Deploys a small stack: `make_cloud(mappings={"worker-Jobs": {…}})`; see small_stack."""
    entered: list[Cloud] = []

    def make(seed: int = 1, **stack: Any) -> Cloud:
        folder = write_assembly(tmp_path / f"cdk.out.{len(entered)}", **stack)
        entered.append(Cloud(seed, assembly=folder, shard_count=1).__enter__())
        return entered[-1]

    yield make
    for cloud in entered:
        cloud.__exit__()


@pytest.fixture
def behave() -> Iterator[Callable[..., None]]:
    """Says what the functions do: `behave(worker=handler)`."""

    def set_behaviour(**handlers: Handler) -> None:
        BEHAVIOUR.update(handlers)

    yield set_behaviour
    BEHAVIOUR.clear()
