"""What may stand on the request queue, and what is said of everything else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import MIB, archive_message, archive_request, inventory_request, request
from tests.unit.corpus import CODE_ONLY, GOOD, MALFORMED, NOT_EVEN_OBJECTS
from thaw.request import CancelRequest, Rejected, RetrievalRequest, parse
from thaw.retrieval import inventory_of, key_for, requested_bytes

ACCOUNT = "123456789012"
BAD = MALFORMED | CODE_ONLY


def rejected(body: str) -> Rejected:
    with pytest.raises(Rejected) as caught:
        parse(body)
    return caught.value


@pytest.mark.parametrize("name", GOOD)
def test_good_messages_are_taken(name: str) -> None:
    message = GOOD[name]
    parsed = parse(json.dumps(message))
    if "cancel" in message:
        assert parsed == CancelRequest(cancel=message["cancel"])
    else:
        assert isinstance(parsed, RetrievalRequest)
        assert parsed.request_id == message["requestId"]
        assert parsed.tier == message["jobParameters"].get("Tier", "Standard")
        assert parsed.context == message.get("context")


def test_there_are_at_least_forty_kinds_of_malformed_messages() -> None:
    assert len(BAD) + len(NOT_EVEN_OBJECTS) >= 40


@pytest.mark.parametrize("name", BAD)
def test_of_a_malformed_message_the_field_is_named(name: str) -> None:
    message, field = BAD[name]
    told = rejected(json.dumps(message))
    assert told.code == "InvalidRequest"
    assert field in [error["field"] for error in told.errors]
    assert field in told.message
    assert all(error["message"] and len(error["message"]) < 300 for error in told.errors)


@pytest.mark.parametrize("name", NOT_EVEN_OBJECTS)
def test_what_is_no_object_is_told_so(name: str) -> None:
    told = rejected(NOT_EVEN_OBJECTS[name])
    assert told.code in ("NotJson", "InvalidRequest")
    assert told.request_id is None
    assert [error["field"] for error in told.errors] == [""]
    assert told.errors[0]["message"]


def test_a_rejection_hands_back_what_tells_whose_it_was() -> None:
    told = rejected(json.dumps(archive_message("mine", tier="fast", context={"case": 7})))
    assert told.request_id == "mine"
    assert told.context == '{"case":7}'


def test_a_rejection_hands_back_nothing_that_is_no_id_and_no_context() -> None:
    told = rejected(json.dumps(archive_message("not one", tier="fast", context={"c": "x" * 3000})))
    assert told.request_id is None
    assert told.context is None


def test_a_context_may_be_nested_as_deep_as_any_event_can_be() -> None:
    deepest = json.loads('{"a":' * 32 + "1" + "}" * 32)
    assert request(archive_message(context=deepest)).context == deepest
    told = rejected(json.dumps(archive_message(context={"a": deepest})))
    assert told.errors == [
        {"field": "context", "message": "can't be handed back as JSON: nested deeper than 32 levels"}
    ]
    assert told.context is None


def test_an_snstopic_is_said_to_be_ours() -> None:
    told = rejected(json.dumps(MALFORMED["an SNSTopic"][0]))
    assert "leave it out" in told.errors[0]["message"]
    assert "event bus" in told.errors[0]["message"]


def test_every_wrong_field_is_named_up_to_ten() -> None:
    told = rejected(json.dumps(archive_message("a b", "fast", vaultName="", accountId="me")))
    assert {error["field"] for error in told.errors} == {
        "requestId",
        "accountId",
        "vaultName",
        "jobParameters.Tier",
    }
    crowd = rejected(json.dumps(archive_message() | {f"field{number}": 1 for number in range(50)}))
    assert len(crowd.errors) == 10
    assert len(crowd.message) < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["requestId", "accountId", "vaultName", "jobParameters", "archiveSizeInBytes", "context", "cancel", "x"]
JOB_FIELDS = ["Type", "ArchiveId", "Tier", "RetrievalByteRange", "Description", "InventoryRetrievalParameters"]
TYPES = ["archive-retrieval", "inventory-retrieval"]


@given(body=st.text(max_size=200))
def test_no_text_breaks_it(body: str) -> None:
    _takes_or_rejects(body)


@given(field=st.sampled_from(FIELDS), value=JSON)
def test_no_value_breaks_it(field: str, value: Any) -> None:
    _takes_or_rejects(json.dumps(archive_message() | {field: value}))


@given(field=st.sampled_from(JOB_FIELDS), value=JSON, kind=st.sampled_from(TYPES))
def test_no_job_parameter_breaks_it(field: str, value: Any, kind: str) -> None:
    message = archive_message()
    message["jobParameters"] |= {"Type": kind, field: value}
    _takes_or_rejects(json.dumps(message))


def _takes_or_rejects(body: str) -> None:
    try:
        parse(body)
    except Rejected as rejection:
        told = rejection
    else:
        return
    whole = json.dumps([told.message, told.errors, told.request_id, told.context], ensure_ascii=False)
    assert len(whole.encode()) < 10_000
    assert told.errors


@pytest.mark.parametrize(
    "body",
    [
        '{"requestId":"a","\\ud800":1}',
        '{"requestId":"a","vaultName":"\\ud800","jobParameters":{"Type":"archive-retrieval","ArchiveId":"x"}}',
        '{"requestId":"a","vaultName":"x","context":{"\\ud800":1},"jobParameters":{"Type":"inventory-retrieval"}}',
        '{"requestId":"a","vaultName":"x","context":{"a":1e999},"jobParameters":{"Type":"inventory-retrieval"}}',
        '{"requestId":"a","vaultName":"x","jobParameters":{"Type":"inventory-retrieval","\\udfff":1}}',
    ],
)
def test_what_json_can_say_and_utf8_can_not_is_rejected_in_utf8(body: str) -> None:
    _takes_or_rejects(body)
    rejected(body)


def test_the_same_bytes_have_the_same_key() -> None:
    def key(asked: RetrievalRequest, account: str = ACCOUNT) -> str:
        return key_for("table", asked, account)

    plain = key(archive_request())
    assert key(archive_request("other", "Expedited", context={"a": 1}, archiveSizeInBytes=5)) == plain
    assert key(archive_request(jobParameters={"Description": "mine"})) == plain
    ranged = archive_request(jobParameters={"RetrievalByteRange": "0-1048575"})
    others = [
        key(ranged),
        key(archive_request(jobParameters={"ArchiveId": "another"})),
        key(archive_request(vaultName="other")),
        key(archive_request(), "210987654321"),
        key_for("table", archive_request(), ACCOUNT, ordinal=1),
        key_for("another-table", archive_request(), ACCOUNT),
        key(inventory_request()),
        key(inventory_request(jobParameters={"Format": "CSV"})),
        key(inventory_request(jobParameters={"InventoryRetrievalParameters": {"Limit": "5"}})),
    ]
    assert len({plain, *others}) == 10
    whole = key(inventory_request())
    assert key(inventory_request(jobParameters={"InventoryRetrievalParameters": {}})) == whole
    assert key(inventory_request(jobParameters={"InventoryRetrievalParameters": {"Limit": None}})) == whole
    assert key(inventory_request(followPages=True)) == whole, "the first page is the same"


def test_a_range_of_the_whole_archive_is_the_archive_where_its_size_is_known() -> None:
    def ranged(end: int, **fields: Any) -> RetrievalRequest:
        return archive_request(jobParameters={"RetrievalByteRange": f"0-{end}"}, **fields)

    whole = ranged(5 * MIB + 2, archiveSizeInBytes=5 * MIB + 3)
    assert (whole.byte_range, requested_bytes(whole)) == (None, 5 * MIB + 3)
    assert key_for("table", whole, ACCOUNT) == key_for("table", archive_request(), ACCOUNT)
    assert ranged(5 * MIB + 2).byte_range == f"0-{5 * MIB + 2}"
    assert ranged(5 * MIB - 1, archiveSizeInBytes=5 * MIB + 3).byte_range == f"0-{5 * MIB - 1}"
    assert archive_request(archiveSizeInBytes=5).byte_range is None
    tail = {"RetrievalByteRange": f"{MIB}-{5 * MIB + 2}"}
    assert archive_request(jobParameters=tail, archiveSizeInBytes=5 * MIB + 3).byte_range == f"{MIB}-{5 * MIB + 2}"


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        ("2013-03-20T17:03:43Z", "2013-03-20T17:03:43Z"),
        ("2013-03-20T17:03:43.000Z", "2013-03-20T17:03:43Z"),
        ("2013-03-20T18:03:43+01:00", "2013-03-20T17:03:43Z"),
        ("20130320T170343Z", "2013-03-20T17:03:43Z"),
        ("2013-03-20T17:03:43.5Z", "2013-03-20T17:03:43.500Z"),
        ("2013-03-20T17:03:43.0005Z", "2013-03-20T17:03:43.001Z"),
        ("2013-03-20T17:03:42.999001Z", "2013-03-20T17:03:43Z"),
    ],
)
def test_dates_that_name_one_instant_are_of_one_part(spelt: str, meant: str) -> None:
    def part(date: str) -> RetrievalRequest:
        return inventory_request(jobParameters={"InventoryRetrievalParameters": {"StartDate": date}})

    asked = inventory_of(part(spelt))
    assert asked == {"format": "JSON", "start_date": meant}
    assert key_for("table", part(spelt), ACCOUNT) == key_for("table", part(meant), ACCOUNT)
    assert part(spelt).digest() == part(meant).digest()


def test_the_bytes_to_retrieve_are_those_of_the_range_or_of_the_archive() -> None:
    ranged = {"RetrievalByteRange": "1048576-2097151"}
    assert requested_bytes(archive_request(jobParameters=ranged)) == 1048576
    assert requested_bytes(archive_request(jobParameters=ranged, archiveSizeInBytes=2**30)) == 1048576
    assert requested_bytes(archive_request(archiveSizeInBytes=2**30)) == 2**30
    assert requested_bytes(archive_request()) is None
    assert requested_bytes(inventory_request()) is None


def test_a_digest_tells_other_contents() -> None:
    plain = archive_request()
    assert plain.digest() == archive_request().digest()
    others = [
        archive_request(tier="Bulk"),
        archive_request(context={"a": 1}),
        archive_request(vaultName="other"),
        archive_request(accountId=ACCOUNT),
    ]
    assert len({plain.digest(), *(other.digest() for other in others)}) == 5
