"""What docs/request.schema.json promises, checked without the code: the schema, and what its description adds to it."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from tests.unit.published import schema

MIB = 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _matches(validator: Any, pattern: str, value: object, _: Any) -> Iterator[ValidationError]:
    """A schema's `$` is the end; Python's also stands before a last line break."""
    if isinstance(value, str) and not re.search(pattern.replace("$", r"\Z"), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_SCHEMA = extend(Draft202012Validator, {"pattern": _matches})(schema("request"))
_DEFAULTS: dict[str, dict[str, Any]] = {
    name: {field: each["default"] for field, each in shape["properties"].items() if "default" in each}
    for name, shape in schema("request")["$defs"].items()
}
_JOBS = {"archive-retrieval": "ArchiveRetrieval", "inventory-retrieval": "InventoryRetrieval"}


def read(body: str) -> Any:
    """The JSON value of a body. Raises ValueError where it is none: NaN and Infinity are no JSON."""
    return json.loads(body, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def fits(document: Any) -> bool:
    """Whether a message is a valid one by itself, whatever came before it."""
    if not _SCHEMA.is_valid(document):
        return False
    if "cancel" in document:
        return True
    job = document["jobParameters"]
    is_archive, size = job["Type"] == "archive-retrieval", document.get("archiveSizeInBytes")
    return (
        (document.get("expeditedFallback") is None or job.get("Tier") == "Expedited")
        and (document.get("followPages", False) is False or not is_archive)
        and (size is None or (is_archive and type(size) is int))
        and _range_fits(job.get("RetrievalByteRange"), size)
        and _dates_fit(job.get("InventoryRetrievalParameters") or {})
        and _context_fits(document.get("context"))
    )


def contents(request: dict[str, Any]) -> str:
    """What a request asks for, the same for two that differ in nothing but in saying what goes without saying."""
    job = _filled(_JOBS[request["jobParameters"]["Type"]], request["jobParameters"])
    if "InventoryRetrievalParameters" in job:
        job["InventoryRetrievalParameters"] = instants(_filled("InventoryPart", job["InventoryRetrievalParameters"]))
    return json.dumps(_filled("RetrievalRequest", {**request, "jobParameters": job}), sort_keys=True)


def _filled(shape: str, given: dict[str, Any]) -> dict[str, Any]:
    """With the defaults; null is as good as missing."""
    return _DEFAULTS[shape] | {name: value for name, value in given.items() if value is not None}


def _range_fits(given: str | None, size: int | None) -> bool:
    if given is None:
        return True
    start, end = map(int, given.split("-"))
    ends_well = size is None or (end < size and (end + 1 == size or (end + 1) % MIB == 0))
    return start <= end and start % MIB == 0 and ends_well


def _dates_fit(part: dict[str, Any]) -> bool:
    try:
        given = [instant_ms(part[name]) for name in ("StartDate", "EndDate") if part.get(name) is not None]
    except (ValueError, OverflowError):
        return False
    return len(given) < 2 or given[0] < given[1]


def instants(part: dict[str, Any]) -> dict[str, Any]:
    """A part of an inventory with its dates as times, however they are spelt."""
    dates = {name: part[name] for name in ("StartDate", "EndDate") if part.get(name) is not None}
    return {**part, **{name: instant_ms(date) for name, date in dates.items()}}


def instant_ms(date: str) -> int:
    """The first millisecond that is not before it. Raises ValueError for what is no date with a zone, OverflowError for
    one that UTC does not have."""
    moment = datetime.fromisoformat(date)
    if moment.tzinfo is None:
        raise ValueError(date)
    return -((_EPOCH - moment.astimezone(UTC)) // timedelta(milliseconds=1))


def _context_fits(context: dict[str, Any] | None) -> bool:
    try:
        compact = json.dumps(context, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return context is None or len(compact.encode()) <= 2048
    except ValueError:  # a lone surrogate, or a number beyond any
        return False
