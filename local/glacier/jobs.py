"""A job: what was asked, what became of it, its description on the wire and its output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from local.glacier.archives import Archive
from local.glacier.content import hash_of
from local.glacier.errors import invalid
from local.glacier.inventory import InventoryRequest
from local.glacier.times import with_milliseconds
from local.glacier.tree_hash import ByteRange, is_megabyte_aligned, is_tree_hash_aligned

TIERS = ("Expedited", "Standard", "Bulk")
_RANGE = re.compile(r"(\d{1,19})-(\d{1,19})")
_RANGE_HEADER = re.compile(r"bytes=(\d{1,19})-(\d{0,19})")


def check_range(text: str | None, size_bytes: int) -> ByteRange:
    """The range of an archive of so many bytes that a job retrieves; the whole archive if none is given."""
    if text is None:
        return ByteRange(0, size_bytes - 1)
    found = _RANGE.fullmatch(text)
    if not found:
        raise invalid(f"Invalid retrieval byte range: {text}")
    part = ByteRange(int(found[1]), int(found[2]))
    if not part.first <= part.last < size_bytes:
        raise invalid(f"Invalid retrieval byte range: {text}. The archive has {size_bytes} bytes")
    if not is_megabyte_aligned(part, size_bytes):
        raise invalid(f"Invalid retrieval byte range: {text}. The range is not megabyte aligned")
    return part


def check_range_header(text: str, size_bytes: int) -> ByteRange:
    """The part of an output of so many bytes that a Range header names, cut off at the output's end."""
    found = _RANGE_HEADER.fullmatch(text.strip())
    if not found:
        raise invalid(f"Invalid range: {text}")
    first = int(found[1])
    last = min(int(found[2]), size_bytes - 1) if found[2] else size_bytes - 1
    if first > last:
        raise invalid(f"Invalid range: {text}. The output has {size_bytes} bytes")
    return ByteRange(first, last)


@dataclass(frozen=True)
class ArchiveWork:
    """The part of an archive that a job retrieves."""

    archive: Archive
    part: ByteRange

    @property
    def is_hashed(self) -> bool:
        return is_tree_hash_aligned(self.part, self.archive.content.size_bytes)

    @cached_property
    def _tree_hash(self) -> str:
        return hash_of(self.archive.content, self.part)

    def describe(self, completed: bool) -> dict[str, Any]:
        whole = self.part == self.archive.whole
        told = self.is_hashed and (completed or not whole)
        return {
            "ArchiveId": self.archive.archive_id,
            "ArchiveSHA256TreeHash": self.archive.tree_hash,
            "ArchiveSizeInBytes": self.archive.content.size_bytes,
            "RetrievalByteRange": str(self.part),
            "SHA256TreeHash": self._tree_hash if told else None,
        }


@dataclass(frozen=True)
class InventoryWork:
    """A page of an inventory, worked out when the job is initiated; `output` is the body it will give."""

    request: InventoryRequest
    output: bytes
    next_marker: str | None

    def describe(self, completed: bool) -> dict[str, Any]:
        """While the job is in progress, the marker is the request's own."""
        return {
            "InventoryRetrievalParameters": self.request.to_wire(
                self.next_marker if completed else self.request.marker
            ),
            "InventorySizeInBytes": len(self.output) if completed else None,
        }


@dataclass(frozen=True)
class Output:
    """Some bytes of a job's output, as GetJobOutput gives them; `checksum` only where there is one."""

    body: bytes
    content_type: str
    part: ByteRange
    of_bytes: int
    checksum: str | None = None
    archive_description: str | None = None


