"""What has to become of each message on the notification queue, by what AWS says of a job and not by the code.

Each is about a retrieval of its own, so that no other decides for it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import botocore.session
from jsonschema import Draft202012Validator

from local.cloud import START
from tests.fuzz.from_schema import of_shape
from thaw.job import GlacierJob

Json = Any
JOB: Json = of_shape(botocore.session.get_session().get_service_model("glacier").shape_for("GlacierJobDescription"))
"""The JSON schema of Glacier's description of a job, which is what a notification carries."""
_JOB = Draft202012Validator(JOB)


class Fate(StrEnum):
    """The events have their names."""

    SUCCEEDED = "Retrieval Succeeded"
    FAILED = "Retrieval Failed"
    GOES_ON = "goes on"
    GIVEN_UP = "dead letter"


@dataclass(frozen=True)
class Started:
    """A retrieval whose job is in progress."""

    request_id: str
    retrieval_id: str
    job_id: str
    tag: str
    """With which the job's description begins."""
    archive_id: str | None
    """None for an inventory, whose further pages are followed."""


def message(body: str) -> Json:
    """What is said of a job, raw or in the envelope of SNS; None where nothing is.

    What is not all as AWS says may be taken for what it looks like: whether, and for what (a "yes" for true), is for
    the code's model to say. What has to follow from it is not.
    """
    try:
        said = json.loads(body)
        if isinstance(said, dict) and said.get("Type") == "Notification" and isinstance(said.get("Message"), str):
            said = json.loads(said["Message"])
        if not _JOB.is_valid(said):
            return GlacierJob.model_validate(said).model_dump(exclude_unset=True)
    except ValueError:
        return None
    whole = all(said.get(name) is not None for name in ("JobId", "StatusCode", "Completed"))
    return said if whole and said["JobId"].strip(".") else None


def is_about(said: Json, started: Started) -> bool:
    """Whether it is about a job of this retrieval: with its tag, and of its archive, where it names one."""
    same_archive = said.get("ArchiveId") in (None, started.archive_id)
    return f"{said.get('JobDescription')} ".startswith(f"{started.tag} ") and same_archive


def fate(said: Json, started: Started) -> Fate:
    """What a message comes to."""
    if said is None:
        return Fate.GIVEN_UP
    return _right(said, started) if said["Completed"] and is_about(said, started) else Fate.GOES_ON


def _right(said: Json, started: Started) -> Fate:
    is_old = started.archive_id is None and "InventoryRetrievalParameters" not in said
    # An old one does not tell of further pages, and of a late one the output may be gone: Glacier is asked.
    if said["StatusCode"] == "Succeeded" and not is_old and not _is_late(said):
        return Fate.SUCCEEDED
    if said["StatusCode"] == "Failed" and said["JobId"] == started.job_id:  # another may yet serve
        return Fate.FAILED
    return Fate.GOES_ON


def _is_late(said: Json) -> bool:
    """Whether the job was completed more than a day ago, as far as that can be read."""
    try:
        completed = datetime.fromisoformat(said.get("CompletionDate"))
    except (TypeError, ValueError):
        return False
    return completed.replace(tzinfo=completed.tzinfo or UTC) < START - timedelta(days=1)


def duplicate(said: Json, started: Started) -> str | None:
    """Which of two jobs for one attempt it shows to be in vain, if any: the one that does not serve, or not yet.

    All that were started are Standard; beside a Bulk job one of them may have been wanted.
    """
    if said is None or not is_about(said, started) or said["JobId"] == started.job_id:
        return None
    if not (said["Completed"] and _right(said, started) is Fate.SUCCEEDED):
        return str(said["JobId"])
    return started.job_id if said.get("Tier") != "Bulk" else None


def next_marker(said: Json) -> str | None:
    """Where the inventory goes on."""
    return (said["InventoryRetrievalParameters"] or {}).get("Marker") or None
