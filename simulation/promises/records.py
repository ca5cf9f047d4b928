"""What must hold of the table at every write (promises 3 and 4, and the moves of the states)."""

from __future__ import annotations

from collections.abc import Iterator

from simulation.history import Attributes, Change, History
from simulation.promises.violation import Promise, Violation
from thaw import bounds
from thaw.states import FIRST, MOVES, OPEN, State

_MAY_CHANGE_AFTER_THE_END = {"revision", "requests", "duplicates", "jobs", "doubt", "further"}


def of_change(change: Change, history: History) -> Iterator[Violation]:
    """What a write breaks."""
    kind = (change.new or change.old or {}).get("kind")
    if change.new is None:
        if change.old is not None and "expiresAt" not in change.old:
            yield Violation(Promise.NOTHING_LEFT, f"{change.id} was deleted without a time to live")
    elif kind == "retrieval":
        yield from _of_retrieval(change.old, change.new, history)
        yield from _joined_in_time(change)
    elif kind == "past" and change.old is not None:
        yield from _after_the_end(change.old, change.new)
    elif kind in ("request", "rejection") and change.old is not None:
        yield from _of_request(change.old, change.new)


def _of_retrieval(old: Attributes | None, new: Attributes, history: History) -> Iterator[Violation]:
    yield from _due(new)
    if old is None or old["generation"] != new["generation"]:
        yield from _first(old, new, history)
        return
    if new["revision"] != old["revision"] + 1:
        yield Violation(Promise.LEGAL_MOVES, f"{new['id']}: revision {old['revision']} to {new['revision']}")
    if new["attempt"] - old["attempt"] not in (0, 1):
        yield Violation(Promise.LEGAL_MOVES, f"{new['id']}: attempt {old['attempt']} to {new['attempt']}")
    before, after = State(old["state"]), State(new["state"])
    if before not in OPEN:
        yield from _after_the_end(old, new)
    elif after is not before and after not in MOVES[before]:
        yield Violation(Promise.LEGAL_MOVES, f"{new['id']}: {before} to {after}")


def _due(new: Attributes) -> Iterator[Violation]:
    is_open, has_due = State(new["state"]) in OPEN, "dueAt" in new and "dueIn" in new
    if is_open and not has_due:
        yield Violation(Promise.OPEN_HAS_DUE_AT, f"{new['id']} is {new['state']} without dueAt")
    if not is_open and has_due:
        yield Violation(Promise.OPEN_HAS_DUE_AT, f"{new['id']} is {new['state']} and still due")
    if is_open == ("expiresAt" in new):
        yield Violation(Promise.OPEN_HAS_DUE_AT, f"{new['id']} is {new['state']}; expiresAt: {new.get('expiresAt')}")


def _first(old: Attributes | None, new: Attributes, history: History) -> Iterator[Violation]:
    if State(new["state"]) not in FIRST:
        yield Violation(Promise.LEGAL_MOVES, f"{new['id']} begins as {new['state']}")
    if old is None:
        return
    if State(old["state"]) in OPEN or new["generation"] != old["generation"] + 1:
        yield Violation(Promise.TERMINAL_NEVER_CHANGES, f"{new['id']}: {old['state']} was opened anew")
    past = history.items.get(f"{old['id']}/{old['generation']}")
    if past is None or _told_apart(past) != _told_apart(old):
        yield Violation(Promise.TERMINAL_NEVER_CHANGES, f"{new['id']}: generation {old['generation']} is not kept")


def _told_apart(record: Attributes) -> Attributes:
    """A record without what names its place, and without what is as good as not there."""
    return {name: value for name, value in record.items() if name not in ("id", "kind") and value not in ({}, [])}


def _after_the_end(old: Attributes, new: Attributes) -> Iterator[Violation]:
    before, after = _told_apart(old), _told_apart(new)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    wrong = changed - _MAY_CHANGE_AFTER_THE_END
    if wrong:
        yield Violation(Promise.TERMINAL_NEVER_CHANGES, f"{new['id']} is {old['state']}, and {sorted(wrong)} changed")
    if any(new["requests"].get(name) != asker for name, asker in old["requests"].items()):
        yield Violation(Promise.TERMINAL_NEVER_CHANGES, f"{new['id']} is {old['state']}, and its requests changed")


def _joined_in_time(change: Change) -> Iterator[Violation]:
    """A finished output is joined only while it stays good for long enough."""
    old, new = change.old, change.new
    assert new is not None
    if old is None or old["generation"] != new["generation"] or old["state"] != State.SUCCEEDED:
        return
    left_seconds = (new["outputAvailableUntil"] - change.at_ms) / 1000
    least_seconds = bounds.OUTPUT_WORTH_JOINING_SECONDS - bounds.CLOCK_SKEW_SECONDS - bounds.FUNCTION_TIMEOUT_SECONDS
    if len(new["requests"]) > len(old["requests"]) and left_seconds < least_seconds:
        yield Violation(Promise.EVERY_MESSAGE_ENDS, f"{new['id']} was joined {left_seconds:g} s before its output goes")


_FIXED = frozenset({"contents", "key", "cancelled", "code", "message", "errors"})


def _of_request(old: Attributes, new: Attributes) -> Iterator[Violation]:
    """What was taken back before it came gets its contents when it comes. What finds a record full, or a page of
    somebody's listing ended, is led on."""
    comes = bool(old.get("cancelled")) and "contents" not in old
    is_led_on = "ordinal" in new and not old.get("done")
    fixed = _FIXED - ({"contents"} if comes else set()) - ({"key"} if is_led_on else set())
    if any(old.get(name) != new.get(name) for name in fixed) or (old.get("done") and not new.get("done")):
        yield Violation(Promise.TERMINAL_NEVER_CHANGES, f"{new['id']} changed: {old} to {new}")
