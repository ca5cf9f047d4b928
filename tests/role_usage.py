"""What roles allow and what was done with it, over a whole session of tests and all of its processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest import mock

from local.cloud import Cloud
from local.policies import Request, applies

Grant = tuple[str, str, str]
"""A role, or the function whose it is by the name of its file; an action; and the resource that it is allowed on."""


@dataclass
class RoleUsage:
    allowed: set[Grant] = field(default_factory=set)
    made: set[Grant] = field(default_factory=set)
    """Those of which the function made use, or Lambda in its name."""
    stack: str = "Thaw"
    """Deployments without it are made up for tests of the embedded AWS, and not noted."""

    def note(self, cloud: Cloud) -> None:
        """Adds what the roles of a deployment allow, and what was done with it so far."""
        if all(resource.stack != self.stack for resource in cloud.deployment.resources):
            return
        allowed = cloud.roles.allowed
        made = {_grant(allowed, *one) for one in cloud.roles.used}
        self.add(map(partial(_named, cloud), allowed), map(partial(_named, cloud), made))

    def add(self, allowed: Iterable[Iterable[str]], made: Iterable[Iterable[str]]) -> None:
        """Adds grants, also as they come from another process."""
        self.allowed |= {(function, action, resource) for function, action, resource in allowed}
        self.made |= {(function, action, resource) for function, action, resource in made}

    def unused(self) -> list[Grant]:
        """What is allowed though it was never made."""
        return sorted(self.allowed - self.made)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Notes every cloud of this process when it ends."""
        end: Callable[..., Any] = Cloud.__exit__

        def noted_end(cloud: Cloud, *error: object) -> None:
            self.note(cloud)
            end(cloud, *error)

        with mock.patch.object(Cloud, "__exit__", noted_end):
            yield


def _grant(allowed: Iterable[Grant], role: str, action: str, resource: str) -> Grant:
    """What of a role's allowed this: of several the narrowest, so that none hides behind another."""
    request = Request(action, resource)
    fit = [one for one in allowed if one[0] == role and applies({"Action": one[1], "Resource": one[2]}, request)]
    return max(fit, key=lambda one: (len(one[2]), len(one[1])))


def _named(cloud: Cloud, grant: Grant) -> Grant:
    """By names that are the same in each deployment, with whatever settings and at whatever time it was made."""
    role, action, resource = grant
    functions = {config.role: config.label for config in cloud.functions.configs.values()}
    logical = {each.physical_id: each.logical_id for each in cloud.deployment.resources}
    resource = re.sub(r"[^:/]+", lambda part: logical.get(part[0], part[0]), resource)
    return functions[role], action, re.sub(r"\b(vaults|stream)/.*", r"\1/*", resource)
