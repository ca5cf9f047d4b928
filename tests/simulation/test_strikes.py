"""What strikes do to a call, and which of them came to something."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse

from local.calls import Call
from simulation.choices import Choice
from simulation.limits import WITHIN
from simulation.lives import LIVES
from simulation.run import Run
from simulation.strikes import WITHDRAWN, Strikes
from simulation.sweep import Cell, cells_of, strike, ways_of
from simulation.themes import THEMES
from simulation.world import World


def _strikes(**history: Any) -> Strikes:
    cloud: Any = SimpleNamespace(clock=SimpleNamespace(now_ms=lambda: 5_000))
    return Strikes(cloud, SimpleNamespace(**history), WITHIN)  # type: ignore[arg-type]


def _call(operation: str, at_ms: int = 0, service: str = "glacier", **params: object) -> Call:
    return Call(0, at_ms, "reconcile", "reconcile#1", service, operation, params)


def _reply(body: object) -> AWSResponse:
    return AWSResponse("", 200, HTTPHeaders(), MockRawResponse(json.dumps(body)))


@pytest.mark.parametrize(("shown", "in_vain"), [(["a"], 1), (["b"], 0), ([], 0)])
def test_an_index_behind_comes_to_something_only_where_its_reply_is_another(shown: list[str], in_vain: int) -> None:
    """Its table may be another all the same."""
    shows = [["a"]]

    @contextmanager
    def table_as_of(moment_ms: int) -> Iterator[None]:
        shows.append(shown)
        yield
        shows.pop()

    def perform() -> AWSResponse:
        return _reply({"Items": [{"id": {"S": each}} for each in shows[-1]]})

    strikes = _strikes(table_as_of=table_as_of)
    reply = strikes.strike(Choice("index behind", 60.0), _call("Query", service="dynamodb"), perform)
    assert [item["id"]["S"] for item in json.loads(reply.content)["Items"]] == shown
    assert strikes.in_vain["index behind"] == in_vain


def test_a_withdrawn_permission_is_missing_until_it_is_granted_again() -> None:
    """Who may not describe a job may not list jobs either, but start some."""
    strikes = _strikes()
    reply = strikes.strike(Choice(WITHDRAWN, 3.0), _call("DescribeJob", 1_000), _never)
    assert reply.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    for operation in ("DescribeJob", "ListJobs"):
        assert strikes.kept_up(_call(operation, 3_999, jobId="j")) == Choice("denied")
        assert strikes.kept_up(_call(operation, 4_000, jobId="j")) is None
    assert strikes.kept_up(_call("InitiateJob", 2_000)) is None
    assert strikes.outages_end_ms == 4_000


def test_a_permission_to_start_jobs_is_one_of_its_own_and_ends_with_all_faults() -> None:
    strikes = _strikes()
    strikes.strike(Choice(WITHDRAWN, 3600.0), _call("InitiateJob"), _never)
    assert strikes.kept_up(_call("ListJobs", 4_999)) is None
    assert strikes.kept_up(_call("InitiateJob", 5_000)) == Choice("denied")
    strikes.end_outages()
    assert strikes.kept_up(_call("InitiateJob", 5_000)) is None


def _never() -> AWSResponse:
    raise AssertionError("is not made")


def test_runs_about_a_withdrawn_permission_have_that_strike(world: World) -> None:
    """Of looks, or of starts: each of its retrievals ends all the same, by what Glacier bears out."""
    assert "permission withdrawn" in THEMES
    drawn = (Run(world, seed) for seed in range(60, 120))
    about = [run.perform() for run in islice((run for run in drawn if run.workload.theme == "permission withdrawn"), 3)]
    assert [run.violations for run in about] == [[], [], []]
    assert sum(run.struck[WITHDRAWN] > 0 for run in about) >= 2


@pytest.mark.parametrize(("marks", "left"), [(1, "ac"), (2, "b"), (3, "abc"), (4, "a")])
def test_keys_that_are_left_have_no_item_in_the_reply(marks: int, left: str) -> None:
    """The marks are of three keys here; where none of them is marked the first is."""
    marks = {1: 0b101, 2: 0b010, 3: 0b111, 4: 0b1000}[marks]
    asked = {"Keys": [{"id": {"S": each}} for each in "abc"], "ConsistentRead": True}
    items = [{"id": {"S": each}, "state": {"S": "waiting"}} for each in "ac"]
    call = _call("BatchGetItem", service="dynamodb", RequestItems={"table": asked})
    perform = lambda: _reply({"Responses": {"table": items}, "UnprocessedKeys": {}})  # noqa: E731
    reply = json.loads(_strikes().strike(Choice("keys unprocessed", float(marks)), call, perform).content)
    assert "".join(key["id"]["S"] for key in reply["UnprocessedKeys"]["table"]["Keys"]) == left
    assert reply["UnprocessedKeys"]["table"]["ConsistentRead"] is True
    assert [item["id"]["S"] for item in reply["Responses"]["table"]] == [each for each in "ac" if each not in left]


def test_what_was_left_is_read_by_another_call(world: World) -> None:
    life = next(life for life in LIVES if life.name == "Expedited, unit there")
    cells = [cell for cell in cells_of(world, life, ways_of) if cell.strikes[0][1].kind == "keys unprocessed"]
    assert cells != []
    for cell in cells:
        assert strike(world, cell).violations == ()
    assert strike(world, Cell(life.name, (*cells[0].strikes, _next_read(cells[0])))).violations == ()


def _next_read(cell: Cell) -> tuple[str, Choice]:
    ((point, _),) = cell.strikes
    place, _, number = point.rpartition(" ")
    return f"{place} {int(number) + 1}", Choice("keys unprocessed", 1.0)
