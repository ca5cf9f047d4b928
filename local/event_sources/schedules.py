"""EventBridge rules with a rate: each invokes its functions, for the first time one period after deployment."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from local.clock import Clock
from local.functions import Lambda

_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass
class Schedule:
    clock: Clock
    functions: Lambda
    rule_arn: str
    expression: str
    targets: tuple[Mapping[str, Any], ...]
    enabled: bool = True
    """A test may hold the schedule back for a while."""
    skips: Callable[[str], bool] = lambda function_arn: False
    """Whether a tick does not wake this function: a simulator knows when there would be nothing for it to do."""

    def start(self) -> None:
        self.clock.after(seconds_of(self.expression), self._tick, background=True)

    def _tick(self) -> None:
        self.start()
        if not self.enabled:
            return
        for target in self.targets:
            if self.skips(target["Arn"]):
                continue
            if "InputTransformer" in target or "InputPath" in target or "Input" in target:
                raise NotImplementedError(f"a schedule's input: {target}")
            self.functions.invoke_async(target["Arn"], self._event())

    def _event(self) -> dict[str, Any]:
        _, _, _, region, account_id, _ = self.rule_arn.split(":", 5)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": account_id,
            "time": f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "region": region,
            "resources": [self.rule_arn],
            "detail": {},
        }


@cache
def seconds_of(expression: str) -> int:
    """The period of `rate(5 minutes)`; nothing else is known here."""
    match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if match is None:
        raise NotImplementedError(f"the schedule expression {expression}")
    return int(match[1]) * _SECONDS[match[2]]
