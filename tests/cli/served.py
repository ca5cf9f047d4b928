"""Thaw as `make up` serves it, in a process of its own.

Functions change their process's environment, modules and stdout while they run: a command in the same process would
stumble over that.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Concatenate, ParamSpec, TypeVar

from local.cloud import Cloud
from tests.serving import serving

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Served:
    """Where it is."""

    url: str
    _pipe: Connection[Any, Any]

    def do(
        self, what: Callable[Concatenate[Cloud, Given], Result], *given: Given.args, **named: Given.kwargs
    ) -> Result:
        """What a function of a module makes of the served cloud, there; all that goes in and out can be pickled."""
        self._pipe.send((what, given, named))
        result: Result = self._pipe.recv()
        if isinstance(result, Exception):
            raise result
        return result


@contextmanager
def served_apart(settings: Mapping[str, object]) -> Iterator[Served]:
    """Serves until the block ends. `settings` are those of cdk.json."""
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(there, settings), daemon=True)
    process.start()
    try:
        assert here.poll(60), "not up"
        yield Served(here.recv(), here)
    finally:
        here.send(None)
        process.join(15)
        if process.is_alive():
            process.kill()


def _serve(pipe: Connection[Any, Any], settings: Mapping[str, object]) -> None:
    with serving(settings) as up:
        pipe.send(up.url)
        while (asked := pipe.recv()) is not None:
            what, given, named = asked
            try:
                with up.clock.lock:
                    result = what(up.cloud, *given, **named)
            except Exception as error:  # noqa: BLE001  the test that asked has it
                result = error
            pipe.send(result)
