"""What may stand on the request queue: the contract, checked field by field.

The published JSON Schema (docs/request.schema.json) is made from `Message`.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from thaw import description
from thaw.byte_range import PATTERN as RANGE_PATTERN
from thaw.byte_range import BadRange, ByteRange
from thaw.tiers import Tier

CONTEXT_AT_MOST_BYTES = 2048
CONTEXT_AT_MOST_LEVELS = 32
"""Objects and arrays in one another. Of many more no event can be written: what writes JSON ends at some 250."""
REQUEST_ID_PATTERN = r"^[\x21-\x7e]{1,128}$"
VAULT_NAME_PATTERN = r"^[A-Za-z0-9_.-]{1,255}$"
ARCHIVE_ID_PATTERN = r"^[A-Za-z0-9_-]{1,256}$"
ACCOUNT_ID_PATTERN = r"^(-|[0-9]{12})$"
MARKER_PATTERN = r"^[\x21-\x7e]{1,1024}$"
LIMIT_PATTERN = r"^[1-9][0-9]{0,9}$"
LARGEST_ARCHIVE_BYTES = 40 * 1024**4
"""Glacier's largest archive: 10,000 parts of 4 GiB."""

RequestId = Annotated[str, Field(pattern=REQUEST_ID_PATTERN, description="Yours; the same id is the same request.")]
UserDescription = Annotated[
    str,
    Field(
        max_length=description.USER_LIMIT_BYTES,
        pattern=description.PATTERN,
        description="Becomes part of the job's description, behind Thaw's own tag.",
    ),
]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class _GlacierNames(BaseModel):
    """Fields named as in the Glacier API itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ArchiveRetrieval(_GlacierNames):
    """An archive, or a range of its bytes."""

    Type: Literal["archive-retrieval"]
    ArchiveId: str = Field(pattern=ARCHIVE_ID_PATTERN)
    Tier: Literal["Expedited", "Standard", "Bulk"] = "Standard"
    RetrievalByteRange: str | None = Field(
        default=None, pattern=RANGE_PATTERN, description="start-end, both inclusive, aligned to MiB."
    )
    Description: UserDescription | None = None


def _field_error(field: str, message: str) -> PydanticCustomError:
    """An error of a check across fields, told at the field where it can be mended."""
    return PydanticCustomError("field", "{message}", {"field": field, "message": message})


def _one_spelling(date: str) -> str:
    """The date as Glacier's documentation writes dates: the same for all that name one instant.

    Glacier knows milliseconds. What is finer is rounded up: StartDate is inclusive and EndDate is not, so the same
    archives are meant.

    Raises:
        ValueError: it is no date, or has no zone.
        OverflowError: in UTC there is no such date.
    """
    moment = datetime.fromisoformat(date)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    moment = moment.astimezone(UTC) + timedelta(microseconds=-moment.microsecond % 1000)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


class InventoryPart(_GlacierNames):
    """Which part of an inventory; StartDate inclusive, EndDate exclusive."""

    StartDate: str | None = Field(default=None, max_length=40)
    EndDate: str | None = Field(default=None, max_length=40)
    Limit: str | None = Field(default=None, pattern=LIMIT_PATTERN, description="A whole number >= 1, as a string.")
    Marker: str | None = Field(default=None, pattern=MARKER_PATTERN)

    @field_validator("StartDate", "EndDate")
    @classmethod
    def _is_a_date(cls, value: str | None, info: ValidationInfo) -> str | None:
        try:
            return None if value is None else _one_spelling(value)
        except (ValueError, OverflowError):
            field = f"jobParameters.InventoryRetrievalParameters.{info.field_name}"
            raise _field_error(field, "must be a time with its zone, for example 2013-03-20T17:03:43Z") from None

    @model_validator(mode="after")
    def _dates(self) -> Self:
        if self.StartDate and self.EndDate:
            start, end = (datetime.fromisoformat(date) for date in (self.StartDate, self.EndDate))
            if start >= end:
                field = "jobParameters.InventoryRetrievalParameters.EndDate"
                raise _field_error(field, f"must be after StartDate, {self.StartDate}")
        return self


class InventoryRetrieval(_GlacierNames):
    """A vault's inventory, whole or a part."""

    Type: Literal["inventory-retrieval"]
    Format: Literal["JSON", "CSV"] = "JSON"
    Tier: Literal["Standard", "Bulk"] = Field(default="Standard", description="Glacier expedites no inventory.")
    Description: UserDescription | None = None
    InventoryRetrievalParameters: InventoryPart | None = None


