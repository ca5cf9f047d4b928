"""From the stream to the bus: everything at least once, in order for one record, within the bus's limits."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.builders import NOW, REASON, archive_request, inventory_request, job, on_two_jobs, opened, started
from tests.unit.published import check_event
from thaw import attempts, endings, joining, records
from thaw.edge.bus import BYTES_AT_MOST, ENTRIES_AT_MOST, Bus
from thaw.edge.items import to_wire
from thaw.edge.unreadable import Unreadable
from thaw.event_details import LISTED, SUCCEEDED
from thaw.events import Event, events
from thaw.refusals import Refusal
from thaw.request import Rejected
from thaw.retrieval import Retrieval, Stored, item_id
from thaw.work.publishing import ROUNDS_AT_ONCE, Change, publish, read_changes


class FakeBus:
    """PutEvents that refuses what it is told to."""

    def __init__(self, refuses: Callable[[dict[str, Any]], bool] = lambda detail: False) -> None:
        self.refuses = refuses
        self.calls: list[list[dict[str, Any]]] = []
        self.taken: list[str] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's own name
        self.calls.append(Entries)
        outcomes = [self._take(json.loads(entry["Detail"])) for entry in Entries]
        return {"FailedEntryCount": sum(map(bool, outcomes)), "Entries": outcomes}

    def _take(self, detail: dict[str, Any]) -> dict[str, str]:
        if self.refuses(detail):
            return {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        self.taken.append(detail["name"])
        return {"EventId": "0"}


class FakeBucket:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803 - boto3's own names
        self.objects[f"{Bucket}/{Key}"] = Body


def bus(fake: FakeBus) -> Bus:
    return Bus(fake, "thaw")  # type: ignore[arg-type]


def change(number: int, item: str, *names: str) -> Change:
    return Change(str(number), item, tuple(Event("Kind", {"name": name}) for name in names))


# Publishing


def test_all_is_published_in_the_order_of_each_item() -> None:
    fake = FakeBus()
    changes = [change(1, "a", "a1", "a2"), change(2, "b", "b1"), change(3, "a", "a3"), change(4, "c")]
    assert publish(changes, bus(fake)) is None
    assert sorted(fake.taken) == ["a1", "a2", "a3", "b1"]
    assert [name for name in fake.taken if name[0] == "a"] == ["a1", "a2", "a3"]


def test_what_the_bus_refuses_is_put_again() -> None:
    refusals = iter([True, False])
    fake = FakeBus(lambda detail: detail["name"] == "a1" and next(refusals, False))
    assert publish([change(1, "a", "a1"), change(2, "a", "a2")], bus(fake)) is None
    assert fake.taken == ["a1", "a2"]


def test_behind_a_refused_event_the_later_ones_of_its_item_wait_and_others_do_not() -> None:
    fake = FakeBus(lambda detail: detail["name"] == "a2")
    names = ["a1", "a2", "b1", "a3", "b2"]
    changes = [change(number, name[0], name) for number, name in enumerate(names, start=1)]
    assert publish(changes, bus(fake)) == "2"
    assert sorted(fake.taken) == ["a1", "b1", "b2"]


def test_a_change_with_one_refused_event_of_two_comes_again_whole() -> None:
    fake = FakeBus(lambda detail: detail["name"] == "a2")
    assert publish([change(1, "a", "a1", "a2")], bus(fake)) == "1"
    assert fake.taken == ["a1"] * ROUNDS_AT_ONCE


def test_where_the_bus_refuses_all_the_first_change_comes_again() -> None:
    fake = FakeBus(lambda detail: True)
    assert publish([change(1, "z"), change(2, "a", "a1"), change(3, "b", "b1")], bus(fake)) == "2"
    assert not fake.taken


def test_nothing_to_publish_makes_no_call() -> None:
    fake = FakeBus()
    assert publish([change(1, "a")], bus(fake)) is None
    assert publish([], bus(fake)) is None
    assert not fake.calls


# The bus's limits


def test_calls_hold_no_more_than_the_bus_takes() -> None:
    fake = FakeBus()
    small = [Event("Kind", {"name": str(number)}) for number in range(25)]
    large = [Event("Kind", {"name": f"large {number}", "text": "ä" * 60_000}) for number in range(5)]
    assert bus(fake).put([*small, *large]) == [None] * 30
    assert fake.taken == [event.detail["name"] for event in [*small, *large]]
    for call in fake.calls:
        assert len(call) <= ENTRIES_AT_MOST == 10
        assert sum(len(entry["Detail"].encode()) for entry in call) < BYTES_AT_MOST == 256 * 1024


def test_an_entry_is_ours_and_on_our_bus() -> None:
    fake = FakeBus()
    bus(fake).put([Event("Retrieval Failed", {"name": "ä"})])
    assert fake.calls == [
        [{"Source": "thaw", "DetailType": "Retrieval Failed", "Detail": '{"name":"ä"}', "EventBusName": "thaw"}]
    ]


def test_the_codes_stand_in_the_order_of_the_events() -> None:
    fake = FakeBus(lambda detail: int(detail["name"]) % 7 == 0)
    codes = bus(fake).put([Event("Kind", {"name": str(number)}) for number in range(23)])
    assert [number for number, code in enumerate(codes) if code] == [0, 7, 14, 21]


# From the stream


def stream_record(number: int, old: Stored | None, new: Stored | None) -> dict[str, Any]:
    """As DynamoDB's stream gives it to a function."""
    some = new or old
    assert some is not None
    images = {"OldImage": old, "NewImage": new}
    dynamodb: dict[str, Any] = {
        "ApproximateCreationDateTime": NOW / 1000,
        "Keys": to_wire({"id": some.item()["id"]}),
        "SequenceNumber": str(number),
        "SizeBytes": 100,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    dynamodb |= {name: to_wire(image.item()) for name, image in images.items() if image is not None}
    return {
        "eventID": f"event-{number}",
        "eventName": "REMOVE" if new is None else "MODIFY" if old else "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/thaw/stream/now",
        "dynamodb": dynamodb,
    }


def read(*stream_records: dict[str, Any]) -> tuple[list[Change], FakeBucket]:
    bucket = FakeBucket()
    return read_changes(list(stream_records), Unreadable(bucket, "kept")), bucket  # type: ignore[arg-type]


def written(record: Retrieval | None) -> Retrieval:
    assert record is not None
    return record


def writes() -> dict[str, tuple[Stored | None, Stored]]:
    first = opened(archive_request(context={"case": 7}))
    waiting = written(attempts.refused(first, 1, Refusal.THROTTLED, REASON, NOW))
    running = started(first, "job-1", NOW)
    ended = written(endings.ended(running, 1, job(running, 1, "job-1"), NOW))
    failed = written(endings.ended(running, 1, job(running, 1, "job-1", "Failed"), NOW))
    queued = opened(archive_request(tier="Expedited"))
    cancelled = written(joining.cancel(queued, "request-1", NOW))
    last = started(opened(inventory_request(followPages=True)), "job-1", NOW)
    listed = written(endings.ended(last, 1, job(last, 1, "job-1"), NOW))
    twice = written(endings.ended(on_two_jobs(), 1, job(on_two_jobs(), 1, "job-9", "Failed"), NOW))
    rejected = records.rejection("message-1", Rejected("NotJson", "no", [{"field": "", "message": "x"}]), NOW)
    return {
        "opened": (None, first),
        "Retrieval Delayed": (first, waiting),
        "Retrieval Initiated": (first, running),
        "Retrieval Succeeded": (running, ended),
        "Retrieval Failed": (running, failed),
        "Retrieval Cancelled": (queued, cancelled),
        "Inventory Listed": (last, listed),
        "Duplicate Job": (on_two_jobs(), twice),
        "Request Rejected": (None, rejected),
        "cancelled before it came": (None, records.taken_back("request-9", NOW)),
        "request remembered": (None, records.remembered(archive_request(), "0" * 32, NOW)),
    }


@pytest.mark.parametrize("name", writes())
def test_a_write_tells_what_it_changed(name: str) -> None:
    old, new = writes()[name]
    (told,), bucket = read(stream_record(1, old, new))
    kinds = {
        "opened": [],
        "request remembered": [],
        "cancelled before it came": ["Retrieval Cancelled"],
        "Inventory Listed": [SUCCEEDED, LISTED],
    }
    assert [event.detail_type for event in told.events] == kinds.get(name, [name])
    assert (told.sequence_number, told.item_id) == ("1", new.item()["id"])
    assert not bucket.objects
    for event in told.events:
        check_event(event)


def test_a_record_seen_again_tells_the_same_with_the_same_ids() -> None:
    records_ = [stream_record(number, *write) for number, write in enumerate(writes().values())]
    first, _ = read(*records_)
    second, _ = read(*records_)
    assert first == second


def test_the_stream_and_the_table_tell_the_same() -> None:
    old, new = writes()["Retrieval Succeeded"]
    (told,), _ = read(stream_record(1, old, new))
    assert isinstance(new, Retrieval)
    assert list(told.events) == events(None, new)


def test_a_deletion_and_a_past_generation_tell_nothing() -> None:
    record = opened()
    past = record.model_copy(update={"id": f"{item_id(record.key)}/1", "kind": "past"})
    changes, _ = read(stream_record(1, record, None), stream_record(2, None, past))
    assert [told.events for told in changes] == [(), ()]


def test_of_a_past_generation_only_a_job_that_turns_up_is_told() -> None:
    before, after = (
        record.model_copy(update={"id": f"{item_id(record.key)}/1", "kind": "past"})
        for record in writes()["Duplicate Job"]
        if isinstance(record, Retrieval)
    )
    (told,), _ = read(stream_record(1, before, after))
    assert [(event.detail_type, event.detail["jobId"]) for event in told.events] == [("Duplicate Job", "job-9")]
    (kept,), _ = read(stream_record(2, None, after))
    assert kept.events == (), "what was told before it was past is not told again"


def test_a_record_that_makes_no_sense_is_kept_and_holds_up_no_other() -> None:
    good = stream_record(2, *writes()["Retrieval Initiated"])
    bad = stream_record(1, *writes()["Retrieval Initiated"])
    bad["dynamodb"]["NewImage"]["state"] = {"S": "dreaming"}
    strange = stream_record(3, None, opened())
    del strange["dynamodb"]["NewImage"]["revision"]
    kindless = stream_record(4, None, opened())
    del kindless["dynamodb"]["NewImage"]["kind"]
    typeless = stream_record(5, None, opened())
    typeless["dynamodb"]["NewImage"]["jobs"] = {}
    foreign = stream_record(6, None, opened())
    foreign["dynamodb"]["NewImage"]["kind"] = {"S": "diary"}
    dateless = stream_record(7, *writes()["Retrieval Delayed"])
    dateless["dynamodb"]["NewImage"]["dueAt"] = {"N": str(-(2**70))}
    as_text = stream_record(8, None, opened())
    as_text["dynamodb"]["NewImage"]["revision"] = {"S": "1"}
    changes, bucket = read(bad, good, strange, kindless, typeless, foreign, dateless, as_text)
    assert [told.sequence_number for told in changes] == ["2"]
    assert sorted(bucket.objects) == [f"kept/unreadable/{number}.json" for number in (1, 3, 4, 5, 6, 7, 8)]
    timeless = stream_record(1, *writes()["Retrieval Delayed"])
    del timeless["dynamodb"]["NewImage"]["waitingSince"]
    nameless_attempt = stream_record(3, *writes()["Retrieval Initiated"])
    nameless_attempt["dynamodb"]["NewImage"]["jobs"]["M"]["first"] = {"M": {}}
    formless, no_number, no_image, listed, empty, unnamed = (
        stream_record(each, None, opened()) for each in (4, 5, 6, 7, 8, 9)
    )
    empty["dynamodb"]["NewImage"] = {}
    unnamed["dynamodb"]["NewImage"]["vaultName"] = {"S": "a text, and no vault's name"}
    formless["dynamodb"]["NewImage"] = True
    no_number["dynamodb"]["NewImage"]["revision"] = {"N": "one"}
    del no_image["dynamodb"]["NewImage"]
    listed["dynamodb"]["Keys"]["id"] = {"L": [{"S": "retrieval"}]}
    changes, bucket = read(timeless, good, nameless_attempt, formless, no_number, no_image, listed, empty, unnamed)
    assert [told.sequence_number for told in changes] == ["2"]
    assert sorted(bucket.objects) == [f"kept/unreadable/{number}.json" for number in (1, 3, 4, 5, 6, 7, 8, 9)]


def test_a_record_that_makes_no_sense_is_kept_as_it_came() -> None:
    bad = stream_record(1, *writes()["Retrieval Initiated"])
    bad["dynamodb"]["NewImage"]["state"] = {"S": "dreaming"}
    _, bucket = read(bad)
    assert json.loads(bucket.objects["kept/unreadable/1.json"]) == bad
