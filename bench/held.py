"""What an execution environment of a function keeps from one invocation to the next.

Counted is whatever can be reached from the modules of the function's own code (globals, attributes of classes, caches,
closures, the state of Powertools), of any type: a list of texts counts as much as a class of ours. Left out are
libraries: their modules, classes, and objects such as a client of boto3.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from local.environments import Environment

_PLAIN = (str, bytes, bytearray, int, float, complex, type(None))
_CONTAINERS = (dict, list, tuple, set, frozenset, deque, Counter, defaultdict, FunctionType, MethodType)
_POWERTOOLS = "aws_lambda_powertools"
FEWEST_INVOCATIONS = 16
"""Of an environment that was invoked less often nothing is said."""


@dataclass(frozen=True)
class Held:
    """So much at the begin of an environment's invocation with this number."""

    invocations: int
    objects: int
    bytes: int


@dataclass
class Watch:
    """Follows each environment: what it holds at its invocations 1, 2, 4, 8, ... and at the end."""

    _invocations: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, list[Held]] = field(default_factory=lambda: defaultdict(list))

    def on_start(self, environment: Environment) -> None:
        """For `Lambda.on_start`: nothing of the invocation is there yet."""
        number = self._invocations[environment.instance] = self._invocations[environment.instance] + 1
        if number & (number - 1) == 0:
            self._seen[environment.instance].append(held_by(environment, number))

    def at_the_end(self, environments: Iterable[Environment]) -> None:
        for environment in environments:
            number = self._invocations[environment.instance] + 1
            self._seen[environment.instance].append(held_by(environment, number))

    def long_lived(self) -> dict[str, tuple[Held, Held]]:
        """By the environments that lived long: what they held after a quarter to a half of their life, and last."""
        return {
            instance: (next(each for each in seen if 4 * each.invocations >= seen[-1].invocations), seen[-1])
            for instance, seen in self._seen.items()
            if seen[-1].invocations >= FEWEST_INVOCATIONS
        }

    def grown(self) -> Iterator[str]:
        """Those that kept more than one object for each ten of their later invocations, or more than a byte for each.

        The least that is kept of an invocation is a slot in a list: eight bytes, and no object where it holds a small
        number. Where nothing is kept there is no growth at all after a quarter of a life: whatever fills once (a cache,
        a dict that doubles) has done so by then.
        """
        for instance, (early, last) in self.long_lived().items():
            invocations = last.invocations - early.invocations
            objects, size_bytes = last.objects - early.objects, last.bytes - early.bytes
            if 10 * objects > invocations or size_bytes > invocations:
                yield (
                    f"{instance} kept {objects} objects, {size_bytes} bytes more after {invocations} more invocations"
                )


def held_by(environment: Environment, invocations: int) -> Held:
    """See the module."""
    gc.collect(1)
    own = set(environment._modules)
    waiting: list[Any] = [vars(module) for module in environment._modules.values()]
    seen: dict[int, Any] = {}
    size_bytes = 0
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        size_bytes += sys.getsizeof(each)
        waiting += [inner for inner in _referents(each) if id(inner) not in seen and _counts(inner, own)]
    return Held(invocations, len(seen), size_bytes)


def _referents(value: Any) -> list[Any]:
    return [] if isinstance(value, _PLAIN) else gc.get_referents(value)


def _counts(value: Any, own: set[str]) -> bool:
    if isinstance(value, _PLAIN):
        return True
    if isinstance(value, ModuleType | BuiltinFunctionType):
        return False
    if isinstance(value, type | FunctionType):
        return _is_own(getattr(value, "__module__", None), own)
    return isinstance(value, _CONTAINERS) or _is_own(type(value).__module__, own) or _is_cache(value)


def _is_own(module: object, own: set[str]) -> bool:
    return module in own or str(module).startswith(_POWERTOOLS)


def _is_cache(value: Any) -> bool:
    return hasattr(value, "cache_parameters") and type(value).__module__ == "functools"
