"""What has to become of each message on the notification queue, by what AWS says of a job and not by the code.

Each is about a retrieval of its own, so that no other decides for it.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import botocore.session
from jsonschema import Draft202012Validator

from tests.fuzz.from_schema import of_shape

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
    """What is said of a job, raw or in the envelope of SNS; None where nothing is."""
    try:
        said = json.loads(body)
        if isinstance(said, dict) and said.get("Type") == "Notification" and "Message" in said:
            said = json.loads(said["Message"])
    except (ValueError, TypeError):
        return None
    return said if isinstance(said, dict) and _tells_of_a_job(said) else None


def _tells_of_a_job(said: Json) -> bool:
    is_said = isinstance(said.get("Completed"), bool | int | float | str)
    return is_said and all(isinstance(said.get(name), str) for name in ("JobId", "StatusCode"))


def is_whole(said: Json) -> bool:
    """Whether all of it is as AWS says. What is not may be refused, or taken for what it looks like."""
    return said is not None and _JOB.is_valid(said)


def is_about(said: Json, started: Started) -> bool:
    """Whether it is about a job of this retrieval: with its tag, and of its archive, where it names one."""
    same_archive = not said.get("ArchiveId") or said["ArchiveId"] == started.archive_id
    return f"{said.get('JobDescription')} ".startswith(f"{started.tag} ") and same_archive


def fates(said: Json, started: Started) -> set[Fate]:
    """What a message may come to: one thing, if it is whole or says nothing of a job."""
    if said is None:
        return {Fate.GIVEN_UP}
    right = _right(said, started) if said["Completed"] and is_about(said, started) else Fate.GOES_ON
    return {right} if is_whole(said) else {right, Fate.GOES_ON, Fate.GIVEN_UP}


def _right(said: Json, started: Started) -> Fate:
    is_old = started.archive_id is None and "InventoryRetrievalParameters" not in said
    if said["StatusCode"] == "Succeeded" and not is_old:  # an old one does not tell of further pages: Glacier is asked
        return Fate.SUCCEEDED
    if said["StatusCode"] == "Failed" and said["JobId"] == started.job_id:  # another may yet serve
        return Fate.FAILED
    return Fate.GOES_ON


def duplicate(said: Json, started: Started) -> str | None:
    """Which of two jobs for one attempt it shows to be in vain, if any: the one that does not serve, or not yet.

    All that were started are Standard; beside a Bulk job one of them may have been wanted.
    """
    if not (is_whole(said) and is_about(said, started)) or said["JobId"] == started.job_id:
        return None
    if not (said["Completed"] and _right(said, started) is Fate.SUCCEEDED):
        return str(said["JobId"])
    return started.job_id if said.get("Tier") != "Bulk" else None


def next_marker(said: Json) -> str | None:
    """Where the inventory goes on."""
    return (said["InventoryRetrievalParameters"] or {}).get("Marker")
