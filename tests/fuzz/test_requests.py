"""Whatever stands on the request queue gets one clear answer."""

import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud import Cloud
from tests.end_to_end.user import OWN_ACCOUNT, User
from tests.fuzz.conftest import AT_ONCE, assert_nothing_broke, assert_still_works, fresh
from tests.fuzz.contract import fits, read
from tests.fuzz.from_schema import documents
from tests.fuzz.mutations import SECRET, bodies, mutated
from tests.unit.corpus import GOOD
from tests.unit.published import schema

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
def test_each_message_is_answered(deployed: Cloud, part: int, found: list[str]) -> None:
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
    documents = {message_id: _parsed(body) for message_id, body in ids.items()}
    good = {message_id: document for message_id, document in documents.items() if fits(document)}
    for message_id, body in ids.items():
        document = documents[message_id]
        if message_id in rejections:
            _assert_says_why(rejections[message_id])
            code = rejections[message_id]["reason"]["code"]
            others = [each for other, each in good.items() if other != message_id]
            right = _right_codes(document, others) if message_id in good else {_wrong_as(document)}
            assert code in right, f"{code}: {body[:500]}"
        else:
            assert message_id in good, f"was taken, but does not fit: {body[:500]}"
            assert told[_id_of(document)], f"nothing was told of {body[:500]}"


def _assert_says_why(rejection: Any) -> None:
    reason = rejection["reason"]
    assert reason["message"], "why"
    assert reason["errors"], "which field"
    assert all(error["message"] for error in reason["errors"])
    assert len(json.dumps(rejection)) < 20_000


def _right_codes(document: Any, others: list[Any]) -> set[str]:
    """With which a good message may be rejected, for what the other good ones or the settings have to do with it."""
    requests = [each for each in others if "cancel" not in each and _id_of(each) == _id_of(document)]
    if "cancel" in document:
        return {"AlreadyEnded", "AlreadyStarted"} if requests else set()
    is_own = document.get("accountId", "-") in ("-", OWN_ACCOUNT)
    is_reused = any(_text(each) != _text(document) for each in requests)
    return ({"RequestIdReused"} if is_reused else set()) | (set() if is_own else {"VaultNotAllowed"})


def _wrong_as(document: Any) -> str:
    return "NotJson" if document is _NO_JSON else "InvalidRequest"


def _text(document: Any) -> str:
    return json.dumps(document, sort_keys=True)


def _id_of(document: Any) -> str:
    return str(document.get("requestId", document.get("cancel")))


_NO_JSON = object()


def _parsed(body: str) -> Any:
    try:
        return read(body)
    except ValueError:
        return _NO_JSON
