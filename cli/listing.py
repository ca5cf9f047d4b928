"""A vault's inventory asked for through the queue, waited for, and put together from its pages."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from cli.errors import NO_CONNECTION, Exit, Problem
from cli.expected import ends_by_ms
from cli.reading import Reader, has_further_page
from cli.standing import clock_time
from cli.waiting import NeverCame, Patience
from thaw.edge.clock import now_ms
from thaw.retrieval import Retrieval
from thaw.states import State

SHORTEST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
_AGAIN = "Ask again with another --request-id."


def message_of(
    vault: str,
    *,
    account_id: str | None,
    tier: str,
    created_from: datetime | None,
    created_until: datetime | None,
    page_size: int | None,
    request_id: str | None,
    today: datetime,
) -> dict[str, Any]:
    """The message that asks for it. Without an id of its own it is the same request for a day: a later one is anew."""
    part = {"StartDate": _glacier_time(created_from), "EndDate": _glacier_time(created_until), "Limit": page_size}
    given = {name: str(value) for name, value in part.items() if value is not None}
    job = {"Type": "inventory-retrieval", "Tier": tier} | ({"InventoryRetrievalParameters": given} if given else {})
    message = {"vaultName": vault, "accountId": account_id or "-", "jobParameters": job, "followPages": True}
    digest = hashlib.sha256(json.dumps(message, sort_keys=True).encode()).hexdigest()[:16]
    return {"requestId": request_id or f"inventory-{today:%Y-%m-%d}-{digest}", **message}


def _glacier_time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def pages_as_they_end(
    reader: Reader,
    request_id: str,
    message_id: str | None,
    queue_is_empty: Callable[[], bool],
    note: Callable[[str], None],
) -> Iterator[Retrieval]:
    """Each page of the inventory once it can be fetched; waits between them.

    Args:
        message_id: of the message that asked, if it was sent now: it might be rejected.
        queue_is_empty: whether no message is on the request queue.
        note: told when a page has begun, and where AWS can't be reached.

    Raises:
        Problem: there will be no inventory, or none from here on.
    """
    ended, begun, pause_seconds = 0, 0, SHORTEST_PAUSE_SECONDS
    patience, never_came = Patience(note), NeverCame(queue_is_empty)
    while True:
        try:
            pages = _pages(reader, request_id, message_id, never_came)
        except NO_CONNECTION as error:
            patience.no_answer(error)
            continue
        patience.answered()
        for page in pages[ended:]:
            _refuse_bad(page, request_id)
            if page.page_of(request_id) > begun and page.state is State.IN_PROGRESS:
                begun = page.page_of(request_id)
                note(f"Page {begun} is in progress, usually ended by {clock_time(ends_by_ms(page, now_ms()))}.")
            if page.state is not State.SUCCEEDED:
                break
            yield page
            ended, pause_seconds = ended + 1, SHORTEST_PAUSE_SECONDS
            if not has_further_page(page, request_id):
                return
        time.sleep(pause_seconds)
        pause_seconds = min(1.5 * pause_seconds, LONGEST_PAUSE_SECONDS)


def _pages(reader: Reader, request_id: str, message_id: str | None, never_came: NeverCame) -> list[Retrieval]:
    """Those that have begun; none yet. Raises a Problem where none will."""
    read_at = time.monotonic()
    pages = reader.pages(request_id)
    if not pages:
        _refuse_lost(reader, request_id, message_id)
        if never_came.is_sure(read_at):
            why = (
                "Its message was rejected (the event Request Rejected says why), or is a dead letter (`thaw redrive`"
                " shows them, and sends them again)."
            )
            raise Problem(f"Nothing came of {request_id}, and the queue is empty.", why, Exit.BAD_NEWS)
    return pages


def _refuse_lost(reader: Reader, request_id: str, message_id: str | None) -> None:
    request = reader.requests([request_id]).get(request_id)
    if request is not None and request.cancelled:
        raise _cancelled(request_id)
    for rejection in reader.rejections([message_id] if message_id else []).values():
        fields = "".join(f" {error.field}: {error.message}." for error in rejection.errors)
        raise Problem(f"Thaw rejected the request: {rejection.message}{fields}", exit_code=Exit.BAD_NEWS)


def _refuse_bad(page: Retrieval, request_id: str) -> None:
    if not page.is_inventory:
        raise Problem(f"{request_id} is the request of an archive.", _AGAIN)
    if page.state is State.FAILED:
        why = f"{page.reason.code}: {page.reason.message}" if page.reason else "no reason is known"
        raise Problem(f"Page {page.page_of(request_id)} failed: {why}", _AGAIN, Exit.BAD_NEWS)
    if page.requests[request_id].cancelled:
        raise _cancelled(request_id)


def _cancelled(request_id: str) -> Problem:
    return Problem(f"{request_id} was cancelled.", _AGAIN, Exit.BAD_NEWS)


@dataclass(frozen=True)
class Inventory:
    """What was written."""

    date: str
    archives: int


def put_together(pages: Sequence[Path], target: BinaryIO) -> Inventory:
    """Writes one inventory, as Glacier would have, from those of the pages; no page has to fit into memory."""
    head = _head(pages[0])
    target.write(json.dumps(head, separators=(",", ":"))[:-1].encode() + b',"ArchiveList":[')
    archives = 0
    for page in pages:
        with page.open("rb") as file:
            for archive in ijson.items(file, "ArchiveList.item", use_float=True):
                separator = b"," if archives else b""
                target.write(separator + json.dumps(archive, separators=(",", ":")).encode())
                archives += 1
    target.write(b"]}")
    return Inventory(str(head["InventoryDate"]), archives)


def _head(page: Path) -> Mapping[str, object]:
    """All but the archives."""
    head: dict[str, object] = {"VaultARN": None, "InventoryDate": None}
    with page.open("rb") as file:
        for prefix, event, value in ijson.parse(file):
            if event == "string" and prefix in head:
                head[prefix] = value
            if None not in head.values():
                break
    return head
