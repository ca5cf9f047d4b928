"""The demo's findings in words: what happened to a request, and how long that was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from local.demo.history import FAILED, LISTED, PURCHASED, REJECTED, SUCCEEDED, History, Outcome, Told

_SHOWN_OF_ID = 6
_TIMES = {1: "once", 2: "twice"}
_SLOT = timedelta(minutes=1)
"""An Expedited retrieval that starts later than this had to wait for its turn on the unit."""


def what_happened(history: History, outcome: Outcome, histories: Mapping[str, History], archives_listed: int) -> str:
    """In a few words, from the events alone."""
    if outcome.end == REJECTED:
        fields = " and ".join(field.rpartition(".")[2] for field in outcome.wrong_fields)
        return f"rejected: {fields} wrong" if fields else f"rejected: {outcome.code}"
    if outcome.end == FAILED:
        return f"failed: {outcome.code}"
    if outcome.end == LISTED:
        return f"{outcome.pages} pages, {archives_listed} archives listed"
    if outcome.end != SUCCEEDED:
        return outcome.end or "has not ended"
    return "; ".join(_of_success(history, outcome, histories)) or "as asked"


def _of_success(history: History, outcome: Outcome, histories: Mapping[str, History]) -> Iterator[str]:
    throttles = outcome.delays.count("ThrottlingException")
    if throttles:
        yield f"throttled {_TIMES.get(throttles, f'{throttles} times')}, tried again"
    if "InsufficientCapacityException" in outcome.delays:
        yield f"no room: fell back to {outcome.tier}"
    if "ConnectionClosedError" in outcome.delays:
        yield "reply lost; job found, not repeated"
    if outcome.told_late:
        yield f"not notified; found after {duration(history.told_after)}"
    if outcome.shares_job_with:
        yield _of_shared_job(history, outcome, histories)
    elif outcome.tier == "Expedited" and history.until_started is not None:
        slot = history.until_started
        yield f"on the unit, after {duration(slot)}" if slot > _SLOT else "on the unit, at once"
    detail = history.succeeded[0].detail
    if detail["byteRange"]:
        first, last = map(int, detail["byteRange"].split("-"))
        yield f"{(last + 1 - first) / 2**20:g} MiB of {size(detail['archiveSizeInBytes'])}"


def _of_shared_job(history: History, outcome: Outcome, histories: Mapping[str, History]) -> str:
    if history.request.tier == outcome.tier:
        return f"served {' and '.join(outcome.shares_job_with)}, too"
    owners = [name for name in outcome.shares_job_with if histories[name].request.tier == outcome.tier]
    return f"served by the job of {' and '.join(owners)}"


def told_line(told: Told) -> tuple[str, str, str]:
    """Of an event: whom it is about, what it says, and the particulars."""
    detail, reason = told.detail, told.detail.get("reason") or {}
    if told.detail_type == PURCHASED:
        return "(capacity)", told.detail_type, f"unit {short_id(detail['capacityId'])}"
    parts = [detail.get("tier"), f"job {short_id(detail['jobId'])}" if detail.get("jobId") else None]
    if detail.get("jobIds"):
        parts.append(f"{len(detail['jobIds'])} pages")
    if reason:
        parts.append(reason["code"])
    return str(detail.get("requestId") or ""), told.detail_type, ", ".join(part for part in parts if part)


def short_id(long_id: str) -> str:
    return f"{long_id[:_SHOWN_OF_ID]}…"


def clock_time(moment: datetime) -> str:
    return f"{moment:%a %H:%M}"


def duration(length: timedelta) -> str:
    """As in `3 h 05 min`, `4 min`, `2 s`, `at once`."""
    seconds = round(length.total_seconds())
    if seconds == 0:
        return "at once"
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def size(bytes_: int) -> str:
    """As in `6.5 GB`."""
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if bytes_ >= unit:
            return f"{bytes_ / unit:.1f} {name}"
    return f"{bytes_ / 1000:.1f} kB"
