"""A job as Glacier describes it: DescribeJob's output, an entry of ListJobs, or a notification's message."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from thaw.description import Tag
from thaw.retrieval import JobId, Number

_TOO_LATE_MS = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""The day after has no date."""
_ID = re.compile(r"^[A-Za-z0-9_-]{1,256}$")


class JobInventoryParameters(BaseModel):
    """`InventoryRetrievalParameters` of a job; of a completed one, `Marker` is where the listing goes on."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    Marker: str | None = None


class GlacierJob(BaseModel):
    """What Thaw reads of a job. In older messages and while in progress, fields are null or missing."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    JobId: JobId
    StatusCode: str
    Completed: bool
    JobDescription: str | None = None
    Action: str | None = None
    ArchiveId: str | None = None
    VaultARN: str | None = None
    Tier: str | None = None
    StatusMessage: str | None = None
    CreationDate: str | None = None
    CompletionDate: str | None = None
    ArchiveSizeInBytes: Number | None = None
    InventorySizeInBytes: Number | None = None
    SHA256TreeHash: str | None = None
    ArchiveSHA256TreeHash: str | None = None
    InventoryRetrievalParameters: JobInventoryParameters | None = None

    @property
    def tag(self) -> Tag | None:
        return Tag.read(self.JobDescription)

    @property
    def succeeded(self) -> bool:
        """`Completed` alone says nothing: a failed job is completed too."""
        return self.Completed and self.StatusCode == "Succeeded"

    @property
    def failed(self) -> bool:
        return self.Completed and self.StatusCode == "Failed"

    @property
    def is_over(self) -> bool:
        """Whether it has ended in one of the ways that are known."""
        return self.succeeded or self.failed

    @property
    def completed_ms(self) -> int | None:
        """When it was completed, in epoch milliseconds, where that can be read; nothing hangs on it."""
        try:
            completed_ms = epoch_ms(self.CompletionDate) if self.CompletionDate else None
        except ValueError:
            return None
        return completed_ms if (completed_ms or 0) < _TOO_LATE_MS else None

    @property
    def loggable_id(self) -> str:
        """Its id, where it looks like one: the message of a job that is not ours may say anything."""
        return self.JobId if _ID.match(self.JobId) else "?"

    @property
    def tells_next_page(self) -> bool:
        """Whether it says if an inventory goes on: older messages lack the whole key."""
        return "InventoryRetrievalParameters" in self.model_fields_set

    @property
    def next_marker(self) -> str | None:
        part = self.InventoryRetrievalParameters
        return (part.Marker or None) if part else None


def read_notification(body: str) -> GlacierJob:
    """The job in the body of a message of the notification queue, raw or in the envelope of SNS.

    Raises:
        ValueError: it is neither.
    """
    message = json.loads(body)
    if isinstance(message, dict) and message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        message = json.loads(message["Message"])
    return GlacierJob.model_validate(message)


def epoch_ms(glacier_date: str) -> int:
    """A date of Glacier's, such as 2012-03-20T17:03:43.221Z, in epoch milliseconds. Raises ValueError for others."""
    moment = datetime.fromisoformat(glacier_date)
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def described(raw: dict[str, Any]) -> GlacierJob:
    """A job from what boto3 returns for DescribeJob, or for one entry of ListJobs."""
    return GlacierJob.model_validate(raw)
