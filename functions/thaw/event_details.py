"""The contract of the events: each detail type, and the fields of its `detail`.

The published JSON Schema (docs/events.schema.json) is made from these models.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

SOURCE = "thaw"

INITIATED = "Retrieval Initiated"
DELAYED = "Retrieval Delayed"
SUCCEEDED = "Retrieval Succeeded"
FAILED = "Retrieval Failed"
CANCELLED = "Retrieval Cancelled"
REJECTED = "Request Rejected"
LISTED = "Inventory Listed"
PURCHASED = "Capacity Purchased"
SHORT = "Capacity Short"
DUPLICATE = "Duplicate Job"


class _Told(BaseModel):
    """Every field is in every event of its kind; null where it does not apply."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")

    event_id: str = Field(description="The same for a repeat of the event, and for no other.")
    sequence: int = Field(description="Grows with the changes of one retrieval; compare it only within a retrievalId.")


class WrongField(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = Field(description="Its path in the message; empty for the message as a whole.")
    message: str


class ReasonTold(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(description="Glacier's error code, or one of Thaw's own.")
    message: str
    errors: list[WrongField] | None = Field(default=None, description="For a rejection: field by field.")


class InventoryTold(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    format: str
    start_date: str | None
    end_date: str | None
    limit: str | None
    marker: str | None
    page: int
    next_marker: str | None


class RetrievalEvent(_Told):
    """Of one request: initiated, delayed, succeeded, failed or cancelled."""

    request_id: str
    retrieval_id: str | None = None
    account_id: str | None = None
    vault_name: str | None = None
    job_id: str | None = None
    action: str | None = None
    archive_id: str | None = None
    byte_range: str | None = None
    inventory: InventoryTold | None = None
    tier: str | None = None
    attempt: int | None = None
    archive_size_in_bytes: int | None = None
    inventory_size_in_bytes: int | None = None
    sha256_tree_hash: str | None = Field(default=None, alias="sha256TreeHash")
    archive_sha256_tree_hash: str | None = Field(default=None, alias="archiveSha256TreeHash")
    tree_hash_aligned: bool | None = Field(default=None, description="False: Glacier gives no hash for this range.")
    initiated_at: str | None = Field(
        default=None, description="While in progress by Thaw's clock, at the end by Glacier's own."
    )
    completed_at: str | None = None
    output_available_until: str | None = None
    delayed_until: str | None = None
    reason: ReasonTold | None = None
    context: dict[str, Any] | None = None


class RequestRejectedEvent(_Told):
    """Of one message. With RequestIdReused, AlreadyStarted and AlreadyEnded the request of that id goes on."""

    request_id: str | None
    message_id: str
    reason: ReasonTold
    context: dict[str, Any] | None = None


class InventoryListedEvent(_Told):
    """All pages of an inventory are there: their jobs, in order."""

    request_id: str
    retrieval_id: str
    account_id: str
    vault_name: str
    job_ids: list[str]
    next_marker: str | None = Field(description="Not null only where there are more pages than Thaw follows at once.")
    context: dict[str, Any] | None = None


class CapacityPurchasedEvent(_Told):
    capacity_id: str
    start_date: str
    expiration_date: str
    reason: ReasonTold | None = Field(
        default=None, description="Not null only where the purchase had no reply, and the list of units settled it."
    )


class CapacityShortEvent(_Told):
    units: int
    units_wanted: int
    max_units: int
    retrievals_waiting: int
    reason: ReasonTold


class DuplicateJobEvent(_Told):
    """Glacier has a job more than was needed, and may charge it."""

    retrieval_id: str
    account_id: str
    vault_name: str
    job_id: str


DETAIL_MODELS: dict[str, type[_Told]] = {
    INITIATED: RetrievalEvent,
    DELAYED: RetrievalEvent,
    SUCCEEDED: RetrievalEvent,
    FAILED: RetrievalEvent,
    CANCELLED: RetrievalEvent,
    REJECTED: RequestRejectedEvent,
    LISTED: InventoryListedEvent,
    PURCHASED: CapacityPurchasedEvent,
    SHORT: CapacityShortEvent,
    DUPLICATE: DuplicateJobEvent,
}
