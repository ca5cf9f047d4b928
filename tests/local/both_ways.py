"""The long way, which is moto's or botocore's own, beside the short one of local/speed.py."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from local.speed import shortened


def assert_same_both_ways(told: Callable[[], object]) -> None:
    """The same, be it a value or an error, twice each way: what is remembered is told the second time."""
    ways: list[AbstractContextManager[None]] = [nullcontext(), shortened()]
    answers = []
    for way in ways:
        with way:
            answers.append([_answer(told), _answer(told)])
    assert answers[0] == answers[1]


def _answer(told: Callable[[], object]) -> object:
    try:
        return told()
    except Exception as error:  # noqa: BLE001  the error is what it tells
        return type(error), str(error), vars(error)
