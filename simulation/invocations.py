"""How invocations ended, and whether that was done to them: who is not struck neither dies nor runs out of time.

No time passes in a function but while a call of it is under way (held up by a strike), in the pauses after which the
SDK repeats a call that failed, and in those that the function makes where another was faster to write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from local.calls import Call
from local.environments import Environment
from local.functions import Lambda, Result
from simulation.choices import Choice
from simulation.strikes import NEVER_REPEATED, REPEATED_AFTER

DIED, TOO_SLOW = "Runtime.ExitError", "Sandbox.Timedout"
"""What Lambda says of a process."""
_TRIES, _TRIES_ELSE = {"dynamodb": 4}, 3
"""How often the SDK makes a call that may be repeated, by service."""
_SDK_PAUSES_SECONDS = 4.0
"""The longest of its pauses: before the last of four tries, after a throttle."""
_OTHER_WROTE = ("ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException")
_WRITES_AGAIN_SECONDS = 0.64
"""The longest pause before a write that another's hindered, or before what a read left is read."""


@dataclass
class _Made:
    """A call, and when it was over, if it is."""

    call: Call
    over_ms: int | None = None


@dataclass
class _Invocation:
    began_ms: int
    dies: bool = False
    """Whether it was struck so."""
    made: list[_Made] = field(default_factory=list)

    def own_ms(self, now_ms: int) -> int:
        """How much of the time since it began is explained by nothing."""
        explained_ms, until_ms = 0, self.began_ms
        for begin_ms, end_ms in sorted(self._held_up(now_ms)):
            explained_ms += max(0, end_ms - max(begin_ms, until_ms))
            until_ms = max(until_ms, end_ms)
        return now_ms - self.began_ms - explained_ms

    def _held_up(self, now_ms: int) -> Iterator[tuple[int, int]]:
        """From when until when."""
        for number, made in enumerate(self.made):
            over_ms = now_ms if made.over_ms is None else made.over_ms
            yield made.call.at_ms, over_ms
            again = (later.call.at_ms for later in self.made[number + 1 :] if later.call.params is made.call.params)
            yield over_ms, next(again, min(now_ms, over_ms + self._pause_ms(made)))

    def _pause_ms(self, made: _Made) -> int:
        """The longest pause that may follow a call that was not made again."""
        if made.call.outcome in _OTHER_WROTE or made.call.operation == "BatchGetItem":
            return round(_WRITES_AGAIN_SECONDS * 1000)
        tries = sum(other.call.params is made.call.params for other in self.made)
        is_repeated = made.call.outcome in REPEATED_AFTER and made.call.operation not in NEVER_REPEATED
        may_be_repeated = is_repeated and tries < _TRIES.get(made.call.service, _TRIES_ELSE)
        return round(_SDK_PAUSES_SECONDS * 1000) if may_be_repeated else 0


@dataclass
class Invocations:
    """Told of each invocation's begin, calls and error."""

    functions: Lambda
    made_to_end: set[str] = field(default_factory=set)
    """The request ids of those that died, or ran out of time, because they were struck so."""
    _newest: dict[str, _Invocation] = field(default_factory=dict)
    """By the execution environment, that of one that is gone excepted."""

    def begins(self, environment: Environment) -> None:
        self._newest[environment.instance] = _Invocation(self._now_ms)

    @contextmanager
    def during(self, call: Call, choice: Choice | None) -> Iterator[None]:
        """While a call is made."""
        invocation, made = self._newest[call.instance], _Made(call)
        invocation.made.append(made)
        invocation.dies |= choice is not None and choice.kind.startswith("dies")
        try:
            yield
        finally:
            made.over_ms = self._now_ms

    def fails(self, label: str, result: Result) -> None:
        """Lambda has just taken its environment from those that are busy, and not put it to the others yet."""
        there = {environment.instance for environment in self.functions.environments}
        (instance,) = (name for name in self._newest if name.startswith(f"{label}#") and name not in there)
        invocation = self._newest.pop(instance)
        kind = (result.error or {}).get("errorType")
        was_slowed = kind == TOO_SLOW and invocation.own_ms(self._now_ms) == 0
        if was_slowed or (kind == DIED and invocation.dies):
            self.made_to_end.add(result.request_id)

    @property
    def _now_ms(self) -> int:
        return self.functions.clock.now_ms()
