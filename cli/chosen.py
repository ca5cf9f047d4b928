"""Requests that were asked for before: named by their ids, or by the file that they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from cli.errors import Problem
from cli.request_file import Given, RequestFile
from cli.request_options import which_options


@dataclass(frozen=True)
class Chosen:
    """`all_ids` gives them in order, each once."""

    named: tuple[str, ...]
    file: RequestFile | None = None

    def __bool__(self) -> bool:
        """Whether any were chosen at all."""
        return bool(self.named) or self.file is not None

    def all_ids(self) -> list[str]:
        """Raises a Problem at the first line of the file that is no request."""
        return list(dict.fromkeys(self._ids()))

    def _ids(self) -> Iterator[str]:
        yield from self.named
        if self.file is not None:
            yield from (asked.request.request_id for asked in self.file.all_requests())


def chosen_requests(function: Callable[..., None]) -> Callable[..., None]:
    """Adds REQUEST_ID, --file and the options that choose from a file; the function gets them as `chosen`."""

    @click.argument("request_ids", metavar="[REQUEST_ID]...", nargs=-1)
    @click.option("--file", "path", metavar="FILE", help="All requests of a file, as `thaw submit` sent them.")
    @which_options
    @wraps(function)
    def run(*arguments: Any, request_ids: tuple[str, ...], path: str | None, given: Given, **own: Any) -> None:
        if path is None and given != Given():
            raise Problem("Options that choose need a file to choose from.", "Name it with --file.")
        file = RequestFile(path, given) if path is not None else None
        function(*arguments, chosen=Chosen(request_ids, file), **own)

    return run
