"""Attempts in the store: claims, ends, and replies that are lost on their way back."""

from collections.abc import Callable
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from tests.contract.rows import claim, running, stored, throttled, waiting
from tests.unit.builders import (
    KEY,
    NOW,
    REASON,
    archive_request,
    claimed,
    job,
    on_two_jobs,
    opened,
    started,
)
from thaw import attempts, endings, joining, records
from thaw.edge.table import Table
from thaw.refusals import Refusal
from thaw.retrieval import EXPEDITED_BACKLOG, Retrieval

OTHER_KEY = "f" * 32


# Claims


def test_a_claim_writes_what_the_rule_says(table: Table) -> None:
    record = waiting(table)
    taken = claim(table, record)
    assert taken == claimed(record, NOW + 60_000)
    assert table.get(KEY) == taken


@pytest.mark.parametrize("other", [{"generation": 2}, {"due_at": NOW}, {"key": OTHER_KEY}])
def test_another_wait_is_not_claimed(table: Table, other: dict[str, Any]) -> None:
    record = waiting(table)
    assert claim(table, record, **other) is None
    assert table.get(KEY) == record


def test_what_waits_for_top_up_is_claimed_by_no_message(table: Table) -> None:
    """Not even where it has come to do so at the moment at which an earlier wait ends."""
    record = waiting(table)
    assert record.due_at is not None
    hurried = joining.join(record, archive_request("request-2", "Expedited"), record.due_at)
    assert isinstance(hurried, Retrieval)
    assert (hurried.due_in, hurried.due_at) == (EXPEDITED_BACKLOG, record.due_at)
    assert table.save(record, hurried) is None
    assert claim(table, record) is None
    assert table.get(KEY) == hurried


def test_only_one_claim_of_a_wait_is_given(table: Table) -> None:
    record = waiting(table)
    first = claim(table, record, "claim-2")
    assert claim(table, record, "claim-other") is None
    assert table.get(KEY) == first


@pytest.mark.parametrize("state", [opened(), on_two_jobs()])
def test_what_does_not_wait_is_not_claimed(table: Table, state: Retrieval) -> None:
    record = stored(table, state)
    assert claim(table, record) is None
    assert table.get(KEY) == record


# Ends


def test_an_end_without_a_read_writes_what_the_rule_says(table: Table) -> None:
    record = running(table)
    done = job(record, 1, "job-1", Tier="Standard", ArchiveSizeInBytes=5, SHA256TreeHash="a" * 64)
    after = table.succeed(record.tag, done, NOW + 5)
    assert after == endings.ended(record, 1, done, NOW + 5)
    assert table.get(KEY) == after
    assert after is not None
    assert after.sequence == after.revision


def test_an_end_is_written_once(table: Table) -> None:
    record = running(table)
    done = job(record, 1, "job-1")
    after = table.succeed(record.tag, done, NOW + 5)
    assert table.succeed(record.tag, done, NOW + 999) == after
    assert table.get(KEY) == after


@pytest.mark.parametrize(
    "record",
    [
        opened(),
        throttled(opened()),
        started(opened(), "another-job", NOW),
        on_two_jobs().model_copy(update={"generation": 2}),
    ],
)
def test_an_end_that_is_not_plain_brings_the_record_back(table: Table, record: Retrieval) -> None:
    stored(table, record)
    tag = opened().tag
    assert table.succeed(tag, job(record, 1, "job-1"), NOW) == record
    assert table.get(KEY) == record


def test_an_end_of_an_unknown_retrieval_is_told(table: Table) -> None:
    assert table.succeed(opened().tag, job(opened(), 1, "job-1"), NOW) is None
    assert table.get(KEY) is None


# Replies that are lost, and the SDK's repeat of the write


class Twice:
    """A client whose every reply is lost once: the SDK repeats the write, and the caller sees the second outcome."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name not in ("put_item", "update_item"):
            return call

        def repeated(**parameters: Any) -> Any:
            call(**parameters)
            return call(**parameters)

        return repeated


@pytest.fixture
def lossy(dynamodb: DynamoDBClient, table: Table) -> Table:
    return Table(Twice(dynamodb), table.name)  # type: ignore[arg-type]


def test_a_repeated_create_shows_our_own_record(lossy: Table) -> None:
    record = opened()
    assert lossy.create(record) == record


RULES: dict[str, Callable[[Retrieval], Retrieval | None]] = {
    "started": lambda now: attempts.started(now, 1, now.tier, "job-1", NOW),
    "refused": lambda now: attempts.refused(now, 1, Refusal.THROTTLED, REASON, NOW),
    "failed": lambda now: attempts.refused(now, 1, Refusal.PERMANENT, REASON, NOW),
    "unknown": lambda now: attempts.unknown(now, 1, REASON),
    "absent": lambda now: attempts.absent(now, 1, NOW),
    "given back": lambda now: attempts.given_back(now, 1, NOW),
}


@pytest.mark.parametrize("name", RULES)
def test_a_repeated_change_finds_itself_done(table: Table, lossy: Table, name: str) -> None:
    record = stored(table, opened())
    after = lossy.change(record, RULES[name])
    assert after == RULES[name](record)
    assert table.get(KEY) == after


def test_a_repeated_claim_is_still_ours(table: Table, lossy: Table) -> None:
    record = waiting(table)
    taken = claim(lossy, record)
    assert taken == claimed(record, NOW + 60_000)
    assert table.get(KEY) == taken


def test_a_repeated_end_is_one_end(table: Table, lossy: Table) -> None:
    record = running(table)
    done = job(record, 1, "job-1")
    assert lossy.succeed(record.tag, done, NOW) == endings.ended(record, 1, done, NOW)


def test_a_repeated_first_word_of_a_request_shows_its_own_record(lossy: Table) -> None:
    request = records.remembered(archive_request(), KEY, NOW)
    assert lossy.remember(request, NOW) == request
