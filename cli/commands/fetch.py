"""`thaw fetch`: the output of a retrieval, into a file."""

from __future__ import annotations

import re
from pathlib import Path

import click

from cli import fetching
from cli.command import command
from cli.errors import Exit, Interrupted, Problem
from cli.fetching import JobOutput
from cli.output import Output
from cli.reading import Reader, has_further_page
from cli.stack import Stack
from cli.standing import iso
from thaw.retrieval import Retrieval
from thaw.states import State

_UNFIT_FOR_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@command(
    "fetch",
    examples=("thaw fetch invoices-2019", "thaw fetch invoices-2019 invoices.tar", "thaw fetch vault-list --page 2"),
)
@click.argument("request_id")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--page", type=click.IntRange(min=1), help="Of an inventory that was followed: which of its pages.")
def fetch(stack: Stack, out: Output, request_id: str, file: Path | None, page: int | None) -> None:
    """Fetches the output of a request that has succeeded: an archive, a range of one, or an inventory.

    It comes in parts, several at once, each checked against Glacier's hash of it, and so is the whole. Broken off, it
    is continued by the same command. A FILE that is there is never overwritten; without FILE it is named after the
    request.
    """
    reader = Reader(stack.dynamodb, stack.output("RetrievalTableName"))
    record = _chosen(reader.pages(request_id), request_id, page)
    output, target = JobOutput.of(record), file or _named_after(request_id, record)
    out.note(f"{target}: {output.size_bytes:,} bytes, available until {iso(record.output_available_until)}")
    try:
        with out.progress(target.name, output.size_bytes, in_bytes=True) as bar:
            fetched = fetching.fetch(stack.glacier, output, target, bar.at)
    except KeyboardInterrupt:
        raise Interrupted(_how_far(output, target)) from None
    out.data(
        {
            "requestId": request_id,
            "file": str(target),
            "sizeInBytes": fetched.size_bytes,
            "begunAtByte": fetched.begun_at_bytes,
            "sha256TreeHash": fetched.tree_hash,
        }
    )
    if fetched.begun_at_bytes:
        out.show(f"Carried on after {fetched.begun_at_bytes:,} bytes that were there.")
    out.show(f"{target}: {fetched.size_bytes:,} bytes; {_checked(record, fetched.tree_hash)}")


def _chosen(pages: list[Retrieval], request_id: str, page: int | None) -> Retrieval:
    """The retrieval whose output is meant. Raises a Problem where there is none to fetch, or it is not clear which."""
    if not pages:
        raise Problem(f"No request {request_id} has been taken in.", f"See `thaw status {request_id}`.", Exit.BAD_NEWS)
    if page is not None and page > len(pages):
        raise Problem(f"{request_id} has no page {page}: it has {len(pages)} so far.")
    if page is None and (len(pages) > 1 or has_further_page(pages[0], request_id)):
        raise Problem(f"{request_id} is an inventory of {len(pages)} pages so far.", "Say which with --page.")
    record = pages[(page or 1) - 1]
    if record.state is not State.SUCCEEDED or record.requests[request_id].cancelled:
        state = State.CANCELLED if record.requests[request_id].cancelled else record.state
        advice = f"`thaw watch {request_id}` waits for it." if record.is_open else ""
        raise Problem(f"{request_id} has no output: it is {state.replace('_', ' ')}.", advice, Exit.BAD_NEWS)
    return record


def _how_far(output: JobOutput, target: Path) -> str:
    part = fetching.part_file(target, output)
    there_bytes = part.stat().st_size if part.exists() else 0
    return f"{there_bytes:,} of {output.size_bytes:,} bytes are there; the same command carries on."


def _named_after(request_id: str, record: Retrieval) -> Path:
    name = _UNFIT_FOR_A_NAME.sub("_", request_id).lstrip(".-") or "output"
    number = record.page_of(request_id)
    page = f".{number}" if number > 1 else ""
    suffix = f".{record.inventory.format.lower()}" if record.inventory else ""
    return Path(f"{name}{page}{suffix}")


def _checked(record: Retrieval, tree_hash: str | None) -> str:
    if tree_hash is not None:
        return f"its tree hash is Glacier's, {tree_hash}"
    if record.is_inventory:
        return "Glacier gives no hash of an inventory"
    return "Glacier gives no hash of this range, which is not tree-hash aligned"
