"""What goes wrong on purpose, and how each request has to end all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from local.demo.history import FAILED, LISTED, REJECTED, SUCCEEDED, Outcome
from local.glacier.faults import Condition, Faults, Subject

PARTNERS_VAULT = "arn:aws:glacier:us-east-1:210987654321:vaults/shared-models"
SETTINGS = {"vaults": ["backups", PARTNERS_VAULT], "maxUnits": 1}
"""As a user has them in cdk.json."""

UPLOADED = "just-uploaded"
"""The request for the file that is uploaded first; all others stand in examples/requests.jsonl."""

LATER = {"wiki-now": timedelta(minutes=30)}
"""Requests that are sent so long after the rest."""

UNITS = 1
"""How many provisioned capacity units have to be bought."""

JOBS = 16
"""How many jobs have to be started: one for each set of bytes, one more for the tier that was asked for later."""


@dataclass(frozen=True)
class Trouble:
    """Something that Glacier does wrong about the archive of one request."""

    request_id: str
    words: str
    arrange: Callable[[Faults, Condition], None]


TROUBLES = (
    Trouble(
        "ci-logs",
        "is throttled twice",
        lambda faults, about: faults.fail("InitiateJob", "ThrottlingException", times=2, when=about),
    ),
    Trouble(
        "design-2022",
        "has its job started, but the reply gets lost",
        lambda faults, about: faults.lose_reply("InitiateJob", when=about),
    ),
    Trouble(
        "billing-q4",
        "has its job completed, but the notification gets lost",
        lambda faults, about: faults.drop_notification(when=about),
    ),
)
NO_ROOM = "has room for Expedited on provisioned units only"


def about(archive_id: str | None) -> Condition:
    """Calls and notifications about one archive."""

    def is_about(subject: Subject) -> bool:
        named: Subject = subject.get("jobParameters", subject)
        return bool(named.get("ArchiveId") == archive_id)

    return is_about


_EXPEDITED, _STANDARD, _BULK = (
    Outcome(SUCCEEDED, tier, output_right=True) for tier in ("Expedited", "Standard", "Bulk")
)
_IN_TURN = replace(_EXPEDITED, delays=("WaitingForCapacity",))

EXPECTED: Mapping[str, Outcome] = {
    "symbols-7.0": _EXPEDITED,
    "symbols-7.1": _IN_TURN,
    "symbols-7.2": _IN_TURN,
    "symbols-7.3": _IN_TURN,
    UPLOADED: _STANDARD,
    "crm-restore": _STANDARD,
    "audit-2021": _BULK,
    "mail-head": _STANDARD,
    "vault-list": replace(_STANDARD, end=LISTED, pages=2),
    "wiki-anna": replace(_EXPEDITED, shares_job_with=("wiki-ben", "wiki-now")),
    "wiki-ben": replace(_EXPEDITED, shares_job_with=("wiki-anna", "wiki-now")),
    "wiki-now": replace(_EXPEDITED, shares_job_with=("wiki-anna", "wiki-ben")),
    "speech-model": replace(_STANDARD, delays=("InsufficientCapacityException",)),
    "ci-logs": replace(_STANDARD, delays=("ThrottlingException", "ThrottlingException")),
    "design-2022": replace(_BULK, delays=("ConnectionClosedError",)),
    "billing-q4": replace(_STANDARD, told_late=True),
    "old-website": Outcome(FAILED, code="ResourceNotFoundException"),
    "typo": Outcome(REJECTED, code="InvalidRequest", wrong_fields=("jobParameters.SNSTopic", "jobParameters.Tier")),
}
