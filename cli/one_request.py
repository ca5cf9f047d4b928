"""One request, made of the options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cli.faults import Fault, Wrong
from cli.request_file import Asked, Given, asked
from thaw.request import Rejected


class OneRequest:
    """Reads like a file with one line.

    Args:
        raw: as on the queue, without what is not given.
    """

    name = "the options"
    size_bytes = 1

    def __init__(self, raw: dict[str, Any], given: Given) -> None:
        self._raw = raw
        self._given = given

    def requests(self, wrong: Wrong, at: Callable[[int], None] = lambda position: None) -> Iterator[Asked]:
        try:
            yield asked(self.name, self._raw, self._given)
        except Rejected as rejected:
            for error in rejected.errors:
                wrong(Fault(self.name, error["field"], error["message"]))
