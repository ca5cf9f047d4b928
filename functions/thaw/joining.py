"""How a request opens a retrieval, joins one, or is taken back."""

from enum import StrEnum
from typing import Any

from thaw import bounds
from thaw.attempts import claim_fields, in_progress, live_tier, serves_until_ms, wait, wants_faster
from thaw.endings import is_worth_joining, output_until_ms
from thaw.request import ArchiveRetrieval, RetrievalRequest
from thaw.retrieval import (
    ENDED,
    EXPEDITED_BACKLOG,
    NO_CLAIM,
    NOT_WAITING,
    Asker,
    InventoryParameters,
    Retrieval,
    StartedJob,
    asker_of,
    expires_after_end,
    inventory_of,
    item_id,
    page_key,
    requested_bytes,
    shard,
)
from thaw.states import State
from thaw.tiers import Tier, faster, fastest

_TAKEN_OVER = "taken over"
"""In place of its name, a claim that is nobody's any more."""


class Join(StrEnum):
    """Why a record does not take a request in."""

    ALREADY = "already"
    FULL = "full"
    OVER = "over"
    """Its output is of no use to the request: a later generation of the record has to be opened."""


class CancelRefused(Exception):
    """A request that can't be taken back, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NotJoinedYet(Exception):
    """The request is known but in no record: its own message is still on its way."""


def opened(
    key: str,
    generation: int,
    request: RetrievalRequest,
    account_id: str,
    foreign: bool,
    claim: str,
    now_ms: int,
) -> Retrieval:
    """The first record of a retrieval: claimed at once, or waiting for top_up where it is Expedited."""
    job = request.job_parameters
    what: dict[str, Any] = {"description": job.Description}
    if isinstance(job, ArchiveRetrieval):
        what |= {"archive_id": job.ArchiveId, "byte_range": request.byte_range}
        what |= {"archive_size_in_bytes": request.archive_size_in_bytes, "bytes": requested_bytes(request)}
    else:
        what |= {"inventory": InventoryParameters.model_validate(inventory_of(request))}
    waits = Retrieval(
        id=item_id(key),
        kind="retrieval",
        generation=generation,
        revision=1,
        sequence=1,
        state=State.WAITING,
        tier=request.tier,
        requests={request.request_id: asker_of(request, since=1)},
        attempt=0,
        opened_at=now_ms,
        account_id=account_id,
        foreign=foreign,
        vault_name=request.vault_name,
        due_in=EXPEDITED_BACKLOG,
        due_at=now_ms,
        waiting_since=now_ms,
        **what,
    )
    if waits.needs_release:
        return waits
    claimed = {"state": State.INITIATING, "attempt": 1, "claimed_at": 1, **claim_fields(key, claim, now_ms)}
    return waits.model_copy(update=claimed)


def taking_over(new: Retrieval, ended: Retrieval, now_ms: int) -> Retrieval:
    """The next generation of a retrieval as it is opened, with the jobs that the one before left and that may still
    serve; and with its last claim, where an older job served before anybody knew what came of that.

    It is looked at at once, also where a faster job is wanted: nobody has asked for those that are left since.
    """
    jobs = {name: job for name, job in ended.jobs.items() if _may_serve(job, ended.is_inventory, now_ms)}
    doubt = ended.doubt
    if doubt is not None and now_ms >= serves_until_ms(doubt.claim_until, doubt.tier):
        doubt = None
    if not jobs and doubt is None:
        return new
    due = {"due_in": shard(new.key), "due_at": new.opened_at, "attempt": ended.attempt, "taken_over": ended.attempt}
    took = new.model_copy(update={**NOT_WAITING, **NO_CLAIM, **due, "jobs": jobs})
    if doubt is None:
        return took.model_copy(update={"state": State.IN_PROGRESS, "tier": live_tier(took)})
    claimed = claim_fields(new.key, _TAKEN_OVER, doubt.claim_until - bounds.CLAIM_SECONDS * 1000)
    in_doubt = {"state": State.INITIATING, "tier": doubt.tier, "claimed_at": 1, "doubt": doubt}
    return took.model_copy(update={**claimed, **in_doubt})


def _may_serve(job: StartedJob, is_inventory: bool, now_ms: int) -> bool:
    """Whether a job that nobody waited for may have an output that serves who asks now."""
    if job.ended_at is None:
        return now_ms < serves_until_ms(job.started_at, job.tier)
    return not job.failed and not is_inventory and is_worth_joining(output_until_ms(job.ended_at), now_ms)


def join(record: Retrieval, request: RetrievalRequest, now_ms: int, remembered_until: int = 0) -> Retrieval | Join:
    """The record after it took the request in; or why it does not.

    A record that waits takes the faster of the two tiers; one in progress at a slower tier gets a further attempt.

    Args:
        remembered_until: when the request's own record expires, in epoch seconds.
    """
    if request.request_id in record.requests:
        return Join.OVER if _ended_before(record, remembered_until) else Join.ALREADY
    if not record.is_open and not _worth_joining(record, now_ms):
        return Join.OVER
    if is_full(record):
        return Join.FULL
    asker = asker_of(request, since=record.revision + 1, pages_before=len(record.pages))
    requests = {**record.requests, request.request_id: asker}
    known = {"requests": requests, **_sizes(record, request)}
    if record.state is State.WAITING and faster(asker.tier, record.tier):
        return _for_tier(record, asker.tier, now_ms, **known)
    joined = record.model_copy(update=known)
    if record.state is State.IN_PROGRESS and wants_faster(joined) and not _has_to_wait(record, asker.tier):
        return wait(record, now_ms, now_ms, tier=joined.wanted_tier(), **known)
    return record.changed(**known)


def is_full(record: Retrieval) -> bool:
    """Whether it takes no further request; it stays so, since none ever leaves it."""
    return len(record.requests) >= bounds.REQUESTS_AT_MOST


def _ended_before(record: Retrieval, remembered_until: int) -> bool:
    """Whether the retrieval had ended, days ago, when a request came that is remembered so long: one of the same id in
    the record is an earlier one, which is forgotten. A record outlives all that is remembered of its own requests."""
    return record.expires_at is not None and record.expires_at < remembered_until


def _has_to_wait(running: Retrieval, tier: Tier) -> bool:
    """Whether a further attempt is made when its jobs were looked at, no sooner: one at least as fast is to be made
    then; or nobody has looked at those that were taken over yet, which may have an output already."""
    is_to_be_made = wants_faster(running) and not faster(tier, running.wanted_tier())
    return is_to_be_made or running.due_at == running.opened_at


def _worth_joining(record: Retrieval, now_ms: int) -> bool:
    if record.state is not State.SUCCEEDED or record.is_inventory:
        return False
    return is_worth_joining(record.output_available_until or 0, now_ms)


def _sizes(record: Retrieval, request: RetrievalRequest) -> dict[str, Any]:
    """What a later request knows of the archive that the record does not: for the plan of the units. The archive's size
    is told in events, and what was told stays as it is."""
    if not record.is_open or record.bytes is not None:
        return {}
    return {"bytes": requested_bytes(request)}


def _for_tier(record: Retrieval, tier: Tier, now_ms: int, **changes: Any) -> Retrieval:
    """It waits for another tier: anew where top_up releases either; else as long as before, and told where that was."""
    other = record.model_copy(update={"tier": tier})
    if record.needs_release or other.needs_release:
        return wait(record, now_ms, now_ms, tier=tier, **changes)
    return record.changed(told=record.reason is not None, tier=tier, **changes)


def cancel(record: Retrieval, request_id: str, now_ms: int, remembered_until: int = 0) -> Retrieval | None:
    """The record without a request that has not started; None where that was done before.

    Args:
        remembered_until: as of `join`.

    Raises:
        CancelRefused: its job was started, or is being started, or it has ended.
        NotJoinedYet: the record does not have the request.
    """
    asker = record.requests.get(request_id)
    if asker is None or _ended_before(record, remembered_until):
        raise NotJoinedYet(request_id)
    if asker.cancelled:
        return None
    if not _has_not_started(record, asker):
        raise CancelRefused(*_why_not(record, asker))
    gone = asker.model_copy(update={"cancelled": True, "since": record.revision + 1})
    left = record.model_copy(update={"requests": {**record.requests, request_id: gone}})
    if not left.waiting_requests():
        ended = {**ENDED, "requests": left.requests, "expires_at": expires_after_end(now_ms)}
        return record.changed(to=State.CANCELLED, **ended)
    return _without_its_tier(left, now_ms)


def _has_not_started(record: Retrieval, asker: Asker) -> bool:
    live = live_tier(record)
    return record.state is State.WAITING and (live is None or faster(asker.tier, live))


def _why_not(record: Retrieval, asker: Asker) -> tuple[str, str]:
    if asker.follow and record.has_further_page:
        message = "Its first page has been retrieved. The pages that follow can't be taken back."
        return "AlreadyStarted", message
    if not record.is_open:
        return "AlreadyEnded", f"The retrieval has ended: {record.state}."
    return "AlreadyStarted", "Its job has been started, or is being started, and Glacier can't stop it."


def _without_its_tier(left: Retrieval, now_ms: int) -> Retrieval:
    """The others go on, at another tier where none of them asks for the one it waited for."""
    wanted = left.wanted_tier()
    if left.jobs and not wants_faster(left):
        return in_progress(left, now_ms, tier=live_tier(left))
    if any(asker.tier is left.tier for asker in left.waiting_requests().values()):
        return left.changed()
    return _for_tier(left, wanted, now_ms)


def next_page(namespace: str, ended: Retrieval, now_ms: int) -> Retrieval | None:
    """The retrieval of an inventory's following page, or None where there is none to follow, or nobody wants it."""
    followers = ended.followers()
    if not followers or not ended.has_further_page:
        return None
    assert ended.inventory is not None
    assert ended.job_id is not None
    key = page_key(namespace, ended.job_id)
    requests = {name: _for_next_page(asker) for name, asker in followers.items()}
    return Retrieval(
        id=item_id(key),
        kind="retrieval",
        generation=1,
        revision=1,
        sequence=1,
        state=State.WAITING,
        tier=fastest([asker.tier for asker in requests.values()]),
        requests=requests,
        attempt=0,
        opened_at=now_ms,
        account_id=ended.account_id,
        foreign=ended.foreign,
        vault_name=ended.vault_name,
        inventory=ended.inventory.model_copy(update={"marker": ended.next_marker}),
        page=ended.page + 1,
        pages=[*ended.pages, ended.job_id],
        description=ended.description,
        due_in=shard(key),
        due_at=now_ms,
        waiting_since=now_ms,
    )


def _for_next_page(asker: Asker) -> Asker:
    return asker.model_copy(update={"since": 1, "tier": asker.asked or asker.tier, "asked": None})
