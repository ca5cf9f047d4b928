"""A seed is a run, on the real stacks."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from local.assembly import ROOT
from local.cloud import Cloud
from local.environments import Environment
from local.stock import Stock
from tests.local.one_run import run


def test_all_runs_of_a_seed_in_any_process_are_the_same_to_the_last_line_of_the_logs() -> None:
    elsewhere = _in_another_process_whose_hashes_differ()
    with Cloud(seed=3) as cloud:
        first = run(cloud)
        cloud.reset(seed=4)
        other = run(cloud)
        cloud.reset(seed=3)
        assert run(cloud) == first
        assert other != first
    printed, _ = elsewhere.communicate(timeout=120)
    assert elsewhere.returncode == 0
    assert len(first) > 50
    assert printed.splitlines() == "\n".join(first).splitlines()


def _in_another_process_whose_hashes_differ() -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"}
    command = [sys.executable, "-m", "tests.local.one_run"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_code_that_was_used_before_runs_as_code_that_was_just_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stays in the functions' modules that would make a difference to the next environment."""
    loaded: list[str] = []
    load = Environment.load

    def counted(environment: Environment) -> None:
        loaded.append(environment.instance)
        load(environment)

    monkeypatch.setattr(Environment, "load", counted)
    hours = timedelta(hours=5)  # Standard's end is among them, and environments are thrown away before it
    with Cloud(seed=3) as cloud:
        loaded.clear()
        cold = run(cloud, hours)
        assert len(loaded) > len(cloud.functions.configs)
    with Cloud(seed=4, stock=Stock()) as cloud:
        run(cloud)
        cloud.reset(seed=3)
        assert run(cloud, hours) == cold
        loaded.clear()
        cloud.reset(seed=3)
        assert run(cloud, hours) == cold
        assert loaded == []


def test_there_is_one_cloud_at_a_time() -> None:
    with Cloud(seed=1), pytest.raises(RuntimeError, match="one cloud at a time"):
        Cloud(seed=2).__enter__()
    with Cloud(seed=2):
        pass
