"""Whatever stands on the request queue gets one clear answer."""

import json
from collections import defaultdict
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.cloud import Cloud
from local.deliveries import Event
from tests.end_to_end.user import OWN_ACCOUNT, User
from tests.fuzz.conftest import AT_ONCE, WITH_SECRET, assert_nothing_broke, assert_still_works, fresh
from tests.fuzz.contract import contents, fits, instants, read
from tests.fuzz.from_schema import documents
from tests.fuzz.mutations import bodies, mutated
from tests.unit.corpus import GOOD
from tests.unit.published import schema

Json = Any
Answered = list[tuple[Json, str | None]]
"""Messages that share an id, each with the code of its rejection, if it was rejected."""
_FITTING = documents(schema("request"))


@st.composite
def _cases(draw: st.DrawFn) -> list[str]:
    """Bodies; those that have a request id mostly have one of their own, but some are about an earlier one's."""
    found: list[str] = []
    asked: list[Json] = []
    for number in range(AT_ONCE):
        if asked and not draw(st.integers(0, 4)):
            again = draw(_again(draw(st.sampled_from(asked))))
            found.insert(draw(st.integers(0, len(found))), json.dumps(again))
            continue
        document: Json = draw(st.sampled_from(sorted(GOOD)).map(GOOD.__getitem__) | _FITTING)
        if draw(st.booleans()) and "cancel" not in document:
            document = {**document, **WITH_SECRET}
        if "requestId" in document and draw(st.integers(0, 4)):
            document = {**document, "requestId": f"request-{number}"}
        asked += [document] * ("requestId" in document)
        document = draw(st.one_of(mutated(document), mutated(document), st.just(document)))
        found.append(draw(bodies(document)))
    return found


def _again(request: Json) -> st.SearchStrategy[Json]:
    """The same once more, something else under its id, or a cancellation."""
    return st.sampled_from([request, {**request, "context": {"other": True}}, {"cancel": request["requestId"]}])


@settings(settings.get_profile("fuzz"))
@given(found=_cases())
def test_each_message_is_answered(deployed: Cloud, part: int, found: list[str]) -> None:
    user = fresh(deployed)
    user.archive()  # an empty vault has no inventory
    sent = {user.send(body): body for body in found}
    queue = deployed.queue(deployed.outputs["RequestQueueUrl"])
    deployed.run_until(lambda: not queue._messages, timedelta(minutes=45))  # what is in flight is among them
    assert deployed.dead_letters() == {}
    user.wait(minutes=5)
    _assert_answered(user, sent)
    assert_still_works(user)
    assert_nothing_broke(deployed)


def _assert_answered(user: User, sent: dict[str, str]) -> None:
    rejections = user.rejections()
    codes = {message_id: rejection["reason"]["code"] for message_id, rejection in rejections.items()}
    good: dict[str, Answered] = defaultdict(list)
    foreign: dict[str, Answered] = defaultdict(list)
    for message_id, body in sent.items():
        document, code = _parsed(body), codes.pop(message_id, None)
        right = _rejected_by_itself(document)
        if right == "VaultNotAllowed":
            foreign[_id_of(document)].append((document, code))
        elif right is None:
            good[_id_of(document)].append((document, code))
        else:
            assert code == right, f"{code}, not {right}: {body[:500]}"
    assert not codes, "rejected, but not sent"
    for rejection in rejections.values():
        _assert_says_why(rejection)
    for request_id, answered in foreign.items():
        good[request_id] += _not_rejected_for_its_vault(answered, good[request_id])
    for request_id, answered in good.items():
        _assert_one_request(user, request_id, answered)


def _not_rejected_for_its_vault(answered: Answered, others: Answered) -> Answered:
    """Where its id was known already, a message is answered as any other with this id: by a cancellation it may have
    been taken back before it came."""
    passed = [(document, code) for document, code in answered if code != "VaultNotAllowed"]
    assert not passed or others, f"not rejected: {passed}"
    was_cancelled = any("cancel" in document for document, _ in others)
    assert was_cancelled or all(code == "RequestIdReused" for _, code in passed), f"taken in: {passed}"
    return passed


