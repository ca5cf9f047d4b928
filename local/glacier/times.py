"""Dates as Glacier writes and reads them; every datetime here is aware and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from local.glacier.errors import invalid


def now() -> datetime:
    """The current time, to the millisecond that Glacier's dates show."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def with_milliseconds(moment: datetime) -> str:
    """As in `2012-05-15T17:21:39.339Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def to_the_second(moment: datetime) -> str:
    """As in `2011-12-12T14:19:01Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str, name: str) -> datetime:
    """The moment an ISO 8601 date with its zone names; `name` is the parameter's, for the error."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"The date format of {name} is not valid: {text}") from None
    if moment.tzinfo is None:
        raise invalid(f"The date format of {name} is not valid: {text}")
    return moment.astimezone(UTC)
