"""The store: what each conditional write does, refuses and brings back."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from tests.contract.rows import running, stored, throttled
from tests.unit.builders import (
    ACCOUNT,
    KEY,
    NOW,
    REASON,
    archive_request,
    inventory_request,
    job,
    on_two_jobs,
    opened,
)
from thaw import attempts, endings, joining, records
from thaw.capacity import Capacity, Intent, Unit
from thaw.description import Tag
from thaw.edge.contention import TRIES_AT_MOST, Contention
from thaw.edge.items import from_wire, to_wire
from thaw.edge.table import Table, Unreadable
from thaw.events import events, read_record
from thaw.refusals import Refusal
from thaw.request import Rejected
from thaw.retrieval import EXPEDITED_BACKLOG, Retrieval, item_id, key_for, past_id, shard
from thaw.states import State

OTHER_KEY = "f" * 32


def raw(table: Table, dynamodb: DynamoDBClient, item: str) -> dict[str, Any] | None:
    reply = dynamodb.get_item(TableName=table.name, Key={"id": {"S": item}}, ConsistentRead=True)
    return from_wire(reply["Item"]) if "Item" in reply else None


# Records as a whole


@pytest.mark.parametrize(
    "record",
    [
        opened(),
        opened(archive_request(tier="Expedited", context={"ä": 1.5})),
        throttled(opened()),
        on_two_jobs(),
        opened(inventory_request(jobParameters={"InventoryRetrievalParameters": {"Limit": "5"}}), foreign=True),
    ],
)
def test_a_record_is_read_as_it_was_written(table: Table, record: Retrieval) -> None:
    assert table.get(record.key) is None
    assert table.create(record) is None
    assert table.get(record.key) == record


def test_the_first_to_create_a_record_wins_and_the_other_is_shown_it(table: Table) -> None:
    first = stored(table, opened())
    other = opened(archive_request("request-2", "Bulk"))
    assert table.create(other) == first
    assert table.get(KEY) == first


def test_a_record_that_changed_is_not_overwritten_but_shown(table: Table) -> None:
    first = stored(table, opened())
    second = throttled(first)
    assert table.save(first, second) is None
    assert table.save(first, first.changed(delays=9)) == second
    assert table.get(KEY) == second
    next_generation = second.model_copy(update={"generation": 2})
    assert table.save(next_generation, next_generation.changed()) == second


def test_a_change_is_decided_anew_when_others_were_faster(table: Table) -> None:
    seen = stored(table, opened())
    faster = joining.join(seen, archive_request("request-2"), NOW)
    assert isinstance(faster, Retrieval)
    assert table.save(seen, faster) is None
    result = table.change(seen, lambda now: attempts.started(now, 1, now.tier, "job-1", NOW))
    assert result == table.get(KEY)
    assert set(result.requests) == {"request-1", "request-2"}
    assert result.state is State.IN_PROGRESS
    assert table.change(result, lambda now: attempts.started(now, 1, now.tier, "job-1", NOW)) == result
    assert table.get(KEY) == result


def test_a_record_that_others_keep_changing_is_left_to_later(table: Table, pauses: list[float]) -> None:
    """And after ever longer pauses, by chance: those who want it at once would keep refusing each other."""
    stale = stored(table, opened())
    tries = 0

    def overtaken(now: Retrieval) -> Retrieval:
        nonlocal tries
        tries += 1
        assert table.save(now, now.changed(delays=tries)) is None
        return now.changed(delays=99)

    with pytest.raises(Contention):
        table.change(stale, overtaken)
    assert tries == TRIES_AT_MOST
    assert len(pauses) == len({*pauses}) == TRIES_AT_MOST - 1
    assert max(pauses[:3]) <= 0.04 < max(pauses) <= 0.64


@contextmanager
def held(dynamodb: DynamoDBClient, writes: int) -> Iterator[None]:
    """Someone's transaction holds the item for so many writes of others."""
    refusals = [{"Error": {"Code": "TransactionConflictException", "Message": "held"}} for _ in range(writes)]

    def refuse(**_: Any) -> Any:
        return (SimpleNamespace(status_code=400), refusals.pop()) if refusals else None

    dynamodb.meta.events.register("before-call.dynamodb", refuse)
    try:
        yield
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb", refuse)


