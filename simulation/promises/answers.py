"""What is the same, by a request's own words, in a call of InitiateJob and by Glacier's ledger; and whether a job gives
what a request asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from local.deploy import ACCOUNT_ID
from local.glacier.inventory import archive_before
from local.glacier.ledger import JobStarted
from simulation.workload import MIB, Body, archives

_SIZES_BYTES = {archive.id: archive.size_mib * MIB for archive in archives()}


def answers(job: JobStarted, body: Body) -> bool:
    """The same bytes of the same archive, or a page of the same part of the same vault's inventory: that from which the
    request asks on, and one after it only where the request follows; at whatever tier."""
    part = part_of(job.inventory) if job.inventory else None
    given = (job.account_id, job.vault_name, job.archive_id, job.byte_range, part)
    begins, asked_from = _last_before(marker_of(job)), _last_before(marker_asked(body))
    return given == _wanted(body) and (begins == asked_from or (begins > asked_from and bool(body.get("followPages"))))


def _last_before(marker: str | None) -> str:
    """The archive after which a page begins; archives are listed in the order of their ids."""
    return archive_before(marker) if marker is not None else ""


def marker_asked(body: Body) -> str | None:
    """From where on a request asks for an inventory."""
    marker: str | None = body["jobParameters"].get("InventoryRetrievalParameters", {}).get("Marker")
    return marker


def marker_of(job: JobStarted) -> str | None:
    """Where the page of an inventory begins that a job retrieves; None for the first."""
    return (job.inventory or {}).get("Marker")


def named_range(body: Body) -> str | None:
    """The range that a request names; None for all of an archive, also where a range says so: as far as the request
    says how large the archive is."""
    part: str | None = body["jobParameters"].get("RetrievalByteRange")
    return None if part == f"0-{body.get('archiveSizeInBytes', 0) - 1}" else part


def part_of(inventory: Mapping[str, Any]) -> tuple[str | None, ...]:
    """Of a vault's inventory, as it is listed in the end: Glacier's parameters with the format, and no date in another
    spelling."""
    dates = (_instant(inventory.get(name)) for name in ("StartDate", "EndDate"))
    return inventory.get("Format") or "JSON", *dates, inventory.get("Limit")


def part_asked_for(job: Mapping[str, Any]) -> tuple[str | None, ...] | None:
    """By the parameters of a job; None for an archive."""
    if job["Type"] == "archive-retrieval":
        return None
    return part_of({**job.get("InventoryRetrievalParameters", {}), "Format": job.get("Format")})


def _instant(text: str | None) -> str | None:
    """To the millisecond, which is all that Glacier knows: what is finer is before the same archives as the next."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return (moment + timedelta(microseconds=-moment.microsecond % 1000)).isoformat(timespec="milliseconds")


def _wanted(body: Body) -> tuple[object, ...]:
    job = body["jobParameters"]
    account_id = body.get("accountId", ACCOUNT_ID)
    return account_id, body["vaultName"], job.get("ArchiveId"), _range(job), part_asked_for(job)


def _range(wanted: Body) -> str | None:
    """As Glacier has it, which names the range of a whole archive too."""
    archive_id = wanted.get("ArchiveId")
    if archive_id is None:
        return None
    return wanted.get("RetrievalByteRange") or f"0-{_SIZES_BYTES[archive_id] - 1}"
