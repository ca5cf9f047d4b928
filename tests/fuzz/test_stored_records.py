"""Whatever stands in the table, and so in its stream, stops no function, holds up nothing else, and has its end."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud import Cloud
from tests.end_to_end.user import OWN_ACCOUNT, User
from tests.fuzz.conftest import (
    AT_ONCE,
    WITH_SECRET,
    assert_nothing_broke,
    assert_still_works,
    fresh,
    work_of_most_kinds,
)
from tests.fuzz.fates import Changes
from tests.fuzz.mutations import mutated
from tests.fuzz.stored import FITTING, typed
from thaw.edge.items import from_wire
from thaw.records import ListingRecord, RequestRecord

Item = dict[str, Any]
LISTING = f"listing/{OWN_ACCOUNT}/photos"


@settings(settings.get_profile("fuzz on top"))
@given(data=st.data())
def test_items_that_make_no_sense_hold_up_nothing(deployed: Cloud, part: int, data: st.DataObject) -> None:
    user = fresh(deployed)
    changes = Changes(deployed)
    tampering = Tampering(user)
    for number in range(AT_ONCE):
        real = data.draw(st.sampled_from(tampering.real))
        item = data.draw(mutated(real) | FITTING[real["kind"]] | FITTING[real["kind"]].flatmap(mutated))
        tampering.put(number, real, item if isinstance(item, dict) else {"text": item}, data)
    user.wait(minutes=45)
    tampering.assert_messages_ended()
    assert_still_works(user)
    assert_nothing_broke(user.cloud, "Unreadable")
    changes.assert_each_has_its_end()


class Tampering:
    """Someone who writes to the table by hand, and others who go on as if nobody had."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.archive = user.archive()
        self.real = _real_items(user, self.archive)
        self.in_doubt = next(item for item in self.real if item.get("state") == "initiating")
        self.bodies: set[str] = set()
        """Of the messages about requests whose records were tampered with."""
        self.unreadable: dict[str, str] = {}
        """Of the last message about each request, where its record could not be read by then."""

    def put(self, number: int, real: Item, item: Item, data: st.DataObject) -> None:
        """Writes the item under a key where a function reads records of its kind, and has that function read it."""
        kind = real["kind"]
        if kind == "capacity":
            self._write({**item, "id": "capacity"})
            self.user.ask(f"urgent-{number}", self.user.archive(), "Expedited")
            self.user.wait(seconds=10)
        elif kind == "listing":
            self._write({**item, "id": LISTING})
            due = {"dueIn": "1", "dueAt": self.user.cloud.clock.now_ms()}
            self._write({**self.in_doubt, "id": f"retrieval/{number + 1000:032x}", **due})
            self.user.wait(minutes=5, seconds=10)
        elif kind == "request":
            self._write({**item, "id": real["id"]})
            self._go_on(real["id"].removeprefix("request/"), cancels=data.draw(st.booleans()))
        elif kind == "rejection":
            self._write({**item, "id": f"message/{number}"})
        else:
            due = data.draw(st.sampled_from([{}, {"dueIn": "0", "dueAt": 1}, {"dueIn": "Expedited", "dueAt": 1}]))
            self._write({**item, "id": f"retrieval/{number:032x}", **due})

    def _go_on(self, request_id: str, *, cancels: bool) -> None:
        job = {"Type": "archive-retrieval", "ArchiveId": self.archive, "Tier": "Standard"}
        again = {"requestId": request_id, "vaultName": "photos", "jobParameters": job}
        body = json.dumps({"cancel": request_id} if cancels else again)
        self.bodies.add(body)
        self.unreadable.pop(request_id, None)
        if not self._is_readable(request_id):
            self.unreadable[request_id] = body
        self.user.send(body)
        self.user.wait(seconds=10)

    def assert_messages_ended(self) -> None:
        """Each was taken in, or is a dead letter, as it must be where the record can't be read; and no other is one."""
        cloud = self.user.cloud
        assert not cloud.queue(cloud.outputs["RequestQueueUrl"])._messages
        name = cloud.outputs["RequestDeadLetterQueueUrl"].rpartition("/")[2]
        dead = set(cloud.dead_letters().get(name, []))
        assert set(self.unreadable.values()) <= dead <= self.bodies

    def _is_readable(self, request_id: str) -> bool:
        """Or is over, and so is nothing that a function would read."""
        cloud = self.user.cloud
        table, key = cloud.outputs["RetrievalTableName"], {"id": {"S": f"request/{request_id}"}}
        item = from_wire(cloud.client("dynamodb").get_item(TableName=table, Key=key).get("Item", {}))
        try:
            return bool(RequestRecord.model_validate(item))
        except ValueError:
            expires_at = item.get("expiresAt")
            return not item or (isinstance(expires_at, Decimal) and expires_at < cloud.clock.now_ms() // 1000)

    def _write(self, item: Item) -> None:
        """What DynamoDB itself refuses is not there."""
        cloud = self.user.cloud
        with suppress(cloud.client("dynamodb").exceptions.ClientError):
            cloud.client("dynamodb").put_item(TableName=cloud.outputs["RetrievalTableName"], Item=typed(item))


def _real_items(user: User, archive: str) -> list[Item]:
    """Of each kind, in several states, and each kind about as often."""
    for tier in ("Standard", "Bulk"):
        user.ask(f"archive-{tier}", archive, tier, **WITH_SECRET)
    work_of_most_kinds(user)
    user.ask("later", user.archive(), **WITH_SECRET)
    user.wait(seconds=5)
    user.faults.lose_request("InitiateJob")
    user.ask("in-doubt", user.archive(), **WITH_SECRET)
    user.wait(seconds=5)
    items = [_plain(from_wire(item)) for item in user.cloud.items()]
    now_ms = user.cloud.clock.now_ms()
    begun = ListingRecord(id=LISTING, began_at=now_ms, marker="m", sought=("tag",), expires_at=now_ms // 1000 + 9000)
    capacity = [item for item in items if item["kind"] == "capacity"]
    rejections = [item for item in items if item["kind"] == "rejection"]
    return items + 4 * [begun.item()] + 4 * capacity + 2 * rejections


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | bool | None) else int(value)