def test_a_write_waits_for_the_transaction_that_holds_its_item(
    table: Table, dynamodb: DynamoDBClient, pauses: list[float]
) -> None:
    """The SDK does not repeat it, and a job that was begun would not be noted."""
    with held(dynamodb, 3):
        assert table.create(opened()) is None
    record = table.get(KEY)
    assert record == opened()
    started = attempts.started(record, 1, record.tier, "job-1", NOW)
    assert started is not None
    with held(dynamodb, 3):
        assert table.save(record, started) is None
    completed = job(started, 1, "job-1")
    with held(dynamodb, 3):
        succeeded = table.succeed(Tag(KEY, 1, 1), completed, NOW)
    assert succeeded is not None
    assert succeeded.state is State.SUCCEEDED
    assert len(pauses) == 9
    with held(dynamodb, 1000), pytest.raises(Contention):
        table.create(opened())


# Generations and pages


def failed(table: Table) -> Retrieval:
    record = attempts.refused(opened(), 1, Refusal.PERMANENT, REASON, NOW)
    assert record is not None
    return stored(table, record)


def next_generation() -> Retrieval:
    return joining.opened(KEY, 2, archive_request("request-2"), "123456789012", False, "claim-9", NOW + 5)


def test_a_new_generation_takes_the_place_of_the_old_one_which_is_kept(table: Table, dynamodb: DynamoDBClient) -> None:
    old, new = failed(table), next_generation()
    assert table.reopen(old, new)
    assert table.get(KEY) == new
    past = raw(table, dynamodb, past_id(KEY, 1))
    assert past is not None
    assert Retrieval.model_validate(past) == old.model_copy(update={"id": past_id(KEY, 1), "kind": "past"})
    assert table.get_past(KEY, 1) == read_record(past)
    assert events(None, read_record(past)) == [], "what is past is not told again"
    assert not table.reopen(old, new)
    assert table.get(KEY) == new


def test_a_generation_that_changed_meanwhile_is_not_replaced(table: Table, dynamodb: DynamoDBClient) -> None:
    old = failed(table)
    changed = old.changed()
    assert table.save(old, changed) is None
    assert not table.reopen(old, next_generation())
    assert table.get(KEY) == changed
    assert raw(table, dynamodb, past_id(KEY, 1)) is None


def pages(record: Retrieval) -> tuple[Retrieval, Retrieval]:
    done = job(record, 1, "job-1", InventoryRetrievalParameters={"Marker": "next"})
    new = endings.ended(record, 1, done, NOW)
    assert new is not None
    following = joining.next_page("table", new, NOW)
    assert following is not None
    return new, following


def test_a_page_ends_and_the_next_begins_together_or_not_at_all(table: Table) -> None:
    record = running(table, inventory_request(followPages=True))
    new, following = pages(record)
    assert table.end_page(record, new, following)
    assert table.get(KEY) == new
    assert table.get(following.key) == following
    assert not table.end_page(record, new, following)
    changed = following.changed()
    assert table.save(following, changed) is None
    assert not table.end_page(record, new, following)
    assert table.get(following.key) == changed


def test_a_page_that_is_followed_is_found_by_the_key_of_a_request_for_it(table: Table) -> None:
    record = running(table, inventory_request(followPages=True))
    new, following = pages(record)
    asked = inventory_request(jobParameters={"InventoryRetrievalParameters": {"Marker": "next"}})
    key = key_for(table.name, asked, ACCOUNT)
    assert table.get_page(key) is None
    assert table.end_page(record, new, following)
    assert table.get_page(key) == following
    assert table.get_page(key_for(table.name, inventory_request(), ACCOUNT)) is None


def test_a_page_that_changed_meanwhile_begins_no_other(table: Table) -> None:
    record = running(table, inventory_request(followPages=True))
    new, following = pages(record)
    assert table.save(record, record.changed()) is None
    assert not table.end_page(record, new, following)
    assert table.get(following.key) is None


# Requests and rejections


def test_a_request_is_remembered_once_and_shown_to_its_repeat(table: Table) -> None:
    first = records.remembered(archive_request(), KEY, NOW)
    assert table.remember(first, NOW) is None
    assert table.remember(records.remembered(archive_request(tier="Bulk"), KEY, NOW + 5), NOW + 5) == first
    assert table.get_request("request-1") == first
    assert table.get_request("request-2") is None


def test_a_request_that_expired_is_as_good_as_gone(table: Table) -> None:
    first = records.remembered(archive_request(), KEY, NOW)
    assert table.remember(first, NOW) is None
    later = first.expires_at * 1000
    second = records.remembered(archive_request(tier="Bulk"), KEY, later)
    assert table.remember(second, later) == first
    assert table.remember(second, later + 1000) is None
    assert table.get_request("request-1") == second


