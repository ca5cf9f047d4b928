"""Each short way of local/sdk_speed.py gives what the long one gives, also where that is an error."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.context import get_context, start_as_current_context
from botocore.hooks import HierarchicalEmitter
from botocore.parsers import create_parser
from botocore.validate import ParamValidator
from moto.core.parse import PROTOCOL_PARSERS

from local.speed import shortened
from tests.local.both_ways import assert_same_both_ways


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
    assert_same_both_ways(lambda: ParamValidator().validate(given, shape).generate_report())


ANSWERS = [
    {"ScannedCount": 2, "Count": None, "Items": [{"a": {"N": "1", "S": "x", "X": 1}}, None], "More": 1},
    {"Items": [{"a": {"B": "AP8=", "M": {"b": {"NULL": True}}}, "c": None}], "LastEvaluatedKey": {}},
    {},
]


@pytest.mark.parametrize("body", ANSWERS, ids=str)
def test_an_answer_is_read(body: Mapping[str, object]) -> None:
    model = _client("dynamodb").meta.service_model.operation_model("Query")
    answer = {"status_code": 200, "headers": HeadersDict(), "body": json.dumps(body).encode(), "context": {}}
    assert_same_both_ways(lambda: str(create_parser("json").parse(answer, model.output_shape)))


@pytest.mark.parametrize(
    "body", [{"Item": {"a": {"N": "1", "S": "x", "X": 1}, "b": {"B": "AP8="}}, "TableName": "t", "More": 1}, {}, []]
)
def test_a_call_is_read(body: object) -> None:
    model = _client("dynamodb").meta.service_model.operation_model("PutItem")
    assert_same_both_ways(lambda: str(PROTOCOL_PARSERS["json"](model).parse({"body": json.dumps(body).encode()})))  # type: ignore[typeddict-item]


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

    assert_same_both_ways(told)


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

    assert_same_both_ways(told)


@pytest.mark.parametrize("value", ["plain", b"bytes", "größer", 7])
def test_a_request_has_the_headers_that_it_was_given(value: Any) -> None:
    def told() -> object:
        request = AWSRequest("POST", "https://dynamodb.us-east-1.amazonaws.com/", {"X-Amz-Target": "a"}, b"{}")
        request.headers["x-other"] = value
        request.headers["X-OTHER"] = "again"
        del request.headers["none"]
        found = [str(request.headers.get(name, "none")) for name in ("X-Other", "x-amz-target", "none")]
        there = [name in request.headers for name in ("X-OTHER", "none")]
        listed = [(name, str(value)) for name, value in request.headers.items()]
        del request.headers["x-Other"]
        return found, there, listed, request.headers["X-Other"], list(request.prepare().headers.items())

    assert_same_both_ways(told)


def test_headers_are_copied_and_shown() -> None:
    def told() -> object:
        headers = HeadersDict([("A", 1)], b=2)
        headers["a"] = 3
        copied = headers.copy()
        del copied["B"]
        missing = [headers.get("c"), headers.get("c", 4), headers.pop("c", 5)]
        return repr(headers), repr(copied), missing, headers == copied, "A" in copied.keys() & {"A", "b"}

    assert_same_both_ways(told)


def test_what_the_sdk_tells_of_itself_is_told_where_someone_wants_to_know(caplog: pytest.LogCaptureFixture) -> None:
    told = []
    for level in (logging.WARNING, logging.DEBUG):
        with caplog.at_level(level, "botocore"), shortened():
            emitter = HierarchicalEmitter()
            emitter.register("sent", lambda **_: None)
            emitter.emit("sent")
        told.append(bool(caplog.records))
    assert told == [False, True]
