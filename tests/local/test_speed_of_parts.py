"""Each short way by itself gives what the long one gives, also where that is an error."""

import copy
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import boto3
import pytest
from botocore.awsrequest import HeadersDict
from botocore.context import get_context, start_as_current_context
from botocore.parsers import create_parser
from botocore.validate import ParamValidator
from moto.core.parse import PROTOCOL_PARSERS
from moto.dynamodb import responses
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.events.models import EventPattern
from moto.moto_api._internal.moto_random import MotoRandom

from local.environments import _swapped_variables
from local.event_sources.streams import Record, StreamOptions
from local.speed import shortened

VALUES: list[dict[str, Any]] = [
    {"S": ""},
    {"S": "ä€"},
    {"N": "-12.50"},
    {"B": "AP8="},
    {"B": b"\x00\xff"},
    {"BOOL": False},
    {"NULL": True},
    {"SS": ["b", "ä"]},
    {"NS": ["1", "22.5"]},
    {"BS": ["AP8="]},
    {"L": []},
    {"M": {}},
    {"L": [{"S": "a"}, {"L": [{"N": "1"}]}, {"M": {"ö": {"SS": ["x"]}}}]},
    {"M": {"ä": {"M": {"b": {"L": [{"B": "AP8="}, {"BOOL": True}]}, "c": {"NULL": True}}}, "d": {"N": "7"}}},
]


def _both(told: Callable[[], object]) -> None:
    """The same, be it a value or an error, twice each way: what is remembered is told the second time."""
    ways: list[AbstractContextManager[None]] = [nullcontext(), shortened()]
    answers = []
    for way in ways:
        with way:
            answers.append([_answer(told), _answer(told)])
    assert answers[0] == answers[1]


def _answer(told: Callable[[], object]) -> object:
    try:
        return told()
    except Exception as error:  # noqa: BLE001  the error is what it tells
        return type(error), str(error), vars(error)


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_value_has_its_size_its_json_and_its_copies(value: dict[str, Any]) -> None:
    def told() -> object:
        typed = DynamoType(copy.deepcopy(value))
        copied = copy.deepcopy(typed)
        regular = copied.to_regular_json()
        if isinstance(copied.value, list):
            copied.value.append("more")  # of the copy alone
        return typed.size(), typed.to_regular_json(), regular, copied.value is typed.value

    _both(told)


def test_what_is_twice_in_an_item_is_once_in_its_copy() -> None:
    def told() -> object:
        item = Item(DynamoType({"S": "a"}), None, {"id": {"S": "a"}, "one": {"M": {"x": {"L": []}}}})
        item.attrs["other"] = item.attrs["one"]
        copied = copy.deepcopy(item)
        same = copied.attrs["one"] is copied.attrs["other"]
        return item.to_json(), copied.to_json(), same, copied.attrs["one"] is item.attrs["one"]

    _both(told)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_an_item_may_be_as_large(more: int) -> None:
    attrs = {"ä": {"S": "a" * 200_000}, "b": {"L": [{"S": "b" * (204_997 + more)}]}, "c": {"S": ""}}
    _both(lambda: Item(DynamoType({"S": "a"}), None, attrs).size())


CONDITIONS: list[tuple[str, dict[str, str] | None, dict[str, Any] | None]] = [
    ("", None, None),
    ("attribute_not_exists(id)", None, None),
    ("#a = :a AND (b < :b OR NOT begins_with(c, :a))", {"#a": "size"}, {":a": {"S": "1"}, ":b": {"N": "1"}}),
    ("#a = :a AND (b < :b OR NOT begins_with(c, :a))", {"#a": "kind"}, {":a": {"S": "2"}, ":b": {"N": "2"}}),
    ("m.#x[1].y BETWEEN :a AND :b", {"#x": "a.b"}, {":a": {"N": "1"}, ":b": {"N": "2"}}),
    ("size(a) IN (:a, :b)", {}, {":a": {"N": "1"}, ":b": {"N": "2"}, ":unused": {"S": ""}}),
    ("((a = :a))", None, {":a": {"N": "1"}}),
    ("size = :a", None, {":a": {"N": "1"}}),
    ("a = :a", None, None),
    ("a = :b", None, {":a": {"N": "1"}}),
    ("#a = :a", None, {":a": {"N": "1"}}),
    ("a = ", None, None),
    ("a ! b", None, None),
    ("contains(a)", None, None),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_a_condition_is_taken_apart(
    condition: tuple[str, dict[str, str] | None, dict[str, dict[str, Any]] | None],
) -> None:
    def told() -> object:
        parser = ConditionExpressionParser(*condition)
        return repr(parser.parse()), parser.expr_attr_names_found, parser.expr_attr_values_found

    _both(told)


SCHEMA = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]


