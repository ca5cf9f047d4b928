"""What is run by hand: `make simulate` and `make sweep`."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_long_run_is_carried_on() -> None:
    """A seed that was run before is counted, and not run again."""
    first, again = (_command("simulation", "--from", "123456789", "--seeds", "1", "--workers", "1") for _ in range(2))
    assert "1 seeds were run before" in again
    assert first[first.index("1 seeds: ") :] == again[again.index("1 seeds: ") :]


def test_one_life_is_struck_and_its_grid_printed() -> None:
    shown = _command("simulation.sweep", "--life", "rejected", "--workers", "1")
    assert "initiate PutItem 1" in shown
    assert "publish PutEvents 1" in shown
    assert "cells, and every one holds." in shown


def _command(module: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": "functions", "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
