"""A seed is a run, on the real stacks."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.awsrequest import AWSResponse

from local.assembly import ROOT
from local.calls import Call, Perform, error_reply
from local.cloud import Cloud
from local.environments import Environment
from local.functions import Result
from local.processes import Died
from local.stock import Stock
from tests.local.one_run import run
from tests.local.small_stack import write_assembly


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
    program = "import gc; gc.disable(); from tests.local import one_run; one_run.print_that_of_seed_3()"
    command = [sys.executable, "-c", program]  # to look for rubbish in what is loaded would take as long as to load it
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_code_that_was_used_before_runs_as_code_that_was_just_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stays in the functions' modules that would make a difference to the next environment.

    Not even where one died in the middle of a call.
    """
    loaded: list[str] = []
    load = Environment.load

    def counted(environment: Environment) -> None:
        loaded.append(environment.instance)
        load(environment)

    monkeypatch.setattr(Environment, "load", counted)
    hours = timedelta(hours=5)  # Standard's end is among them, and environments are thrown away before it
    with Cloud(seed=3) as cloud:
        loaded.clear()
        cold = run_dying(cloud, hours)
        assert len(loaded) > len(cloud.functions.configs)
    with Cloud(seed=4, stock=Stock()) as cloud:
        run_dying(cloud, hours)
        loaded.clear()
        cloud.reset(seed=3)
        assert run_dying(cloud, hours) == cold
        assert loaded == []


def run_dying(cloud: Cloud, duration: timedelta) -> list[str]:
    """A run in which each function dies once at each kind of call, which has its effect."""
    survived: set[tuple[str, str]] = set()

    def strike(call: Call, perform: Perform) -> AWSResponse:
        reply = perform()
        if (call.actor, call.operation) in survived:
            return reply
        survived.add((call.actor, call.operation))
        raise Died

    cloud.calls.strike = strike
    told = run(cloud, duration)
    assert {actor for actor, _ in survived} == set(cloud.functions.logs)
    return told


_SPENDING = """
import time
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

sqs = boto3.client("sqs", config=Config(retries={"mode": "standard", "total_max_attempts": 2}))

def handler(event, context):
    for _ in range(event["calls"]):
        try:
            sqs.purge_queue(QueueUrl=event["queue"])
        except ClientError:
            pass
    time.sleep(event["seconds"])
"""


def test_what_one_that_died_had_spent_on_retries_its_successor_has_to_spend(tmp_path: Path) -> None:
    assembly = write_assembly(tmp_path / "cdk.out", functions={"worker": {"Timeout": 600}}, code={"worker": _SPENDING})
    with Cloud(assembly=assembly, stock=Stock()) as cloud:
        cloud.calls.strike = lambda call, perform: error_reply("ThrottlingException", "slow down")
        results: list[Result] = []

        def tries(calls: int, seconds: int = 0) -> int:
            before = len(cloud.calls.log)
            event = {"queue": cloud.outputs["JobsUrl"], "calls": calls, "seconds": seconds}
            cloud.functions.invoke(next(iter(cloud.functions.configs)), event, results.append)
            cloud.run_until_quiet()
            return len(cloud.calls.log) - before

        assert tries(150) == 250  # a client has a hundred retries
        assert tries(1, seconds=1000) == 1
        assert not results[-1].ok
        assert tries(1) == 2


def test_there_is_one_cloud_at_a_time() -> None:
    with Cloud(seed=1), pytest.raises(RuntimeError, match="one cloud at a time"):
        Cloud(seed=2).__enter__()
    with Cloud(seed=2):
        pass
