"""Whatever comes to publish as a record of the stream is told, or kept, and holds up no good one of its batch."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud import Cloud
from local.event_sources.streams import Record, StreamSource
from tests.end_to_end.user import User
from tests.fuzz.conftest import AT_ONCE, assert_nothing_broke, assert_still_works, fresh, work_of_most_kinds
from tests.fuzz.fates import Changes
from tests.fuzz.mutations import SECRET, mutated
from tests.fuzz.stored import FITTING, typed

Json = Any


@settings(settings.get_profile("fuzz"))
@given(data=st.data())
def test_records_that_make_no_sense_hold_up_no_others(deployed: Cloud, part: int, data: st.DataObject) -> None:
    user = fresh(deployed)
    changes = Changes(deployed)
    source = _publishs(deployed)
    source.enabled = False
    _work(user)
    real = [record for reader in source.readers for record in reader.unread]
    strange = [data.draw(_strange(data.draw(st.sampled_from(real)), number)) for number in range(AT_ONCE)]
    for record in strange:
        reader = data.draw(st.sampled_from(source.readers))
        reader.unread.insert(data.draw(st.integers(0, len(reader.unread))), record)
    source.enabled = True
    source.look()
    user.wait(minutes=5)
    assert_nothing_broke(deployed)
    assert not any(reader.unread for reader in source.readers), "held up"
    assert_still_works(user)
    assert_nothing_broke(deployed)
    changes.assert_each_has_its_end()
    changes.assert_told_or_kept([record.event for record in strange], [record.event for record in real])


def _publishs(cloud: Cloud) -> StreamSource:
    """What hands the table's stream to publish."""
    sources = [source for stream in cloud.wiring.streams.values() for source in stream.sources]
    (found,) = [source for source in sources if cloud.functions.config_of(source.function).label == "publish"]
    return found


def _work(user: User) -> None:
    """Changes of most kinds of records."""
    user.ask("archive", user.archive(), description=SECRET)
    work_of_most_kinds(user)


@st.composite
def _fitting(draw: st.DrawFn, real: Record) -> Json:
    """A record in the stream's form: of an item that came to be, or was another before, and fits a model each time."""
    change, names = real.event["dynamodb"], draw(st.sampled_from([["NewImage"], ["OldImage", "NewImage"]]))
    kind = draw(st.sampled_from(sorted(FITTING)))
    items = [{"id": change["Keys"]["id"]["S"], **draw(FITTING[kind])} for _ in names]
    images = {name: typed({**item, "id": items[-1]["id"]}) for name, item in zip(names, items, strict=True)}
    bare = {name: value for name, value in change.items() if not name.endswith("Image")}
    name = "MODIFY" if "OldImage" in images else "INSERT"
    return {**real.event, "eventName": name, "dynamodb": {**bare, "Keys": {"id": images["NewImage"]["id"]}, **images}}


@st.composite
def _strange(draw: st.DrawFn, real: Record, number: int) -> Record:
    """A record with something wrong. Its number is right: Lambda reads the stream by it."""
    event: Json = draw(mutated(real.event) | _fitting(real) | _fitting(real).flatmap(mutated))
    event = event if isinstance(event, dict) else {"text": event}
    change = event.get("dynamodb")
    numbered = {**(change if isinstance(change, dict) else {}), "SequenceNumber": f"{real.sequence_number}{number:02}"}
    event = {**event, "dynamodb": numbered}
    text = json.dumps(event)
    return Record(real.at_ms, numbered["SequenceNumber"], json.loads(text), len(text))
