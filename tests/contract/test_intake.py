"""Requests are taken in: which records of the table have them afterwards."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from tests.contract.rows import stored, throttled
from tests.unit.builders import (
    ACCOUNT,
    NOW,
    archive_message,
    archive_request,
    claimed,
    inventory_message,
    inventory_request,
    job,
    opened,
    refused,
    request,
    started,
)
from thaw import bounds, endings, joining, records
from thaw.edge.items import from_wire, to_wire
from thaw.edge.table import Table
from thaw.refusals import Refusal
from thaw.retrieval import Retrieval, key_for
from thaw.states import State
from thaw.work.intake import Intake, Vaults


class Resumes:
    """A resume queue that nobody reads."""

    name = "resumes"

    def resume_when_due(self, record: Retrieval, now_ms: int) -> bool:
        return False


@dataclass
class Requests:
    """What comes in on the request queue."""

    table: Table
    dynamodb: DynamoDBClient
    now_ms: int = NOW
    vaults: tuple[str, ...] = (f"arn:aws:glacier:us-east-1:{ACCOUNT}:vaults/*",)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def take(self, body: dict[str, Any], message_id: str = "message-1", table: Table | None = None) -> Retrieval | None:
        vaults = Vaults(ACCOUNT, "us-east-1", self.vaults)
        claims = (f"claim-{number}" for number in self.numbers)
        resumes: Any = Resumes()
        intake = Intake(table or self.table, resumes, vaults, claims, lambda: self.now_ms)
        return intake.take(message_id, json.dumps(body))

    def ask(self, name: str, table: Table | None = None, **other: Any) -> Retrieval | None:
        return self.take(archive_message(name, **other), f"message-{name}", table)

    def remember(self, name: str) -> None:
        """Whoever took it in died after that."""
        own = records.remembered(archive_request(name), self.key(), self.now_ms)
        assert self.table.remember(own, self.now_ms) is None

    def cancel(self, name: str, message_id: str | None = None) -> None:
        self.take({"cancel": name}, message_id or f"cancel-{name}")

    def change(self, how: Callable[[Retrieval], Retrieval | None]) -> Retrieval:
        """The record after something befell it."""
        return self.table.change(self.record(), how)

    def rejected(self, message_id: str) -> str | None:
        """With which code a message was."""
        key = to_wire({"id": f"message/{message_id}"})
        reply = self.dynamodb.get_item(TableName=self.table.name, Key=key, ConsistentRead=True)
        return str(from_wire(reply["Item"])["code"]) if "Item" in reply else None

    def key(self, ordinal: int = 0) -> str:
        return key_for(self.table.name, archive_request(), ACCOUNT, ordinal)

    def record(self, ordinal: int = 0) -> Retrieval:
        record = self.table.get(self.key(ordinal))
        assert record is not None
        return record

    def full(self, ordinal: int = 0, change: Callable[[Retrieval], Retrieval] = lambda record: record) -> Retrieval:
        """A record that has all the requests that it takes."""
        names = [f"full-{ordinal}-{number}" for number in range(bounds.REQUESTS_AT_MOST)]
        record = joining.opened(self.key(ordinal), 1, archive_request(names[0]), ACCOUNT, False, "claim", self.now_ms)
        record = record.model_copy(update={"requests": dict.fromkeys(names, record.requests[names[0]])})
        return stored(self.table, change(record))


@pytest.fixture
def requests(table: Table, dynamodb: DynamoDBClient) -> Requests:
    return Requests(table, dynamodb)


class Counting:
    """A client that counts its calls."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("exceptions"):
            self.calls += 1
        return getattr(self._client, name)


# A page of an inventory that is followed for somebody else


def followed_page(requests: Requests) -> Retrieval:
    running = stored(requests.table, started(opened(inventory_request("all", followPages=True)), "job-1", NOW))
    ended = endings.ended(running, 1, job(running, 1, "job-1", InventoryRetrievalParameters={"Marker": "m"}), NOW)
    assert ended is not None
    following = joining.next_page(requests.table.name, ended, NOW)
    assert following is not None
    assert requests.table.end_page(running, ended, following)
    return following


