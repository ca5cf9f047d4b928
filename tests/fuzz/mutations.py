"""Real bodies with something wrong in them: in their values, their keys, or their text."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.from_schema import anything

SECRET = "hunter2, not for logs"
"""Stands in many of the values: no log may ever show it. It can be no id, for ids are logged."""

OUTSIZED = "x" * 20_000
"""Larger than any good value: no log may show much of it."""

Json = Any
Path = tuple[str | int, ...]

_ODD_VALUES: list[Json] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 0.5, 1e308, "", " ", "0", "null", "-", "\u0000", "\u0007",
    "\ud7ff", "ÄÖÜ€😀", "../..", "a" * 300, "9" * 40, SECRET, SECRET * 30, OUTSIZED, [], {}, [[]], [SECRET],
    {SECRET: SECRET}, "arn:aws:sns:us-east-1:123456789012:mine", "2020-01-01T00:00:00Z", "0-1048575", "1-2", "-1-5",
]  # fmt: skip
_KEYS = ["", "requestId", "RequestId", "cancel", "Type", "type", "Message", "__proto__", SECRET, "StatusCode", "Tier"]


def _paths(value: Json, here: Path = ()) -> Iterator[Path]:
    yield here
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, (*here, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, (*here, number))


def _put(value: Json, path: Path, new: Json) -> Json:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _put(value[path[0]], path[1:], new)  # type: ignore[index]
    return copy


def _at(value: Json, path: Path) -> Json:
    for step in path:
        value = value[step]
    return value


def _other_case(text: str) -> str:
    return text.swapcase() if text != text.swapcase() else text + " "


@st.composite
def mutated(draw: st.DrawFn, document: Json) -> Json:
    """The document with one to three things changed."""
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(_paths(document))))
        inner = _at(document, path)
        ways = ["odd", "odd", "any", "wrapped"]
        ways += ["without", "with", "renamed"] * (isinstance(inner, dict) and bool(inner))
        ways += ["case", "cut", "longer"] * isinstance(inner, str)
        document = _put(document, path, _changed(draw, inner, draw(st.sampled_from(ways))))
    return document


def _changed(draw: st.DrawFn, inner: Json, way: str) -> Json:
    if way == "odd":
        return draw(st.sampled_from(_ODD_VALUES))
    if way == "any":
        return draw(anything())
    if way == "wrapped":
        return draw(st.sampled_from([[inner], {"value": inner}, json.dumps(inner)]))
    if way == "with":
        return {**inner, draw(st.sampled_from(_KEYS)): draw(st.sampled_from(_ODD_VALUES))}
    if way == "without":
        return {name: inner[name] for name in inner if name != draw(st.sampled_from(sorted(inner)))}
    if way == "renamed":
        old = draw(st.sampled_from(sorted(inner)))
        return {(_other_case(old) if name == old else name): value for name, value in inner.items()}
    return {"case": _other_case(inner), "cut": inner[: len(inner) // 2], "longer": inner + inner}[way]


@st.composite
def bodies(draw: st.DrawFn, document: Json) -> str:
    """The document as text, which may be broken, too."""
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    way = draw(st.sampled_from(["whole"] * 8 + ["cut", "twice", "before", "within", "bytes"]))
    at = draw(st.integers(0, len(text)))
    odd = draw(st.sampled_from(["\ufeff", "{", "}", '"', ",", "NaN", "\\", "\t", "\u2028", SECRET]))
    broken = {
        "whole": text,
        "cut": text[:at],
        "twice": text + text,
        "before": odd + text,
        "within": text[:at] + odd + text[at:],
        "bytes": text.replace('"', "'"),
    }[way]
    return _sendable(broken)


def _sendable(text: str) -> str:
    """SQS itself refuses an empty body, and characters that XML does not have."""
    kept = "".join(char for char in text if char in "\t\n\r" or "\x20" <= char <= "\ud7ff" or char >= "\ue000")
    return "".join(char for char in kept if char not in "\ufffe\uffff") or " "
