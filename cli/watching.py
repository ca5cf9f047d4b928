"""Looking at requests again and again until all have ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cli.errors import NO_CONNECTION
from cli.reading import Reader
from cli.standing import UNKNOWN, Outcome, Standing
from cli.summary import Group, alike, in_order_of_life, later
from cli.waiting import NeverCame, Patience, paced

SHORTEST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
_RESTS_AT_MOST = 5
"""Where nothing changes, rests between two rounds may be longer than the round by this."""

Alike = tuple[str, str, str]


@dataclass
class Board:
    """How all requests stand, as far as they were looked at."""

    all_ids: list[str]
    bad: list[Standing] = field(default_factory=list)
    """Those that ended, and not well."""
    ends_by_ms: int | None = None
    """By when the last that was open in the last whole round has usually ended."""
    _alike: dict[str, Alike] = field(default_factory=dict)
    _counts: Counter[Alike] = field(default_factory=Counter)
    _ended: set[str] = field(default_factory=set)

    @property
    def ended(self) -> int:
        return len(self._ended)

    def open_ids(self) -> list[str]:
        return [each for each in self.all_ids if each not in self._ended]

    def see(self, standing: Standing) -> bool:
        """Notes how a request stands; whether that is news."""
        before, now = self._alike.get(standing.request_id), alike(standing)
        if before == now:
            return False
        if before is not None:
            self._counts[before] -= 1
        self._counts[now] += 1
        self._alike[standing.request_id] = now
        if standing.outcome is not Outcome.OPEN:
            self._ended.add(standing.request_id)
        if standing.outcome is Outcome.BAD:
            self.bad.append(standing)
        return True

    def groups(self) -> list[Group]:
        return in_order_of_life(Group(*key, requests=count) for key, count in self._counts.items() if count)

    def count_of(self, state: str) -> int:
        return sum(count for key, count in self._counts.items() if key[0] == state)

    @property
    def waits_for_unknown_only(self) -> bool:
        """Whether all that have not ended are not known at all."""
        return self.ended + self.count_of(UNKNOWN) == len(self.all_ids)


def rounds(
    reader: Reader,
    board: Board,
    never_came: NeverCame,
    patience: Patience,
    now_ms: Callable[[], int],
) -> Iterator[Standing | None]:
    """Looks until all requests have ended, or those that have not can't be expected to come any more.

    Yields each request whose standing is news, in the board already; and None when a round is over.
    """
    pause_seconds = SHORTEST_PAUSE_SECONDS
    while open_ids := board.open_ids():
        began, news, ends_by_ms = time.monotonic(), False, None
        try:
            for standing in paced(reader.standings(open_ids), began):
                patience.answered()
                ends_by_ms = later(ends_by_ms, standing.ends_by_ms(now_ms()))
                if board.see(standing):
                    news = True
                    yield standing
            board.ends_by_ms = ends_by_ms
            yield None
            if news or not board.waits_for_unknown_only:
                never_came.forget()
            elif never_came.is_sure(began):
                return
        except NO_CONNECTION as error:
            never_came.forget()
            patience.no_answer(error)
            continue
        if board.ended < len(board.all_ids):
            longest = max(LONGEST_PAUSE_SECONDS, _RESTS_AT_MOST * (time.monotonic() - began))
            pause_seconds = SHORTEST_PAUSE_SECONDS if news else min(2 * pause_seconds, longest)
            time.sleep(pause_seconds)
