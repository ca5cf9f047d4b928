"""What goes on in the cloud, for those who look on: each happening, and one line about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.deliveries import Event
from local.functions import Result

_READING = ("Describe", "List", "Get")
_TEXT_LENGTH = 100


@dataclass(frozen=True)
class MessageSent:
    """A message came into a queue."""

    queue: str
    body: str


@dataclass(frozen=True)
class GlacierCall:
    """Somebody called Glacier; `code` is the error's, None for a success."""

    operation: str
    given: Mapping[str, Any]
    code: str | None


@dataclass(frozen=True)
class FunctionError:
    """An invocation of a function ended in an error."""

    function: str
    result: Result


@dataclass(frozen=True)
class Refused:
    """Something was not delivered, since a policy does not allow it."""

    what: str


Happening = Refused | MessageSent | GlacierCall | FunctionError | Event


def line(happening: Happening) -> str | None:
    """One line about it; None if it changes nothing that anybody would want to read of."""
    match happening:
        case MessageSent(queue, body):
            return f"{'queue':<10}{queue}: {of_message(body)}"
        case GlacierCall(operation, given, code):
            if operation.startswith(_READING) and code is None:
                return None
            return f"{'Glacier':<10}{operation} {_named(given)}: {code or 'done'}"
        case FunctionError(function, result):
            error = result.error or {}
            return f"{'error':<10}{function}: {error.get('errorType')}: {_short(str(error.get('errorMessage')))}"
        case Refused(what):
            return f"{'refused':<10}{what}"
        case Event():
            return f"{'event':<10}{happening.detail_type}: {_of_event(happening.detail)}"


def _of_event(detail: Mapping[str, Any]) -> str:
    shown = [f"{name}={detail[name]}" for name in ("requestId", "tier", "attempt", "jobId") if detail.get(name)]
    reason = detail.get("reason")
    return " ".join(shown) + (f" ({reason.get('code')}: {_short(str(reason.get('message')))})" if reason else "")


def _named(given: Mapping[str, Any]) -> str:
    parameters = given.get("jobParameters") or {}
    names = [given.get("vaultName"), parameters.get("Type"), parameters.get("Tier"), parameters.get("Description")]
    return " ".join(str(name) for name in names if name)


def of_message(body: str) -> str:
    """What is in a message: Glacier's notification, an event, or some text."""
    try:
        content = json.loads(body)
    except ValueError:
        return _short(body)
    match content:
        case {"Type": "Notification", "Message": str(message)}:
            return of_message(message)
        case {"Action": action, "StatusCode": status, "JobId": job_id}:
            return f"{action} {status}: {job_id}"
        case {"detail-type": detail_type}:
            return f"the event {detail_type}"
    return _short(body)


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _TEXT_LENGTH else flat[: _TEXT_LENGTH - 1] + "…"
