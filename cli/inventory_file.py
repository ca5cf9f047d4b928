"""A vault's inventory as Glacier gives it, in JSON or CSV, of any size: read archive by archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import BinaryIO

import ijson

from cli.errors import Problem
from cli.faults import Fault, Wrong
from cli.rows import lines

CSV_HEADER = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"
JSON_KEYS = ("VaultARN", "InventoryDate", "ArchiveList")

# Glacier puts a backslash before a quote and none before a backslash, which no CSV reader undoes. Only the
# description can hold commas or quotes, so what stands before and behind it tells where it ends.
_CSV_ROW = re.compile(r"([^,]*),(.*),([^,]*),([^,]*),([^,]*)", re.DOTALL)
_VAULT_ARN = re.compile(r"arn:[^:]*:glacier:(?P<region>[^:]*):(?P<account>[0-9]{12}):vaults/(?P<name>.+)")


@dataclass(frozen=True)
class Entry:
    """One archive of an inventory; `size_bytes` and `created` as they stand there."""

    archive_id: object
    description: str
    created: str
    size_bytes: object


@dataclass(frozen=True)
class Vault:
    """Whose inventory it is."""

    region: str
    account_id: str
    name: str


@dataclass(frozen=True)
class Filters:
    """Which archives of an inventory are meant; all of them must agree."""

    glob: str | None = None
    regex: re.Pattern[str] | None = None
    created_from: datetime | None = None
    """Inclusive."""
    created_until: datetime | None = None
    """Exclusive."""
    larger_bytes: int | None = None
    """Inclusive."""
    smaller_bytes: int | None = None
    """Exclusive."""

    def __bool__(self) -> bool:
        return self != Filters()

    def match(self, entry: Entry) -> bool:
        """Raises ValueError for a date or a size that is none, where it is asked for."""
        if self.glob is not None and not fnmatchcase(entry.description, self.glob):
            return False
        if self.regex is not None and not self.regex.search(entry.description):
            return False
        return self._date_matches(entry) and self._size_matches(entry)

    def _date_matches(self, entry: Entry) -> bool:
        if self.created_from is None and self.created_until is None:
            return True
        try:
            created = datetime.fromisoformat(entry.created)
        except ValueError:
            raise ValueError(f"CreationDate: {entry.created!r} is no time") from None
        created = created if created.tzinfo else created.replace(tzinfo=UTC)
        after = self.created_from is None or created >= self.created_from
        return after and (self.created_until is None or created < self.created_until)

    def _size_matches(self, entry: Entry) -> bool:
        if self.larger_bytes is None and self.smaller_bytes is None:
            return True
        if not isinstance(entry.size_bytes, int):
            raise ValueError(f"Size: {entry.size_bytes!r} is no number of bytes")
        after = self.larger_bytes is None or entry.size_bytes >= self.larger_bytes
        return after and (self.smaller_bytes is None or entry.size_bytes < self.smaller_bytes)


def vault_of(file: BinaryIO, name: str) -> Vault | None:
    """The vault that a JSON inventory names; reads no further than there, which is its beginning.

    Raises:
        Problem: it names what is no vault, or is not JSON up to there.
    """
    file.seek(0)
    try:
        arn = next(ijson.items(file, "VaultARN"), None)
    except ijson.JSONError as error:
        raise Problem(f"{name} is not JSON: {_in_a_line(error)}") from None
    if arn is None:
        return None
    found = _VAULT_ARN.fullmatch(str(arn))
    if found is None:
        raise Problem(f"{name}: VaultARN: {arn!r} is no vault's ARN.")
    return Vault(found["region"], found["account"], found["name"])


def json_entries(file: BinaryIO, name: str, wrong: Wrong) -> Iterator[tuple[str, Entry]]:
    """Each archive of a JSON inventory, and where it stands."""
    file.seek(0)
    number = 0
    try:
        for number, listed in enumerate(ijson.items(file, "ArchiveList.item", use_float=True), 1):
            place = f"{name}, archive {number}"
            if not isinstance(listed, dict):
                wrong(Fault(place, "", "is not a JSON object"))
                continue
            described, created = str(listed.get("ArchiveDescription") or ""), str(listed.get("CreationDate") or "")
            yield place, Entry(listed.get("ArchiveId"), described, created, listed.get("Size"))
    except ijson.JSONError as error:
        wrong(Fault(f"{name}, after archive {number}", "", f"is not JSON: {_in_a_line(error)}"))


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def csv_entries(file: BinaryIO, name: str, wrong: Wrong) -> Iterator[tuple[str, Entry]]:
    """Each archive of a CSV inventory, and where it stands."""
    for number, text in lines(file, name, wrong):
        if number == 1:
            continue
        place = f"{name}:{number}"
        entry = _csv_entry(text)
        if entry is None:
            wrong(Fault(place, "", f"is no line of an inventory; its columns are {CSV_HEADER}"))
        else:
            yield place, entry


def _csv_entry(line: str) -> Entry | None:
    found = _CSV_ROW.fullmatch(line)
    if found is None:
        return None
    archive_id, described, created, size, _ = found.groups()
    if len(described) >= 2 and described[0] == described[-1] == '"':
        described = described[1:-1].replace('\\"', '"')
    return Entry(archive_id, described, created, int(size) if size.isascii() and size.isdigit() else size)
