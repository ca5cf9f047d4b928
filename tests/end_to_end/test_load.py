"""`make load` in small; and what it measures can fail."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from rich.progress import Progress

from bench.load import (
    BACKLOG_READ,
    FEW,
    NEVER,
    SETTINGS,
    THROTTLED,
    Costs,
    FirstRefused,
    Refusing,
    Run,
    Throttle,
    run,
    wrong,
)
from local.calls import Call, Perform, error_reply
from local.cloud import Cloud
from local.environments import Environment

MANY = 60


@pytest.fixture(scope="module")
def loaded() -> Iterator[Cloud]:
    """With code of its own: what a test puts into it must not come into another's."""
    with Cloud(settings=SETTINGS) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def measured(loaded: Cloud) -> tuple[Costs, Run]:
    with Progress(disable=True) as progress:
        idle, few = run(loaded, 0, Refusing(), progress), run(loaded, FEW, Refusing(), progress)
        costs = Costs.of(idle, few, run(loaded, FEW, FirstRefused(), progress))
        return costs, run(loaded, MANY, Throttle(), progress)


def test_a_small_load_holds(measured: tuple[Costs, Run]) -> None:
    costs, many = measured
    assert list(wrong(costs, many)) == []
    assert {name.partition("#")[0] for name in many.watch.long_lived()} >= {"initiate", "complete", "publish", "top_up"}


@pytest.mark.parametrize("kind", ["initiate dynamodb PutItem", "top_up dynamodb Query", "reconcile glacier ListJobs"])
def test_one_kind_of_call_that_rises_is_seen(measured: tuple[Costs, Run], kind: str) -> None:
    costs, many = measured
    more = many.calls.copy()
    more[kind] += MANY // 2
    (problem,) = wrong(costs, replace(many, calls=more))
    assert problem.startswith(kind)


@pytest.mark.parametrize("kind", NEVER)
def test_a_single_call_that_none_needs_is_seen(measured: tuple[Costs, Run], kind: str) -> None:
    costs, many = measured
    more = many.calls + Counter({f"reconcile {kind}": 1})
    assert list(wrong(costs, replace(many, calls=more))) == [f"reconcile {kind}: 1, and none is needed"]


def test_what_was_not_published_is_seen(measured: tuple[Costs, Run]) -> None:
    costs, many = measured
    assert list(wrong(costs, replace(many, stored=2))) == ["2 records were not published"]


def test_ticks_that_cost_more_are_seen(measured: tuple[Costs, Run]) -> None:
    costs, many = measured
    more = many.calls.copy()
    more["reconcile dynamodb Query"] += many.ticks
    more[BACKLOG_READ] += 2 * many.ticks
    assert len(list(wrong(costs, replace(many, calls=more)))) == 2


@dataclass
class FirstThreePuts(Refusing):
    """Of one environment; the SDK attempts as many."""

    instance: str = ""

    def strike(self, call: Call, perform: Perform) -> AWSResponse:
        if call.operation != "PutEvents" or self.refused_puts == 3:
            return perform()
        self.instance = self.instance or call.instance
        if call.instance != self.instance:
            return perform()
        self.refused_puts += 1
        return error_reply(THROTTLED, "Rate exceeded")


def test_who_meets_the_throttle_at_each_attempt_is_repeated_and_no_error(
    loaded: Cloud, measured: tuple[Costs, Run]
) -> None:
    with Progress(disable=True) as progress:
        throttled = run(loaded, 1, FirstThreePuts(), progress)
    assert [label for label, _ in loaded.errors] == ["publish"]
    assert (throttled.errors, throttled.ended) == ([], 1)
    costs, many = measured
    (problem,) = wrong(costs, replace(many, errors=["top_up: KeyError"]))
    assert problem == "0 dead letters, 1 of top_up: KeyError errors of functions"


@pytest.mark.parametrize("refused", ["refused", "refused_puts"])
def test_a_load_of_which_nothing_was_refused_is_none(measured: tuple[Costs, Run], refused: str) -> None:
    costs, many = measured
    problems = wrong(costs, replace(many, **{refused: 0}))  # type: ignore[arg-type]
    assert any("were throttled" in problem for problem in problems)


Keep = Callable[[Any, str], object]
LEAKS: dict[str, tuple[Callable[[], Any], Keep]] = {
    "complete": (list, lambda kept, text: kept.append(text)),
    "publish": (bytearray, lambda kept, text: kept.extend(text.encode())),
    "reconcile": (list, lambda kept, text: kept.append(1)),
    "top_up": (dict, lambda kept, text: kept.update(text=kept.get("text", "") + text)),
}
"""What a module of each function's keeps, and how it grows with each invocation: by objects, or in size alone."""


@pytest.fixture(scope="module")
def leaking(loaded: Cloud, measured: tuple[Costs, Run]) -> list[str]:
    """What is said of a load whose functions leak."""
    load = Environment.load

    def loaded_leaking(environment: Environment) -> None:
        load(environment)
        assert environment.handler is not None
        if environment.config.label in LEAKS:
            environment.handler = _leaking(environment.handler, *LEAKS[environment.config.label])

    with pytest.MonkeyPatch.context() as patch, Progress(disable=True) as progress:
        patch.setattr(Environment, "load", loaded_leaking)
        return list(run(loaded, 30, Refusing(), progress).watch.grown())


@pytest.mark.parametrize("function", LEAKS)
def test_a_leak_of_any_type_is_seen(leaking: list[str], function: str) -> None:
    assert any(problem.startswith(f"{function}#") for problem in leaking)


def _leaking(handler: Callable[[Any, Any], Any], make: Callable[[], Any], keep: Keep) -> Callable[[Any, Any], Any]:
    import thaw.edge.clock as module  # the environment's own copy

    kept = make()
    module.KEPT = kept  # type: ignore[attr-defined]

    def handle(event: Any, context: Any) -> Any:
        keep(kept, context.aws_request_id)
        return handler(event, context)

    return handle
