"""What must hold of the events that tell of a job: that Glacier says so too (promise 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.deliveries import Event
from local.glacier.ledger import JobStarted
from simulation.history import History, JobEnd
from simulation.promises.answers import answers, marker_of, named_range
from simulation.promises.said import FAILED, LISTED, SUCCEEDED
from simulation.promises.violation import Promise, Violation
from simulation.workload import MIB, Workload
from thaw import bounds
from thaw.description import Tag
from thaw.job import epoch_ms

_AS_GLACIER_SAYS = {
    "sha256TreeHash": "SHA256TreeHash",
    "archiveSha256TreeHash": "ArchiveSHA256TreeHash",
    "archiveSizeInBytes": "ArchiveSizeInBytes",
    "inventorySizeInBytes": "InventorySizeInBytes",
    "initiatedAt": "CreationDate",
    "completedAt": "CompletionDate",
}
"""Fields of an event, and of the job that it tells of."""
_OF_INVENTORIES_AS_GLACIER_SAYS = {
    "format": "Format",
    "startDate": "StartDate",
    "endDate": "EndDate",
    "limit": "Limit",
    "nextMarker": "Marker",
}


@dataclass(frozen=True)
class Word:
    """What Glacier says, to hold events against."""

    jobs: Mapping[str, JobStarted]
    history: History
    workload: Workload
    within: bool
    """The bounds: beyond them a job may start, or be seen, when it was given up."""

    def of_event(self, event: Event) -> Iterator[Violation]:
        yield from self._range(event.detail)
        if event.detail_type == SUCCEEDED:
            yield from self._succeeded(event.detail)
        elif event.detail_type == FAILED:
            yield from self._failed(event.detail)
        elif event.detail_type == LISTED:
            yield from self._listed(event.detail)

    def _range(self, detail: Mapping[str, Any]) -> Iterator[Violation]:
        """That of who asked for one: all of an archive is none, also where the request said it by a range."""
        if detail.get("archiveId") is None:
            return
        asked_for = {named_range(body) for body in self.workload.requests(detail["requestId"])}
        if detail["byteRange"] not in asked_for:
            yield _word(detail, f"was told with the range {detail['byteRange']}, and asked for {asked_for}")

    def _succeeded(self, detail: Mapping[str, Any]) -> Iterator[Violation]:
        job, end = self.jobs.get(detail["jobId"]), self.history.job_ends.get(detail["jobId"])
        if job is None or end is None or end.status != "Succeeded":
            yield _word(detail, f"succeeded, and its job is {end.status if end else 'not ended'}")
            return
        mine = (job.vault_name, job.archive_id, job.tier, job.account_id)
        if mine != (detail["vaultName"], detail["archiveId"], detail["tier"], detail["accountId"]):
            yield _word(detail, f"succeeded with another's job: {job}")
        if not any(answers(job, body) for body in self.workload.requests(detail["requestId"])):
            yield _word(detail, f"succeeded with what it did not ask for: {job}")
        if epoch_ms(detail["outputAvailableUntil"]) != end.at_ms + bounds.OUTPUT_KEPT_SECONDS * 1000:
            yield _word(detail, f"has an output until {detail['outputAvailableUntil']}")
        for field, said in _AS_GLACIER_SAYS.items():
            if detail[field] != end.said[said]:
                yield _word(detail, f"has the {field} {detail[field]}, and Glacier says {end.said[said]}")
        told = detail["inventory"] or {}
        for field, said in _OF_INVENTORIES_AS_GLACIER_SAYS.items():
            said_of_it = (end.said["InventoryRetrievalParameters"] or {}).get(said)
            if told.get(field) != said_of_it:
                yield _word(detail, f"has the inventory's {field} {told.get(field)}, and Glacier says {said_of_it}")

    def _listed(self, detail: Mapping[str, Any]) -> Iterator[Violation]:
        """Each page begins where the one before it ends, and after the last there is none."""
        asked_for: str | None = None
        for job_id in detail["jobIds"]:
            job, end = self.jobs.get(job_id), self.history.job_ends.get(job_id)
            where = (job.account_id, job.vault_name, marker_of(job)) if job and job.inventory else None
            right = where == (detail["accountId"], detail["vaultName"], asked_for)
            if end is None or end.status != "Succeeded" or not right:
                yield _word(detail, f"was listed, and its page from {asked_for} is {job}, and ended as {end}")
                return
            asked_for = end.said["InventoryRetrievalParameters"]["Marker"]
        if asked_for is not None:
            yield _word(detail, f"was listed after {len(detail['jobIds'])} pages, and there are more")

    def _failed(self, detail: Mapping[str, Any]) -> Iterator[Violation]:
        code = detail["reason"]["code"]
        if code == "ResourceNotFoundException":
            right = self._is_missing(detail["archiveId"])
        elif code == "InvalidParameterValueException":
            right = detail["byteRange"] is not None and self._is_beyond(detail)
        elif code == "JobFailed":
            right = any(end.status == "Failed" for end in self._ends_of(detail["retrievalId"]))
        else:
            right = self._lost_of(detail["retrievalId"]) >= bounds.LOST_AT_MOST
        if self.within and any(end.status == "Succeeded" for end in self._ends_of(detail["retrievalId"])):
            yield _word(detail, "failed, and a job of it succeeded")
        if not right:
            yield _word(detail, f"failed with {code}, which Glacier does not bear out")

    def _is_missing(self, archive_id: str | None) -> bool:
        deleted = {step.body for step in self.workload.steps if step.what == "delete"}
        return archive_id == self.workload.archives[-1].id or archive_id in deleted

    def _is_beyond(self, detail: Mapping[str, Any]) -> bool:
        sizes = {archive.id: archive.size_mib for archive in self.workload.archives}
        return int(detail["byteRange"].partition("-")[2]) >= sizes[detail["archiveId"]] * MIB

    def _ends_of(self, retrieval_id: str) -> Iterator[JobEnd]:
        for job in self.jobs.values():
            tag = Tag.read(job.description)
            if tag is not None and tag.retrieval_id == retrieval_id and job.job_id in self.history.job_ends:
                yield self.history.job_ends[job.job_id]

    def _lost_of(self, retrieval_id: str) -> int:
        """The most that can have come to nothing. Beyond the bounds one that was given up may turn up, and fail."""
        key, _, generation = retrieval_id.rpartition("-")
        attempts = int(self.history.retrieval(key, int(generation))["attempt"])
        failed = sum(end.status == "Failed" for end in self._ends_of(retrieval_id))
        return attempts if self.within else attempts + failed


def _word(detail: Mapping[str, Any], what: str) -> Violation:
    return Violation(Promise.GLACIERS_WORD, f"{detail['requestId']} {what}")
