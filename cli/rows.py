"""The lines of a file of requests, as JSON has them: from JSON Lines, or from CSV with a column for each field."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from cli.faults import Fault, Wrong

Row = tuple[str, dict[str, Any]]
"""Where it stands, and a request as the queue would have it, as far as the file says it."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    "requestId": ("requestId",),
    "accountId": ("accountId",),
    "vaultName": ("vaultName",),
    "archiveId": ("jobParameters", "ArchiveId"),
    "tier": ("jobParameters", "Tier"),
    "retrievalByteRange": ("jobParameters", "RetrievalByteRange"),
    "description": ("jobParameters", "Description"),
    "archiveSizeInBytes": ("archiveSizeInBytes",),
    "expeditedFallback": ("expeditedFallback",),
    "context": ("context",),
}
_BY_LOWER_CASE = {column.lower(): column for column in _COLUMNS}


def lines(file: BinaryIO, name: str, wrong: Wrong) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1, without their ends."""
    file.seek(0)
    for number, line in enumerate(file, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            wrong(Fault(f"{name}:{number}", "", f"is not UTF-8: {error.reason} at byte {error.start + 1}"))
            continue
        if not text.isspace():
            yield number, text.rstrip("\r\n")


def json_lines(file: BinaryIO, name: str, wrong: Wrong) -> Iterator[Row]:
    """A request a line."""
    for number, text in lines(file, name, wrong):
        place = f"{name}:{number}"
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            wrong(Fault(place, "", f"is not JSON: {error}"))
            continue
        if not isinstance(raw, dict):
            wrong(Fault(place, "", "is not a JSON object, as a request is"))
        elif "cancel" in raw:
            wrong(Fault(place, "cancel", "takes a request back; `thaw cancel` does that"))
        else:
            yield place, raw


def is_csv(first_line: str) -> bool:
    """Whether a file that begins with this line is CSV of requests."""
    return "archiveid" in [column.strip().strip('"').lower() for column in first_line.split(",")]


def csv_rows(file: BinaryIO, name: str, wrong: Wrong) -> Iterator[Row]:
    """A retrieval of an archive a row; an empty cell says nothing of its field."""
    numbered = _Numbered(lines(file, name, wrong))
    reader = csv.reader(numbered, strict=True)
    paths: list[tuple[str, ...]] = []
    try:
        while cells := numbered.next_row(reader):
            place = f"{name}:{numbered.row_begins_at}"
            if not paths:
                paths = _paths(cells, place, wrong)
                if not paths:
                    return
            elif len(cells) != len(paths):
                wrong(Fault(place, "", f"has {len(cells)} cells; the header has {len(paths)}"))
            else:
                yield place, _request(paths, cells)
    except csv.Error as error:
        wrong(Fault(f"{name}:{numbered.row_begins_at}", "", f"is not CSV: {error}"))


class _Numbered:
    """Lines for a CSV reader, which can take several for a row and counts none that are left out."""

    def __init__(self, numbered: Iterator[tuple[int, str]]) -> None:
        self._numbered = numbered
        self.row_begins_at: int | None = None

    def next_row(self, reader: Iterator[list[str]]) -> list[str] | None:
        self.row_begins_at = None
        return next(reader, None)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, text = next(self._numbered)
        self.row_begins_at = self.row_begins_at or number
        return text + "\n"


def _paths(header: list[str], place: str, wrong: Wrong) -> list[tuple[str, ...]]:
    """Where each column's cells belong; empty if there is one that is not known, or that is there twice."""
    paths: list[tuple[str, ...]] = []
    for column in header:
        name = _BY_LOWER_CASE.get(column.strip().lower())
        if name is None:
            wrong(Fault(place, column, f"is no column of requests; they are {', '.join(_COLUMNS)}"))
        elif _COLUMNS[name] in paths:
            wrong(Fault(place, column, "is there twice"))
        else:
            paths.append(_COLUMNS[name])
    return paths if len(paths) == len(header) else []


def _request(paths: list[tuple[str, ...]], cells: list[str]) -> dict[str, Any]:
    job: dict[str, Any] = {"Type": "archive-retrieval"}
    raw: dict[str, Any] = {"jobParameters": job}
    for path, cell in zip(paths, cells, strict=True):
        if cell:
            (job if len(path) == 2 else raw)[path[-1]] = _value(path[-1], cell)
    return raw


def _value(field: str, cell: str) -> Any:
    """What is no number or no JSON where it has to be stays text: the check of the request says what is wrong."""
    if field == "archiveSizeInBytes" and cell.isascii() and cell.isdigit():
        return int(cell)
    if field == "context":
        try:
            return json.loads(cell)
        except ValueError:
            return cell
    return cell
