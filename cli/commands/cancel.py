"""`thaw cancel`: takes requests back that have not started."""

from __future__ import annotations

import click

from cli.agreement import agree
from cli.cancelling import Answer, answers, send_cancels, usual_wait_seconds
from cli.chosen import Chosen, chosen_requests
from cli.command import command
from cli.errors import Exit, Interrupted, Problem
from cli.output import Output, table
from cli.quantities import count_text
from cli.reading import Reader
from cli.sending import NotTaken
from cli.stack import Stack

_SHOWN = 20


@command("cancel", examples=("thaw cancel invoices-2019", "thaw cancel --file inventory.json --batch may --yes"))
@chosen_requests
@click.option("--yes", is_flag=True, help="Don't ask before all requests of a file are taken back.")
@click.option(
    "--wait", "wait_seconds", type=float, help="So many seconds for the answers; otherwise 2 minutes and more for many."
)
def cancel(stack: Stack, out: Output, chosen: Chosen, yes: bool, wait_seconds: float | None) -> None:
    """Takes requests back that have not started, and shows what came of it.

    A job that has started can't be stopped: Glacier has no way to. The exit code is 1 if one could not be taken back.
    """
    if not chosen:
        raise Problem("Nothing to take back.", "Name requests, or the file that they came from with --file.")
    request_ids = chosen.all_ids()
    agree(f"Take {count_text(len(request_ids), 'request')} back?", yes=yes or chosen.file is None)
    reader = Reader(stack.dynamodb, stack.output("RetrievalTableName"))
    try:
        sent = send_cancels(stack.sqs, stack.request_queue_url, request_ids)
        with out.progress("Waiting for answers", len(request_ids)) as bar:
            wait_seconds = usual_wait_seconds(len(sent)) if wait_seconds is None else wait_seconds
            answered = answers(reader, sent, wait_seconds, bar.at)
    except NotTaken as not_taken:
        raise Problem(f"SQS did not take it: {not_taken}", "Send the same again.", Exit.AWS) from None
    except KeyboardInterrupt:
        raise Interrupted("What was sent is worked on; `thaw status` shows what came of it.") from None
    _show(out, request_ids, answered)
    if not all(each in answered and answered[each].is_cancelled for each in request_ids):
        raise SystemExit(Exit.BAD_NEWS)


def _show(out: Output, request_ids: list[str], answered: dict[str, Answer]) -> None:
    none = "No answer yet: `thaw status` shows it later."
    told = [answered.get(each, Answer(each, "NoAnswer", none)) for each in request_ids]
    for answer in told:
        code = {"code": answer.code} if answer.code else {}
        out.data({"requestId": answer.request_id, "cancelled": answer.is_cancelled, **code, "message": answer.message})
    cancelled = sum(answer.is_cancelled for answer in told)
    if len(told) > 1:
        out.show(f"{cancelled:,} of {len(told):,} taken back.")
    worst_first = sorted(told, key=lambda answer: answer.is_cancelled)
    made = table("request", "code", "answer")
    for answer in worst_first[:_SHOWN]:
        made.add_row(answer.request_id, answer.code or "cancelled", answer.message)
    out.show(made)
    if len(told) > _SHOWN:
        out.show(f"... and {len(told) - _SHOWN:,} more.")
