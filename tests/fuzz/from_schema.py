"""JSON documents that fit a schema, drawn by Hypothesis: of the keywords that our own schemas use, and no others."""

from typing import Any

from hypothesis import strategies as st

Json = Any
_UNDERSTOOD = {
    "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "const", "default", "description", "discriminator",
    "enum", "format", "items", "maximum", "maxLength", "minimum", "minLength", "oneOf", "pattern", "properties",
    "required", "title", "type",
}  # fmt: skip


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
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        return _object(schema, root)
    if kind == "string":
        return _string(schema)
    if kind == "array":
        return st.lists(documents(schema["items"], root), max_size=3)
    return {
        "integer": st.integers(schema.get("minimum"), schema.get("maximum")),
        "boolean": st.booleans(),
        "null": st.none(),
        "object": st.dictionaries(st.text(max_size=8), anything(), max_size=4),
        None: anything(),
    }[kind]


def _object(schema: Json, root: Json) -> st.SearchStrategy[Json]:
    fields = {name: documents(each, root) for name, each in schema["properties"].items()}
    required = {name: fields[name] for name in schema.get("required", [])}
    optional = {name: field for name, field in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def _string(schema: Json) -> st.SearchStrategy[str]:
    longest = schema.get("maxLength")
    if "pattern" in schema:
        fitting = st.from_regex(schema["pattern"], fullmatch=True)
        return fitting.filter(lambda text: longest is None or len(text) <= longest)
    return st.text(min_size=schema.get("minLength", 0), max_size=longest or 40)


def anything() -> st.SearchStrategy[Json]:
    """Any JSON value, not deep."""
    plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
    return st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner))
