"""Retrievals as they stand in the table."""

from typing import Any

from tests.unit.builders import NOW, REASON, opened, started
from thaw import attempts
from thaw.edge.table import Table
from thaw.refusals import Refusal
from thaw.request import RetrievalRequest
from thaw.retrieval import Retrieval


def stored(table: Table, record: Retrieval) -> Retrieval:
    assert table.create(record) is None
    return record


def throttled(record: Retrieval, now_ms: int = NOW) -> Retrieval:
    waits = attempts.refused(record, record.attempt, Refusal.THROTTLED, REASON, now_ms)
    assert waits is not None
    return waits


def waiting(table: Table) -> Retrieval:
    return stored(table, throttled(opened()))


def claim(table: Table, record: Retrieval, name: str = "claim-2", **other: Any) -> Retrieval | None:
    given = {"key": record.key, "generation": record.generation, "due_at": record.due_at, "claim": name}
    return table.claim(**{**given, "now_ms": NOW + 60_000, **other})


def running(table: Table, asked: RetrievalRequest | None = None) -> Retrieval:
    return stored(table, started(opened(asked), "job-1", NOW))
