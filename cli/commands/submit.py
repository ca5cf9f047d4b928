"""`thaw submit`: puts requests on the queue."""

from __future__ import annotations

import click

from cli.checking import Checked, Faults, Requests, check
from cli.command import command
from cli.errors import Exit, Interrupted, Problem
from cli.output import Output, table
from cli.quantities import count_text, size_text
from cli.reading import Reader
from cli.request_file import RequestFile
from cli.request_options import source_options
from cli.sending import Sender
from cli.stack import Stack

_ASK_AGAIN = "To ask for those again, submit a file of them alone under another --batch, or with other ids."


@command(
    "submit",
    examples=(
        "thaw submit inventory.json --tier Bulk --description 'photos/2019/*' --dry-run",
        "thaw submit inventory.csv --vault photos --tier Bulk --batch restore-7",
        "thaw submit requests.jsonl",
        "thaw submit --archive ARCHIVE_ID --vault photos --tier Expedited --fallback Standard",
    ),
)
@source_options
@click.option("--dry-run", is_flag=True, help="Only check and count; with --json, the messages as they would be sent.")
def submit(stack: Stack, out: Output, source: Requests, dry_run: bool) -> None:
    """Asks for archives: those of a FILE, or the one that the options name.

    FILE is requests in JSON Lines or CSV, or a vault's inventory in JSON or CSV, of any size; - is standard input.
    All of it is checked before anything is sent. What Thaw has taken in already is not sent again, so after an
    interruption the same command goes on. To ask for the same archives once more, name another --batch.
    """
    checked = check(source, out, otherwise="Nothing was sent.")
    if dry_run:
        _show_what_would_be_sent(out, source, checked)
        return
    _check_region(source, stack)
    reader = Reader(stack.dynamodb, stack.output("RetrievalTableName"))
    sender = Sender(stack.sqs, stack.request_queue_url, reader)
    faults, sent, known, known_bad = Faults(out), 0, 0, 0
    try:
        with out.progress("Submitting", checked.requests + checked.repeats) as progress:
            for some in sender.send(source.requests(faults, _ignore)):
                sent, known, known_bad = sent + some.sent, known + some.known, known_bad + some.known_bad
                for fault in some.refused:
                    faults(fault)
                progress.on(some.sent + some.known + len(some.refused))
    except KeyboardInterrupt:
        raise Interrupted(f"{count_text(sent, 'request')} sent. The same command again goes on from there.") from None
    told = {"sent": sent, "known": known, "knownBad": known_bad, "refused": faults.count, "bytes": checked.bytes}
    out.data(told)
    out.show(
        f"{count_text(sent, 'request')} sent" + (f", {known:,} known already and not sent again." if known else ".")
    )
    if known_bad:
        out.note(f"{known_bad:,} of the known failed or were cancelled. {_ASK_AGAIN}")
    if faults.count:
        faults.tell_rest()
        raise Problem(f"{count_text(faults.count, 'request')} not sent.", exit_code=Exit.BAD_NEWS)


def _ignore(position: int) -> None:
    """Of how far the file was read: the progress counts what was sent."""


def _show_what_would_be_sent(out: Output, source: Requests, checked: Checked) -> None:
    if out.as_json:
        for asked in source.requests(Faults(out), _ignore):
            print(asked.body)
        return
    shown = table(
        "Vault", "Tier", "Requests", "Bytes", "of unknown size", right=("Requests", "Bytes", "of unknown size")
    )
    for (vault, tier), group in sorted(checked.groups.items()):
        shown.add_row(vault, tier, f"{group.requests:,}", size_text(group.bytes), f"{group.of_unknown_size:,}")
    out.show(shown)
    repeats = f" {count_text(checked.repeats, 'repeat')} left out of the count." if checked.repeats else ""
    out.show(f"{count_text(checked.requests, 'request')}, all right.{repeats} Nothing was sent.")


def _check_region(source: Requests, stack: Stack) -> None:
    vault = source.vault if isinstance(source, RequestFile) else None
    if vault and vault.region != stack.region:
        message = f"{source.name} is of {vault.region}, and Thaw is in {stack.region}."
        raise Problem(message, "A Thaw gets back the archives of its own region; name that with --region.")
