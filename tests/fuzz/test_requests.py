"""Whatever stands on the request queue gets one clear answer."""

import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud import Cloud
from tests.end_to_end.user import User
from tests.fuzz.conftest import AT_ONCE, assert_nothing_broke, assert_still_works, fresh
from tests.fuzz.from_schema import documents
from tests.fuzz.mutations import SECRET, bodies, mutated
from tests.unit.corpus import GOOD
from tests.unit.published import requests, schema

_FITTING = documents(schema("request"))
_WITH_SECRET = {"context": {"token": SECRET}}


@st.composite
def _cases(draw: st.DrawFn) -> list[str]:
    """Bodies; those that have a request id mostly have one of their own."""
    found: list[str] = []
    for number in range(AT_ONCE):
        document: Any = draw(st.sampled_from(sorted(GOOD)).map(GOOD.__getitem__) | _FITTING)
        if draw(st.booleans()) and "cancel" not in document:
            document = {**document, **_WITH_SECRET}
        if "requestId" in document and draw(st.integers(0, 4)):
            document = {**document, "requestId": f"request-{number}"}
        document = draw(st.one_of(mutated(document), mutated(document), st.just(document)))
        found.append(draw(bodies(document)))
    return found


@settings(settings.get_profile("fuzz"))
@given(found=_cases())
def test_each_message_is_answered(deployed: Cloud, found: list[str]) -> None:
    user = fresh(deployed)
    ids = {user.send(body): body for body in found}
    user.wait(minutes=5)
    _assert_answered(user, ids)
    assert_still_works(user)
    assert_nothing_broke(user.cloud)


def _assert_answered(user: User, ids: dict[str, str]) -> None:
    cloud, rejections = user.cloud, user.rejections()
    assert cloud.dead_letters() == {}
    assert not cloud.queue(cloud.outputs["RequestQueueUrl"]).messages
    told = Counter(event.detail.get("requestId") for event in cloud.events)
    for message_id, body in ids.items():
        document = _parsed(body)
        fits = document is not None and requests().is_valid(document)
        if message_id in rejections:
            reason = rejections[message_id]["reason"]
            assert reason["message"], "why"
            assert reason["errors"], "which field"
            assert all(error["message"] for error in reason["errors"])
            assert len(json.dumps(rejections[message_id])) < 20_000
        else:
            assert fits, f"was taken, but does not fit the schema: {body[:500]}"
            assert told[document.get("requestId", document.get("cancel"))], f"nothing was told of {body[:500]}"


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
