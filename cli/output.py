"""What a command says: tables for people, or JSON for scripts, on stdout; all else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table

_WIDTH_WITHOUT_TERMINAL = 200
"""So that a table that goes into a file or a pipe is not cut."""


class Output:
    """Where a command writes.

    `show` is for people and says nothing with --json; `data` is for scripts and says nothing without. A command that
    has an answer gives both.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.screen = _console(stderr=False)
        self.aside = _console(stderr=True)

    def data(self, value: Mapping[str, Any]) -> None:
        """One line of JSON on stdout, with --json."""
        if self.as_json:
            print(json.dumps(value, separators=(",", ":"), ensure_ascii=False), flush=True)

    def show(self, what: RenderableType = "") -> None:
        """A line, a table, ... on stdout, without --json."""
        if self.as_json:
            return
        with self.screen.capture() as drawn:
            self.screen.print(what, highlight=False, soft_wrap=isinstance(what, str), markup=False)
        lines = drawn.get().splitlines()
        print("\n".join(lines if self.screen.is_terminal else map(str.rstrip, lines)), flush=True)

    def note(self, text: str) -> None:
        """A line on stderr, in either way."""
        self.aside.print(text, highlight=False, soft_wrap=True, markup=False)

    @contextmanager
    def progress(self, what: str, total: float | None = None, *, in_bytes: bool = False) -> Iterator[Progressing]:
        """A bar on stderr while something goes on; nothing where stderr is no terminal."""
        counted = MofNCompleteColumn() if total is not None else TaskProgressColumn()
        counts = (DownloadColumn(binary_units=True), TransferSpeedColumn()) if in_bytes else (counted,)
        columns = (TextColumn("{task.description}"), BarColumn(), *counts, TimeElapsedColumn())
        bar = Progress(*columns, console=self.aside, transient=True, disable=not self.aside.is_terminal)
        with bar:
            yield Progressing(bar, what, total)


class Progressing:
    """A bar that is shown: says how far it has come."""

    def __init__(self, bar: Progress, what: str, total: float | None) -> None:
        self._bar = bar
        self._task = bar.add_task(what, total=total)

    def on(self, steps: float = 1) -> None:
        self._bar.advance(self._task, steps)

    def at(self, completed: float, total: float | None = None) -> None:
        self._bar.update(self._task, completed=completed, total=total)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """A plain table; the columns named in `right` hold numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL)
