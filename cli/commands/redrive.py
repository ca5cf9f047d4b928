"""`thaw redrive`: dead letters, looked at and sent again."""

from __future__ import annotations

from typing import Any

import click

from cli import dead_letters
from cli.agreement import agree
from cli.command import command
from cli.dead_letters import OUTPUTS, DeadLetter, move_back
from cli.output import Output, table
from cli.quantities import count_text
from cli.queues import Queue, look_at
from cli.stack import Stack
from cli.standing import clock_time, iso

_SHOWN_CHARACTERS = 80


@command("redrive", examples=("thaw redrive", "thaw redrive --queue requests --yes", "thaw redrive --look-only --json"))
@click.option("--queue", "only", type=click.Choice([*OUTPUTS]), help="Of this kind of messages only.")
@click.option("--look", default=10, show_default=True, type=click.IntRange(0, 1000), help="Show so many of each queue.")
@click.option("--look-only", is_flag=True, help="Show them, and send nothing.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def redrive(stack: Stack, out: Output, only: str | None, look: int, look_only: bool, yes: bool) -> None:
    """Shows dead letters (messages that failed five times) and sends them again.

    Mend the cause first: see Alarms in docs/operate.md. To send them again is harmless, also for requests that went
    on.
    """
    queues = {name: look_at(stack.sqs, stack.output(OUTPUTS[name])) for name in ([only] if only else OUTPUTS)}
    full = {name: queue for name, queue in queues.items() if queue.messages + queue.in_flight}
    if not full:
        out.show("No dead letters.")
        return
    for name, queue in full.items():
        _show(out, name, queue, dead_letters.look(stack.sqs, queue, look))
    if look_only:
        return
    agree("Send them again?", yes=yes)
    for name, queue in full.items():
        moved = move_back(stack.sqs, queue)
        out.data({"queue": name, "sentAgain": moved})
        out.show(f"{name}: {moved:,} sent again.")


def _show(out: Output, name: str, queue: Queue, letters: list[DeadLetter]) -> None:
    count = queue.messages + queue.in_flight
    out.show(f"{name}: {count_text(count, 'dead letter')}")
    made = table("sent", "message", "about", "body")
    for each in letters:
        told: dict[str, Any] = {"queue": name, "messageId": each.message_id, "sentAt": iso(each.sent_ms)}
        out.data({**told, "about": each.about, "body": each.body})
        body = " ".join(each.body.split())
        short = body if len(body) <= _SHOWN_CHARACTERS else f"{body[:_SHOWN_CHARACTERS]} …"
        made.add_row(clock_time(each.sent_ms), each.message_id, each.about or "", short)
    out.show(made)
    if count > len(letters):
        out.show(f"... and {count - len(letters):,} more.")
