"""The table's small records beside a retrieval's: a request's, a rejected message's, and how far a listing came."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from thaw import bounds
from thaw.request import Rejected, RetrievalRequest
from thaw.retrieval import KEY_PATTERN, Count, Number, Retrieval, Stored, asker_of, expires_after_end, key_of_part


class RequestRecord(Stored):
    """That a request id was seen, with which contents, and where it went.

    A request is in the record of `key`, or in none yet; `done` says that this record was succeeded by a later
    generation, so that a late repeat of the request does not join that one.
    """

    id: str
    kind: Literal["request"] = "request"
    contents: str | None = None
    """The digest of its contents; None where only a cancellation of it has been seen."""
    key: Annotated[str, Field(pattern=KEY_PATTERN)] | None = None
    ordinal: Count = 0
    """Of that record: it never goes back to one that it was led on from."""
    done: bool = False
    generation: Number | None = None
    """Of the record that it was in, once it is done: what became of the request stands there."""
    cancelled: bool = False
    """Taken back before it arrived."""
    context: str | None = None
    """Kept of a request only that arrived after it had been taken back."""
    expires_at: Number

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.key is None and not self.cancelled:
            raise ValueError("leads to no record, and was not taken back")
        return self

    def item(self) -> dict[str, object]:
        return {**super().item(), "kind": self.kind}

    @property
    def request_id(self) -> str:
        return self.id.removeprefix("request/")


class RejectedField(Stored):
    """One thing that was wrong with a message."""

    field: str
    message: str


class RejectionRecord(Stored):
    """A message that was no valid request, so that its rejection is published like all else."""

    id: str
    kind: Literal["rejection"] = "rejection"
    request_id: str | None = None
    code: str
    message: str
    errors: list[RejectedField]
    context: str | None = None
    expires_at: Number

    def item(self) -> dict[str, object]:
        return {**super().item(), "kind": self.kind}

    @property
    def message_id(self) -> str:
        return self.id.removeprefix("message/")


class ListingRecord(Stored):
    """How far a listing of a vault's jobs came that takes more than one run of reconcile; it is told to nobody."""

    id: str
    kind: Literal["listing"] = "listing"
    began_at: Number
    marker: str | None = None
    """Where it goes on; None where the next one begins anew."""
    sought: tuple[str, ...] = ()
    """The tags of the claims for which every page so far was searched, and that none has shown."""
    expires_at: Number

    def item(self) -> dict[str, object]:
        return {**super().item(), "kind": self.kind}


class PageRecord(Stored):
    """Where a page of an inventory that is followed is found by who asks for it by its Marker; it is told to nobody."""

    id: str
    kind: Literal["page"] = "page"
    key: Annotated[str, Field(pattern=KEY_PATTERN)]
    """Of the newest retrieval of it."""
    expires_at: Number

    def item(self) -> dict[str, object]:
        return {**super().item(), "kind": self.kind}


def page_found(namespace: str, page: Retrieval) -> PageRecord:
    """The record that leads to a followed page which is opened now."""
    expires_at = expires_after_end(page.opened_at)
    return PageRecord(id=item_id_of_page(key_of_part(namespace, page)), key=page.key, expires_at=expires_at)


def listing_begun(claims: Sequence[Retrieval], now_ms: int) -> ListingRecord:
    """The record of a listing that begins now, for these claims of one vault."""
    item = f"listing/{claims[0].account_id}/{claims[0].vault_name}"
    expires_at = now_ms // 1000 + 2 * bounds.LISTING_CARRIED_ON_SECONDS
    sought = tuple(sorted(claim.tag.describe(None) for claim in claims))
    return ListingRecord(id=item, began_at=now_ms, sought=sought, expires_at=expires_at)


def item_id_of_page(key: str) -> str:
    """Where it stands to which retrieval a request with a Marker goes, by the request's own key."""
    return f"page/{key}"


def request_id_of_item(request_id: str) -> str:
    """Where a request's record is stored."""
    return f"request/{request_id}"


def item_id_of_message(message_id: str) -> str:
    """Where a rejected message's record is stored."""
    return f"message/{message_id}"


def _expires(now_ms: int) -> int:
    return now_ms // 1000 + bounds.REQUEST_KEPT_SECONDS


def remembered(request: RetrievalRequest, key: str, now_ms: int) -> RequestRecord:
    """The record of a request that arrived."""
    item = request_id_of_item(request.request_id)
    return RequestRecord(id=item, contents=request.digest(), key=key, expires_at=_expires(now_ms))


def taken_back(request_id: str, now_ms: int) -> RequestRecord:
    """The record of a request that was cancelled before it arrived: should it come, it is not started."""
    return RequestRecord(id=request_id_of_item(request_id), cancelled=True, expires_at=_expires(now_ms))


def arrived_late(request: RetrievalRequest, known: RequestRecord) -> RequestRecord:
    """The record of a request that arrived after it had been taken back: it is not started."""
    context = asker_of(request, since=1).context
    return known.model_copy(update={"contents": request.digest(), "context": context})


def rejection(message_id: str, rejected: Rejected, now_ms: int) -> RejectionRecord:
    """The record of a rejected message."""
    return RejectionRecord(
        id=item_id_of_message(message_id),
        request_id=rejected.request_id,
        code=rejected.code,
        message=rejected.message,
        errors=[RejectedField.model_validate(error) for error in rejected.errors],
        context=rejected.context,
        expires_at=_expires(now_ms),
    )
