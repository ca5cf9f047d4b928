"""moto's short ways give what its long ways give."""

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import backend_index, mock_aws
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.parsing.validators import ActionCountValidator
from moto.iam import models as iam_models
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random
from moto.moto_api._internal.moto_random import MotoRandom
from moto.sqs import models
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


@pytest.mark.parametrize("seed", range(5))
def test_a_receipt_handle_takes_the_draws_that_it_takes(seed: int) -> None:
    def told() -> object:
        mock_random.seed(seed)
        return models.generate_receipt_handle(), mock_random.random()  # type: ignore[attr-defined]

    assert_same_both_ways(told)


def test_no_other_service_has_the_addresses_that_are_looked_for_first() -> None:
    urls = [f"https://{name}.us-east-1.amazonaws.com" for name in ("events", "glacier")]
    found = [[service for service, pattern in backend_index.backend_url_patterns if pattern.match(url)] for url in urls]
    assert found == [["events"], ["glacier"]]
    with shortened():
        assert [service for service, _ in backend_index.backend_url_patterns[:2]] == ["events", "glacier"]
        assert len(backend_index.backend_url_patterns) > 100


def test_whose_a_key_is_is_found() -> None:
    with mock_aws():
        client = boto3.client("iam", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
        client.create_user(UserName="one")
        key = client.create_access_key(UserName="one")["AccessKey"]["AccessKeyId"]
        in_china = iam_backends["111111111111"]["aws-cn"]
        in_china.create_user("us-east-1", "other")
        other = in_china.create_access_key("other").access_key_id
        names = (key, other, "none")
        assert_same_both_ways(lambda: [iam_models.get_account_id_from(name) for name in names])
        with shortened():
            assert iam_models.get_account_id_from(other) == "111111111111"


@pytest.mark.parametrize(
    "expression",
    ["SET a = :v REMOVE b", "SET a = :v SET b = :v", "REMOVE a REMOVE b", "ADD a :v ADD b :v", "SET a = :v, b = :v"],
)
def test_each_kind_of_action_comes_once(expression: str) -> None:
    assert_same_both_ways(
        lambda: bool(ActionCountValidator().traverse(copy.deepcopy(UpdateExpressionParser.make(expression))))
    )