@pytest.mark.parametrize(
    ("expression", "values", "names"),
    [
        ("id = :id", {":id": {"S": "a"}}, {}),
        ("id = :id", {":id": {"S": "b"}}, {}),
        ("id = :id", {":id": {"S": ""}}, {}),
        ("#i=:id and #at <= :at", {":id": {"S": "a"}, ":at": {"N": "1"}}, {"#i": "id", "#at": "at"}),
        ("#i=:id and #at <= :at", {":id": {"S": "a"}, ":at": {"N": "2"}}, {"#i": "id", "#at": "at"}),
        ("id = :id AND at BETWEEN :at AND :at", {":id": {"S": "a"}, ":at": {"N": "1"}}, {}),
        ("(id = :id) and begins_with(at, :at)", {":id": {"S": "a"}, ":at": {"S": "1"}}, {}),
        ("id = :other", {":id": {"S": "a"}}, {}),
        ("at = :at", {":at": {"S": "a"}}, {}),
        ("id > :id", {":id": {"S": "a"}}, {}),
        ("nonsense", {}, {}),
    ],
)
def test_a_key_condition_is_read(expression: str, values: dict[str, dict[str, str]], names: dict[str, str]) -> None:
    def told() -> object:
        return responses.parse_expression(  # type: ignore[attr-defined]
            key_condition_expression=expression,
            expression_attribute_values=values,
            expression_attribute_names=names,
            schema=SCHEMA,
        )

    _both(told)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("given", [{}, {"include_digits": False}, {"lower_case": True}], ids=str)
def test_an_id_takes_the_draws_that_it_takes(seed: int, given: dict[str, bool]) -> None:
    def told() -> object:
        chance = MotoRandom(seed)
        return [*(chance.get_random_string(length, **given) for length in (0, 1, 7, 52, 342)), chance.random()]

    _both(told)


def _client(service: str, region: str = "us-east-1") -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service, region, aws_access_key_id="test", aws_secret_access_key="test"
    )


RIGHT = {"TableName": "t", "Item": {"id": {"S": "a"}, "n": {"L": [{"N": "1"}, {"BOOL": True}]}}}


@pytest.mark.parametrize(
    ("service", "operation", "given"),
    [
        ("dynamodb", "PutItem", RIGHT),
        ("dynamodb", "PutItem", RIGHT | {"Item": {"id": {"B": b"a"}}}),
        ("dynamodb", "PutItem", RIGHT | {"Item": {"id": {"S": 1, "N": "1"}, 2: {"S": "a"}}}),
        ("dynamodb", "PutItem", RIGHT | {"Item": {"id": {"X": "a"}}, "TableName": "", "More": 1}),
        ("dynamodb", "PutItem", RIGHT | {"Item": {"id": {"L": ["a"], "M": [], "BOOL": 1, "SS": "a"}}}),
        ("dynamodb", "PutItem", {}),
        ("dynamodb", "PutItem", []),
        ("dynamodb", "Query", {"TableName": "t", "Limit": 0}),
        ("dynamodb", "Query", {"TableName": "t", "Limit": "1", "ExclusiveStartKey": None}),
        ("events", "PutEvents", {"Entries": ()}),
        ("events", "PutEvents", {"Entries": [{"Time": "never", "Resources": [1]}]}),
        ("sqs", "SendMessage", {"QueueUrl": "q", "MessageBody": "b", "MessageAttributes": {"a": {"DataType": 1}}}),
        ("glacier", "InitiateJob", {"accountId": "-", "vaultName": "v", "jobParameters": {"Type": "t"}}),
        ("s3", "PutObject", {"Bucket": "b", "Key": "", "Body": 1}),
    ],
)
def test_what_is_wrong_with_a_call_is_said(service: str, operation: str, given: Any) -> None:
    shape = _client(service).meta.service_model.operation_model(operation).input_shape
    _both(lambda: ParamValidator().validate(given, shape).generate_report())


