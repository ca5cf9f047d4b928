"""What happened in a run: the table's changes, the jobs' ends, what was sent; from the outside, as it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from local.calls import Call, Calls
from local.clock import Clock
from local.environments import Environment
from local.processes import current
from thaw.capacity import ITEM_ID, Capacity

Attributes = dict[str, Any]
"""An item's attributes as plain values."""


@dataclass(frozen=True)
class Change:
    """One write that changed an item; `old` or `new` is None where there was, or is, none."""

    at_ms: int
    actor: str
    """The execution environment that wrote, or an empty string."""
    id: str
    old: Attributes | None
    new: Attributes | None
    calls: int
    """How many calls had been begun: a finer clock, on which no two writes of a process are at one time."""


@dataclass(frozen=True)
class JobEnd:
    """Glacier completed a job."""

    at_ms: int
    status: str
    said: Mapping[str, Any]
    """The job as its notification describes it."""


@dataclass
class History:
    clock: Clock
    calls: Calls
    table: Table
    changes: list[Change] = field(default_factory=list)
    items: dict[str, Attributes] = field(default_factory=dict)
    """The table as it is."""
    open_due: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Of each item in the due index, its partition and `dueAt`."""
    past_due: list[tuple[int, tuple[str, int]]] = field(default_factory=list)
    """What was in the due index, and until when, in the order of time: a read that is behind still finds it."""
    job_ends: dict[str, JobEnd] = field(default_factory=dict)
    notified: set[str] = field(default_factory=set)
    """The jobs of which a notification was sent that is not lost."""
    refused_by_role: list[str] = field(default_factory=list)
    watchers: list[Callable[[Change], None]] = field(default_factory=list)
    """Each is told of every change."""
    _images: list[tuple[int, str, Mapping[str, Any] | None]] = field(default_factory=list)
    _capacity: tuple[Attributes, Capacity] | None = None
    """The capacity's item when last looked at, and what it says: each tick of a schedule asks."""

    def on_change(self, record: Mapping[str, Any]) -> None:
        """Takes a record of the table's stream."""
        data = record["dynamodb"]
        old, new = data.get("OldImage"), data.get("NewImage")
        name, now_ms, process = data["Keys"]["id"]["S"], self.clock.now_ms(), current()
        owner = process.owner if process else None
        actor = owner.instance if isinstance(owner, Environment) else ""
        change = Change(now_ms, actor, name, self.items.get(name), plain(new) if new else None, len(self.calls.log))
        self._images.append((now_ms, name, old))
        self.changes.append(change)
        self._keep(change)
        for watcher in self.watchers:
            watcher(change)

    def retrieval(self, key: str, generation: int) -> Attributes:
        """The record of a retrieval as it is, be it the current one of its bytes or an earlier one."""
        return self.items.get(f"retrieval/{key}/{generation}") or self.items.get(f"retrieval/{key}", {})

    @property
    def purchase_is_followed(self) -> bool:
        item = self.items.get(ITEM_ID)
        if item is None:
            return False
        if self._capacity is None or self._capacity[0] is not item:
            self._capacity = (item, Capacity.model_validate(item))
        return self._capacity[1].follows_a_purchase(self.clock.now_ms())

    @property
    def lock_is_held(self) -> bool:
        """By a process that may have died: until its time is over."""
        item = self.items.get(ITEM_ID, {})
        return bool(item.get("lock")) and item["lockUntil"] > self.clock.now_ms()

    def changes_of(self, retrieval_id: str) -> Iterator[Change]:
        """All that became of a retrieval's record, from its opening on."""
        key, _, generation = retrieval_id.rpartition("-")
        items = (f"retrieval/{key}", f"retrieval/{key}/{generation}")
        for change in self.changes:
            if change.id in items and change.new is not None and change.new["generation"] == int(generation):
                yield change

    def joined_ms(self) -> dict[str, int]:
        """When each request came to be in a retrieval's record."""
        when: dict[str, int] = {}
        for change in self.changes:
            for request_id in (change.new or {}).get("requests", ()):
                when.setdefault(request_id, change.at_ms)
        return when

    def cancelled_ms(self) -> dict[str, int]:
        """When each request that was taken back in time was, by its retrieval's record."""
        when: dict[str, int] = {}
        for change in self.changes:
            for request_id, asker in (change.new or {}).get("requests", {}).items():
                if asker.get("cancelled"):
                    when.setdefault(request_id, change.at_ms)
        return when

    def was(self, name: str, since_ms: int, until: Change) -> Iterator[Attributes]:
        """All that an item was from a time on until a change."""
        for change in reversed(self.changes):
            if change.id == name and change.new is not None and change.calls <= until.calls:
                yield change.new
                if change.at_ms < since_ms:
                    return

    def versions(self, begins: Call, ends: Call) -> Iterator[Attributes]:
        """Of each item all that it was from the begin of the one call to the begin of the other."""
        until: dict[str, int] = {}
        for change in reversed(self.changes):
            overlaps = change.calls <= ends.number and until.get(change.id, ends.number) > begins.number
            if change.new is not None and overlaps:
                yield change.new
            until[change.id] = change.calls

    def due_since(self, moment_ms: int) -> Iterator[tuple[str, int]]:
        """What is in the due index, or was at some time since then."""
        yield from self.open_due.values()
        for until_ms, due in reversed(self.past_due):
            if until_ms < moment_ms:
                break
            yield due

    def _keep(self, change: Change) -> None:
        due = self.open_due.pop(change.id, None)
        if due is not None:
            self.past_due.append((change.at_ms, due))
        if change.new is None:
            self.items.pop(change.id, None)
            return
        self.items[change.id] = change.new
        if "dueAt" in change.new and "dueIn" in change.new:
            self.open_due[change.id] = (change.new["dueIn"], change.new["dueAt"])

    @contextmanager
    def table_as_of(self, moment_ms: int) -> Iterator[None]:
        """While entered, the table is what it was then: what a read of an index behind it finds."""
        items: dict[Any, Any] = self.table.items
        kept = dict(items)
        try:
            for at_ms, name, old in reversed(self._images):
                if at_ms < moment_ms:
                    break
                key = DynamoType({"S": name})
                if old is None:
                    items.pop(key, None)
                else:
                    items[key] = Item(key, None, dict(old))
            yield
        finally:
            items.clear()
            items.update(kept)


def plain(image: Mapping[str, Any]) -> Attributes:
    return {name: _plain(value) for name, value in image.items()}


def _plain(typed: Mapping[str, Any]) -> Any:
    kind, value = next(iter(typed.items()))
    match kind:
        case "N":
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "M":
            return plain(value)
        case "L":
            return [_plain(each) for each in value]
        case "NULL":
            return None
    return value
