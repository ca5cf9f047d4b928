"""moto's short ways give what its long ways give."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.moto_api._internal.moto_random import MotoRandom
from mypy_boto3_dynamodb import DynamoDBClient

from local.speed import shortened
from tests.local.both_ways import assert_same_both_ways

_BESIDE_THE_POINT = ("date", "x-amzn-requestid", "x-amz-crc32")
"""By chance; or of the text, in which the members may come in another order."""
ITEM = {"id": {"S": "ä/1 %2F"}, "kind": {"S": "a"}, "n": {"N": "1"}, "m": {"M": {"x": {"L": [{"B": b"\x00\xff"}]}}}}
KEY = {"id": ITEM["id"]}
APPEND = {
    "UpdateExpression": "SET m.x = list_append(m.x, :more) REMOVE kind",
    "ExpressionAttributeValues": {":more": {"L": [{"S": "b"}]}},
}


def _client(region: str) -> DynamoDBClient:
    return boto3.client("dynamodb", region, aws_access_key_id="test", aws_secret_access_key="test")


def _answers(client: DynamoDBClient) -> Iterator[Any]:
    client.create_table(
        TableName="t",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    calls: list[tuple[str, Any]] = [
        ("put_item", {"Item": ITEM}),
        ("get_item", {"Key": KEY, "ConsistentRead": True}),
        ("get_item", {"Key": {"id": {"S": "none"}}}),
        ("query", {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": ITEM["id"]}}),
        ("query", {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "none"}}}),
        ("update_item", {"Key": KEY, "UpdateExpression": "SET n = n + n", "ReturnValues": "ALL_NEW"}),
        ("update_item", {"Key": KEY, "UpdateExpression": "SET n = n + n", "ReturnValues": "ALL_NEW"}),
        ("update_item", {"Key": KEY, **APPEND, "ReturnValues": "ALL_NEW"}),
        ("put_item", {"Item": ITEM, "ConditionExpression": "attribute_not_exists(id)"}),
        ("put_item", {"Item": {"kind": {"S": "no key"}}}),
        ("query", {"KeyConditionExpression": "nonsense"}),
        ("get_item", {"TableName": "none", "Key": KEY}),
    ]
    for name, given in calls:
        try:
            answer = getattr(client, name)(**{"TableName": "t", **given})
        except ClientError as error:
            answer = error.response
        yield name, _without_chance(answer)


def _without_chance(answer: dict[str, Any]) -> dict[str, Any]:
    metadata = answer.pop("ResponseMetadata")
    headers = {name: value for name, value in metadata["HTTPHeaders"].items() if name not in _BESIDE_THE_POINT}
    return {**answer, "status": metadata["HTTPStatusCode"], "headers": headers}


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_dynamodb_answers_as_it_does_without(region: str) -> None:
    told = []
    ways: list[AbstractContextManager[None]] = [nullcontext(), shortened()]
    for way in ways:
        with mock_aws(), way:
            told.append(list(_answers(_client(region))))
    assert told[0] == told[1]
    assert [answer["status"] for _, answer in told[0]] == [200] * 8 + [400] * 4


def test_it_is_told_in_which_region_and_account_it_is_asked() -> None:
    with mock_aws(), shortened():
        client = _client("eu-central-1")
        list(_answers(client))
        assert client.describe_table(TableName="t")["Table"]["TableArn"].startswith(
            "arn:aws:dynamodb:eu-central-1:1234"
        )
        assert _client("us-east-1").list_tables()["TableNames"] == []


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("given", [{}, {"include_digits": False}, {"lower_case": True}], ids=str)
def test_an_id_takes_the_draws_that_it_takes(seed: int, given: dict[str, bool]) -> None:
    def told() -> object:
        chance = MotoRandom(seed)
        return [*(chance.get_random_string(length, **given) for length in (0, 1, 7, 52, 342)), chance.random()]

    assert_same_both_ways(told)
