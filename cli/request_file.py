"""Requests out of a file of any size: JSON Lines or CSV of requests, or an inventory in JSON or CSV.

Each is completed by what the options say, checked by the functions' own model, and given an id that tells what it
asks for, so that the same file asks for the same requests whenever it is read.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from cli import inventory_file
from cli.errors import Problem
from cli.faults import Fault, Wrong
from cli.inventory_file import Entry, Filters
from cli.rows import Row, csv_rows, is_csv, json_lines
from thaw.request import Rejected, RetrievalRequest, parse
from thaw.retrieval import inventory_of

PIPE = "-"
NO_BATCH = "thaw"
_TOLD_EVERY = 1000


@dataclass(frozen=True)
class Asked:
    """A request, and where it stands."""

    place: str
    request: RetrievalRequest
    is_named: bool = False
    """Whether it came with an id of its own; otherwise the id has the batch's name."""

    @property
    def body(self) -> str:
        """As it goes on the queue: in ASCII, since SQS takes not every character that JSON can say."""
        said = self.request.model_dump(by_alias=True, exclude_none=True)
        return json.dumps(said, separators=(",", ":"))


@dataclass(frozen=True)
class Given:
    """What the options say: used wherever a line says nothing of it."""

    vault: str | None = None
    account_id: str | None = None
    tier: str | None = None
    fallback: str | None = None
    description: str | None = None
    context: Mapping[str, Any] | None = None
    batch: str | None = None
    filters: Filters = field(default_factory=Filters)

    def complete(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The request with what it leaves out."""
        about: dict[str, Any] = {"vaultName": self.vault, "accountId": self.account_id, "context": self.context}
        completed = {**{name: value for name, value in about.items() if value is not None}, **raw}
        job = raw.get("jobParameters")
        if isinstance(job, dict):
            mine = {"Tier": self._tier_of(job), "Description": self.description}
            job = {**{name: value for name, value in mine.items() if value is not None}, **job}
            completed["jobParameters"] = job
            if self.fallback is not None and job.get("Tier") == "Expedited":
                completed.setdefault("expeditedFallback", self.fallback)
        return completed

    def _tier_of(self, job: Mapping[str, Any]) -> str | None:
        """Glacier expedites no inventory, so what is meant for the archives beside it stays away from it."""
        return None if self.tier == "Expedited" and job.get("Type") == "inventory-retrieval" else self.tier


class Kind(StrEnum):
    """What a file is."""

    JSON_LINES = "JSON Lines of requests"
    CSV = "CSV of requests"
    INVENTORY_JSON = "a JSON inventory"
    INVENTORY_CSV = "a CSV inventory"


class RequestFile:
    """A file that can be read more than once; what comes through a pipe is kept in a temporary one meanwhile.

    Args:
        path: of the file; `-` is standard input.

    Raises:
        Problem: it can't be opened, or is of no kind that is known, or does not go with the options.
    """

    def __init__(self, path: str, given: Given) -> None:
        self.name = "stdin" if path == PIPE else path
        self._file = _opened(path)
        self.size_bytes = self._file.seek(0, 2)
        self.kind = _kind_of(self._file, self.name)
        self.vault = inventory_file.vault_of(self._file, self.name) if self.kind is Kind.INVENTORY_JSON else None
        self._given = given
        self._check_options()

    def requests(self, wrong: Wrong, at: Callable[[int], None] = lambda position: None) -> Iterator[Asked]:
        """Every request, in order; what is wrong is told and left out.

        Args:
            at: told now and then how many bytes of the file have been read.
        """
        for number, (place, raw) in enumerate(self._rows(wrong)):
            if number % _TOLD_EVERY == 0:
                at(self._file.tell())
            try:
                yield asked(place, raw, self._given)
            except Rejected as rejected:
                for error in rejected.errors:
                    wrong(Fault(place, error["field"], error["message"]))

    def all_requests(self) -> Iterator[Asked]:
        """Every request of a file in which nothing may be wrong.

        Raises:
            Problem: at the first fault.
        """
        return self.requests(_refuse)

    def _check_options(self) -> None:
        is_inventory = self.kind in (Kind.INVENTORY_JSON, Kind.INVENTORY_CSV)
        if self._given.filters and not is_inventory:
            raise Problem(f"{self.name} is {self.kind}; patterns, dates and sizes choose from inventories only.")
        if is_inventory and self.vault is None and self._given.vault is None:
            raise Problem(f"{self.name} does not say of which vault it is the inventory.", "Name it with --vault.")
        if self.vault and self._given.vault not in (None, self.vault.name):
            raise Problem(f"{self.name} is the inventory of {self.vault.name}, not of {self._given.vault}.")

    def _rows(self, wrong: Wrong) -> Iterator[Row]:
        if self.kind is Kind.JSON_LINES:
            return json_lines(self._file, self.name, wrong)
        if self.kind is Kind.CSV:
            return csv_rows(self._file, self.name, wrong)
        return self._chosen_rows(wrong)

    def _chosen_rows(self, wrong: Wrong) -> Iterator[Row]:
        """What is asked for of an inventory."""
        read = inventory_file.json_entries if self.kind is Kind.INVENTORY_JSON else inventory_file.csv_entries
        vault = {"vaultName": self.vault.name, "accountId": self.vault.account_id} if self.vault else {}
        filters = self._given.filters
        for place, entry in read(self._file, self.name, wrong):
            try:
                if not filters or filters.match(entry):
                    yield place, {**vault, **_retrieval_of(entry)}
            except ValueError as error:
                wrong(Fault(place, "", str(error)))


def asked(place: str, raw: dict[str, Any], given: Given) -> Asked:
    """The request of one row, completed and checked.

    Raises:
        Rejected: naming each field that is wrong.
    """
    has_id = "requestId" in raw
    completed = given.complete(raw) if has_id else {**given.complete(raw), "requestId": NO_BATCH}
    request = parse(json.dumps(completed))
    assert isinstance(request, RetrievalRequest), "rows that cancel are none"
    if not has_id:
        request = request.model_copy(update={"request_id": _id_of(request, given.batch)})
    return Asked(place, request, is_named=has_id)


def _id_of(request: RetrievalRequest, batch: str | None) -> str:
    """Tells what is retrieved, and in which batch; not how fast, so that no one pays for two tiers by mistake.

    An archive's id says whose it is: of two inventories of one vault, only the JSON one names the account.
    """
    job = request.job_parameters.model_dump(include={"ArchiveId", "RetrievalByteRange"})
    account_id = request.account_id if inventory_of(request) is not None else None
    what = [account_id, request.vault_name, job, inventory_of(request), request.follow_pages]
    text = json.dumps(what, sort_keys=True, separators=(",", ":"))
    return f"{batch or NO_BATCH}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _retrieval_of(entry: Entry) -> dict[str, Any]:
    job = {"Type": "archive-retrieval", "ArchiveId": entry.archive_id}
    size = {"archiveSizeInBytes": entry.size_bytes} if entry.size_bytes is not None else {}
    return {"jobParameters": job, **size}


def _refuse(fault: Fault) -> None:
    raise Problem(str(fault))


def _opened(path: str) -> BinaryIO:
    if path == PIPE:
        kept = tempfile.TemporaryFile()  # noqa: SIM115  # it is deleted when it is closed, with the process
        shutil.copyfileobj(sys.stdin.buffer, kept)
        return kept
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise Problem(f"{path} can't be read: {error.strerror}.") from None


def _kind_of(file: BinaryIO, name: str) -> Kind:
    """Told by how the file begins."""
    file.seek(0)
    beginning = file.read(4096).decode("utf-8-sig", "replace").lstrip()
    first_line = beginning.partition("\n")[0].strip()
    if beginning.startswith("{"):
        first_key = re.match(r'\{\s*"([^"]*)"', beginning)
        is_inventory = first_key is not None and first_key[1] in inventory_file.JSON_KEYS
        return Kind.INVENTORY_JSON if is_inventory else Kind.JSON_LINES
    if first_line == inventory_file.CSV_HEADER:
        return Kind.INVENTORY_CSV
    if is_csv(first_line):
        return Kind.CSV
    begins = f"begins with {first_line[:40]!r}" if first_line else "is empty"
    kinds = "It must be requests in JSON Lines or CSV (with a column archiveId), or an inventory in JSON or CSV."
    raise Problem(f"{name} is no file of requests: it {begins}.", kinds)
