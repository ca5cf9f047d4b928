"""`thaw inventory`: a vault's inventory, into a file."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cli import fetching
from cli.command import command
from cli.errors import Exit, Interrupted, Problem
from cli.fetching import JobOutput
from cli.listing import Inventory, message_of, pages_as_they_end, put_together
from cli.output import Output
from cli.params import INSTANT
from cli.quantities import count_text, size_text
from cli.queues import is_empty
from cli.reading import Reader
from cli.request_options import check_account, check_vault
from cli.sending import send_batch
from cli.stack import Stack
from thaw.request import Rejected, parse


@command(
    "inventory",
    examples=(
        "thaw inventory photos",
        "thaw inventory photos photos-2019.json --created-after 2019-01-01 --created-before 2020-01-01",
        "thaw inventory photos --page-size 100000 --tier Bulk",
    ),
)
@click.argument("vault", callback=check_vault)
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--account-id", metavar="ID", callback=check_account, help="The vault's owner, if not this account.")
@click.option("--created-after", "created_from", metavar="TIME", type=INSTANT, help="Archives from then on.")
@click.option("--created-before", "created_until", metavar="TIME", type=INSTANT, help="Archives from before.")
@click.option("--page-size", type=click.IntRange(min=1), help="So many archives in a job; otherwise all in one.")
@click.option("--tier", type=click.Choice(["Standard", "Bulk"]), default="Standard", show_default=True)
@click.option("--request-id", metavar="ID", help="Of this request; otherwise one for the day.")
def inventory(stack: Stack, out: Output, vault: str, file: Path | None, **asked: Any) -> None:
    """Asks for the inventory of VAULT through the queue, waits for it, and writes it to FILE as Glacier would have.

    It takes hours: 3 to 5 at Standard, for each page. Broken off, the same command carries on the same day, and later
    with the --request-id that it tells. A FILE that is there is never overwritten; without FILE it is VAULT.json.
    """
    target = file or Path(f"{vault}.json")
    fetching.refuse_to_overwrite(target)
    _check_folder(target)
    message = message_of(vault, **asked, today=datetime.now(UTC))
    request_id = message["requestId"]
    reader = Reader(stack.dynamodb, stack.output("RetrievalTableName"))
    try:
        message_id = _send(stack, reader, out, message)
        pages, rest = _fetch_pages(stack, reader, out, target, request_id, message_id)
    except KeyboardInterrupt:
        go_on = f"The same command with --request-id {request_id} carries on, also on a later day."
        raise Interrupted(f"What was asked for goes on. {go_on}") from None
    made = _write(pages, target)
    out.data(
        {
            "requestId": request_id,
            "vaultName": vault,
            "file": str(target),
            "inventoryDate": made.date,
            "archives": made.archives,
            "pages": len(pages),
        }
    )
    out.show(f"{target}: {count_text(made.archives, 'archive')} as of {made.date}.")
    if rest is not None:
        message_text = f"These are the first {len(pages):,} pages only; Thaw follows no more."
        raise Problem(message_text, "Ask again with a larger --page-size.", Exit.BAD_NEWS)


def _check_folder(target: Path) -> None:
    """Before hours are waited for what can't be written."""
    if not os.access(target.parent, os.W_OK):
        raise Problem(f"{target} can't be written: {target.parent} is no folder, or not yours to write to.")


def _send(stack: Stack, reader: Reader, out: Output, message: dict[str, Any]) -> str | None:
    """Asks, unless it was asked before; the message's id."""
    request_id = message["requestId"]
    if reader.requests([request_id]):
        out.note(f"{request_id} was asked for before; waiting for it.")
        return None
    body = json.dumps(message)
    try:
        parse(body)
    except Rejected as rejected:
        error = rejected.errors[0]
        raise Problem(f"{error['field']}: {error['message']}") from None
    [message_id] = send_batch(stack.sqs, stack.request_queue_url, [body])
    out.note(f"Asked for it as {request_id}; waiting.")
    return message_id


def _fetch_pages(
    stack: Stack, reader: Reader, out: Output, target: Path, request_id: str, message_id: str | None
) -> tuple[list[Path], str | None]:
    """Fetches each page as soon as it is there, since its output is kept for a day only and the next may take long.

    Returns the pages' files, and the marker where the list goes on beyond what Thaw follows.
    """
    files: list[Path] = []
    rest = None
    for page in pages_as_they_end(
        reader, request_id, message_id, lambda: is_empty(stack.sqs, stack.request_queue_url), out.note
    ):
        output = JobOutput.of(page)
        number = page.page_of(request_id)
        file = target.with_name(f"{target.name}.{number}.{output.job_id[:16]}")
        if not file.exists():
            with out.progress(file.name, output.size_bytes, in_bytes=True) as bar:
                fetching.fetch(stack.glacier, output, file, bar.at)
        out.note(f"Page {number}: {size_text(output.size_bytes)}.")
        files.append(file)
        rest = page.next_marker
    return files, rest


def _write(pages: list[Path], target: Path) -> Inventory:
    aside = target.with_name(f"{target.name}.part")
    with aside.open("wb") as file:
        made = put_together(pages, file)
    fetching.refuse_to_overwrite(target)
    aside.rename(target)
    for page in pages:
        page.unlink()
    return made
