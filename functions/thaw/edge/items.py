"""Items of the table as DynamoDB wants them, and the expression of an update."""

from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from thaw.retrieval import Retrieval

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def to_wire(item: dict[str, Any]) -> dict[str, Any]:
    """Attributes in DynamoDB's typed form."""
    return {name: _serializer.serialize(value) for name, value in item.items()}


def from_wire(item: dict[str, Any]) -> dict[str, Any]:
    """Attributes out of DynamoDB's typed form."""
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


def update_of(
    fields: dict[str, Any], *, counters: tuple[str, ...], revisions: tuple[str, ...] = ()
) -> tuple[dict[str, str], dict[str, Any], str]:
    """Names, values and expression of an update that sets the fields, removes those that are None, counts on, and sets
    some to the revision that it makes."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {":one": 1} if counters else {}
    sets = [f"{counter} = {counter} + :one" for counter in counters]
    for attribute in map(_attribute, revisions):
        names[f"#{attribute}"] = attribute
        sets.append(f"#{attribute} = revision + :one")
    removes = []
    for field, value in fields.items():
        attribute = _attribute(field)
        names[f"#{attribute}"] = attribute
        if value is None:
            removes.append(f"#{attribute}")
        else:
            values[f":set_{attribute}"] = value
            sets.append(f"#{attribute} = :set_{attribute}")
    expression = "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(removes) if removes else "")
    return names, values, expression


def _attribute(field: str) -> str:
    return Retrieval.model_fields[field].alias or field if field in Retrieval.model_fields else field