ANSWERS = [
    {"ScannedCount": 2, "Count": None, "Items": [{"a": {"N": "1", "S": "x", "X": 1}}, None], "More": 1},
    {"Items": [{"a": {"B": "AP8=", "M": {"b": {"NULL": True}}}, "c": None}], "LastEvaluatedKey": {}},
    {},
]


@pytest.mark.parametrize("body", ANSWERS, ids=str)
def test_an_answer_is_read(body: Mapping[str, object]) -> None:
    model = _client("dynamodb").meta.service_model.operation_model("Query")
    answer = {"status_code": 200, "headers": HeadersDict(), "body": json.dumps(body).encode(), "context": {}}
    _both(lambda: str(create_parser("json").parse(answer, model.output_shape)))


@pytest.mark.parametrize(
    "body", [{"Item": {"a": {"N": "1", "S": "x", "X": 1}, "b": {"B": "AP8="}}, "TableName": "t", "More": 1}, {}, []]
)
def test_a_call_is_read(body: object) -> None:
    model = _client("dynamodb").meta.service_model.operation_model("PutItem")
    _both(lambda: str(PROTOCOL_PARSERS["json"](model).parse({"body": json.dumps(body).encode()})))  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("service", "operation", "given"),
    [
        ("dynamodb", "Query", {"TableName": "t"}),
        ("dynamodb", "Query", {"TableName": "arn:aws:dynamodb:eu-west-1:123456789012:table/t"}),
        ("dynamodb", "BatchGetItem", {"RequestItems": {"t": {}}}),
        ("events", "PutEvents", {"Entries": []}),
        ("events", "PutEvents", {"Entries": [], "EndpointId": "abc.def"}),
        ("events", "PutEvents", {"Entries": [], "EndpointId": "no/endpoint"}),
        ("glacier", "ListVaults", {"accountId": "-"}),
        ("sqs", "SendMessage", {"QueueUrl": "q"}),
        ("s3", "GetObject", {"Bucket": "b.c", "Key": "k"}),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k"}),
    ],
)
def test_a_call_goes_to_its_address(service: str, operation: str, given: dict[str, Any]) -> None:
    clients = [_client(service, region) for region in ("us-east-1", "cn-north-1")]

    def told() -> object:
        models = [client.meta.service_model.operation_model(operation) for client in clients]
        return [
            client._resolve_endpoint_ruleset(model, given, {}) for client, model in zip(clients, models, strict=True)
        ]

    _both(told)


def test_a_clients_paginator_is_the_operations() -> None:
    with shortened():
        one, other = _client("dynamodb"), _client("dynamodb")
        assert one.get_paginator("query")._method.__self__ is one
        assert other.get_paginator("query")._method.__self__ is other
        assert one.get_paginator("query")._model.name == "Query"
        assert one.get_paginator("scan")._model.name == "Scan"


def test_what_a_call_uses_of_the_sdk_is_its_own() -> None:
    with shortened(), start_as_current_context():
        _features().add("one")
        with start_as_current_context():
            _features().add("other")
        assert _features() == {"one"}


def _features() -> set[str]:
    context = get_context()
    assert context is not None
    return context.features


def test_a_header_is_found_whatever_its_case_and_is_told_as_it_was_first_set() -> None:
    def told() -> object:
        headers = HeadersDict({"X-Amz-Target": "a"})
        headers["x-amz-target"], headers["Other"] = "b", b"c"
        there = [name in headers for name in ("X-AMZ-TARGET", "none")]
        del headers["OTHER"]
        return list(headers.items()), there, headers["x-Amz-target"], len(headers)

    _both(told)


