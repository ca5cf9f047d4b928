"""The record of a retrieval: exactly these bytes of this archive, or this part of a vault's inventory.

One item of the table. Attribute names are the fields' names in camelCase; times of ours are epoch milliseconds, times
of Glacier's are its own strings. What is None, empty or zero is not stored.
"""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from thaw import bounds
from thaw.byte_range import ByteRange
from thaw.description import Tag
from thaw.request import VAULT_NAME_PATTERN, ArchiveRetrieval, RetrievalRequest, context_text
from thaw.states import OPEN, State, check_move
from thaw.tiers import Tier, fastest

SHARDS = 4
"""Over so many partitions of the due index the open retrievals are spread."""

EXPEDITED_BACKLOG = "Expedited"
"""The partition of the due index that holds what waits for top_up to release it."""

KEY_PATTERN = r"^[0-9a-f]{32}$"
"""What `key_for` gives."""

SLOT_UNIT = "unit"
SLOT_ON_DEMAND = "onDemand"


class Stored(BaseModel):
    """Whatever is stored in the table, or within an item of it."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore", hide_input_in_errors=True
    )

    def item(self) -> dict[str, Any]:
        """The attributes as they are stored."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _no_text(value: Any) -> Any:
    if isinstance(value, str | bool):
        raise ValueError("must be a number")
    return value


NUMBER_AT_MOST = 2**53

Number = Annotated[int, BeforeValidator(_no_text), Field(ge=-NUMBER_AT_MOST, le=NUMBER_AT_MOST)]
"""One stored as text is none: conditions of writes would find it equal to no number. Nor is one that JSON can't tell
exactly: none of ours is, and as a time it raises what a bad value does not."""
Count = Annotated[Number, Field(ge=0)]
JobId = Annotated[str, Field(pattern=r"^\.*[^.][\s\S]*$")]
"""One that is empty, or all dots, would be no part of a path: DescribeJob would ask for the vault's jobs."""


class Asker(Stored):
    """A request that shares a retrieval, under its request id."""

    tier: Tier
    since: Number
    """The revision of the record with which it joined."""
    fallback: Tier | None = None
    asked: Tier | None = None
    """The tier that it asked for, where it takes a slower one because the job at that tier failed."""
    follow: bool = False
    """Whether it wants the inventory's further pages as well."""
    pages_before: Count = 0
    """So many of the record's pages lie before the one that it asked for."""
    context: str | None = None
    cancelled: bool = False


class StartedJob(Stored):
    """A job of Glacier's that has not been seen to end, under its attempt."""

    job_id: JobId
    tier: Tier
    started_at: Number
    ended_at: Number | None = None
    """When it ended, where that was heard once nobody waited for it any more."""
    failed: bool = False
    """Whether it ended so."""


class Doubt(Stored):
    """Whether the job of a claim was started, which nobody knew when an older job served."""

    tier: Tier
    claim_until: Number
    generation: Number
    """Which made the claim: its job would have that in its tag."""


class Reason(Stored):
    """Why a retrieval waits or failed: Glacier's code and message where it gave one."""

    code: str
    message: str


class InventoryParameters(Stored):
    """Glacier's InventoryRetrievalParameters, and the format."""

    format: str = "JSON"
    start_date: str | None = None
    end_date: str | None = None
    limit: str | None = None
    marker: str | None = None


