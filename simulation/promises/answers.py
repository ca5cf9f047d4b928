"""Whether a job of Glacier's gives what a request asks for, by the request's own words."""

from __future__ import annotations

from local.deploy import ACCOUNT_ID
from local.glacier.ledger import JobStarted
from simulation.workload import MIB, Body, archives

_SIZES_BYTES = {archive.id: archive.size_mib * MIB for archive in archives()}


def answers(job: JobStarted, body: Body) -> bool:
    """The same bytes of the same archive, or a page of as many entries of the same vault's inventory; at whatever
    tier."""
    given = (job.account_id, job.vault_name, job.archive_id, job.byte_range, (job.inventory or {}).get("Limit"))
    return given == _wanted(body)


def _wanted(body: Body) -> tuple[str | None, ...]:
    job = body["jobParameters"]
    limit = job.get("InventoryRetrievalParameters", {}).get("Limit")
    return body.get("accountId", ACCOUNT_ID), body["vaultName"], job.get("ArchiveId"), _range(job), limit


def _range(wanted: Body) -> str | None:
    """As Glacier has it, which names the range of a whole archive too."""
    archive_id = wanted.get("ArchiveId")
    if archive_id is None:
        return None
    return wanted.get("RetrievalByteRange") or f"0-{_SIZES_BYTES[archive_id] - 1}"
