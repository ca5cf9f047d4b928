"""Several calls at once, each with its own outcome."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor as AnyExecutor
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")

Executor: Callable[..., AnyExecutor] = ThreadPoolExecutor
"""What runs the calls; a simulation may put one of its own here."""


def map_each(do: Callable[[Item], None], items: Sequence[Item], at_once: int = 10) -> list[Exception | None]:
    """Does `do` for every item, `at_once` at a time, and returns in the items' order what each raised, if anything."""
    if not items:
        return []
    with Executor(max_workers=min(at_once, len(items))) as executor:
        running = [executor.submit(copy_context().run, do, item) for item in items]
    return [_raised(future.exception()) for future in running]


def _raised(error: BaseException | None) -> Exception | None:
    if error is None or isinstance(error, Exception):
        return error
    raise error
