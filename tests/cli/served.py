"""Thaw as `make up` serves it, in a process of its own.

Functions change their process's environment, modules and stdout while they run: a command in the same process would
stumble over that.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from local import garbage

if TYPE_CHECKING:
    from local.cloud import Cloud

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
        assert here.poll(300), "not up"
        yield Served(here.recv(), here)
    finally:
        process.kill()  # nothing of it is kept; to go down in order takes it seconds
        process.join()


def _serve(pipe: Connection[Any, Any], settings: Mapping[str, object]) -> None:
    gc.disable()  # of what is loaded nothing is rubbish, and to look for it takes as long as to load it
    from tests.serving import serving

    with serving(settings) as up:
        garbage.begin_to_look()
        pipe.send(up.url)
        while True:
            what, given, named = pipe.recv()
            try:
                with up.clock.lock:
                    result = what(up.cloud, *given, **named)
            except Exception as error:  # noqa: BLE001  the test that asked has it
                result = error
            pipe.send(result)
