"""How the demo looks while it runs: on a terminal a few lines that change, elsewhere a line for each event."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from local.demo.history import DELAYED, FAILED, INITIATED, LISTED, PURCHASED, REJECTED, SUCCEEDED, History, Told
from local.demo.telling import told_line

_EVENTS_SHOWN = 10
STYLES = {
    INITIATED: "cyan",
    DELAYED: "yellow",
    SUCCEEDED: "green",
    LISTED: "green",
    FAILED: "red",
    REJECTED: "red",
    PURCHASED: "magenta",
}
_STATES = ("to be sent", "waiting", "delayed", "in progress", "succeeded", "failed", "rejected")


def event_line(told: Told) -> Text:
    who, what, more = told_line(told)
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"  {told.at:%a %H:%M:%S}  ", "dim")
    line.append(f"{who:<15}")
    line.append(f"{what:<21}", STYLES.get(told.detail_type, ""))
    line.append(more, "dim")
    return line


class PlainScreen:
    """A line for each event."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def told(self, told: Told) -> None:
        self._console.print(event_line(told), soft_wrap=True)

    def time_passes(self, now: datetime, histories: Mapping[str, History]) -> None:
        pass


class LiveScreen:
    """The time, how far the requests have come, and the last events."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._last: deque[Told] = deque(maxlen=_EVENTS_SHOWN)

    def told(self, told: Told) -> None:
        self._last.append(told)

    def time_passes(self, now: datetime, histories: Mapping[str, History]) -> None:
        ended = sum(history.end is not None for history in histories.values())
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(f"  {now:%a %d %b %H:%M}", "bold"),
            ProgressBar(total=len(histories), completed=ended, width=36),
            Text(f"{ended} of {len(histories)} requests have ended"),
        )
        states = Counter(history.state for history in histories.values())
        counts = "   ".join(f"{state} {states[state]}" for state in _STATES if states[state])
        lines = [event_line(told) for told in self._last]
        self._live.update(Group(head, Text(f"  {counts}", "dim"), Text(), *lines), refresh=True)


@contextmanager
def screen_on(console: Console) -> Iterator[LiveScreen | PlainScreen]:
    """What suits the console. The changing lines are gone afterwards."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainScreen(console)
        console.print()
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield LiveScreen(live)
