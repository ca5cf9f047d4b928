"""What the commands that wait for hours bear, and what they don't wait for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

LOOKS_PER_SECOND = 500
"""At most so many requests are read a second, two or three records each."""
SHORTEST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
NO_ANSWER_SECONDS = 30 * 60.0
"""So long AWS may be out of reach."""
NEVER_CAME_SECONDS = 60.0
"""What is not known so long after the queue was seen empty, will not come. SQS's counts may be a minute old."""

Look = TypeVar("Look")


def paced(looks: Iterable[Look], began: float) -> Iterator[Look]:
    """One after the other, at most LOOKS_PER_SECOND since a time of time.monotonic."""
    for number, look in enumerate(looks, 1):
        yield look
        ahead_seconds = number / LOOKS_PER_SECOND - (time.monotonic() - began)
        if ahead_seconds > 0.1:
            time.sleep(ahead_seconds)


class Patience:
    """Goes on though AWS can't be reached for a while.

    Args:
        note: told once each time that it can't.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._since: float | None = None
        self._pause_seconds = SHORTEST_PAUSE_SECONDS

    def answered(self) -> None:
        """AWS can be reached."""
        self._since, self._pause_seconds = None, SHORTEST_PAUSE_SECONDS

    def no_answer(self, error: Exception) -> None:
        """Pauses before the next try. Raises the error where there has been no answer for too long."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self._note(f"{error} Trying again for {NO_ANSWER_SECONDS / 60:.0f} minutes.")
        if now - self._since >= NO_ANSWER_SECONDS:
            raise error
        time.sleep(self._pause_seconds)
        self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)


class NeverCame:
    """Whether requests that are not known can't be expected to come any more.

    Args:
        queue_is_empty: whether no message is on the request queue.
    """

    def __init__(self, queue_is_empty: Callable[[], bool]) -> None:
        self._queue_is_empty = queue_is_empty
        self._empty_since: float | None = None

    def forget(self) -> None:
        """Begins anew: something came."""
        self._empty_since = None

    def is_sure(self, read_at: float) -> bool:
        """Looks at the queue; `read_at` (of time.monotonic) is when they were looked for last."""
        if not self._queue_is_empty():
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = time.monotonic()
        return self._empty_since is not None and read_at - self._empty_since >= NEVER_CAME_SECONDS