def test_a_functions_variables_are_there_for_it_and_for_what_it_starts_and_afterwards_all_is_as_it_was() -> None:
    os.environ["THAW_TEST_KEPT"] = "before"
    before = dict(os.environ)
    try:
        with _swapped_variables({"THAW_TEST_KEPT": "ä", "THAW_TEST_NEW": "1", "THAW_TEST_GONE": "2"}):
            assert (os.environ["THAW_TEST_KEPT"], os.environ["THAW_TEST_NEW"]) == ("ä", "1")
            assert _seen_by_a_child() == ["2", "ä", "1"]
            del os.environ["THAW_TEST_GONE"]
            os.environ["THAW_TEST_KEPT"] = "changed"
        assert dict(os.environ) == before
        assert _seen_by_a_child() == ["before"]
    finally:
        del os.environ["THAW_TEST_KEPT"]


def _seen_by_a_child() -> list[str]:
    program = "import os; print(*(os.environ[n] for n in sorted(os.environ) if n.startswith('THAW_TEST_')), sep='|')"
    child = subprocess.run([sys.executable, "-X", "utf8", "-c", program], capture_output=True, check=True)
    return child.stdout.decode().strip().split("|")


EVENT = {
    "eventName": "MODIFY",
    "dynamodb": {
        "Keys": {"id": {"S": "retrieval/1"}},
        "NewImage": {"kind": {"S": "retrieval"}, "empty": {}, "list": {"L": [1, 2]}},
    },
}
PATTERNS: list[dict[str, Any]] = [
    {},
    {"eventName": ["INSERT", "MODIFY"]},
    {"eventName": ["REMOVE"]},
    {"dynamodb": {"NewImage": {"kind": {"S": [{"prefix": "ret"}]}}}},
    {"dynamodb": {"NewImage": {"kind": {"S": ["capacity"]}}}},
    {"dynamodb": {"OldImage": {"kind": {"S": [{"exists": False}]}}}},
    {"dynamodb": {"NewImage": {"kind": [{"exists": True}]}}},
    {"dynamodb": {"NewImage": {"empty": [{"exists": True}]}}},
    {"dynamodb": {"NewImage": {"empty": {"S": [{"exists": False}]}}}},
    {"dynamodb": {"NewImage": {"list": {"L": [2]}}}},
    {"dynamodb": {"Keys.id.S": ["retrieval/1"]}},
    {"eventName": {"S": ["MODIFY"]}},
    {"$or": [{"eventName": ["REMOVE"]}, {"dynamodb": {"Keys": {"id": {"S": ["retrieval/1"]}}}}]},
    {"dynamodb": {"$or": [{"Keys": {"id": {"S": ["x"]}}}, {"NewImage": {"list": {"L": [1]}}}]}},
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_a_stream_filters_by_what_its_pattern_asks_for(pattern: dict[str, Any]) -> None:
    of_moto = EventPattern.load(json.dumps(pattern))
    options = StreamOptions(1, 0, -1, -1, False, False, (of_moto,), None)
    assert options.wants(Record(0, "1", EVENT, 1)) == of_moto.matches_event(EVENT)  # type: ignore[arg-type]


def _drawn(chance: random.Random, depth: int) -> dict[str, Any]:
    count = chance.randrange(4)
    match chance.choice(("S", "N", "BOOL", "L", "M") if depth else ("S", "N", "BOOL")):
        case "S":
            return {"S": "ä" * count}
        case "N":
            return {"N": str(count)}
        case "L":
            return {"L": [_drawn(chance, depth - 1) for _ in range(count)]}
        case "M":
            return {"M": {str(number): _drawn(chance, depth - 1) for number in range(count)}}
    return {"BOOL": count > 1}


def test_values_of_any_depth_are_the_same() -> None:
    chance = random.Random(1)
    values = [_drawn(chance, 4) for _ in range(200)]
    _both(lambda: [(DynamoType(value).size(), DynamoType(value).to_regular_json()) for value in values])
