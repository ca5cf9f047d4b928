"""Many requests at a glance: how many stand how, and until when the last is likely to have ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from cli.output import table
from cli.standing import Standing, clock_time, iso
from thaw.states import State

_ORDER = [*State]


@dataclass
class Group:
    """Requests that stand alike; the tier and the vault are empty where they are in no retrieval."""

    state: str
    tier: str
    vault: str
    requests: int = 0
    ends_by_ms: int | None = None
    """The last of them."""

    def told(self) -> dict[str, Any]:
        """For a script."""
        return {
            "state": self.state,
            "tier": self.tier or None,
            "vaultName": self.vault or None,
            "requests": self.requests,
            "usuallyEndsBy": iso(self.ends_by_ms),
        }


def grouped(standings: Iterable[Standing], now_ms: int) -> list[Group]:
    """By state (in the order of a retrieval's life), tier and vault."""
    groups: dict[tuple[str, str, str], Group] = {}
    for each in standings:
        key = alike(each)
        group = groups.setdefault(key, Group(*key))
        group.requests += 1
        group.ends_by_ms = later(group.ends_by_ms, each.ends_by_ms(now_ms))
    return in_order_of_life(groups.values())


def in_order_of_life(groups: Iterable[Group]) -> list[Group]:
    """The groups as retrievals pass through them."""
    return sorted(groups, key=lambda group: (_place(group.state), group.tier, group.vault))


def alike(standing: Standing) -> tuple[str, str, str]:
    """The state, tier and vault by which requests are counted together."""
    record = standing.retrieval
    return (standing.state, record.tier, record.vault_name) if record else (standing.state, "", "")


def later(one: int | None, other: int | None) -> int | None:
    """The later of two times that may be unknown."""
    return max((each for each in (one, other) if each is not None), default=None)


def _place(state: str) -> int:
    return _ORDER.index(State(state)) if state in _ORDER else -1


def group_table(groups: Sequence[Group]) -> Table:
    """For people."""
    made = table("state", "tier", "vault", "requests", "usually ended by", right=("requests",))
    for each in groups:
        state, ends_by = each.state.replace("_", " "), clock_time(each.ends_by_ms)
        made.add_row(state, each.tier, each.vault, f"{each.requests:,}", ends_by)
    return made


def standing_table(standings: Iterable[Standing], now_ms: int) -> Table:
    """A line each, for people."""
    made = table("request", "state", "tier", "vault", "when", "reason")
    for each in standings:
        made.add_row(each.request_id, each.state.replace("_", " "), *_of_retrieval(each, now_ms))
    return made


def _of_retrieval(standing: Standing, now_ms: int) -> tuple[str, ...]:
    record = standing.retrieval
    if record is None:
        return ()
    when = f"usually ended by {clock_time(standing.ends_by_ms(now_ms))}" if record.is_open else ""
    if record.output_available_until is not None:
        when = f"output until {clock_time(record.output_available_until)}"
    reason = f"{record.reason.code}: {record.reason.message}" if record.reason else ""
    return (record.tier, record.vault_name, when, reason)