class RetrievalRequest(_Strict):
    """Asks for one archive, a range of one, or an inventory."""

    request_id: RequestId
    account_id: str = Field(
        default="-", pattern=ACCOUNT_ID_PATTERN, description="The vault's owner; - is this account."
    )
    vault_name: str = Field(pattern=VAULT_NAME_PATTERN)
    job_parameters: Annotated[ArchiveRetrieval | InventoryRetrieval, Field(discriminator="Type")]
    archive_size_in_bytes: StrictInt | None = Field(default=None, ge=1, le=LARGEST_ARCHIVE_BYTES)
    expedited_fallback: Literal["Standard", "Bulk"] | None = Field(
        default=None, description="The tier to take when Expedited has no capacity."
    )
    follow_pages: StrictBool = Field(default=False, description="Retrieve the inventory's further pages as well.")
    context: dict[str, Any] | None = Field(
        default=None,
        description=f"Handed back in every event; at most {CONTEXT_AT_MOST_BYTES} bytes of JSON, nested at most"
        f" {CONTEXT_AT_MOST_LEVELS} levels deep.",
    )

    @field_validator("context")
    @classmethod
    def _context_fits(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        try:
            size_bytes = len(context_text(value).encode()) if value is not None else 0
        except (ValueError, RecursionError) as unsayable:
            raise _field_error("context", f"can't be handed back as JSON: {_short(str(unsayable))}") from None
        if size_bytes > CONTEXT_AT_MOST_BYTES:
            too_large = f"has {size_bytes} bytes as JSON; must have at most {CONTEXT_AT_MOST_BYTES}"
            raise _field_error("context", too_large)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        job = self.job_parameters
        if self.expedited_fallback and job.Tier != "Expedited":
            raise _field_error("expeditedFallback", "goes with Tier Expedited only; leave it out, or set the Tier")
        if self.follow_pages and not isinstance(job, InventoryRetrieval):
            raise _field_error("followPages", "goes with inventory-retrieval only")
        if self.archive_size_in_bytes and not isinstance(job, ArchiveRetrieval):
            raise _field_error("archiveSizeInBytes", "goes with archive-retrieval only")
        if isinstance(job, ArchiveRetrieval) and job.RetrievalByteRange:
            try:
                ByteRange.parse(job.RetrievalByteRange, self.archive_size_in_bytes)
            except BadRange as bad:
                raise _field_error("jobParameters.RetrievalByteRange", str(bad)) from None
        return self

    @property
    def tier(self) -> Tier:
        return Tier(self.job_parameters.Tier)

    @property
    def byte_range(self) -> str | None:
        """The part of an archive that is asked for; None for all of it, also where a range says so, as far as the
        request knows the archive's size."""
        job = self.job_parameters
        if not isinstance(job, ArchiveRetrieval) or job.RetrievalByteRange is None:
            return None
        is_all = ByteRange.parse(job.RetrievalByteRange).size_bytes == self.archive_size_in_bytes
        return None if is_all else job.RetrievalByteRange

    @property
    def marker(self) -> str | None:
        """From where on an inventory is asked for."""
        job = self.job_parameters
        part = job.InventoryRetrievalParameters if isinstance(job, InventoryRetrieval) else None
        return part.Marker if part else None

    def digest(self) -> str:
        """Tells whether a request id is used again with the same contents."""
        text = json.dumps(self.model_dump(by_alias=True), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class CancelRequest(_Strict):
    """Takes back a request that has not started."""

    cancel: RequestId


Message = RetrievalRequest | CancelRequest


class Rejected(Exception):
    """A message that is no valid request: what was wrong, field by field, and who sent it as far as it can be read."""

    def __init__(
        self,
        code: str,
        message: str,
        errors: list[dict[str, str]],
        request_id: str | None = None,
        context: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.errors = errors[:ERRORS_AT_MOST]
        self.request_id = request_id
        self.context = context


ERRORS_AT_MOST = 10
SHOWN_AT_MOST = 200
WAS_AT_MOST = 40


def context_text(context: dict[str, Any]) -> str:
    """The context as it is stored: compact JSON. Raises ValueError for what JSON can't say (NaN, lone surrogates), and
    for what is nested too deep."""
    text = json.dumps(context, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text.encode()
    if _is_deeper(context, CONTEXT_AT_MOST_LEVELS):
        raise ValueError(f"nested deeper than {CONTEXT_AT_MOST_LEVELS} levels")
    return text


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)


def parse(body: str) -> Message:
    """The message in the body of an SQS message.

    Raises:
        Rejected: naming each field, what was wrong and what would be right.
    """
    raw = _read_json(body)
    model: type[BaseModel] = CancelRequest if "cancel" in raw else RetrievalRequest
    try:
        message = model.model_validate(raw)
    except ValidationError as invalid:
        errors = [_error(dict(error)) for error in invalid.errors()]
        fields = ", ".join(dict.fromkeys(error["field"] for error in errors[:ERRORS_AT_MOST]))
        raise Rejected(
            "InvalidRequest", f"Not a valid request: {fields}.", errors, _request_id(raw), _context(raw)
        ) from None
    assert isinstance(message, RetrievalRequest | CancelRequest)
    return message


def _read_json(body: str) -> dict[str, Any]:
    try:
        raw = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as unreadable:
        raise Rejected("NotJson", "The message is not JSON.", [_problem("", _short(str(unreadable)))]) from None
    if not isinstance(raw, dict):
        problem = _problem("", f"is a JSON {_kind(raw)}; must be an object, as docs/request.schema.json says")
        raise Rejected("InvalidRequest", "The message is not a JSON object.", [problem])
    return raw


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _kind(value: object) -> str:
    names = {
        list: "array",
        str: "string",
        bool: "boolean",
        int: "number",
        float: "number",
        type(None): "null",
    }
    return names.get(type(value), "value")


def _problem(field: str, message: str) -> dict[str, str]:
    return {"field": field, "message": message}


_UNION_TAGS = ("archive-retrieval", "inventory-retrieval")
_HINTS = {
    "SNSTopic": "is Thaw's own: completion events are on the event bus; leave it out",
    "ArchiveId": "goes with Type archive-retrieval only",
    "RetrievalByteRange": "goes with Type archive-retrieval only",
    "InventoryRetrievalParameters": "goes with Type inventory-retrieval only",
    "Format": "goes with Type inventory-retrieval only",
}
_PATTERN_HINTS = {
    "requestId": "must be 1 to 128 printable ASCII characters without spaces",
    "cancel": "must be a request id: 1 to 128 printable ASCII characters without spaces",
    "accountId": 'must be 12 digits, or "-" for this account',
    "vaultName": "must be 1 to 255 of the characters A-Z a-z 0-9 _ . -",
    "ArchiveId": "must be an archive id: 1 to 256 of the characters A-Z a-z 0-9 _ -",
    "RetrievalByteRange": 'must be "start-end", two whole numbers of bytes, for example "0-1048575"',
    "Description": "must hold only ASCII characters 32 to 126",
    "Limit": 'must be a whole number of at least 1, as a string, for example "1000"',
    "Marker": "must be the marker of an earlier inventory job",
}


def _error(error: dict[str, Any]) -> dict[str, str]:
    """A pydantic error as the contract tells it: the field by its path, and what would be right."""
    path = [str(part) for part in error["loc"] if part not in _UNION_TAGS]
    last = path[-1] if path else ""
    kind = error["type"]
    if kind == "field":
        return _problem(error["ctx"]["field"], error["ctx"]["message"])
    if kind == "extra_forbidden":
        return _problem(".".join(path)[:SHOWN_AT_MOST], _HINTS.get(last, "is not a field of a request; leave it out"))
    if kind == "string_pattern_mismatch" and last in _PATTERN_HINTS:
        return _problem(".".join(path), _PATTERN_HINTS[last])
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _problem("jobParameters.Type", 'must be "archive-retrieval" or "inventory-retrieval"')
    return _problem(".".join(path)[:SHOWN_AT_MOST], _short(error["msg"]) + _was(error["input"]))


def _was(value: object) -> str:
    """The wrong value, where it is short enough to help."""
    shown = json.dumps(value) if isinstance(value, str | int | float) else ""
    return f"; was {shown}" if 0 < len(shown) <= WAS_AT_MOST else ""


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_AT_MOST else text[:SHOWN_AT_MOST] + " ..."


def _request_id(raw: dict[str, Any]) -> str | None:
    return _valid(TypeAdapter(RequestId), raw.get("requestId") or raw.get("cancel"))


def _valid(adapter: TypeAdapter[str], value: object) -> str | None:
    try:
        return adapter.validate_python(value, strict=True)
    except ValidationError:
        return None


def _context(raw: dict[str, Any]) -> str | None:
    """The context to hand back with a rejection, where it is one that could be."""
    context = raw.get("context")
    if not isinstance(context, dict):
        return None
    try:
        text = context_text(context)
    except (ValueError, RecursionError):
        return None
    return text if len(text.encode()) <= CONTEXT_AT_MOST_BYTES else None