def test_who_asks_by_its_marker_joins_the_page(requests: Requests) -> None:
    page = followed_page(requests)
    assert requests.take(by_marker("r1")) is None
    joined = requests.table.get(page.key)
    assert joined is not None
    assert {name: asker.pages_before for name, asker in joined.requests.items()} == {"all": 0, "r1": 1}


def test_who_finds_the_page_ended_meanwhile_has_a_record_of_their_own_beside_it(requests: Requests) -> None:
    page = followed_page(requests)
    asked = request(by_marker("r1"))
    assert requests.table.remember(records.remembered(asked, page.key, NOW), NOW) is None
    begun = started(claimed(page, NOW), "job-2", NOW)
    over = requests.table.change(page, lambda _: begun.model_copy(update={"revision": page.revision + 1}))
    over = requests.table.change(over, lambda now: endings.ended(now, 1, job(now, 1, "job-2"), NOW))
    assert over.state is State.SUCCEEDED
    own = requests.take(by_marker("r1"))
    assert own is not None
    assert own.key == key_for(requests.table.name, asked, ACCOUNT)
    assert requests.table.get(page.key) == over, "a page of a listing is never opened anew"
    led = requests.table.get_request("r1")
    assert led is not None
    assert led.key == own.key
    assert requests.take(by_marker("r2")) is None
    shared = requests.table.get(own.key)
    assert shared is not None
    assert set(shared.requests) == {"r1", "r2"}


def by_marker(name: str) -> dict[str, Any]:
    return inventory_message(name, jobParameters={"InventoryRetrievalParameters": {"Marker": "m"}})


# Many requests for the same bytes


@pytest.mark.parametrize("full", [1, 27])
def test_however_many_records_are_full_a_further_one_is_opened_and_claimed(requests: Requests, full: int) -> None:
    for ordinal in range(full):
        requests.full(ordinal)
    claimed = requests.ask("one-more")
    assert claimed is not None
    assert claimed == requests.record(full)
    assert (claimed.state, set(claimed.requests)) == (State.INITIATING, {"one-more"})
    assert requests.ask("one-more") is None
    assert requests.record(full) == claimed


def test_who_comes_after_many_full_records_does_not_pass_by_each(requests: Requests, dynamodb: DynamoDBClient) -> None:
    for ordinal in range(20):
        requests.full(ordinal)
    requests.ask("first")
    counting = Counting(dynamodb)
    requests.ask("second", Table(counting, requests.table.name))  # type: ignore[arg-type]
    assert "second" in requests.record(20).requests
    assert counting.calls < 10


def test_a_request_never_goes_back_to_a_record_that_it_was_led_on_from(requests: Requests) -> None:
    """It died before it joined; meanwhile others filled the record that it was led to, and the first has room."""
    for ordinal in range(3):
        requests.full(ordinal)
    requests.remember("r1")
    assert requests.table.lead_request("r1", requests.record(), requests.key(2), 2, NOW)
    requests.ask("r1")
    assert [requests.record(ordinal).requests.keys() >= {"r1"} for ordinal in range(4)] == [False] * 3 + [True]
    own = requests.table.get_request("r1")
    assert own is not None
    assert (own.key, own.ordinal) == (requests.key(3), 3)


# A message that is worked on twice at once, and the first record of its bytes is full


@dataclass
class Twice:
    """Two copies of a message: one is slow, and in between the other is taken in."""

    requests: Requests
    claimed: list[Retrieval] = field(default_factory=list)

    def take(self, table: Table | None = None) -> None:
        claimed = self.requests.ask("x", table)
        self.claimed += [claimed] if claimed is not None else []

    def take_slowly(self, before: str, meanwhile: Callable[[], None]) -> None:
        table = Table(self.requests.dynamodb, self.requests.table.name)
        call = getattr(table, before)

        def late(*args: Any) -> Any:
            setattr(table, before, call)
            meanwhile()
            return call(*args)

        setattr(table, before, late)
        self.take(table)

    def assert_in_one_record_whatever(
        self, happens: Callable[[], None], before: str, *, known: bool, first: bool
    ) -> None:
        """Happens while the one copy is slow; the other is taken first, or then."""

        def meanwhile() -> None:
            if first:
                self.take()
            happens()
            if not first:
                self.take()

        if known:
            self.requests.remember("x")
        self.take_slowly(before, meanwhile)
        self.take()
        self.assert_in_one_record()

    def assert_in_one_record(self) -> None:
        own = self.requests.table.get_request("x")
        assert own is not None
        current = [self.requests.table.get(self.requests.key(ordinal)) for ordinal in range(3)]
        having = [record for record in current if record is not None and "x" in record.requests]
        assert [record.key for record in having] == [own.key]
        assert [record.key for record in self.claimed] in ([], [own.key])


