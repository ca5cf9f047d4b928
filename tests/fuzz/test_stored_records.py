"""Whatever stands in the table, and so in its stream, stops no function and holds up nothing else."""

from contextlib import suppress
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud import Cloud
from tests.end_to_end.user import User
from tests.fuzz.conftest import AT_ONCE, assert_nothing_broke, assert_still_works, fresh
from tests.fuzz.mutations import mutated
from thaw.edge.table import from_wire


@settings(settings.get_profile("fuzz"))
@given(data=st.data())
def test_items_that_make_no_sense_hold_up_nothing(deployed: Cloud, data: st.DataObject) -> None:
    user = fresh(deployed)
    real = _real_items(user)
    for number in range(AT_ONCE):
        item = data.draw(mutated(data.draw(st.sampled_from(real))))
        item = item if isinstance(item, dict) else {"text": item}
        kept = {"id": f"retrieval/{number:032x}", **({"dueIn": "0", "dueAt": 1} if number % 3 == 0 else {})}
        _put(user, {**item, **kept})
    user.wait(minutes=20)
    assert_still_works(user)
    assert_nothing_broke(user.cloud)


def _real_items(user: User) -> list[dict[str, Any]]:
    """One of each kind, in several states."""
    archive = user.archive()
    for tier in ("Standard", "Bulk"):
        user.ask(f"archive-{tier}", archive, tier)
    user.ask("expedited", user.archive(), "Expedited")
    user.ask_inventory("inventory", {"Limit": "2"}, followPages=True)
    user.send({"requestId": "bad"})
    user.wait(hours=5)
    user.ask("later", user.archive())
    user.wait(seconds=5)
    return [_plain(from_wire(item)) for item in user.cloud.items()]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | bool | None) else int(value)


def _put(user: User, item: dict[str, Any]) -> None:
    """As someone would who writes to the table by hand; what DynamoDB itself refuses is not there."""
    typed = {name: TypeSerializer().serialize(value) for name, value in _storable(item).items()}
    with suppress(user.cloud.client("dynamodb").exceptions.ClientError):
        user.cloud.client("dynamodb").put_item(TableName=user.cloud.outputs["RetrievalTableName"], Item=typed)


def _storable(value: Any) -> Any:
    """The value without names that are empty, which no attribute may have, and with numbers that fit."""
    if isinstance(value, dict):
        return {name: _storable(inner) for name, inner in value.items() if name}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    if isinstance(value, float) or (type(value) is int and abs(value) >= 10**30):
        return str(value)
    return value
