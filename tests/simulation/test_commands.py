"""What is run by hand: `make simulate` and `make sweep`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import simulation.__main__
from simulation import shards, sweep

ROOT = Path(__file__).parents[2]


def test_a_long_run_is_carried_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A seed that was run before is counted, and not run again: here it could not be, as nothing is deployed."""
    arguments = ("--from", "123456789", "--seeds", "1", "--workers", "1")
    first = _simulate(*arguments)
    monkeypatch.setattr("sys.argv", ["simulation", *arguments])
    monkeypatch.setattr(shards, "_deploy", lambda: None)
    assert simulation.__main__.main() == 0
    again = capsys.readouterr().out
    assert "1 seeds were run before" in again
    assert first[first.index("1 seeds: ") :] == again[again.index("1 seeds: ") :]


def _simulate(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": "functions", "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "simulation", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_life_is_struck_and_its_grid_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a process that the command starts."""
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    monkeypatch.setattr("sys.argv", ["sweep", "--life", "rejected", "--workers", "1"])
    assert sweep.main() == 0
    shown = capsys.readouterr().out
    assert "initiate PutItem 1" in shown
    assert "publish PutEvents 1" in shown
    assert "cells, and every one holds." in shown
