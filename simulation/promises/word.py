"""What must hold of the events that tell of a job: that Glacier says so too (promise 6)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.calls import Call
from local.deliveries import Event
from local.deploy import ACCOUNT_ID
from local.glacier.ledger import JobStarted
from simulation.history import Attributes, Change, History, JobEnd
from simulation.limits import WITHIN, Limits
from simulation.promises.answers import answers, marker_asked, marker_of, named_range
from simulation.promises.said import DELAYED, FAILED, INITIATED, LISTED, SUCCEEDED
from simulation.promises.telling import CALLS_ABOUT_UNITS
from simulation.promises.violation import Promise, Violation
from simulation.workload import MIB, Body, Workload
from thaw import bounds
from thaw.attempts import CODE_GIVEN_UP, CODE_JOB_VANISHED, CODE_OUTCOME_UNKNOWN
from thaw.description import Tag
from thaw.endings import CODE_JOB_FAILED
from thaw.job import epoch_ms
from thaw.refusals import Refusal, refusal_of
from thaw.states import State
from thaw.tiers import Tier
from thaw.work.releasing import WAITING_FOR_CAPACITY
from thaw.work.topping_up import NOT_CONFIRMED, TOO_SLOW

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
_ACTIONS = {"archive-retrieval": "ArchiveRetrieval", "inventory-retrieval": "InventoryRetrieval"}
"""What a request's type is called in its events."""

_LOOKS = ("DescribeJob", "ListJobs")
_OWN_REASONS = {CODE_JOB_VANISHED, CODE_OUTCOME_UNKNOWN}
"""Why a retrieval may wait though no call was refused."""
_OWN_REASONS_AT_EXPEDITED = {WAITING_FOR_CAPACITY, NOT_CONFIRMED.code, TOO_SLOW.code}


