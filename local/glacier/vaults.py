"""A vault: its archives, when its inventories are made, and what hangs on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from local.glacier.archives import Archive
from local.glacier.errors import GlacierError, invalid, missing, not_found
from local.glacier.jobs import Job
from local.glacier.settings import Settings
from local.glacier.times import with_milliseconds
from local.glacier.uploads import Upload

_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
_TOPIC_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")
_EVENTS = ("ArchiveRetrievalCompleted", "InventoryRetrievalCompleted")
_TAGS_MOST = 50
_BETWEEN_INVENTORIES = timedelta(hours=24)
_LOCK_TIMES_OUT_AFTER = timedelta(hours=24)


def check_vault_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise invalid(f"Invalid vault name: {name}")


def check_topic(topic_arn: str) -> str:
    """Only the form is looked at: whether the topic is there, or may be published to, shows by silence."""
    if not _TOPIC_ARN.fullmatch(topic_arn):
        raise invalid(f"Invalid SNS topic ARN: {topic_arn}")
    return topic_arn


@dataclass(frozen=True)
class Notifications:
    topic_arn: str
    events: tuple[str, ...]

    @classmethod
    def from_wire(cls, config: dict[str, Any]) -> Notifications:
        topic_arn, events = config.get("SNSTopic"), config.get("Events")
        if not topic_arn:
            raise missing("SNSTopic")
        if not events:
            raise missing("Events")
        for event in events:
            if event not in _EVENTS:
                raise invalid(f"Invalid notification event: {event}")
        return cls(check_topic(topic_arn), tuple(events))

    def to_wire(self) -> dict[str, Any]:
        return {"SNSTopic": self.topic_arn, "Events": list(self.events)}


@dataclass
class Lock:
    """A vault lock: in progress for 24 hours from `created_at`, unless it is completed in that time."""

    lock_id: str
    policy: str
    created_at: datetime
    state: Literal["InProgress", "Locked"] = "InProgress"

    @property
    def expires_at(self) -> datetime:
        return self.created_at + _LOCK_TIMES_OUT_AFTER

    def holds(self, moment: datetime) -> bool:
        return self.state == "Locked" or moment < self.expires_at


@dataclass
class Vault:
    """`first_inventory_after` is how long its first inventory takes, from the first upload on."""

    name: str
    arn: str
    created_at: datetime
    first_inventory_after: timedelta
    settings: Settings
    archives: dict[str, Archive] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    notifications: Notifications | None = None
    access_policy: str | None = None
    lock: Lock | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def archive(self, archive_id: str) -> Archive:
        try:
            return self.archives[archive_id]
        except KeyError:
            raise not_found(f"The archive ID was not found: {archive_id}") from None

    def job(self, job_id: str, moment: datetime) -> Job:
        job = self.jobs.get(job_id)
        if job is None or job.is_expired(moment):
            raise not_found(f"The job ID was not found: {job_id}")
        return job

    def upload(self, upload_id: str) -> Upload:
        try:
            return self.uploads[upload_id]
        except KeyError:
            raise not_found(f"The upload ID was not found: {upload_id}") from None

    def add_tags(self, tags: dict[str, str]) -> None:
        together = self.tags | tags
        if len(together) > _TAGS_MOST:
            raise GlacierError("LimitExceededException", f"A vault can have at most {_TAGS_MOST} tags")
        self.tags = together

    # ------------------------------------------------------------------------------------------- inventories

    def last_inventory_at(self, moment: datetime) -> datetime | None:
        """When the inventory that can be retrieved at `moment` was made; None before the first.

        One is made a day, and only when archives came or went since the one before.
        """
        changes = sorted(self._changes())
        if not changes:
            return None
        if self.settings.inventories == "always":
            return moment
        made_at: datetime | None = None
        due_at = changes[0] + self.first_inventory_after
        for change in changes:
            if made_at is not None and change <= made_at:
                continue
            while due_at < change:
                due_at += _BETWEEN_INVENTORIES
            if due_at > moment:
                break
            made_at, due_at = due_at, due_at + _BETWEEN_INVENTORIES
        return made_at

    def listed_at(self, moment: datetime) -> list[Archive]:
        """The archives that were there at `moment`, in the order of their upload."""
        return sorted((one for one in self.archives.values() if one.is_there(moment)), key=_by_number)

    def is_deletable(self, moment: datetime) -> bool:
        """Whether the last inventory shows it empty, and nothing was written since."""
        inventory_at = self.last_inventory_at(moment)
        if self.listed_at(inventory_at or moment) or self.listed_at(moment):
            return False
        return all(inventory_at is not None and change <= inventory_at for change in self._changes())

    def describe(self, moment: datetime) -> dict[str, Any]:
        """DescribeVault's body; counts and sizes are those of the last inventory."""
        inventory_at = self.last_inventory_at(moment)
        listed = self.listed_at(inventory_at) if inventory_at else []
        return {
            "CreationDate": with_milliseconds(self.created_at),
            "LastInventoryDate": with_milliseconds(inventory_at) if inventory_at else None,
            "NumberOfArchives": len(listed),
            "SizeInBytes": sum(archive.content.size_bytes for archive in listed),
            "VaultARN": self.arn,
            "VaultName": self.name,
        }

    def _changes(self) -> Iterator[datetime]:
        for archive in self.archives.values():
            yield archive.created_at
            if archive.deleted_at is not None:
                yield archive.deleted_at


def _by_number(archive: Archive) -> int:
    return archive.number
