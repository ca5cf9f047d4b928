"""What libraries and functions take for chance, drawn from a seed: ids, jitter, shuffles."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from moto.moto_api._internal import mock_random

from local.processes import current

_of_functions = random.Random()
_of_others = random.Random()
"""Apart, so that a function's ids don't depend on what is drawn around it."""


def seed(number: int) -> None:
    """Begins all of it anew; to be called while `seeded`."""
    mock_random.seed(number)
    random.seed(number)
    _of_functions.seed(number)
    _of_others.seed(number)


@contextmanager
def seeded() -> Iterator[None]:
    """While entered, `os.urandom`, and so `uuid.uuid4`, gives what the seed does; afterwards `random` is as it was."""
    before = random.getstate()
    try:
        with mock.patch("os.urandom", _urandom):
            yield
    finally:
        random.setstate(before)


def _urandom(count: int) -> bytes:
    return (_of_functions if current() else _of_others).randbytes(count)