BEFORE = pytest.mark.parametrize("before", ["create", "get_request", "lead_request", "reopen", "save"])
KNOWN = pytest.mark.parametrize("known", [False, True], ids=["it is remembered by the slow copy", "it is known"])
FIRST = pytest.mark.parametrize("first", [False, True], ids=["the copy comes after", "the copy comes before"])


@BEFORE
@KNOWN
@FIRST
def test_a_request_is_in_one_record_though_the_full_one_ceases_to_be_worth_joining(
    requests: Requests, before: str, known: bool, first: bool
) -> None:
    running = requests.full(change=lambda record: started(record, "job-1", NOW))
    requests.now_ms += 4 * 3_600_000
    ended = requests.change(lambda record: endings.ended(record, 1, job(running, 1, "job-1"), requests.now_ms))
    requests.now_ms = (ended.output_available_until or 0) - bounds.OUTPUT_WORTH_JOINING_SECONDS * 1000 - 5000
    twice = Twice(requests)

    def time_passes() -> None:
        requests.now_ms += 10_000

    twice.assert_in_one_record_whatever(time_passes, before, known=known, first=first)


@BEFORE
@KNOWN
@FIRST
def test_a_request_is_in_one_record_though_the_full_one_is_opened_anew(
    requests: Requests, before: str, known: bool, first: bool
) -> None:
    requests.full()
    twice = Twice(requests)

    def is_opened_anew() -> None:
        requests.change(lambda record: refused(record, Refusal.PERMANENT))
        requests.ask("y")

    twice.assert_in_one_record_whatever(is_opened_anew, before, known=known, first=first)


def test_a_record_is_not_opened_anew_for_who_was_led_on_from_it_by_a_clock_that_is_behind(requests: Requests) -> None:
    running = requests.full(change=lambda record: started(record, "job-1", NOW))
    ended = requests.change(lambda record: endings.ended(record, 1, job(running, 1, "job-1"), NOW + 1000))
    requests.now_ms = (ended.output_available_until or 0) - bounds.OUTPUT_WORTH_JOINING_SECONDS * 1000 + 5000
    twice = Twice(requests)

    def meanwhile() -> None:
        requests.now_ms -= 10_000
        twice.take()
        requests.now_ms += 10_000

    twice.take_slowly("reopen", meanwhile)
    twice.assert_in_one_record()
    assert requests.record() == ended


def test_who_is_led_on_by_another_copy_follows_it(requests: Requests) -> None:
    for ordinal in range(2):
        requests.full(ordinal)
    twice = Twice(requests)
    twice.take_slowly("create", twice.take)
    twice.assert_in_one_record()
    assert set(requests.record(2).requests) == {"x"}


# Cancellations that come again


def test_a_cancellation_that_was_carried_out_is_not_refused_when_the_record_was_opened_anew(requests: Requests) -> None:
    requests.ask("r1")
    requests.change(throttled)
    requests.cancel("r1")
    assert requests.record().state is State.CANCELLED
    requests.ask("r2")
    assert requests.record().generation == 2
    requests.cancel("r1")
    assert requests.rejected("cancel-r1") is None


def test_a_cancellation_that_was_refused_is_not_carried_out_later(requests: Requests) -> None:
    requests.ask("r1")
    requests.cancel("r1")
    assert requests.rejected("cancel-r1") == "AlreadyStarted"
    waits = requests.change(throttled)
    requests.cancel("r1")
    assert requests.record() == waits
    requests.cancel("r1", "another")
    assert requests.record().state is State.CANCELLED


