"""A served Thaw for each module of tests, and `thaw` as a user runs it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from cli.main import thaw
from local.cloud import Cloud
from local.deploy import ACCOUNT_ID, REGION
from tests.cli.served import Served, served_apart

Serving = Callable[[Mapping[str, object]], Served]


@pytest.fixture(scope="session")
def serving() -> Iterator[Serving]:
    """Gives a served Thaw with these settings; modules that want the same share it, so each names its own vaults and
    requests. To start one takes seconds."""
    with ExitStack() as up:
        running: dict[str, Served] = {}

        def serve(settings: Mapping[str, object]) -> Served:
            wanted = json.dumps(settings)
            if wanted not in running:
                running[wanted] = up.enter_context(served_apart(settings))
            return running[wanted]

        yield serve


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest, serving: Serving) -> Served:
    """With the settings that the module names in `SETTINGS`, and Glacier as much faster as it says in `SPEED`."""
    served = serving(getattr(request.module, "SETTINGS", {}))
    served.do(_speed_up, getattr(request.module, "SPEED", 360_000))
    return served


def _speed_up(cloud: Cloud, speed: float) -> None:
    cloud.glacier.settings.speed = speed


class User:
    """Someone at a terminal, with credentials in the environment."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._clients: dict[str, Any] = {}

    def thaw(self, *arguments: str, given: str | None = None) -> Result:
        """Runs the command line in this process; `given` is typed, or comes through a pipe.

        What it raised, but for its own end, is raised here.
        """
        where = ("--endpoint-url", self.served.url)
        return CliRunner().invoke(thaw, [*arguments, *where], input=given, catch_exceptions=False)

    def asked(self, *arguments: str, given: str | None = None) -> list[dict[str, Any]]:
        """The answer of a command that is to succeed, with --json."""
        result = self.thaw(*arguments, "--json", given=given)
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def client(self, service: str) -> Any:
        if service not in self._clients:
            session = _session("key", "secret", region_name=REGION)
            self._clients[service] = session.client(service, endpoint_url=self.served.url)  # type: ignore[call-overload]
        return self._clients[service]

    def output(self, name: str) -> str:
        """One of the stack's outputs."""
        return self.served.do(_output, name)

    def archives(self, vault: str, *sizes_bytes: int) -> list[str]:
        """The ids of new archives of these sizes in a vault, which is made if it is not there."""
        return self.served.do(_make_archives, vault, *sizes_bytes)


def _output(cloud: Cloud, name: str) -> str:
    return cloud.outputs[name]


def _make_archives(cloud: Cloud, vault: str, *sizes_bytes: int) -> list[str]:
    cloud.glacier.call("CreateVault", ACCOUNT_ID, REGION, {"accountId": "-", "vaultName": vault})
    return [cloud.glacier.put_synthetic_archive(vault, size, seed) for seed, size in enumerate(sizes_bytes)]


_session = functools.cache(boto3.Session)
"""One with the same arguments is the same one: to read the models of the services anew takes long."""


@pytest.fixture
def user(served: Served, monkeypatch: pytest.MonkeyPatch) -> User:
    for name, value in {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "REGION": REGION}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr("boto3.Session", _session)
    return User(served)