@dataclass(frozen=True)
class Word:
    """What Glacier says, to hold events against."""

    jobs: Mapping[str, JobStarted]
    history: History
    workload: Workload
    limits: Limits
    """Beyond the bounds a job may start, or be seen, when it was given up."""

    @property
    def within(self) -> bool:
        return self.limits == WITHIN

    def of_event(self, event: Event) -> Iterator[Violation]:
        yield from self._as_asked(event)
        if event.detail_type == SUCCEEDED:
            yield from self._succeeded(event.detail)
        elif event.detail_type == INITIATED:
            yield from self._initiated(event)
        elif event.detail_type == DELAYED:
            yield from self._delayed(event)
        elif event.detail_type == FAILED:
            yield from self._failed(event.detail)
        elif event.detail_type == LISTED:
            yield from self._listed(event.detail)

    def _as_asked(self, event: Event) -> Iterator[Violation]:
        """What the request asked for. All of an archive is no range, also where the request said it by one."""
        detail = event.detail
        if "action" not in detail or detail["retrievalId"] is None:
            return
        what = (detail["accountId"], detail["vaultName"], detail["action"], detail["archiveId"], detail["byteRange"])
        asked_for = {_asked_for(body) for body in self.workload.requests(detail["requestId"])}
        if what not in asked_for:
            yield _word(detail, f"was told of {what}, and asked for {asked_for}")

    def _succeeded(self, detail: Mapping[str, Any]) -> Iterator[Violation]:
        job, end = self.jobs.get(detail["jobId"]), self.history.job_ends.get(detail["jobId"])
        if job is None or end is None or end.status != "Succeeded":
            yield _word(detail, f"succeeded, and its job is {end.status if end else 'not ended'}")
            return
        yield from self._job(detail, job)
        has_hash = detail["sha256TreeHash"] is not None
        if detail["treeHashAligned"] is not (has_hash if job.archive_id is not None else None):
            yield _word(detail, f"is told as aligned: {detail['treeHashAligned']}, and has a hash: {has_hash}")
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

    def _job(self, detail: Mapping[str, Any], job: JobStarted) -> Iterator[Violation]:
        """That it is the job of this attempt, its own or taken over, and for what the request asks."""
        mine = (job.vault_name, job.archive_id, job.tier, job.account_id)
        if mine != (detail["vaultName"], detail["archiveId"], detail["tier"], detail["accountId"]):
            yield _word(detail, f"was told of another's job: {job}")
        if not any(answers(job, body) for body in self.workload.requests(detail["requestId"])):
            yield _word(detail, f"was told of what it did not ask for: {job}")
        tag = Tag.read(job.description)
        if tag is None or tag.attempt != detail["attempt"]:
            yield _word(detail, f"was told of the attempt {detail['attempt']}, and the job has the tag {tag}")

    def _initiated(self, event: Event) -> Iterator[Violation]:
        """By Thaw's clock: from when the claim that sent it was made, to when the event was put."""
        detail = event.detail
        job = self.jobs.get(detail["jobId"])
        if job is None:
            yield _word(detail, f"was told of a job that is none: {detail['jobId']}")
            return
        yield from self._job(detail, job)
        began_ms, job_ms = epoch_ms(detail["initiatedAt"]), job.at.timestamp() * 1000
        late_ms = (self.limits.effect_seconds + bounds.CLAIM_SECONDS) * 1000 + self._skew_ms
        if not job_ms - late_ms <= began_ms <= event.at_ms + self._skew_ms:
            yield _word(detail, f"was told as initiated at {detail['initiatedAt']}, and its job began at {job.at}")

    def _delayed(self, event: Event) -> Iterator[Violation]:
        """For a reason that Glacier gave before, or one of Thaw's own; until a time."""
        detail, code = event.detail, event.detail["reason"]["code"]
        if not self._was_given(code, event):
            yield _word(detail, f"waits for {code} at {detail['tier']}, which Glacier did not say")
        if detail["delayedUntil"] is None:
            yield _word(detail, "waits, and was not told until when")

    def _was_given(self, code: str, event: Event) -> bool:
        retrieval_id = event.detail["retrievalId"]
        changes = list(self.history.changes_of(retrieval_id))
        if code == CODE_JOB_FAILED:
            ends = self._ends_of(retrieval_id)
            return any(end.status == "Failed" and end.at_ms <= event.at_ms for end in ends)
        if code == CODE_GIVEN_UP:
            return self._was_open_for_long(changes[0], event.at_ms)
        if code in _OWN_REASONS or (event.detail["tier"] == Tier.EXPEDITED and code in _OWN_REASONS_AT_EXPEDITED):
            return True
        return any(call.outcome == code and call.at_ms <= event.at_ms for call in self._calls_for(event.detail))

    def _calls_for(self, detail: Mapping[str, Any]) -> Iterator[Call]:
        """For a retrieval that waits: to start its jobs; about its vault's, for a denial to tell of one is told to all
        that are looked for there; and about units, if it may need one."""
        yield from self._starts(detail["retrievalId"])
        for call in self.history.calls.log:
            is_look = call.operation in _LOOKS and call.params["vaultName"] == detail["vaultName"]
            if is_look or (call.operation in CALLS_ABOUT_UNITS and detail["tier"] == Tier.EXPEDITED):
                yield call

    def _was_open_for_long(self, opened: Change, at_ms: float) -> bool:
        return at_ms - opened.at_ms >= bounds.OPEN_AT_MOST_SECONDS * 1000 - self._skew_ms

    def _listed(self, detail: Mapping[str, Any]) -> Iterator[Violation]:
        """The first page begins where the request says, each where the one before it ends, and the last has none after
        it."""
        asked_for = marker_asked(self.workload.requests(detail["requestId"])[0])
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
        code, retrieval_id = detail["reason"]["code"], detail["retrievalId"]
        changes = list(self.history.changes_of(retrieval_id))
        fails = next((change for change in changes if (change.new or {})["state"] == State.FAILED), None)
        if fails is None:
            yield _word(detail, "failed, and its record did not")
            return
        ends = [end for end in self._ends_of(retrieval_id) if end.status == "Succeeded"]
        if self.within and not all(self._is_hidden(end, fails) for end in ends):
            yield _word(detail, "failed, and a job of it succeeded")
        if not self._is_borne_out(code, detail, fails, changes):
            yield _word(detail, f"failed with {code}, which Glacier does not bear out")

    def _is_borne_out(self, code: str, detail: Mapping[str, Any], fails: Change, changes: Sequence[Change]) -> bool:
        retrieval_id = detail["retrievalId"]
        if code == "ResourceNotFoundException":
            return self._is_missing(detail["archiveId"])
        if code == "InvalidParameterValueException":
            return detail["byteRange"] is not None and self._is_beyond(detail)
        if code == CODE_JOB_FAILED:
            return any(end.status == "Failed" for end in self._ends_of(retrieval_id))
        if code == CODE_GIVEN_UP:
            return self._was_open_for_long(changes[0], fails.at_ms)
        if refusal_of(code) is Refusal.DENIED:
            return self._denied_ms(retrieval_id, fails, changes) >= bounds.DENIED_AT_MOST_SECONDS * 1000
        is_unknown = code in (CODE_JOB_VANISHED, CODE_OUTCOME_UNKNOWN) or code in self._unknown_outcomes(retrieval_id)
        return is_unknown and self._lost_of(retrieval_id, changes) >= bounds.LOST_AT_MOST

    def _is_missing(self, archive_id: str | None) -> bool:
        deleted = {step.body for step in self.workload.steps if step.what == "delete"}
        return archive_id == self.workload.archives[-1].id or archive_id in deleted

    def _is_beyond(self, detail: Mapping[str, Any]) -> bool:
        sizes = {archive.id: archive.size_mib for archive in self.workload.archives}
        return int(detail["byteRange"].partition("-")[2]) >= sizes[detail["archiveId"]] * MIB

    def _ends_of(self, retrieval_id: str) -> Iterator[JobEnd]:
        for job in self.jobs.values():
            if _is_of(job, retrieval_id) and job.job_id in self.history.job_ends:
                yield self.history.job_ends[job.job_id]

    def _lost_of(self, retrieval_id: str, changes: Iterable[Change]) -> int:
        """The most that can have come to nothing: of its own claims, for its numbers may go on from those of the
        retrieval before it. Beyond the bounds one that was given up may turn up, and fail."""
        versions = (change.new or {} for change in changes)
        claims = len({version["attempt"] for version in versions if version["state"] == State.INITIATING})
        failed = sum(end.status == "Failed" for end in self._ends_of(retrieval_id))
        return claims if self.within else claims + failed

    def _unknown_outcomes(self, retrieval_id: str) -> set[str]:
        """Of its calls of InitiateJob: all that tells why its jobs were looked for in vain."""
        return {call.outcome for call in self._starts(retrieval_id) if refusal_of(call.outcome) is Refusal.UNKNOWN}

    def _denied_ms(self, retrieval_id: str, fails: Change, changes: Sequence[Change]) -> float:
        """For how long Glacier denied what was asked for it, without a break: to start a job; or to tell of those that
        nobody saw end, which for the newest begins with its start. Clocks may differ at the begin and at the end."""
        mine = [job for job in self.jobs.values() if _is_of(job, retrieval_id)]
        newest_ms = max((job.at.timestamp() * 1000 for job in mine if _is_unseen(job, fails.old or {})), default=0.0)
        names = {job.job_id for job in mine} | set(_job_ids(changes))
        asked = (self._starts(retrieval_id), self._looks((fails.new or {})["vaultName"], names))
        return max(_denied_ms(calls, newest_ms, fails) for calls in asked) + 2 * self._skew_ms

    def _starts(self, retrieval_id: str) -> Iterator[Call]:
        for call in self.history.calls.of(operation="InitiateJob"):
            tag = Tag.read(call.params["jobParameters"].get("Description"))
            if tag is not None and tag.retrieval_id == retrieval_id:
                yield call

    def _looks(self, vault_name: str, job_ids: Container[str]) -> Iterator[Call]:
        """For a retrieval's jobs: at one of them, or at all of the vault's."""
        for call in self.history.calls.log:
            is_listing = call.operation == "ListJobs" and call.params["vaultName"] == vault_name
            if is_listing or (call.operation == "DescribeJob" and call.params["jobId"] in job_ids):
                yield call

    def _is_hidden(self, end: JobEnd, fails: Change) -> bool:
        """Whether Thaw could not know how a job ended: it was not allowed to look at it since, or begins to be only
        when its output is gone."""
        looks = self._looks((fails.new or {})["vaultName"], {end.said["JobId"]})
        return any(end.at_ms <= call.at_ms <= fails.at_ms and _is_denied(call) for call in looks)

    @property
    def _skew_ms(self) -> float:
        return self.limits.skew_seconds * 1000


