"""Several calls at once, in order, over more than there is memory for."""

import threading
import time
from collections.abc import Iterator

import pytest

from cli.at_once import in_order


def test_results_come_in_order_and_no_item_is_taken_too_early() -> None:
    taken: list[int] = []
    running: set[int] = set()
    most: list[int] = []
    lock = threading.Lock()

    def items() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    def do(number: int) -> int:
        with lock:
            running.add(number)
            most.append(len(running))
        time.sleep(0.002 * (number % 3))
        with lock:
            running.discard(number)
        return number * number

    results = in_order(do, items(), at_once=4)
    for number in range(50):
        assert next(results) == number * number
        assert len(taken) <= number + 1 + 4
    assert next(results, None) is None
    assert 1 < max(most) <= 4


def test_what_one_raises_comes_in_its_turn_and_ends_it() -> None:
    begun: list[int] = []

    def do(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("third")
        return number

    results = in_order(do, range(1000), at_once=2)
    assert [next(results), next(results), next(results)] == [0, 1, 2]
    with pytest.raises(ValueError, match="third"):
        next(results)
    assert len(begun) < 8
