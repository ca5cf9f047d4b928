"""Starting jobs, looking at them, and fetching what they give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from local.glacier import ids, times
from local.glacier.account import Account
from local.glacier.archives import Archive, check_description
from local.glacier.errors import invalid, missing, not_found
from local.glacier.faults import Effect
from local.glacier.inventory import InventoryRequest, archive_before, render
from local.glacier.jobs import ArchiveWork, InventoryWork, Job, check_range, tier_of
from local.glacier.operations.pages import check_limit, page_from
from local.glacier.vaults import Vault, check_topic

_JOBS_PER_PAGE_MOST = 50
_NOT_FOR_ARCHIVES = ("Format", "InventoryRetrievalParameters", "SelectParameters", "OutputLocation")
_NOT_FOR_INVENTORIES = ("ArchiveId", "RetrievalByteRange", "SelectParameters", "OutputLocation")


def initiate(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    vault, parameters = account.vault(given["vaultName"]), given.get("jobParameters")
    if parameters is None:
        raise missing("jobParameters")
    tier = tier_of(parameters)
    description = check_description(parameters.get("Description"), "job")
    topic_arn = check_topic(parameters["SNSTopic"]) if parameters.get("SNSTopic") else None
    work = _work(account, vault, tier, parameters)
    job = Job(
        account.new_id(ids.JOB_ID_LENGTH),
        vault.arn,
        work,
        tier,
        description,
        topic_arn,
        times.now(),
        timedelta(seconds=account.settings.output_kept_seconds),
    )
    usual = "Inventory" if isinstance(work, InventoryWork) and tier == "Standard" else tier
    seconds, longer = account.job_seconds(usual), account.faults.on_job(Effect.JOB_TAKES, given)
    failing = account.faults.on_job(Effect.JOB_FAILS, given)
    account.start_job(vault, job, longer.seconds if longer else seconds, failing.message if failing else None)
    location = f"/{account.account_id}/vaults/{vault.name}/jobs/{job.job_id}"
    return {"location": location, "jobId": job.job_id}


def describe(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    return account.vault(given["vaultName"]).job(given["jobId"], times.now()).describe()


def get_output(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    job = account.vault(given["vaultName"]).job(given["jobId"], times.now())
    output = job.output(given.get("range"))
    in_part = given.get("range") is not None
    return {
        "body": output.body,
        "status": 206 if in_part else 200,
        "checksum": output.checksum,
        "contentRange": f"bytes {output.part}/{output.of_bytes}" if in_part else None,
        "acceptRanges": "bytes",
        "contentType": output.content_type,
        "archiveDescription": output.archive_description,
    }


def list_jobs(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    """The page begins with the job its marker names, if that job is still listed by the filters given."""
    vault, settings = account.vault(given["vaultName"]), account.settings
    limit = min(check_limit(given.get("limit"), _JOBS_PER_PAGE_MOST), settings.jobs_per_page)
    moment = times.now()
    listed_since = moment - timedelta(seconds=settings.listing_lag_seconds)
    jobs = [job for job in vault.jobs.values() if job.created_at <= listed_since and not job.is_expired(moment)]
    if settings.newest_jobs_first:
        jobs.reverse()
    jobs, _ = page_from(jobs, _job_id, given.get("marker"), len(jobs) or 1)
    page, next_id = page_from(_filtered(jobs, given), _job_id, None, limit)
    if next_id is not None and settings.marker_repeats and limit > 1:
        next_id = page[-1].job_id
    return {"JobList": [job.describe() for job in page], "Marker": next_id}


def _work(account: Account, vault: Vault, tier: str, parameters: Mapping[str, Any]) -> ArchiveWork | InventoryWork:
    match parameters.get("Type"):
        case None:
            raise missing("Type")
        case "archive-retrieval":
            return _archive_work(account, vault, tier, parameters)
        case "inventory-retrieval":
            return _inventory_work(vault, tier, parameters)
        case other:
            raise invalid(f"Invalid job type: {other}")


def _archive_work(account: Account, vault: Vault, tier: str, parameters: Mapping[str, Any]) -> ArchiveWork:
    _refuse(parameters, _NOT_FOR_ARCHIVES)
    if not parameters.get("ArchiveId"):
        raise missing("ArchiveId")
    archive = _retrievable(account, vault, parameters["ArchiveId"])
    work = ArchiveWork(archive, check_range(parameters.get("RetrievalByteRange"), archive.content.size_bytes))
    if tier == "Expedited":
        account.admit_expedited()
    if tier == "Standard":
        account.admit_standard(work.part.size_bytes)
    return work


def _retrievable(account: Account, vault: Vault, archive_id: str) -> Archive:
    """The archive; one that was deleted is accepted for a while yet."""
    archive = vault.archive(archive_id)
    kept = timedelta(seconds=account.settings.recently_deleted_seconds)
    if archive.deleted_at is not None and archive.deleted_at + kept <= times.now():
        raise not_found(f"The archive ID was not found: {archive_id}")
    return archive


def _inventory_work(vault: Vault, tier: str, parameters: Mapping[str, Any]) -> InventoryWork:
    _refuse(parameters, _NOT_FOR_INVENTORIES)
    if tier == "Expedited":
        raise invalid("The Expedited tier is not available for inventory retrievals")
    request = InventoryRequest.from_wire(parameters.get("Format"), parameters.get("InventoryRetrievalParameters") or {})
    made_at = vault.last_inventory_at(times.now())
    if made_at is None:
        raise not_found(f"The vault has no inventory yet: {vault.arn}")
    after_number = 0
    if request.marker is not None:
        before = vault.archives.get(archive_before(request.marker))
        if before is None:
            raise invalid(f"Invalid marker: {request.marker}")
        after_number = before.number
    page, next_marker = request.choose(vault.listed_at(made_at), after_number)
    return InventoryWork(request, render(request.format, vault.arn, made_at, page), next_marker)


def _refuse(parameters: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if parameters.get(name) is not None:
            raise invalid(f"{name} must not be set for a job of type {parameters['Type']}")


def _filtered(jobs: list[Job], given: Mapping[str, Any]) -> list[Job]:
    status_code, completed = given.get("statuscode"), given.get("completed")
    if status_code is not None and status_code not in ("InProgress", "Succeeded", "Failed"):
        raise invalid(f"The job status code is not valid: {status_code}")
    if completed is not None and completed not in ("true", "false"):
        raise invalid(f"The completed parameter is not valid: {completed}")
    return [
        job
        for job in jobs
        if (status_code is None or job.status_code == status_code)
        and (completed is None or (job.completed_at is not None) == (completed == "true"))
    ]


def _job_id(job: Job) -> str:
    return job.job_id
