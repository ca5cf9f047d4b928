"""The states of a retrieval and their legal moves: the one place that says them."""

from enum import StrEnum


class State(StrEnum):
    """Where a retrieval stands."""

    WAITING = "waiting"
    INITIATING = "initiating"
    IN_PROGRESS = "in_progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


MOVES: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.INITIATING, State.IN_PROGRESS, State.SUCCEEDED, State.CANCELLED}),
    State.INITIATING: frozenset({State.WAITING, State.IN_PROGRESS, State.SUCCEEDED, State.FAILED}),
    State.IN_PROGRESS: frozenset({State.WAITING, State.SUCCEEDED, State.FAILED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}
"""From each state, where it may go. `waiting` goes to `in_progress` or `succeeded` when a job turns up that was given
up for absent, or when an older, slower job of the retrieval ends; where such a job failed, the next attempt tells."""

FIRST = frozenset({State.WAITING, State.INITIATING, State.IN_PROGRESS})
"""In these a record is opened: in progress where the one of the same bytes before it left jobs that may serve it."""

TERMINAL = frozenset(state for state, onward in MOVES.items() if not onward)
OPEN = frozenset(State) - TERMINAL


class IllegalMove(Exception):
    """The code asked for a move that the table above does not have."""


def check_move(old: State, new: State) -> None:
    """Raises IllegalMove unless a record may go from `old` to `new`; staying is no move."""
    if new != old and new not in MOVES[old]:
        raise IllegalMove(f"{old} to {new}")


def sources(new: State) -> frozenset[State]:
    """The states from which `new` can be reached."""
    return frozenset(old for old, onward in MOVES.items() if new in onward)
