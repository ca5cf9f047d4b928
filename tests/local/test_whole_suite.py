"""The end of a suite of tests, run with pytest-xdist as `make test` does: it fails if a role allows too much."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """
from functools import partial

from tests.conftest import *
from tests import role_usage

role_usage.RoleUsage = partial(role_usage.RoleUsage, stack="Small")
"""
TEST = """
from local.cloud import Cloud
from tests.local.small_stack import write_assembly
from tests.local.test_roles import role

def test_one(tmp_path):
    with Cloud(assembly=write_assembly(tmp_path / "cdk.out", resources={"Role": role("sqs:SendMessage")})) as cloud:
        [name] = cloud.functions.configs
        cloud.functions.invoke(name, {}, lambda result: None)  # which writes a log
"""


def test_an_action_that_is_allowed_and_never_made_fails_the_suite(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "conftest.py").write_text(CONFTEST)
    (tmp_path / "suite" / "test_it.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\ntestpaths = suite\npythonpath = {ROOT} {ROOT / 'functions'}\n")
    command = [sys.executable, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "FAILED: the role of worker allows sqs:SendMessage on *, which was never used" in done.stdout
    assert "2 of the 3 actions that roles allow were made" in done.stdout
