"""More items than there is memory for: so many at a time, and several calls at once with their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """So many of the items at a time, and those that are left."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def in_order(do: Callable[[Item], Result], items: Iterable[Item], at_once: int) -> Iterator[Result]:
    """What `do` makes of each item, in the items' order.

    No item is taken before there is room: there are at most `at_once` results that were not asked for yet. What `do`
    raises comes in its turn; then, and when the rest is not wanted, no more is begun.
    """
    rest = iter(items)
    with ThreadPoolExecutor(at_once) as executor:
        try:
            running = deque(executor.submit(do, item) for item in islice(rest, at_once))
            while running:
                result = running.popleft().result()
                running.extend(executor.submit(do, item) for item in islice(rest, 1))
                yield result
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
