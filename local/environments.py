"""Lambda's execution environments: each has its own copies of the asset's modules, its variables, and a log.

Environments share the process and what is installed in it (boto3, Powertools). Code of one runs only between
`entered`'s beginning and end, when its modules are in sys.modules and its variables in os.environ.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from botocore.retries.quota import RetryQuota

from local.clock import Clock
from local.processes import Executor, Process

_CONCURRENTLY = "thaw.concurrently"
"""The module of the functions whose `Executor` is ours here."""
_CLOCK = "thaw.edge.clock"
"""The module of the functions that reads the time; in each environment it reads the environment's."""
_WITH_COLD_START = ("aws_lambda_powertools.logging.logger", "aws_lambda_powertools.metrics.provider.cold_start")
"""Powertools remembers there, once for the process, whether an invocation was the first."""
_KEPT_LOG_LINES = 20_000
_BYTECODE = Path(tempfile.gettempdir()) / f"thaw-bytecode-{os.getuid()}"


@dataclass(frozen=True)
class FunctionConfig:
    """A function as the template has it."""

    name: str
    """The physical name."""
    arn: str
    handler: str
    """`file.function`."""
    code: Path
    timeout_seconds: float
    memory_mb: int
    variables: Mapping[str, str]
    role: str
    """The role's name."""
    log_group: str
    traced: bool
    max_retries: int
    """How often an asynchronous invocation that failed is tried again."""
    max_event_age_seconds: float

    @property
    def label(self) -> str:
        """What people call it: the name of its file."""
        return self.handler.rpartition(".")[0]


_preloaded: set[tuple[Path, str]] = set()


def preload(config: FunctionConfig, clock: Clock) -> None:
    """Imports the function's code once in this process, and forgets it.

    What it is the first to import from elsewhere may draw on chance, which would make the first run another run.
    """
    if (config.code, config.handler) in _preloaded:
        return
    _preloaded.add((config.code, config.handler))
    environment = Environment(config, f"{config.label}#0", clock, new_log())
    with environment.entered(), suppress(Exception):  # what fails here will fail when it is invoked
        environment.load()


Log = deque[tuple[int, str]]
"""Lines of output with their time in milliseconds."""


def new_log() -> Log:
    return deque(maxlen=_KEPT_LOG_LINES)


@dataclass
class Environment:
    """One sandbox of a function. `load` makes it ready; `handler` is then the function's."""

    config: FunctionConfig
    instance: str
    """The function's label and a number, to tell environments apart."""
    clock: Clock
    log: Log
    idle_since_ms: int = 0
    dead: bool = False
    process: Process | None = None
    """What runs in it at present."""
    handler: Callable[[Any, Any], Any] | None = None
    unfinished_line: str = ""
    skew_ms: int = 0
    """How far its clock is ahead of the true one."""
    quotas: list[RetryQuota] = field(default_factory=list)
    """What its clients of the SDK have left to spend on retries, if somebody notes it."""
    _modules: dict[str, ModuleType] = field(default_factory=dict)

    @property
    def actor(self) -> str:
        return self.config.label

    def load(self) -> None:
        """Imports the function's code, as a cold start does; call it entered."""
        module_name, _, function = self.config.handler.rpartition(".")
        with _bytecode_kept():
            module = importlib.import_module(module_name)
        self._replace(_CONCURRENTLY, "Executor", Executor)
        self._replace(_CLOCK, "time", _Time)
        _begin_cold()
        self.handler = getattr(module, function)

    def _replace(self, module_name: str, name: str, replacement: object) -> None:
        """In the asset's own module, if it was imported, and not in one of the same name elsewhere."""
        module = sys.modules.get(module_name)
        if module and Path(module.__file__ or "").is_relative_to(self.config.code):
            setattr(module, name, replacement)

    def take_over(self, gone: Environment) -> None:
        """Begins with the loaded code of one that is gone, in place of `load`: it is the same, and sooner there."""
        self._modules, self.handler, self.quotas = gone._modules, gone.handler, gone.quotas
        for quota in self.quotas:  # all that the SDK's clients remember
            quota._available_capacity = quota._max_capacity  # type: ignore[attr-defined]
        _begin_cold()

    def kill(self) -> None:
        """The sandbox is gone, and what ran in it stops where it stands; its invocation ends in an error."""
        self.dead = True
        if self.process is not None:
            self.process.kill()

    @contextmanager
    def entered(self) -> Iterator[None]:
        global _inside
        outside, _inside = _inside, self
        if outside is self:
            yield
            return
        try:
            with _swapped_modules(self.config.code, self._modules), _swapped_variables(self._variables()), _captured():
                yield
        finally:
            _inside = outside

    def _variables(self) -> dict[str, str]:
        config = self.config
        return {
            **config.variables,
            "AWS_REGION": config.arn.split(":")[3],
            "AWS_DEFAULT_REGION": config.arn.split(":")[3],
            "AWS_EXECUTION_ENV": "AWS_Lambda_python",
            "AWS_LAMBDA_FUNCTION_NAME": config.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": config.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.instance,
            "LAMBDA_TASK_ROOT": str(config.code),
            "_HANDLER": config.handler,
        }


