"""The whole of a file checked before any of it is used: every line right, no id for two different requests."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from cli.errors import Problem
from cli.faults import Fault, Wrong
from cli.output import Output
from cli.quantities import count_text
from cli.request_file import Asked
from thaw.request import RetrievalRequest
from thaw.retrieval import requested_bytes

FAULTS_SHOWN = 20


class Requests(Protocol):
    """What is asked for: by a file, or by the options."""

    name: str
    size_bytes: int

    def requests(self, wrong: Wrong, at: Callable[[int], None]) -> Iterator[Asked]: ...


@dataclass
class Group:
    """Requests of one vault at one tier."""

    requests: int = 0
    bytes: int = 0
    """To be retrieved, as far as the sizes are known."""
    of_unknown_size: int = 0

    def add(self, request: RetrievalRequest) -> None:
        size_bytes = requested_bytes(request)
        self.requests += 1
        self.bytes += size_bytes or 0
        self.of_unknown_size += size_bytes is None


@dataclass
class Checked:
    """What there is, without its repeats."""

    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    """By vault and tier."""
    repeats: int = 0
    """Lines that ask for what an earlier one asks for already."""

    @property
    def requests(self) -> int:
        return sum(group.requests for group in self.groups.values())

    @property
    def bytes(self) -> int:
        return sum(group.bytes for group in self.groups.values())

    def add(self, request: RetrievalRequest) -> None:
        self.groups.setdefault((request.vault_name, request.tier), Group()).add(request)


def check(
    source: Requests,
    out: Output,
    also: Callable[[RetrievalRequest], None] = lambda request: None,
    otherwise: str = "",
) -> Checked:
    """Reads all of it. The memory that it takes does not grow with the file: what was seen is noted on disk.

    Args:
        also: told of each request that is no repeat.
        otherwise: said where something is wrong, of what that means.

    Raises:
        Problem: something is wrong in it, or it asks for nothing; the first faults have been told on stderr.
    """
    faults, checked = Faults(out), Checked()
    with out.progress(f"Checking {source.name}", source.size_bytes, in_bytes=True) as progress, closing(Seen()) as seen:
        for asked in source.requests(faults, progress.at):
            first = seen.first(asked)
            if first is None:
                checked.add(asked.request)
                also(asked.request)
            elif first.contents == asked.request.digest():
                checked.repeats += 1
            else:
                faults(Fault(asked.place, "requestId", _reused(asked.request.request_id, first.place)))
    if faults.count:
        faults.tell_rest()
        raise Problem(f"{count_text(faults.count, 'fault')} in {source.name}. {otherwise}".rstrip())
    if not checked.requests:
        raise Problem(
            f"{source.name} asks for nothing.", "If there are patterns, dates or sizes: nothing is like them."
        )
    return checked


def _reused(request_id: str, place: str) -> str:
    return f"{request_id} stands at {place} with other contents (another tier, say); keep one, or give each its own id"


class Faults:
    """Tells the first few, and counts all."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self.count = 0

    def __call__(self, fault: Fault) -> None:
        self.count += 1
        if self.count <= FAULTS_SHOWN:
            self._out.note(str(fault))

    def tell_rest(self) -> None:
        """How many were not shown."""
        if self.count > FAULTS_SHOWN:
            self._out.note(f"... and {self.count - FAULTS_SHOWN:,} more.")


@dataclass(frozen=True)
class First:
    """Where a request id stands first, and with which contents."""

    contents: str
    place: str


class Seen:
    """The request ids so far, in a temporary database that goes with the process."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, contents TEXT, place TEXT) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def first(self, asked: Asked) -> First | None:
        """None for an id that was not seen before."""
        row = (asked.request.request_id, asked.request.digest(), asked.place)
        if self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", row).rowcount:
            return None
        found = self._database.execute("SELECT contents, place FROM seen WHERE id = ?", row[:1])
        return First(*found.fetchone())

    def close(self) -> None:
        self._database.close()
