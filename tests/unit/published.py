"""The published schemas, as a user would check with them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from thaw.events import Event

DOCS = Path(__file__).parents[2] / "docs"


@cache
def schema(name: str) -> dict[str, Any]:
    """A schema as it is published."""
    loaded: dict[str, Any] = json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return loaded


@cache
def requests() -> Draft202012Validator:
    """Checks messages of the request queue."""
    return Draft202012Validator(schema("request"))


@cache
def _details() -> dict[str, Draft202012Validator]:
    events = schema("events")
    shapes = {each["title"]: each["properties"]["detail"] for each in events["oneOf"]}
    return {title: Draft202012Validator({**shape, "$defs": events["$defs"]}) for title, shape in shapes.items()}


def check_event(event: Event) -> None:
    """Raises jsonschema's ValidationError for a detail that its schema does not have."""
    _details()[event.detail_type].validate(json.loads(json.dumps(event.detail)))
