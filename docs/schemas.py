"""Writes the published JSON Schemas, docs/request.schema.json and docs/events.schema.json, from the code's models.

Run as `python docs/schemas.py`. A test compares the files with what this makes.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "functions"))

from thaw.description import USER_LIMIT_BYTES  # noqa: E402
from thaw.event_details import DETAIL_MODELS, SOURCE  # noqa: E402
from thaw.request import CONTEXT_AT_MOST_BYTES, CONTEXT_AT_MOST_LEVELS, Message  # noqa: E402

DIALECT = GenerateJsonSchema.schema_dialect

CHECKED_BY_CODE_ONLY = (
    "expeditedFallback goes with Tier Expedited only.",
    "followPages goes with inventory-retrieval only, archiveSizeInBytes with archive-retrieval only.",
    "RetrievalByteRange starts at a multiple of 1 MiB and does not end before its start; where archiveSizeInBytes is "
    "given, it ends with the archive or just before a multiple of 1 MiB, and not beyond the archive.",
    "StartDate and EndDate are ISO 8601 times with a zone, and StartDate is before EndDate.",
    f"context has at most {CONTEXT_AT_MOST_BYTES} bytes as compact JSON in UTF-8, in {CONTEXT_AT_MOST_LEVELS} levels.",
    "archiveSizeInBytes is written without a fraction: 1024, not 1024.0.",
    "A request id is not used again with other contents.",
)
"""What a message must keep to beside the schema."""


class _Published(GenerateJsonSchema):
    """Titles for models only: a field's name says as much; and what is always told is required."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        with_default = super().default_schema(schema)
        if self.mode == "serialization" or schema.get("default", ...) is None:
            with_default.pop("default", None)
        return with_default


def request_schema() -> dict[str, Any]:
    """The schema of a message of the request queue."""
    made = TypeAdapter[Any](Message).json_schema(schema_generator=_Published, by_alias=True, mode="validation")
    rules = "\n".join(f"- {rule}" for rule in CHECKED_BY_CODE_ONLY)
    return {
        "$schema": DIALECT,
        "title": "A message of Thaw's request queue",
        "description": "Asks for a retrieval, or takes a request back. Thaw also checks what a schema can't say:\n"
        f"{rules}\nA Description has at most {USER_LIMIT_BYTES} characters: Thaw's own tag takes the rest of "
        "Glacier's limit.",
        **made,
    }


def events_schema() -> dict[str, Any]:
    """The schema of Thaw's events as a rule's target receives them: the part of the envelope that is Thaw's, and
    the `detail` by its detail type."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "serialization") for model in dict.fromkeys(DETAIL_MODELS.values())
    ]
    refs, definitions = _Published(by_alias=True).generate_definitions(
        [(model, mode, model.__pydantic_core_schema__) for model, mode in models]
    )
    return {
        "$schema": DIALECT,
        "title": "Thaw's events",
        "description": "Each event on Thaw's bus has one of these shapes; EventBridge adds its own fields "
        "(id, time, account, ...) to the envelope. Every field of a detail is always there, null where it does not "
        "apply.",
        "oneOf": [_envelope(name, refs[model, "serialization"]) for name, model in DETAIL_MODELS.items()],
        "$defs": definitions,
    }


def _envelope(detail_type: str, detail: JsonSchemaValue) -> dict[str, Any]:
    return {
        "title": detail_type,
        "type": "object",
        "properties": {
            "source": {"const": SOURCE},
            "detail-type": {"const": detail_type},
            "detail": detail,
        },
        "required": ["source", "detail-type", "detail"],
    }


def as_text(schema: dict[str, Any]) -> str:
    """The schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


FILES = {"request.schema.json": request_schema, "events.schema.json": events_schema}


def main() -> None:
    for name, made in FILES.items():
        (DOCS / name).write_text(as_text(made()), encoding="utf-8")


if __name__ == "__main__":
    main()
