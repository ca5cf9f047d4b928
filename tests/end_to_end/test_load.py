"""`make load` in small; and what it measures can fail."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from rich.progress import Progress

from bench.load import BACKLOG_READ, FEW, SETTINGS, Costs, FirstRefused, Run, Throttle, run, wrong
from local.cloud import Cloud
from local.environments import Environment

MANY = 100


@pytest.fixture(scope="module")
def loaded() -> Iterator[Cloud]:
    """With code of its own: what a test puts into it must not come into another's."""
    with Cloud(settings=SETTINGS) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def measured(loaded: Cloud) -> tuple[Costs, Run]:
    with Progress(disable=True) as progress:
        idle, few = run(loaded, 0, None, progress), run(loaded, FEW, None, progress)
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


def test_ticks_that_cost_more_are_seen(measured: tuple[Costs, Run]) -> None:
    costs, many = measured
    more = many.calls.copy()
    more["reconcile dynamodb Query"] += many.ticks
    more[BACKLOG_READ] += 2 * many.ticks
    assert len(list(wrong(costs, replace(many, calls=more)))) == 2


def test_a_leak_of_any_type_is_seen(
    loaded: Cloud, measured: tuple[Costs, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of a module's that keeps each body."""
    load = Environment.load

    def leaking(environment: Environment) -> None:
        load(environment)
        assert environment.handler is not None
        environment.handler = _keeping_bodies(environment.handler)

    monkeypatch.setattr(Environment, "load", leaking)
    with Progress(disable=True) as progress:
        many = run(loaded, 50, None, progress)
    assert any(problem.startswith("complete#") for problem in many.watch.grown())


def _keeping_bodies(handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    import thaw.edge.clock as module  # the environment's own copy

    kept: list[str] = []
    module.KEPT = kept  # type: ignore[attr-defined]

    def handle(event: Any, context: Any) -> Any:
        kept.extend(each["body"] for each in event.get("Records", []) if "body" in each)
        return handler(event, context)

    return handle
