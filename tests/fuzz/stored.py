"""Records as they may stand in the table, and so in its stream: what fits their models, and may make no sense."""

from typing import Any

from boto3.dynamodb.types import TypeSerializer

from tests.fuzz.from_schema import documents
from thaw.capacity import Capacity
from thaw.records import ListingRecord, RejectionRecord, RequestRecord
from thaw.retrieval import Retrieval, Stored

_MODELS: dict[str, type[Stored]] = {
    "retrieval": Retrieval,
    "past": Retrieval,
    "request": RequestRecord,
    "rejection": RejectionRecord,
    "listing": ListingRecord,
    "capacity": Capacity,
}
FITTING = {kind: documents(model.model_json_schema(by_alias=True)) for kind, model in _MODELS.items()}
"""By kind, documents that fit."""


def typed(item: dict[str, Any]) -> dict[str, Any]:
    """As DynamoDB has it."""
    return {name: TypeSerializer().serialize(value) for name, value in _storable(item).items()}


def _storable(value: Any) -> Any:
    """The value without names that are empty, which no attribute may have, and with numbers that fit."""
    if isinstance(value, dict):
        return {name: _storable(inner) for name, inner in value.items() if name}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    if isinstance(value, float) or (type(value) is int and abs(value) >= 10**30):
        return str(value)
    return value