def _asked_for(body: Body) -> tuple[str, str, str, str | None, str | None]:
    """The account, the vault, the action, the archive and its range, as events name them."""
    job, account_id = body["jobParameters"], body.get("accountId", "-")
    owner = ACCOUNT_ID if account_id == "-" else account_id
    return owner, body["vaultName"], _ACTIONS[job["Type"]], job.get("ArchiveId"), named_range(body)


def _is_of(job: JobStarted, retrieval_id: str) -> bool:
    tag = Tag.read(job.description)
    return tag is not None and tag.retrieval_id == retrieval_id


def _is_unseen(job: JobStarted, record: Attributes) -> bool:
    """Whether nobody saw it end: the record has it as such, or does not know whether it was started."""
    tag = Tag.read(job.description)
    in_doubt = record.get("state") == State.INITIATING and tag is not None and tag.attempt == record["attempt"]
    return in_doubt or job.job_id in {each["jobId"] for each in record.get("jobs", {}).values()}


def _job_ids(changes: Iterable[Change]) -> Iterator[str]:
    """Of all jobs that a retrieval's record named, those that it took over among them."""
    for change in changes:
        yield from (job["jobId"] for job in (change.new or {}).get("jobs", {}).values())


def _denied_ms(calls: Iterable[Call], since_ms: float, fails: Change) -> float:
    """From the first denial after the last answer, but not from before that time, to the last."""
    first_ms: float | None = None
    last_ms = since_ms
    for call in calls:
        if call.number >= fails.calls:
            break
        if _is_denied(call):
            first_ms, last_ms = call.at_ms if first_ms is None else first_ms, call.at_ms
        elif _is_answer(call):
            first_ms = None
    return last_ms - max(first_ms, since_ms) if first_ms is not None else 0.0


def _is_denied(call: Call) -> bool:
    return refusal_of(call.outcome) is Refusal.DENIED


def _is_answer(call: Call) -> bool:
    """Whether it shows that what is asked for is allowed. A listing need not have come to the job in question."""
    if call.operation == "ListJobs":
        return False
    return call.outcome == "ok" or refusal_of(call.outcome) not in (Refusal.THROTTLED, Refusal.UNKNOWN)


def _word(detail: Mapping[str, Any], what: str) -> Violation:
    return Violation(Promise.GLACIERS_WORD, f"{detail['requestId']} {what}")
