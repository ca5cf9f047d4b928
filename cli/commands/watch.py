"""`thaw watch`: requests, until all have ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Group as Lines
from rich.live import Live
from rich.text import Text

from cli.chosen import Chosen, chosen_requests
from cli.command import command
from cli.errors import Exit, Interrupted, Problem
from cli.output import Output
from cli.queues import is_empty
from cli.reading import Reader
from cli.stack import Stack
from cli.standing import ARRIVING, UNKNOWN, Outcome, Standing, clock_time
from cli.summary import group_table, standing_table
from cli.waiting import NeverCame, Patience
from cli.watching import Board, rounds
from thaw.edge.clock import now_ms
from thaw.states import State

BAD_SHOWN = 20
LINE_EVERY_SECONDS = 10.0


@command(
    "watch",
    examples=(
        "thaw watch invoices-2019",
        "thaw watch --file inventory.json --batch may",
        "thaw watch --file requests.jsonl --json > ended.jsonl",
    ),
)
@chosen_requests
def watch(stack: Stack, out: Output, chosen: Chosen) -> None:
    """Shows how requests come along, until all of them have ended.

    Name them, or the file that was submitted with the same options. With --json each request is a line once it has
    ended. The exit code is 0 if all succeeded. To break it off changes nothing.
    """
    if not chosen:
        raise Problem("Nothing to watch.", "Name requests, or the file that they came from with --file.")
    reader = Reader(stack.dynamodb, stack.output("RetrievalTableName"))
    board = Board(chosen.all_ids())
    never_came = NeverCame(lambda: is_empty(stack.sqs, stack.request_queue_url))
    try:
        with _screen(out, board) as refresh:
            for news in rounds(reader, board, never_came, Patience(_note), now_ms):
                if news is not None and news.outcome is not Outcome.OPEN:
                    out.data(news.told(now_ms()))
                refresh(news)
    except KeyboardInterrupt:
        raise Interrupted(f"{board.ended:,} of {len(board.all_ids):,} have ended; the others go on.") from None
    _conclude(out, board)


@contextmanager
def _screen(out: Output, board: Board) -> Iterator[Callable[[Standing | None], None]]:
    """What to call after each news, and after each round."""
    if out.as_json:
        yield lambda news: None
    elif out.screen.is_terminal:
        beside = out.aside.is_terminal  # notes go above the picture then
        with Live(console=out.screen, transient=True, redirect_stderr=beside, get_renderable=lambda: _picture(board)):
            yield lambda news: None
        out.show(_line(board))
    else:
        yield PlainLines(out, board).say


def _note(text: str) -> None:
    """On stderr as it is now: a picture on the same terminal has taken it over, and shows what is said above itself."""
    print(text, file=sys.stderr, flush=True)


class PlainLines:
    """Where there is no terminal: how things stand, once a round and now and then, if it is another than before."""

    def __init__(self, out: Output, board: Board) -> None:
        self._out = out
        self._board = board
        self._said = ""
        self._said_at = time.monotonic()

    def say(self, news: Standing | None) -> None:
        now = time.monotonic()
        line = _line(self._board)
        if line != self._said and (news is None or now - self._said_at >= LINE_EVERY_SECONDS):
            self._said, self._said_at = line, now
            self._out.show(line)


def _picture(board: Board) -> Lines:
    return Lines(Text(_line(board)), Text(), group_table(board.groups()))


def _line(board: Board) -> str:
    """12 of 40 have ended, 1 of them not well; 28 in progress, usually ended by Mon 02 Mar 17:35"""
    text = f"{board.ended:,} of {len(board.all_ids):,} have ended"
    if board.bad:
        text += f", {len(board.bad):,} of them not well"
    open_states = [UNKNOWN, ARRIVING, State.WAITING, State.INITIATING, State.IN_PROGRESS]
    counts = [f"{count:,} {state.replace('_', ' ')}" for state in open_states if (count := board.count_of(state))]
    by = f", usually ended by {clock_time(board.ends_by_ms)}" if board.ends_by_ms else ""
    return f"{text}; {', '.join(counts)}{by}" if counts else text


def _conclude(out: Output, board: Board) -> None:
    """The end of it: what there is, what went wrong, and the exit code."""
    out.show()
    out.show(group_table(board.groups()))
    if board.bad:
        out.show()
        out.show(standing_table(board.bad[:BAD_SHOWN], now_ms()))
        if len(board.bad) > BAD_SHOWN:
            out.show(f"... and {len(board.bad) - BAD_SHOWN:,} more.")
    unknown = board.count_of(UNKNOWN)
    if unknown:
        out.note(
            f"{unknown:,} were never taken in, and the queue is empty: rejected (the events Request Rejected say why),"
            " dead letters (`thaw redrive` shows them), or never sent."
        )
    if unknown or board.bad:
        raise SystemExit(Exit.BAD_NEWS)
