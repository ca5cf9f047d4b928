"""What an inventory job lists, and the two formats of its output."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.glacier.archives import Archive
from local.glacier.errors import invalid
from local.glacier.times import parse, to_the_second, with_milliseconds

_CSV_COLUMNS = "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash"


@dataclass(frozen=True)
class InventoryRequest:
    """What was asked for. Dates stay as they were written, since the job's description repeats them."""

    format: str = "JSON"
    start_date: str | None = None
    end_date: str | None = None
    limit: int | None = None
    marker: str | None = None

    @classmethod
    def from_wire(cls, format: str | None, parameters: Mapping[str, Any]) -> InventoryRequest:
        if format not in (None, "JSON", "CSV"):
            raise invalid(f"Invalid inventory format: {format}")
        start_date, end_date = parameters.get("StartDate"), parameters.get("EndDate")
        start = parse(start_date, "StartDate") if start_date is not None else None
        end = parse(end_date, "EndDate") if end_date is not None else None
        if start and end and start >= end:
            raise invalid(f"StartDate {start_date} is not before EndDate {end_date}")
        limit = parameters.get("Limit")
        return cls(
            format or "JSON",
            start_date,
            end_date,
            _check_limit(limit) if limit is not None else None,
            parameters.get("Marker"),
        )

    def to_wire(self, marker: str | None) -> dict[str, str | None]:
        return {
            "StartDate": self.start_date,
            "EndDate": self.end_date,
            "Limit": None if self.limit is None else str(self.limit),
            "Marker": marker,
            "Format": self.format,
        }

    def choose(self, archives: Sequence[Archive], after_number: int) -> tuple[list[Archive], str | None]:
        """The archives of this page, and the marker that continues after them (None: there are no more).

        `archives` in their order; `after_number` is the number of the last archive of the page before.
        """
        start = parse(self.start_date, "StartDate") if self.start_date else None
        end = parse(self.end_date, "EndDate") if self.end_date else None
        chosen = [
            archive
            for archive in archives
            if archive.number > after_number and _is_between(archive.created_at, start, end)
        ]
        if self.limit is None or len(chosen) <= self.limit:
            return chosen, None
        page = chosen[: self.limit]
        return page, marker_after(page[-1].archive_id)


def marker_after(archive_id: str) -> str:
    """The marker with which an inventory goes on after an archive."""
    return base64.urlsafe_b64encode(archive_id.encode()).decode().rstrip("=")


def archive_before(marker: str) -> str:
    """The id of the archive after which a marker continues; for what is no marker, no archive's id."""
    try:
        return base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4)).decode()
    except ValueError:
        return ""


def render(format: str, vault_arn: str, made_at: datetime, archives: Sequence[Archive]) -> bytes:
    if format == "CSV":
        rows = [_CSV_COLUMNS, *(_csv_row(archive) for archive in archives)]
        return "".join(f"{row}\n" for row in rows).encode()
    listed = [_json_row(archive) for archive in archives]
    body = {"VaultARN": vault_arn, "InventoryDate": to_the_second(made_at), "ArchiveList": listed}
    return json.dumps(body, separators=(",", ":")).encode()


def _json_row(archive: Archive) -> dict[str, Any]:
    return {
        "ArchiveId": archive.archive_id,
        "ArchiveDescription": archive.description or "",
        "CreationDate": with_milliseconds(archive.created_at),
        "Size": archive.content.size_bytes,
        "SHA256TreeHash": archive.tree_hash,
    }


def _csv_row(archive: Archive) -> str:
    return ",".join(_csv_field(str(value)) for value in _json_row(archive).values())


def _csv_field(text: str) -> str:
    """As Glacier does: a quote gets a backslash, a backslash none, so not every field can be read back."""
    if "," not in text and '"' not in text:
        return text
    return '"' + text.replace('"', '\\"') + '"'


def _check_limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise invalid(f"Invalid inventory retrieval limit: {text}")
    return int(text)


def _is_between(moment: datetime, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or moment >= start) and (end is None or moment < end)
