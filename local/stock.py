"""Loaded code for new execution environments: that of environments that are gone, which need not be loaded again.

To load it takes a tenth of a second, most of it for models and clients that come out the same each time: for run after
run, or a run of days, that is what takes longest. Whether the code is indeed as good as new, also where one died in
the middle of a call, a test compares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from botocore.retries.quota import RetryQuota

from local.clock import Clock
from local.environments import Environment, FunctionConfig, Log
from local.functions import Lambda
from local.processes import current

_Key = tuple[str, Path, tuple[tuple[str, str], ...]]
"""A function, its code and its variables, which the code may have read when it was loaded."""


@dataclass
class Stock:
    _spare: dict[_Key, list[Environment]] = field(default_factory=lambda: defaultdict(list))
    _in_use: list[tuple[_Key, Environment]] = field(default_factory=list)

    @contextmanager
    def serving(self, functions: Lambda) -> Iterator[None]:
        """While entered, their environments begin with what is in stock."""
        functions.make_environment, functions.on_reset = self.make, self.take_back
        with _quotas_noted():
            yield

    def make(self, config: FunctionConfig, instance: str, clock: Clock, log: Log) -> Environment:
        environment = Environment(config, instance, clock, log)
        key = (config.name, config.code, tuple(sorted(config.variables.items())))
        gone = self._spare[key].pop() if self._spare[key] else self._dead(key)
        if gone is not None:
            environment.take_over(gone)
        self._in_use.append((key, environment))
        return environment

    def _dead(self, key: _Key) -> Environment | None:
        """One of this run's that has died and been wound up."""
        for index, (of, each) in enumerate(self._in_use):
            if of == key and each.handler and each.dead and (each.process is None or each.process.dead):
                return self._in_use.pop(index)[1]
        return None

    def take_back(self) -> None:
        """Between two runs, when nothing runs."""
        for key, environment in self._in_use:
            environment.process = None  # would keep all that the run left behind
            if environment.handler is not None:
                self._spare[key].append(environment)
        self._in_use.clear()

    def clear(self) -> None:
        """Keeps none: what is loaded next is other code."""
        self._spare.clear()
        self._in_use.clear()


@contextmanager
def _quotas_noted() -> Iterator[None]:
    """While entered, environments know what their clients have left to spend on retries."""
    made = RetryQuota.__init__

    def make(quota: RetryQuota, *args: Any, **kwargs: Any) -> None:
        made(quota, *args, **kwargs)
        process = current()
        if process is not None and isinstance(process.owner, Environment):
            process.owner.quotas.append(quota)

    with mock.patch.object(RetryQuota, "__init__", make):
        yield