def test_what_has_ended_before_the_record_was_opened_anew_is_not_taken_back(requests: Requests) -> None:
    requests.ask("r1")
    requests.change(lambda record: refused(record, Refusal.PERMANENT))
    requests.ask("r2")
    requests.cancel("r1")
    assert requests.rejected("cancel-r1") == "AlreadyEnded"


def test_whose_record_was_about_to_be_opened_anew_finds_it_where_it_was(requests: Requests) -> None:
    """Who opens it anew died between marking its requests and the new generation."""
    requests.ask("r1")
    requests.change(throttled)
    requests.cancel("r1")
    requests.table.finish_request("r1", requests.record())
    requests.cancel("r1")
    assert requests.rejected("cancel-r1") is None


# An id that is used again after it was forgotten


@pytest.fixture
def forgotten(requests: Requests) -> Requests:
    """Two requests whose retrieval succeeded, when they are remembered no longer and its record is still there."""
    for name in ("r1", "r2"):
        requests.ask(name)
    running = requests.change(lambda record: started(record, "job-1", NOW))
    requests.now_ms += 4 * 3_600_000
    requests.change(lambda record: endings.ended(record, 1, job(running, 1, "job-1"), requests.now_ms))
    requests.now_ms = NOW + bounds.REQUEST_KEPT_SECONDS * 1000 + 1000
    assert (requests.record().expires_at or 0) * 1000 > requests.now_ms
    return requests


def test_an_id_that_is_remembered_no_longer_is_taken_in_as_a_new_request(forgotten: Requests) -> None:
    claimed = forgotten.ask("r1", context={"new": 1})
    assert claimed is not None
    assert claimed == forgotten.record()
    assert (claimed.generation, claimed.state, list(claimed.requests)) == (2, State.INITIATING, ["r1"])
    assert claimed.requests["r1"].context == '{"new":1}'
    assert forgotten.ask("r1", context={"new": 1}) is None
    assert forgotten.record() == claimed
    own = forgotten.table.get_request("r1")
    assert own is not None
    assert not own.done


def test_who_opens_a_record_anew_marks_no_later_request_of_an_id_in_it(forgotten: Requests) -> None:
    """It is remembered and not in yet: marked as done it would never come in."""
    forgotten.remember("r2")
    with pytest.raises(joining.NotJoinedYet):
        forgotten.cancel("r2")
    forgotten.ask("r1")
    forgotten.ask("r2")
    assert set(forgotten.record().requests) == {"r1", "r2"}


def test_a_request_that_is_still_remembered_is_in_the_record_for_good(requests: Requests) -> None:
    requests.ask("r1")
    ended = requests.change(lambda record: refused(record, Refusal.PERMANENT))
    requests.now_ms = NOW + bounds.REQUEST_KEPT_SECONDS * 1000 - 1000
    assert requests.ask("r1") is None
    assert requests.record() == ended


# The settings change while a request is under way


OTHERS_ONLY = (f"arn:aws:glacier:us-east-1:{ACCOUNT}:vaults/others",)


def test_a_request_under_way_is_not_rejected_by_settings_that_list_its_vault_no_more(requests: Requests) -> None:
    taken_in = requests.ask("r1")
    requests.vaults = OTHERS_ONLY
    assert requests.ask("r1") is None
    assert requests.rejected("message-r1") is None
    assert requests.record() == taken_in
    requests.take(archive_message("r1", context={"other": 1}), "message-2")
    assert requests.rejected("message-2") == "RequestIdReused", "any other code would tell the end of the first"


def test_a_request_that_was_remembered_and_no_more_is_taken_in_all_the_same(requests: Requests) -> None:
    """Else it would have no end."""
    requests.remember("r1")
    requests.vaults = OTHERS_ONLY
    assert requests.ask("r1") == requests.record()


def test_an_id_that_is_remembered_no_longer_is_rejected_like_any_other(requests: Requests) -> None:
    requests.ask("r1")
    requests.vaults, requests.now_ms = OTHERS_ONLY, NOW + bounds.REQUEST_KEPT_SECONDS * 1000 + 1000
    requests.ask("r1")
    assert requests.rejected("message-r1") == "VaultNotAllowed"
