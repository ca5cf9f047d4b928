"""JSON documents that fit a schema, drawn by Hypothesis: of the keywords that our own schemas use, and no others.

Our own are the published ones, those that pydantic makes of the stored models, and what AWS has of Glacier's shapes.
"""

from functools import cache
from typing import Any

from hypothesis import strategies as st

Json = Any
_UNDERSTOOD = {
    "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "const", "default", "description", "discriminator",
    "enum", "format", "ge", "items", "le", "maximum", "maxLength", "minimum", "minLength", "oneOf", "pattern",
    "patternProperties", "properties", "required", "title", "type",
}  # fmt: skip
"""`ge` and `le` are pydantic's for `minimum` and `maximum` behind a validator of ours."""


def documents(schema: Json, root: Json = None) -> st.SearchStrategy[Json]:
    """Documents that fit. Raises ValueError for a keyword that is not understood."""
    root = root if root is not None else schema
    unknown = set(schema) - _UNDERSTOOD
    if unknown:
        raise ValueError(f"keywords not understood: {sorted(unknown)}")
    if "$ref" in schema:
        return documents(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return st.one_of(*(documents(each, root) for each in schema[choice]))
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _of_type(schema, root)


def _of_type(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    match schema.get("type"):
        case "object":
            return _object(schema, root) if "properties" in schema else _map(schema, root)
        case "string":
            return _string(schema)
        case "array":
            return st.lists(documents(schema["items"], root), max_size=2)
        case "integer":
            return st.integers(schema.get("minimum", schema.get("ge")), schema.get("maximum", schema.get("le")))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case None:
            return anything()
    raise ValueError(f"type not understood: {schema['type']}")


def _object(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    fields = {name: documents(each, root) for name, each in schema["properties"].items()}
    required = {name: fields[name] for name in schema.get("required", [])}
    optional = {name: field for name, field in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def _map(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    """With names that no schema gives, many of ours being numbers; or with those that fit a pattern."""
    names, of = st.text(max_size=8) | st.integers(0, 9).map(str), schema.get("additionalProperties")
    for pattern, each in schema.get("patternProperties", {}).items():
        names, of = st.from_regex(pattern, fullmatch=True), each
    return st.dictionaries(names, documents(of, root) if isinstance(of, dict) else anything(), max_size=2)


def _string(schema: Json) -> st.SearchStrategy[str]:
    longest = schema.get("maxLength")
    if "pattern" in schema:
        fitting = st.from_regex(schema["pattern"], fullmatch=True)
        return fitting.filter(lambda text: longest is None or len(text) <= longest)
    return st.text(min_size=schema.get("minLength", 0), max_size=longest or 12)


@cache
def anything() -> st.SearchStrategy[Json]:
    """Any JSON value, not deep."""
    plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
    return st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner))


def of_shape(shape: Any) -> Json:
    """The JSON schema of a shape of botocore's. Whatever it has may be null or missing; AWS gives no empty text."""
    match shape.type_name:
        case "structure":
            return {"type": "object", "properties": {name: _or_null(each) for name, each in shape.members.items()}}
        case "list":
            return {"type": "array", "items": of_shape(shape.member)}
        case "map":
            return {"type": "object", "additionalProperties": of_shape(shape.value)}
        case "string":
            return {"enum": shape.enum} if shape.enum else {"type": "string", "minLength": 1}
        case "long":
            return {"type": "integer", "minimum": 0, "maximum": 2**53}
        case "boolean":
            return {"type": "boolean"}
    raise ValueError(f"shape not understood: {shape.type_name}")


def _or_null(shape: Any) -> Json:
    return {"anyOf": [of_shape(shape), {"type": "null"}]}
