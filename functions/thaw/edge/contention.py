"""Others write the same item at the same moment: how often to try again, and after which pause."""

import random
import time
from collections.abc import Iterator

TRIES_AT_MOST = 25
_FIRST_PAUSE_SECONDS = 0.005
_LONGEST_PAUSE_SECONDS = 0.64


class Contention(Exception):
    """Others kept changing the record; the caller's message is best tried again later."""


def tries() -> Iterator[int]:
    """As many as are worth making: at once, then after pauses of which the longest grows, up to a limit.

    Without them those who want one item at the same time keep refusing each other, and the more the more they are.
    """
    for number in range(TRIES_AT_MOST):
        if number:
            longest_seconds = min(_FIRST_PAUSE_SECONDS * 2**number, _LONGEST_PAUSE_SECONDS)
            time.sleep(random.uniform(0, longest_seconds))
        yield number