@dataclass
class Job:
    """`completed_at` is None while it is in progress; `failure` is the message of one that failed."""

    job_id: str
    vault_arn: str
    work: ArchiveWork | InventoryWork
    tier: str
    description: str | None
    topic_arn: str | None
    created_at: datetime
    output_kept: timedelta
    completed_at: datetime | None = None
    failure: str | None = None

    @property
    def action(self) -> Literal["ArchiveRetrieval", "InventoryRetrieval"]:
        return "ArchiveRetrieval" if isinstance(self.work, ArchiveWork) else "InventoryRetrieval"

    @property
    def bytes_retrieved(self) -> int:
        return self.work.part.size_bytes if isinstance(self.work, ArchiveWork) else 0

    @property
    def status_code(self) -> Literal["InProgress", "Succeeded", "Failed"]:
        if self.completed_at is None:
            return "InProgress"
        return "Failed" if self.failure else "Succeeded"

    def is_expired(self, moment: datetime) -> bool:
        return self.completed_at is not None and moment >= self.completed_at + self.output_kept

    def complete(self, moment: datetime, failure: str | None) -> None:
        """Ends the job: as Failed if `failure` says why, or if its archive has been deleted meanwhile."""
        if isinstance(self.work, ArchiveWork) and not self.work.archive.is_there(moment):
            failure = failure or "The archive was deleted"
        self.completed_at, self.failure = moment, failure

    def describe(self) -> dict[str, Any]:
        """DescribeJob's body, with nulls; a notification's message is the same."""
        succeeded = self.status_code == "Succeeded"
        nothing: dict[str, Any] = dict.fromkeys(_OF_ONE_ACTION_ONLY)
        messages = {"InProgress": "Operation in progress.", "Succeeded": "Succeeded", "Failed": self.failure}
        described = nothing | {
            "Action": self.action,
            "Completed": self.completed_at is not None,
            "CompletionDate": with_milliseconds(self.completed_at) if self.completed_at else None,
            "CreationDate": with_milliseconds(self.created_at),
            "JobDescription": self.description,
            "JobId": self.job_id,
            "SNSTopic": self.topic_arn,
            "StatusCode": self.status_code,
            "StatusMessage": messages[self.status_code],
            "Tier": self.tier,
            "VaultARN": self.vault_arn,
        }
        return dict(sorted((described | self.work.describe(succeeded)).items()))

    def output(self, range_header: str | None) -> Output:
        """The output or, with the value of a Range header, a part of it."""
        if self.status_code != "Succeeded":
            raise invalid(f"The job is not currently available for download: {self.job_id}")
        if isinstance(self.work, ArchiveWork):
            return _archive_output(self.work, range_header)
        return _inventory_output(self.work, range_header)


_OF_ONE_ACTION_ONLY = (
    "ArchiveId",
    "ArchiveSHA256TreeHash",
    "ArchiveSizeInBytes",
    "InventoryRetrievalParameters",
    "InventorySizeInBytes",
    "RetrievalByteRange",
    "SHA256TreeHash",
)


def _archive_output(work: ArchiveWork, range_header: str | None) -> Output:
    size_bytes, content = work.part.size_bytes, work.archive.content
    part = check_range_header(range_header, size_bytes) if range_header else ByteRange(0, size_bytes - 1)
    of_archive = part.within(work.part)
    hashed = work.is_hashed and is_tree_hash_aligned(of_archive, content.size_bytes)
    return Output(
        content.read(of_archive),
        "application/octet-stream",
        part,
        size_bytes,
        hash_of(content, of_archive) if hashed else None,
        work.archive.description,
    )


def _inventory_output(work: InventoryWork, range_header: str | None) -> Output:
    size_bytes = len(work.output)
    part = check_range_header(range_header, size_bytes) if range_header else ByteRange(0, size_bytes - 1)
    content_type = "text/csv" if work.request.format == "CSV" else "application/json"
    return Output(work.output[part.first : part.last + 1], content_type, part, size_bytes)


def tier_of(parameters: Mapping[str, Any]) -> str:
    tier: str = parameters.get("Tier") or "Standard"
    if tier not in TIERS:
        raise invalid(f"Invalid tier: {tier}")
    return tier