def _assert_one_request(user: User, request_id: str, answered: Answered) -> None:
    """Of the good messages with one id, those that were taken in are one request, which the events tell of; who came
    first is not promised. Each other one that asks is rejected, and so is whoever takes back what was started."""
    told = [event for event in user.events(request_id) if event.detail_type != "Request Rejected"]
    asking = [(document, code) for document, code in answered if "cancel" not in document]
    taken = {contents(document): document for document, code in asking if code is None}
    assert len(taken) == bool(asking), f"{len(taken)} requests were taken in for {request_id}"
    for document, code in asking:
        right = None if contents(document) in taken else "RequestIdReused"
        assert code == right, f"{code}, not {right}: {document}"
    for document in taken.values():
        _assert_tells_of(told, document)
        _assert_is_glaciers_word(user, told, document)
    is_cancelled = any(event.detail_type == "Retrieval Cancelled" for event in told)
    cancels = {code for document, code in answered if "cancel" in document}
    assert is_cancelled == (None in cancels), f"{cancels}, and told is {told}"
    assert cancels <= ({None, "AlreadyStarted", "AlreadyEnded"} if taken else {None})


def _assert_tells_of(told: list[Event], document: Json) -> None:
    """That it was told of this request, and of one retrieval of it."""
    job, about = document["jobParameters"], [event.detail for event in told if event.detail["retrievalId"]]
    taken_back = [event for event in told if (event.detail["reason"] or {}).get("code") == "CancelledBefore"]
    assert bool(about) != bool(taken_back), f"told of {document}: {told}"
    assert len({detail["retrievalId"] for detail in about}) <= 1, f"two retrievals for {document}"
    for detail in about:
        assert detail["context"] == document.get("context")
        assert detail["vaultName"] == document["vaultName"]
        assert detail["archiveId"] == job.get("ArchiveId")
        assert detail["byteRange"] == _part_of(document)


def _part_of(document: Json) -> str | None:
    """The range that it asks for, but for one of the whole archive."""
    part, size = document["jobParameters"].get("RetrievalByteRange"), document.get("archiveSizeInBytes")
    return None if size is not None and part == f"0-{size - 1}" else part


def _assert_is_glaciers_word(user: User, told: list[Event], document: Json) -> None:
    """Where nobody took it back, it came to Glacier: there is a job for it, or nothing that it asks for."""
    wanted, jobs = document["jobParameters"], {job.job_id: job for job in user.jobs}
    kinds = {event.detail_type: event.detail for event in told}
    if "Retrieval Cancelled" in kinds:
        return
    is_there = wanted["Type"] == "inventory-retrieval" and document["vaultName"] == "photos"
    if "Retrieval Initiated" not in kinds:
        right = "InvalidParameterValueException" if is_there else "ResourceNotFoundException"
        assert kinds["Retrieval Failed"]["reason"]["code"] == right, f"{kinds}"
        return
    assert is_there, f"{kinds}"
    job, part = jobs[kinds["Retrieval Initiated"]["jobId"]], wanted.get("InventoryRetrievalParameters", {})
    asked = {name: part.get(name) for name in ("StartDate", "EndDate", "Limit", "Marker")}
    assert (job.vault_name, job.archive_id) == ("photos", None)
    assert instants(job.inventory) == instants({**asked, "Format": wanted.get("Format", "JSON")})
    assert job.tier in (wanted.get("Tier", "Standard"), "Standard"), "shared, with one that wants it sooner"


def _assert_says_why(rejection: Json) -> None:
    reason = rejection["reason"]
    assert reason["message"], "why"
    assert reason["errors"], "which field"
    assert all(error["message"] for error in reason["errors"])
    assert len(json.dumps(rejection)) < 20_000


def _rejected_by_itself(document: Json) -> str | None:
    """With which code a message is rejected whatever else was sent, if it is."""
    if document is _NO_JSON:
        return "NotJson"
    if not fits(document):
        return "InvalidRequest"
    is_foreign = document.get("accountId", "-") not in ("-", OWN_ACCOUNT)
    return "VaultNotAllowed" if is_foreign else None


def _id_of(document: Json) -> str:
    return str(document.get("requestId", document.get("cancel")))


_NO_JSON = object()


def _parsed(body: str) -> Json:
    try:
        return read(body)
    except ValueError:
        return _NO_JSON
