"""The legal moves of a retrieval, whatever happens to it."""

from typing import Any

import pytest
from hypothesis import settings
from pydantic import ValidationError

from tests.unit.builders import NOW, opened, refused, started
from tests.unit.machine import Moves
from tests.unit.world import World
from thaw.retrieval import Retrieval
from thaw.states import FIRST, MOVES, OPEN, TERMINAL, IllegalMove, State, check_move, sources

TestMoves = Moves.TestCase
TestMoves.settings = settings(max_examples=150, stateful_step_count=30)
TestWithinTheBounds = World.TestCase
TestWithinTheBounds.settings = settings(max_examples=150, stateful_step_count=30)


def test_every_state_is_reached_and_every_open_one_has_an_end() -> None:
    reached = set(FIRST)
    for _ in State:
        reached |= {onward for state in reached for onward in MOVES[state]}
    assert reached == set(State)
    assert all(MOVES[state] & TERMINAL for state in OPEN)


def test_nothing_leaves_a_terminal_state() -> None:
    assert {State.SUCCEEDED, State.FAILED, State.CANCELLED} == TERMINAL
    for old in TERMINAL:
        for new in set(State) - {old}:
            with pytest.raises(IllegalMove):
                check_move(old, new)


def test_a_job_that_was_begun_is_never_cancelled() -> None:
    assert sources(State.CANCELLED) == {State.WAITING}


@pytest.mark.parametrize(
    ("record", "wrong"),
    [
        (started(opened(), "job-1", NOW), {"jobs": {}}),
        (refused(opened()), {"waitingSince": None}),
        (refused(opened()), {"delays": -1}),
    ],
)
def test_a_stored_record_that_makes_no_sense_is_none(record: Retrieval, wrong: dict[str, Any]) -> None:
    assert Retrieval.model_validate(record.item()) == record
    with pytest.raises(ValidationError):
        Retrieval.model_validate(record.item() | wrong)