@contextmanager
def _bytecode_kept() -> Iterator[None]:
    """What is imported is compiled once, whatever is set for Python, and the asset stays as it is."""
    before = sys.pycache_prefix, sys.dont_write_bytecode
    sys.pycache_prefix, sys.dont_write_bytecode = str(_BYTECODE), False
    try:
        yield
    finally:
        sys.pycache_prefix, sys.dont_write_bytecode = before


def _begin_cold() -> None:
    for name in _WITH_COLD_START:
        if name in sys.modules:
            sys.modules[name].is_cold_start = True  # type: ignore[attr-defined]


_inside: Environment | None = None


class _Time:
    """`time` as the code that runs has it."""

    @staticmethod
    def time_ns() -> int:
        return time.time_ns() + (_inside.skew_ms * 1_000_000 if _inside else 0)


@contextmanager
def _swapped_modules(code: Path, modules: dict[str, ModuleType]) -> Iterator[None]:
    outer = _taken_out(code)
    sys.modules.update(modules)
    count = len(sys.modules)
    sys.path.insert(0, str(code))
    try:
        yield
    finally:
        sys.path.remove(str(code))
        if len(sys.modules) != count:  # something was imported
            modules.update(_taken_out(code))
        else:
            for name in modules:
                del sys.modules[name]
        sys.modules.update(outer)


_names: dict[Path, frozenset[str]] = {}


def _top_level_names(code: Path) -> frozenset[str]:
    """The names under which the asset's modules and packages are imported."""
    if code not in _names:
        _names[code] = frozenset(path.stem for path in code.iterdir() if path.suffix in ("", ".py"))
    return _names[code]


_found: dict[Path, tuple[list[str], int, dict[str, None]]] = {}
"""When last looked through: which of the top-level names were there, how many modules in all, and whose names fit."""


def _taken_out(code: Path) -> dict[str, ModuleType]:
    """Takes the modules out that have names of the asset's, if there are any."""
    top_level_names = _top_level_names(code)
    present = [name for name in top_level_names if name in sys.modules]
    if not present:
        return {}
    before, count, names = _found.get(code, ([], 0, {}))
    if (before, count) != (present, len(sys.modules)) or not sys.modules.keys() >= names.keys():
        names = dict.fromkeys(name for name in sys.modules if name.partition(".")[0] in top_level_names)
        _found[code] = present, len(sys.modules), names
    return {name: sys.modules.pop(name) for name in names}


@contextmanager
def _swapped_variables(variables: Mapping[str, str]) -> Iterator[None]:
    environ: Any = os.environ
    held, encoded = environ._data, _encoded(tuple(variables.items()))
    outer = {name: held.get(name) for name, _ in encoded}
    _set_variables(held, encoded)
    try:
        yield
    finally:
        _set_variables(held, outer.items())


def _set_variables(held: dict[bytes, bytes], variables: Iterable[tuple[bytes, bytes | None]]) -> None:
    """What os.environ does for each, which is not there if its value is None."""
    for name, value in variables:
        if value is not None:
            os.putenv(name, value)
            held[name] = value
        elif name in held:
            os.unsetenv(name)
            del held[name]


@lru_cache(1000)
def _encoded(variables: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    """As os.environ holds them; a function's are the same whenever it goes on."""
    return [(os.fsencode(name), os.fsencode(value)) for name, value in variables]


class _Output:
    """A standard output for all functions; what is written goes to the log of the environment that writes it.

    One object for ever, since loggers keep the stream that they find when they are made.
    """

    encoding = "utf-8"

    def __init__(self) -> None:
        self.outer: TextIO = sys.__stdout__ or sys.stderr

    def write(self, text: str) -> int:
        if _inside is None:
            return self.outer.write(text)
        *lines, _inside.unfinished_line = (_inside.unfinished_line + text).split("\n")
        at_ms = _inside.clock.now_ms()
        _inside.log.extend((at_ms, line) for line in lines)
        return len(text)

    def flush(self) -> None:
        if _inside is None:
            self.outer.flush()

    def isatty(self) -> bool:
        return False


OUTPUT = _Output()


@contextmanager
def outside() -> Iterator[None]:
    """While entered, what is written goes where it would go if no function's code were running."""
    global _inside
    inside, _inside = _inside, None
    try:
        yield
    finally:
        _inside = inside


@contextmanager
def _captured() -> Iterator[None]:
    outer = sys.stdout
    if outer is OUTPUT:
        yield
        return
    OUTPUT.outer = outer
    sys.stdout = OUTPUT
    try:
        yield
    finally:
        sys.stdout = outer