class Retrieval(Stored):
    """See the module. `state` moves only as `states.MOVES` says; every write adds one to `revision`."""

    id: str
    kind: Literal["retrieval", "past"]
    generation: Number
    revision: Number
    sequence: Number
    """The revision of the last change that is told by an event."""
    state: State
    tier: Tier
    """Asked for now: that of the next attempt, or of the job that served."""
    requests: dict[str, Asker]
    attempt: Number
    """How often a job was claimed; the number of the newest claim."""
    taken_over: Count = 0
    """Up to this one attempts are of the retrieval of the same bytes before it, which left their jobs to this one."""
    opened_at: Number
    further: Count = 0
    """Where the record of ordinal 0 is full: the ordinal at which those who came later found room, as last noted."""

    account_id: str
    """The vault's owner, 12 digits."""
    foreign: bool = False
    """Whether the vault is another account's: no unit of ours serves it."""
    vault_name: Annotated[str, Field(pattern=VAULT_NAME_PATTERN)]
    archive_id: str | None = None
    byte_range: str | None = None
    archive_size_in_bytes: Number | None = None
    bytes: Number | None = None
    """How much is retrieved, as far as the request tells."""
    inventory: InventoryParameters | None = None
    page: Number = 1
    pages: list[str] = []
    """The jobs of an inventory's earlier pages."""
    description: str | None = None

    due_in: str | None = None
    due_at: Number | None = None
    waiting_since: Number | None = None
    expected_at: Number | None = None
    """Until when it waits, as it was last told, where `due_at` is another time."""
    slot: str | None = None
    """How top_up released an Expedited retrieval."""
    claim: str | None = None
    claim_until: Number | None = None
    claimed_at: Number | None = None
    """The revision of the claim: who joined later came while the attempt was under way."""
    jobs: dict[Annotated[str, Field(pattern=r"^[0-9]{1,9}$")], StartedJob] = {}
    """While it is open these may still serve; once it has ended nobody waits for those that are left."""
    doubt: Doubt | None = None
    """Of the newest attempt, once it has ended; or of the claim that it took over."""
    over: list[str] = []
    """Jobs that ended without serving: failed, or vanished."""
    delays: Count = 0
    lost: Count = 0
    denied_since: Number | None = None
    """Since when Glacier denies to start its job."""
    unseen_since: Number | None = None
    """Since when Glacier denies to tell of its jobs."""
    reason: Reason | None = None

    job_id: JobId | None = None
    served_by: Number | None = None
    """The attempt whose job served."""
    created: str | None = None
    completed: str | None = None
    sha256_tree_hash: str | None = None
    archive_sha256_tree_hash: str | None = None
    inventory_size_in_bytes: Number | None = None
    next_marker: str | None = None
    output_available_until: Number | None = None
    duplicates: dict[str, Number] = {}
    """Jobs that should not be, by their ids: the revision of the record that told of each."""
    expires_at: Number | None = None
    """Epoch seconds, as DynamoDB's time to live wants them."""

    @model_validator(mode="before")
    @classmethod
    def _followed_by_each(cls, stored: Any) -> Any:
        """As it was stored while an inventory was followed for all of its requests, or for none."""
        if not isinstance(stored, dict) or stored.get("followPages") is not True:
            return stored
        requests = stored.get("requests")
        if not isinstance(requests, dict) or not all(isinstance(asker, dict) for asker in requests.values()):
            return stored
        return {**stored, "requests": {name: {**asker, "follow": True} for name, asker in requests.items()}}

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.state is State.WAITING and (self.waiting_since is None or self.due_at is None):
            raise ValueError("waits, and does not say since when, or until when")
        if self.state is State.IN_PROGRESS and not self.jobs:
            raise ValueError("is in progress, and names no job")
        return self

    @property
    def key(self) -> str:
        return key_of(self.id)

    @property
    def retrieval_id(self) -> str:
        return f"{self.key}-{self.generation}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_inventory(self) -> bool:
        return self.inventory is not None

    def page_of(self, request_id: str) -> int:
        """Which page of an inventory it is to a request, which may have asked from a later one on."""
        return self.page - self.requests[request_id].pages_before

    @property
    def has_further_page(self) -> bool:
        """Whether an inventory goes on with a page that is retrieved for who wants it."""
        return self.next_marker is not None and self.page < bounds.PAGES_AT_MOST

    @property
    def action(self) -> str:
        return "InventoryRetrieval" if self.is_inventory else "ArchiveRetrieval"

    @property
    def tag(self) -> Tag:
        """For the description of the newest attempt's job."""
        return self.tag_of(self.attempt)

    def took_over(self, attempt: int) -> bool:
        """Whether the job of an attempt was started for the retrieval of the same bytes before it."""
        return 1 <= attempt <= self.taken_over

    def tag_of(self, attempt: int) -> Tag:
        """For the description of an attempt's job; that of a claim that was taken over is another retrieval's."""
        taken_over = self.doubt is not None and self.took_over(attempt) and attempt == self.attempt
        return Tag(self.key, self.doubt.generation if self.doubt and taken_over else self.generation, attempt)

    @property
    def needs_release(self) -> bool:
        """Whether top_up has to release it before its next attempt."""
        return self.tier is Tier.EXPEDITED and not self.foreign

    @property
    def newest_job(self) -> tuple[int, StartedJob] | None:
        """Of the jobs that have not been seen to end that of the latest attempt, and the attempt."""
        newest = max(self.jobs, key=int, default=None)
        return (int(newest), self.jobs[newest]) if newest is not None else None

    def waiting_requests(self) -> dict[str, Asker]:
        """The requests that still want the output."""
        return {name: asker for name, asker in self.requests.items() if not asker.cancelled}

    def followers(self) -> dict[str, Asker]:
        """Those of them that want the inventory's further pages as well."""
        return {name: asker for name, asker in self.waiting_requests().items() if asker.follow}

    def wanted_tier(self) -> Tier:
        """The fastest tier that anyone asks for."""
        return fastest([asker.tier for asker in self.waiting_requests().values()] or [self.tier])

    def with_duplicates(self, *job_ids: str) -> dict[str, int]:
        """The duplicates once the next write has told of these jobs, too."""
        return dict.fromkeys(job_ids, self.revision + 1) | self.duplicates

    def changed(self, *, to: State | None = None, told: bool = False, **changes: Any) -> Self:
        """The record after one write: moved as the table of states allows, one revision on.

        Args:
            to: the new state; None stays.
            told: whether the change is told to every request by an event.
        """
        state = to or self.state
        check_move(self.state, state)
        revision = self.revision + 1
        sequence = revision if told else self.sequence
        return self.model_copy(update={"state": state, "revision": revision, "sequence": sequence, **changes})