def test_a_request_is_led_on_and_finished_from_where_it_is_only(table: Table) -> None:
    request = records.remembered(archive_request(), KEY, NOW)
    elsewhere = opened().model_copy(update={"id": item_id(OTHER_KEY), "generation": 3})
    assert table.remember(request, NOW) is None
    assert not table.lead_request("request-1", elsewhere, "e" * 32, 1, NOW)
    table.finish_request("request-1", elsewhere)
    assert table.get_request("request-1") == request
    assert table.lead_request("request-1", opened(), OTHER_KEY, 1, NOW)
    table.finish_request("request-1", opened())
    led = table.get_request("request-1")
    assert led is not None
    assert led == request.model_copy(update={"key": OTHER_KEY, "ordinal": 1})
    table.finish_request("request-1", elsewhere)
    done = table.get_request("request-1")
    assert done == led.model_copy(update={"done": True, "generation": 3})
    assert not table.lead_request("request-1", elsewhere, "e" * 32, 2, NOW)
    assert table.get_request("request-1") == done


def test_a_request_is_not_led_on_from_a_record_that_was_opened_anew(table: Table) -> None:
    old, request = failed(table), records.remembered(archive_request("request-3"), KEY, NOW)
    assert table.remember(request, NOW) is None
    assert table.reopen(old, next_generation())
    assert not table.lead_request("request-3", old, OTHER_KEY, 1, NOW)
    assert table.get_request("request-3") == request
    assert table.lead_request("request-3", next_generation(), OTHER_KEY, 1, NOW)


def test_a_past_record_that_expired_and_is_still_there_holds_up_nobody(table: Table) -> None:
    """Of what the same bytes had before: time to live deletes each record by itself."""
    old = failed(table)
    assert table.remember(records.remembered(archive_request("request-3"), KEY, NOW), NOW) is None
    assert table.reopen(old, next_generation())
    assert table.lead_request("request-3", old, OTHER_KEY, 1, (old.expires_at or 0) * 1000 + 1000)


def test_a_record_is_opened_anew_for_a_request_that_is_led_to_it_only(table: Table) -> None:
    old = failed(table)
    assert table.remember(records.remembered(archive_request("request-2"), OTHER_KEY, NOW), NOW) is None
    assert not table.reopen(old, next_generation(), led_here="request-2")
    assert table.get(KEY) == old
    assert table.get_past(KEY, 1) is None
    assert table.remember(records.remembered(archive_request("request-3"), KEY, NOW), NOW) is None
    assert table.reopen(old, next_generation(), led_here="request-3")


def test_a_request_nobody_knows_is_not_made_by_finishing_it(table: Table) -> None:
    table.finish_request("request-1", opened())
    assert not table.lead_request("request-1", opened(), OTHER_KEY, 1, NOW)
    assert table.get_request("request-1") is None


def test_a_rejection_is_recorded_once(table: Table, dynamodb: DynamoDBClient) -> None:
    first = Rejected("InvalidRequest", "no", [{"field": "vaultName", "message": "wrong"}], "request-1", '{"a":1}')
    record = records.rejection("message-1", first, NOW)
    table.reject(record)
    table.reject(records.rejection("message-1", Rejected("NotJson", "other", []), NOW + 5))
    item = raw(table, dynamodb, "message/message-1")
    assert read_record(item) == record


# What is due


def due_at(number: int, due_in: str, at: int) -> Retrieval:
    base = throttled(opened())
    return base.model_copy(update={"id": item_id(f"{number:032x}"), "due_in": due_in, "due_at": at})


def test_what_is_due_comes_longest_due_first_and_nothing_else_does(table: Table) -> None:
    due = [("1", 30), ("1", 10), ("1", 20), ("1", 31), ("2", 5), (EXPEDITED_BACKLOG, 1)]
    for number, (due_in, at) in enumerate(due):
        stored(table, due_at(number, due_in, at))
    assert [item[-1] for item in table.due("1", 30)] == ["1", "2", "0"]
    assert list(table.due("3", 10**15)) == []
    assert len(list(table.due(EXPEDITED_BACKLOG, 1))) == 1


def test_what_has_ended_is_due_no_more(table: Table) -> None:
    record = running(table)
    everything = 10**15
    assert list(table.due(shard(KEY), everything)) == [record.id]
    table.succeed(record.tag, job(record, 1, "job-1"), NOW)
    assert list(table.due(shard(KEY), everything)) == []


