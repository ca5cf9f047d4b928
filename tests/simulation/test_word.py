"""What bears out a failure: by what Glacier answered, not by how often a job was claimed."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from local.calls import Call, Calls
from local.glacier.ledger import JobStarted
from simulation.history import Change, History, JobEnd
from simulation.limits import WITHIN
from simulation.promises.word import Word
from thaw.attempts import CODE_GIVEN_UP, CODE_JOB_VANISHED, CODE_OUTCOME_UNKNOWN

KEY = "ab" * 16
DENIED = "AccessDeniedException"
HOUR_MS = 3_600_000


class Told:
    """A retrieval of which is told that it failed; times are in hours."""

    def __init__(self, claims: int = 1, first: int = 1, opened: float = 0.0, failed: float = 100.0) -> None:
        self.failed = failed
        self.calls = Calls(clock=None)  # type: ignore[arg-type]
        self.jobs: dict[str, JobStarted] = {}
        self.ends: dict[str, JobEnd] = {}
        attempts = range(first, first + claims)
        self.changes = [self._change(opened, "initiating", attempt) for attempt in attempts]
        self.unseen: dict[str, dict[str, str]] = {}
        """The jobs that the record had when it failed."""
        old = {"state": "in_progress", "attempt": attempts[-1], "jobs": self.unseen}
        self.changes.append(self._change(failed, "failed", attempts[-1], calls=10_000, old=old))

    def _change(self, at: float, state: str, attempt: int, calls: int = 0, old: dict[str, Any] | None = None) -> Change:
        new = {"generation": 1, "state": state, "attempt": attempt, "vaultName": "photos"}
        return Change(round(at * HOUR_MS), "", f"retrieval/{KEY}", old, new, calls)

    def call(self, at: float, operation: str, outcome: str = DENIED, **params: Any) -> None:
        named = {"vaultName": "photos", **params}
        number = len(self.calls.log)
        self.calls.log.append(Call(number, round(at * HOUR_MS), "", "", "glacier", operation, named, outcome))

    def start(self, at: float, outcome: str) -> None:
        self.call(at, "InitiateJob", outcome, jobParameters={"Description": f"thaw:{KEY}-1:1"})

    def job(self, at: float, ended: float | None = None, seen: bool = False) -> None:
        if not seen:
            self.unseen["1"] = {"jobId": "j"}
        self.jobs["j"] = JobStarted(
            at=datetime.fromtimestamp(0, UTC) + timedelta(hours=at),
            account_id="123456789012",
            region="us-east-1",
            vault_name="photos",
            job_id="j",
            action="ArchiveRetrieval",
            archive_id="a",
            byte_range=None,
            tier="Bulk",
            bytes_retrieved=1,
            description=f"thaw:{KEY}-1:1",
            inventory=None,
        )
        if ended is not None:
            self.ends["j"] = JobEnd(round(ended * HOUR_MS), "Succeeded", {"JobId": "j"})

    def wrong(self, code: str) -> list[str]:
        history = History(None, self.calls, None, changes=self.changes, job_ends=self.ends)  # type: ignore[arg-type]
        workload: Any = SimpleNamespace(requests=lambda request_id: [])
        reason = {"code": code, "message": ""}
        detail = {"requestId": "r1", "retrievalId": f"{KEY}-1", "reason": reason, "archiveId": None, "byteRange": None}
        event: Any = SimpleNamespace(detail=detail, detail_type="Retrieval Failed")
        return [violation.what for violation in Word(self.jobs, history, workload, WITHIN).of_event(event)]


def _said(code: str, *, right: bool) -> list[str]:
    return [] if right else [f"r1 failed with {code}, which Glacier does not bear out"]


@pytest.mark.parametrize("code", [CODE_JOB_VANISHED, CODE_OUTCOME_UNKNOWN])
@pytest.mark.parametrize(("claims", "first", "right"), [(4, 1, True), (3, 1, False), (3, 5, False), (4, 5, True)])
def test_what_came_to_nothing_is_counted_by_claims_of_its_own(code: str, claims: int, first: int, right: bool) -> None:
    """Its numbers may go on from those of the retrieval before it."""
    assert Told(claims, first).wrong(code) == _said(code, right=right)


@pytest.mark.parametrize(
    ("outcome", "right"), [("ReadTimeoutError", True), ("ThrottlingException", False), ("ok", False)]
)
def test_why_no_start_could_be_confirmed_is_what_initiate_job_met(outcome: str, right: bool) -> None:
    told = Told(claims=4)
    told.start(1, outcome)
    assert told.wrong("ReadTimeoutError") == _said("ReadTimeoutError", right=right)


def test_a_code_that_nothing_explains_is_not_borne_out_by_many_attempts() -> None:
    for code in (DENIED, CODE_GIVEN_UP, "Teapot", "ThrottlingException"):
        assert Told(claims=9).wrong(code) == _said(code, right=False)


@pytest.mark.parametrize(("days", "right"), [(89, False), (90, True)])
def test_who_gives_up_has_waited_for_so_long(days: int, right: bool) -> None:
    assert Told(failed=days * 24).wrong(CODE_GIVEN_UP) == _said(CODE_GIVEN_UP, right=right)


@pytest.mark.parametrize(
    ("calls", "right"),
    [
        ([(1, DENIED), (49, DENIED)], True),
        ([(1, DENIED), (48, DENIED)], False),
        ([(49, DENIED)], False),
        ([(1, DENIED), (20, "ThrottlingException"), (30, "ReadTimeoutError"), (49, DENIED)], True),
        ([(1, DENIED), (20, "InsufficientCapacityException"), (49, DENIED)], False),
        ([(1, DENIED), (20, "ok"), (49, DENIED)], False),
    ],
)
def test_starts_were_denied_for_so_long(calls: list[tuple[float, str]], right: bool) -> None:
    told = Told()
    for at, outcome in calls:
        told.start(at, outcome)
    assert told.wrong(DENIED) == _said(DENIED, right=right)


@pytest.mark.parametrize(("started", "looked", "right"), [(0, None, True), (48, None, False), (0, 30, False)])
def test_looks_were_denied_for_so_long_and_the_newest_job_is_as_old(
    started: float, looked: float | None, right: bool
) -> None:
    told = Told()
    told.job(started)
    told.call(1, "ListJobs")
    if looked is not None:
        told.call(looked, "DescribeJob", "ok", jobId="j")
    told.call(49, "DescribeJob", jobId="j")
    assert told.wrong(DENIED) == _said(DENIED, right=right)


def test_a_newer_job_whose_end_was_seen_is_no_reason_to_wait_for_an_older_one() -> None:
    told = Told()
    told.job(48, ended=48.5, seen=True)
    told.call(1, "ListJobs")
    told.call(49, "ListJobs")
    assert told.wrong(DENIED)[-1:] == []


def test_a_job_of_another_retrieval_is_another_matter() -> None:
    told = Told()
    told.call(1, "DescribeJob", jobId="other")
    told.call(49, "DescribeJob", jobId="other")
    assert told.wrong(DENIED) == _said(DENIED, right=False)


@pytest.mark.parametrize(("denied", "said"), [(60, []), (10, ["r1 failed, and a job of it succeeded"])])
def test_a_job_whose_end_nobody_was_allowed_to_see_may_have_succeeded(denied: float, said: list[str]) -> None:
    told = Told(claims=4)
    told.job(0, ended=12)
    told.call(denied, "ListJobs")
    assert told.wrong(CODE_JOB_VANISHED) == said
