import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from local.cloud import Cloud
from local.functions import Result
from tests.local.conftest import MakeCloud

Behave = Callable[..., None]


def invoke(cloud: Cloud, event: object = None, function: str = "worker") -> list[Result]:
    """Invokes a function and returns where its result will be."""
    results: list[Result] = []
    name = next(config.name for config in cloud.functions.configs.values() if config.label == function)
    assert cloud.functions.invoke(name, event, results.append)
    return results


def invoke_and_wait(cloud: Cloud, event: object = None, function: str = "worker") -> Result:
    results = invoke(cloud, event, function)
    cloud.run_until(lambda: results)
    return results[0]


def test_the_handlers_value_comes_back_through_json(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud()
    behave(worker=lambda event, context: {"got": event, "pair": (1, 2)})
    assert invoke_and_wait(cloud, {"a": 1}).payload == {"got": {"a": 1}, "pair": [1, 2]}


def test_the_context_is_lambdas(make_cloud: MakeCloud, behave: Behave) -> None:
    seen: dict[str, Any] = {}

    def handler(event: Any, context: Any) -> None:
        seen["first"] = context.get_remaining_time_in_millis()
        time.sleep(20)
        seen["second"] = context.get_remaining_time_in_millis()
        seen["context"] = context

    cloud = make_cloud()
    behave(worker=handler)
    result = invoke_and_wait(cloud)
    assert (seen["first"], seen["second"]) == (60_000, 40_000)
    context = seen["context"]
    assert context.invoked_function_arn.endswith(f":function:{context.function_name}")
    assert context.aws_request_id == result.request_id
    assert context.memory_limit_in_mb == "128"


def test_the_first_invocation_is_cold_and_the_next_one_warm_until_it_idled_long(
    make_cloud: MakeCloud, behave: Behave
) -> None:
    cloud = make_cloud()
    behave(worker=lambda event, context: context.cold)
    assert [invoke_and_wait(cloud).payload for _ in range(2)] == [True, False]
    cloud.run_for(timedelta(hours=1))
    assert invoke_and_wait(cloud).payload is True


def test_invocations_at_once_have_their_own_environments(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud()

    def handler(event: Any, context: Any) -> tuple[bool, str]:
        time.sleep(1)
        return context.cold, context.log_stream_name

    behave(worker=handler)
    results = [invoke(cloud), invoke(cloud)]
    assert cloud.functions.running == 2
    cloud.run_until_quiet()
    (first_cold, first_name), (second_cold, second_name) = (result.payload for [result] in results)
    assert first_cold
    assert second_cold
    assert first_name != second_name


def test_an_exception_is_reported_as_lambda_does(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud()
    behave(worker=lambda event, context: event["missing"])
    error = invoke_and_wait(cloud, {}).error
    assert error is not None
    assert error["errorType"] == "KeyError"
    assert error["errorMessage"] == "'missing'"
    assert invoke_and_wait(cloud).error is not None


def test_a_function_that_takes_too_long_is_ended(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud()
    ended: list[str] = []

    def handler(event: Any, context: Any) -> None:
        time.sleep(3600)
        ended.append("handler")

    behave(worker=handler)
    error = invoke_and_wait(cloud).error
    assert error is not None
    assert error["errorType"] == "Sandbox.Timedout"
    assert cloud.now - cloud.start == timedelta(seconds=60)
    cloud.run_for(timedelta(hours=2))
    assert ended == []
    behave(worker=lambda event, context: context.cold)
    assert invoke_and_wait(cloud).payload is True  # the environment is gone


def test_code_that_cannot_be_imported_fails_each_invocation(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(code={"worker": "import nothing_of_this_name"})
    for _ in range(2):
        error = invoke_and_wait(cloud).error
        assert error is not None
        assert error["errorType"] == "ModuleNotFoundError"


def test_variables_and_output_are_the_functions_own(
    make_cloud: MakeCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import os

    monkeypatch.setenv("GREETING", "outside")
    code = "import os\nAT_IMPORT = os.environ['GREETING']\ndef handler(event, context):\n"
    code += "    print('said', os.environ['GREETING'])\n    return [AT_IMPORT, os.environ['AWS_REGION']]\n"
    cloud = make_cloud(code={"worker": code})
    assert invoke_and_wait(cloud).payload == ["hello", "us-east-1"]
    assert cloud.logs("worker") == ["said hello"]
    assert capsys.readouterr().out == ""
    assert os.environ["GREETING"] == "outside"


def test_two_functions_do_not_share_modules(make_cloud: MakeCloud) -> None:
    code = "import helper\ndef handler(event, context):\n    helper.seen.append(context.function_name)\n"
    code += "    return len(helper.seen)\n"
    cloud = make_cloud(
        functions={"one": {}, "two": {}, "helper": {}}, code={"one": code, "two": code, "helper": "seen = []"}
    )
    assert [invoke_and_wait(cloud, function=name).payload for name in ("one", "one", "two")] == [1, 2, 1]


def test_a_module_of_the_same_name_elsewhere_is_neither_used_nor_touched(
    make_cloud: MakeCloud, behave: Behave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many modules there are: one more of the name `worker`, and one less of another."""
    cloud = make_cloud()
    behave(worker=lambda event, context: "the function's own")
    assert invoke_and_wait(cloud).payload == "the function's own"
    monkeypatch.setitem(sys.modules, "unneeded", ModuleType("unneeded"))
    invoke_and_wait(cloud)
    elsewhere = ModuleType("worker")
    monkeypatch.setitem(sys.modules, "worker", elsewhere)
    monkeypatch.delitem(sys.modules, "unneeded")
    cloud.reset()
    assert invoke_and_wait(cloud).payload == "the function's own"
    assert sys.modules["worker"] is elsewhere


def test_no_more_run_at_once_than_the_account_allows(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud()
    behave(worker=lambda event, context: time.sleep(1))
    for _ in range(10):
        invoke(cloud)
    name = next(iter(cloud.functions.configs))
    assert not cloud.functions.invoke(name, None, lambda result: None)
    cloud.run_until_quiet()
    assert cloud.functions.invoke(name, None, lambda result: None)


def test_an_executor_runs_tasks_side_by_side_in_order(make_cloud: MakeCloud, behave: Behave) -> None:
    from local.processes import Executor as Tasks

    order: list[str] = []
    cloud = make_cloud()

    def task(name: str) -> str:
        order.append(f"{name} begins at {(cloud.now - cloud.start).seconds}")
        time.sleep(2)
        order.append(f"{name} ends")
        if name == "b":
            raise ValueError(name)
        return name.upper()

    def handler(event: Any, context: Any) -> list[str]:
        executor: Executor
        with Tasks(max_workers=2) as executor:
            futures = [executor.submit(task, name) for name in "abc"]
        return [str(future.exception() or future.result()) for future in futures]

    behave(worker=handler)
    assert invoke_and_wait(cloud).payload == ["A", "b", "C"]
    assert order == ["a begins at 0", "b begins at 0", "a ends", "b ends", "c begins at 2", "c ends"]
    assert cloud.now - cloud.start == timedelta(seconds=4)