def test_many_are_read_whatever_comes_back_at_once(table: Table, dynamodb: DynamoDBClient) -> None:
    kept = [stored(table, due_at(number, "1", number)) for number in range(130)]
    client = _Halving(dynamodb)
    halving = Table(client, table.name)  # type: ignore[arg-type]
    found = halving.read_many([*(record.id for record in kept), "retrieval/gone"], _none_is)
    assert sorted(found, key=lambda record: record.id) == kept
    assert client.calls > 2
    assert table.read_many([], _none_is) == []


def test_what_dynamodb_keeps_leaving_unread_is_read_after_pauses_and_given_up_in_the_end(pauses: list[float]) -> None:
    def leave_all(RequestItems: Any) -> Any:  # noqa: N803 - boto3's own name
        return {"Responses": {"t": []}, "UnprocessedKeys": RequestItems}

    throttled: Any = SimpleNamespace(batch_get_item=leave_all)
    with pytest.raises(Contention, match="unread"):
        Table(throttled, "t").read_many(["retrieval/a"], _none_is)
    assert len(pauses) == TRIES_AT_MOST - 1


def test_what_the_index_shows_twice_is_read_once(table: Table) -> None:
    """An entry moved behind another, between two pages of the index."""
    kept = [stored(table, due_at(number, "1", number)) for number in range(3)]
    first, second, third = (record.id for record in kept)
    found = table.read_many([first, second, first, third], _none_is)
    assert sorted(found, key=lambda record: record.id) == kept


def test_an_item_that_makes_no_sense_holds_up_no_other(table: Table, dynamodb: DynamoDBClient) -> None:
    kept = stored(table, due_at(1, "1", 1))
    dynamodb.put_item(TableName=table.name, Item={"id": {"S": "retrieval/odd"}, "kind": {"S": "retrieval"}})
    told: list[str] = []
    found = table.read_many(["retrieval/odd", kept.id], lambda item_id, error: told.append(item_id))
    assert found == [kept]
    assert told == ["retrieval/odd"]


def test_a_request_that_leads_nowhere_and_was_not_taken_back_makes_no_sense(
    table: Table, dynamodb: DynamoDBClient
) -> None:
    item = records.taken_back("request-1", NOW).item()
    del item["cancelled"]
    dynamodb.put_item(TableName=table.name, Item=to_wire(item))
    with pytest.raises(Unreadable):
        table.get_request("request-1")
    table.finish_request("request-1", opened())  # when its retrieval is opened anew, for others
    assert raw(table, dynamodb, str(item["id"])) == from_wire(to_wire(item))


def test_a_record_that_makes_no_sense_is_named_where_an_update_meets_it(table: Table, dynamodb: DynamoDBClient) -> None:
    record = stored(table, throttled(opened()))
    broken = {**record.item(), "state": "lost"}
    dynamodb.put_item(TableName=table.name, Item=to_wire(broken))
    with pytest.raises(Unreadable) as met:
        table.claim(record.key, record.generation, record.due_at or 0, "claim", NOW)
    assert met.value.item_id == record.id


def _none_is(item_id: str, error: ValueError) -> None:
    raise AssertionError(f"{item_id} is unreadable: {error}")


class _Halving:
    """A client that answers BatchGetItem for half of the keys only, as DynamoDB may."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client
        self.calls = 0

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's own name
        self.calls += 1
        ((name, asked),) = RequestItems.items()
        half = -(-len(asked["Keys"]) // 2)
        now: Any = {name: {**asked, "Keys": asked["Keys"][:half]}}
        later = {name: {**asked, "Keys": asked["Keys"][half:]}} if asked["Keys"][half:] else {}
        reply: Any = self._client.batch_get_item(RequestItems=now)
        return {**reply, "UnprocessedKeys": later}


# Capacity


def test_the_capacity_record_is_saved_by_one_at_a_time(table: Table) -> None:
    assert table.get_capacity() is None
    first = Capacity(revision=1, lock="a", lock_until=NOW)
    assert table.save_capacity(None, first) is None
    assert table.save_capacity(None, first.model_copy(update={"lock": "b"})) == first
    unit = Unit(capacity_id="unit", start_date="2026-01-01T00:00:00Z", expiration_date="2026-02-01T00:00:00Z")
    second = first.model_copy(update={"revision": 2, "intent": Intent(until=NOW, seen=["a"]), "bought": [unit]})
    assert table.save_capacity(first, second) is None
    assert table.save_capacity(first, first.model_copy(update={"revision": 2})) == second
    assert table.get_capacity() == second


def test_wire_form() -> None:
    item = {"a": "x", "n": 5, "t": True, "l": ["x"], "m": {"k": {"n": 1}}}
    assert from_wire(to_wire(item)) == item
