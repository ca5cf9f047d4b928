"""Thaw as `make up` serves it, in this process: over HTTP, on a real clock, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from local import glacier
from local.clock import RealClock
from local.cloud import Cloud
from local.happenings import Happening
from local.up import Server


@dataclass(frozen=True)
class Served:
    """Where it is, and what it is; whoever touches `cloud` takes `clock.lock`, as the server does."""

    url: str
    cloud: Cloud
    clock: RealClock


@contextmanager
def serving(
    settings: Mapping[str, object] | None = None,
    tell: Callable[[Happening], None] = lambda happening: None,
) -> Iterator[Served]:
    """Serves until the block ends, with Glacier's jobs ended very much sooner. `settings` are those of cdk.json."""
    clock = RealClock()
    ready, down = threading.Event(), threading.Event()
    up: list[Served] = []

    def serve() -> None:
        faster = glacier.Settings(speed=36_000, inventories="always")
        with Cloud(clock=clock, settings=settings, glacier_settings=faster) as cloud, Server(clock, 0) as server:
            cloud.tell = tell
            up.append(Served(server.url, cloud, clock))
            ready.set()
            clock.run()
        down.set()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(300), "not up"
    try:
        yield up[0]
    finally:
        clock.stop()
        assert down.wait(10), "not down"
        thread.join()
