"""A promise that was broken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Promise(StrEnum):
    """In the design's order and, as near as may be, its words."""

    EVERY_MESSAGE_ENDS = "1 every message ends in a terminal event or a dead letter"
    NO_DOLLAR_TWICE = "2 no dollar twice"
    OPEN_HAS_DUE_AT = "3 every open retrieval has a dueAt"
    TERMINAL_NEVER_CHANGES = "4 terminal states never change"
    EACH_CHANGE_PUBLISHED = "5 each change is published, in order"
    GLACIERS_WORD = "6 Glacier's own word decides"
    ROLES_SUFFICE = "7 a role allows what its function calls"
    NO_SCAN = "8 no scan, no read without a bound"
    NOTHING_LEFT = "nothing is left once faults have ceased"
    AS_ASKED = "each request is served as fast as it asks"
    PAUSES = "no attempt is repeated without a pause"
    LEGAL_MOVES = "records move as the table of states says"
    NO_FUNCTION_BREAKS = "no function breaks"


@dataclass(frozen=True)
class Violation:
    promise: Promise
    what: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.what}"
