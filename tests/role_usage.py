"""What roles allow and what was done with it, over a whole session of tests and all of its processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from unittest import mock

from local.cloud import Cloud

Pair = tuple[str, str]
"""A function by the name of its file, and an action."""


@dataclass
class RoleUsage:
    allowed: set[Pair] = field(default_factory=set)
    made: set[Pair] = field(default_factory=set)
    """By the function, or by Lambda in its name."""
    stack: str = "Thaw"
    """Deployments without it are made up for tests of the embedded AWS, and not noted."""

    def note(self, cloud: Cloud) -> None:
        """Adds what the roles of a deployment allow, and what was allowed by them so far."""
        if all(resource.stack != self.stack for resource in cloud.deployment.resources):
            return
        functions = {config.role: config.label for config in cloud.functions.configs.values()}
        self.add(
            ((functions[role], action) for role, action in cloud.roles.allowed_actions),
            ((functions[role], action) for role, action, _ in cloud.roles.used),
        )

    def add(self, allowed: Iterable[Iterable[str]], made: Iterable[Iterable[str]]) -> None:
        """Adds pairs, also as they come from another process."""
        self.allowed |= {(function, action) for function, action in allowed}
        self.made |= {(function, action) for function, action in made}

    def unused(self) -> list[Pair]:
        """What is allowed though it was never made."""
        return sorted(pair for pair in self.allowed if not self._was_made(*pair))

    def _was_made(self, function: str, action: str) -> bool:
        made = (made for of, made in self.made if of == function)
        return any(fnmatchcase(one.lower(), action.lower()) for one in made)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Notes every cloud of this process when it ends."""
        end: Callable[..., Any] = Cloud.__exit__

        def noted_end(cloud: Cloud, *error: object) -> None:
            self.note(cloud)
            end(cloud, *error)

        with mock.patch.object(Cloud, "__exit__", noted_end):
            yield