NOT_WAITING: dict[str, Any] = {"waiting_since": None, "expected_at": None, "slot": None, "reason": None}
NO_CLAIM: dict[str, Any] = {"claim": None, "claim_until": None, "claimed_at": None}
ENDED: dict[str, Any] = {"due_in": None, "due_at": None, **NOT_WAITING, **NO_CLAIM}
"""What no record carries any more once it is terminal (a failure sets its own reason)."""


def item_id(key: str) -> str:
    """Where the current record of these bytes is stored."""
    return f"retrieval/{key}"


def past_id(key: str, generation: int) -> str:
    """Where an earlier record of these bytes is kept after a later one has been opened."""
    return f"retrieval/{key}/{generation}"


def key_of(item: str) -> str:
    """The key within either."""
    return item.split("/")[1]


def shard(key: str) -> str:
    """The partition of the due index for a retrieval that is not in the Expedited backlog."""
    return str(int(key[:8], 16) % SHARDS)


def key_for(namespace: str, request: RetrievalRequest, account_id: str, ordinal: int = 0) -> str:
    """Names exactly the bytes that a request asks for; requests with the same key share a job. Whether further pages
    are to follow makes no other bytes of the first.

    Args:
        namespace: of this deployment, so that two of them never take each other's jobs for their own.
        account_id: the vault's owner, 12 digits.
        ordinal: 0, and one more whenever a record has taken all the requests it can.
    """
    job = request.job_parameters
    what: dict[str, Any] = {"inventory": inventory_of(request)}
    if isinstance(job, ArchiveRetrieval):
        what = {"archive": job.ArchiveId, "range": request.byte_range}
    return _digest(namespace, {"account": account_id, "vault": request.vault_name, "ordinal": ordinal, **what})


def key_of_part(namespace: str, record: Retrieval) -> str:
    """The key of a request for the part of an inventory that a record is for, as of `key_for`."""
    assert record.inventory is not None
    part = record.inventory.model_dump(exclude_none=True)
    where = {"account": record.account_id, "vault": record.vault_name, "ordinal": 0}
    return _digest(namespace, {**where, "inventory": part})


def page_key(namespace: str, job_id: str) -> str:
    """The key of the page that follows the one that a job retrieved.

    A job's id is of one page for ever. The retrieval's own is not: once its record has expired, the same request makes
    the same id again, and the following page's record may still be there.
    """
    return _digest(namespace, {"follows": job_id})


def _digest(namespace: str, what: dict[str, Any]) -> str:
    text = json.dumps([namespace, what], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def inventory_of(request: RetrievalRequest) -> dict[str, Any] | None:
    """The stored form of what an inventory request asks for."""
    job = request.job_parameters
    if isinstance(job, ArchiveRetrieval):
        return None
    part = job.InventoryRetrievalParameters
    names = {"StartDate": "start_date", "EndDate": "end_date", "Limit": "limit", "Marker": "marker"}
    given = part.model_dump(exclude_none=True) if part else {}
    chosen = {names[name]: value for name, value in given.items()}
    return {"format": job.Format, **chosen}


def requested_bytes(request: RetrievalRequest) -> int | None:
    """How many bytes the request would retrieve, or None where it does not say."""
    job = request.job_parameters
    if isinstance(job, ArchiveRetrieval) and job.RetrievalByteRange:
        return ByteRange.parse(job.RetrievalByteRange).size_bytes
    return request.archive_size_in_bytes


def asker_of(request: RetrievalRequest, since: int, pages_before: int = 0) -> Asker:
    """The request as it stands in the record it joins with revision `since`."""
    return Asker(
        tier=request.tier,
        since=since,
        fallback=Tier(request.expedited_fallback) if request.expedited_fallback else None,
        follow=request.follow_pages,
        pages_before=pages_before,
        context=context_text(request.context) if request.context is not None else None,
    )


def expires_after_end(now_ms: int) -> int:
    """The time to live, in epoch seconds, of a record that ends now."""
    return now_ms // 1000 + bounds.RETRIEVAL_KEPT_SECONDS
