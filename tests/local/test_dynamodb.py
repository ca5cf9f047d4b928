"""Where moto's tables would write otherwise than DynamoDB's: streams, transactions, time to live, costs."""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import Cloud
from local.dynamodb_local.tables import ENDPOINT_VARIABLE
from local.meter import item_bytes
from tests.local.small_stack import write_assembly


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    assembly = write_assembly(tmp_path_factory.mktemp("small") / "cdk.out")
    with Cloud(1, assembly=assembly, shard_count=1) as cloud:
        yield cloud


@pytest.fixture
def cloud(deployed: Cloud) -> Cloud:
    """With nothing in its table."""
    deployed.reset(1)
    return deployed


def table(cloud: Cloud) -> dict[str, str]:
    return {"TableName": cloud.outputs["TableName"]}


def update(cloud: Cloud, item_id: str = "a", value: str = "1", **options: Any) -> None:
    cloud.client("dynamodb").update_item(
        **table(cloud),
        Key={"id": {"S": item_id}},
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "v"},
        ExpressionAttributeValues={":v": {"S": value}},
        **options,
    )


def put(cloud: Cloud, **attributes: str) -> None:
    item = {name: {"N" if name in ("dueAt", "expiresAt") else "S": value} for name, value in attributes.items()}
    cloud.client("dynamodb").put_item(**table(cloud), Item=item)


def stream(cloud: Cloud) -> list[tuple[str, Any, Any]]:
    """The records of the table's stream as a user reads them: event, old image, new image."""
    streams = cloud.client("dynamodbstreams")
    arn = streams.list_streams()["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    return [(r["eventName"], r["dynamodb"].get("OldImage"), r["dynamodb"].get("NewImage")) for r in records]


def test_an_update_that_creates_an_item_is_one_insertion(cloud: Cloud) -> None:
    update(cloud)
    assert stream(cloud) == [("INSERT", None, {"id": {"S": "a"}, "v": {"S": "1"}})]


def test_a_write_that_changes_nothing_is_no_record(cloud: Cloud) -> None:
    for value in ("1", "1", "2"):
        update(cloud, value=value)
    assert [event for event, _, _ in stream(cloud)] == ["INSERT", "MODIFY"]


TRUE, ONE, TWO = {"BOOL": True}, {"N": "1"}, {"N": "2"}


def put_where(cloud: Cloud, condition: str, *values: Any) -> None:
    """Its values are named :1, :2 and so on."""
    given = {f":{number}": value for number, value in enumerate(values, 1)}
    more = {"ExpressionAttributeValues": given} if given else {}
    cloud.client("dynamodb").put_item(
        **table(cloud), Item={"id": {"S": "a"}, "t": TRUE}, ConditionExpression=condition, **more
    )


@pytest.mark.parametrize("value", [{"S": "later"}, {"L": []}, {"NULL": True}, TRUE, {"BOOL": False}])
@pytest.mark.parametrize("order", ["<", "<=", ">", ">=", "="])
def test_values_of_two_types_are_not_equal_and_have_no_order(cloud: Cloud, value: Any, order: str) -> None:
    cloud.client("dynamodb").put_item(**table(cloud), Item={"id": {"S": "a"}, "w": value})
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        put_where(cloud, f"w {order} :1", ONE)


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("gone = :1", [{"NULL": True}]),
        ("gone = lost", []),
        (":1 IN (t)", [ONE]),
        (":1 BETWEEN t AND :2", [ONE, TWO]),
        ("t = :1", [ONE]),
    ],
)
def test_what_is_not_there_is_equal_to_nothing_and_true_is_no_number(
    cloud: Cloud, condition: str, values: list[Any]
) -> None:
    put_where(cloud, "attribute_not_exists(id)")
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        put_where(cloud, condition, *values)


@pytest.mark.parametrize(
    ("condition", "values"), [("w < :1", [TRUE]), ("w = w", []), ("w BETWEEN :1 AND :2", [TWO, ONE])]
)
def test_what_can_not_be_compared_is_refused(cloud: Cloud, condition: str, values: list[Any]) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        put_where(cloud, condition, *values)


def test_a_write_that_fails_leaves_nothing(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="Validation"):
        cloud.client("dynamodb").update_item(
            **table(cloud),
            Key={"id": {"S": "a"}},
            UpdateExpression="SET v = w",
        )
    assert cloud.items() == []
    assert stream(cloud) == []


def transaction(cloud: Cloud, *ids: str, must_be_new: bool = True) -> None:
    condition = {"ConditionExpression": "attribute_not_exists(id)"} if must_be_new else {}
    puts = [{"Put": {**table(cloud), "Item": {"id": {"S": one}}, **condition}} for one in ids]
    cloud.client("dynamodb").transact_write_items(TransactItems=puts)


def test_a_transaction_is_all_or_nothing(cloud: Cloud) -> None:
    put(cloud, id="b")
    with pytest.raises(ClientError) as error:
        transaction(cloud, "a", "b")
    reasons = [reason["Code"] for reason in error.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert [event for event, _, _ in stream(cloud)] == ["INSERT"]
    transaction(cloud, "c", "d")
    assert [new["id"]["S"] for _, _, new in stream(cloud)] == ["b", "c", "d"]


def test_a_transaction_may_not_name_an_item_twice(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="multiple operations on one item"):
        transaction(cloud, "a", "a", must_be_new=False)


def transaction_with_token(cloud: Cloud) -> None:
    put_a = {"Put": {**table(cloud), "Item": {"id": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(id)"}}
    cloud.client("dynamodb").transact_write_items(TransactItems=[put_a], ClientRequestToken="token")


def test_a_transaction_repeated_with_its_token_is_done_once(cloud: Cloud) -> None:
    for _ in range(2):
        transaction_with_token(cloud)
    assert len(stream(cloud)) == 1


@pytest.mark.skipif(ENDPOINT_VARIABLE in os.environ, reason="DynamoDB Local forgets tokens by the machine's clock")
def test_a_transactions_token_is_forgotten_in_time(cloud: Cloud) -> None:
    transaction_with_token(cloud)
    cloud.run_for(timedelta(minutes=11))
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        transaction_with_token(cloud)


@pytest.mark.parametrize(
    "wrong",
    [
        {"Item": {"id": {"S": "a"}, "dueAt": {"S": "soon"}}},
        {"Item": {"id": {"S": "a"}}, "ConditionExpression": "v = :v"},
        {
            "Item": {"id": {"S": "a"}},
            "ConditionExpression": "attribute_not_exists(id)",
            "ExpressionAttributeValues": {":v": {"S": "unused"}},
        },
    ],
)
def test_mistakes_that_dynamodb_refuses_are_refused(cloud: Cloud, wrong: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        cloud.client("dynamodb").put_item(**table(cloud), **wrong)
    with pytest.raises(ClientError, match="ValidationE"):  # the call's, or the reason of a transaction's cancellation
        cloud.client("dynamodb").transact_write_items(TransactItems=[{"Put": {**table(cloud), **wrong}}])
    assert cloud.items() == []


def test_items_go_some_time_after_their_time_to_live(cloud: Cloud) -> None:
    expires_at = round(cloud.start.timestamp()) + 86_400
    put(cloud, id="a", expiresAt=str(expires_at))
    put(cloud, id="b")
    cloud.run_for(timedelta(hours=23))
    assert len(cloud.items()) == 2
    cloud.run_for(timedelta(hours=12))
    assert [item["id"]["S"] for item in cloud.items()] == ["b"]
    assert stream(cloud)[-1][0] == "REMOVE"


def cost(cloud: Cloud) -> int:
    units = cloud.meter.units
    cloud.meter.clear()
    return units


def test_a_write_costs_by_the_larger_of_the_item_before_and_after(cloud: Cloud) -> None:
    put(cloud, id="a")
    assert cost(cloud) == 1
    put(cloud, id="a", text="x" * 1500)
    assert cost(cloud) == 2
    put(cloud, id="a")
    assert cost(cloud) == 2


def test_an_index_costs_where_its_entry_appears_changes_or_goes(cloud: Cloud) -> None:
    put(cloud, id="a", dueIn="0", dueAt="1")
    assert cost(cloud) == 2
    put(cloud, id="a", dueIn="0", dueAt="1", note="not in the index")
    assert cost(cloud) == 1
    put(cloud, id="a", dueIn="0", dueAt="1", bytes="5")
    assert cost(cloud) == 2
    put(cloud, id="a", dueIn="0", dueAt="2", bytes="5")
    assert cost(cloud) == 3
    put(cloud, id="a")
    assert cost(cloud) == 2


def test_a_transaction_costs_twice_and_a_refused_write_costs_too(cloud: Cloud) -> None:
    transaction(cloud, "a")
    assert cost(cloud) == 2
    with pytest.raises(ClientError):
        update(cloud, ConditionExpression="attribute_not_exists(id)")
    assert cost(cloud) == 1
    with pytest.raises(ClientError):
        transaction(cloud, "a", "b")
    assert cost(cloud) == 4


@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [
        ({"S": "äb"}, 3),
        ({"N": "0"}, 2),
        ({"N": "-123"}, 4),
        ({"N": "1700000000000"}, 2),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": b"abc"}, 3),
        ({"SS": ["a", "bc"]}, 3),
        ({"L": [{"S": "a"}, {"S": "b"}]}, 3 + 2 + 2),
        ({"M": {"key": {"S": "value"}}}, 3 + 1 + 3 + 5),
    ],
)
def test_sizes_are_reckoned_as_dynamodb_does(value: dict[str, Any], size_bytes: int) -> None:
    assert item_bytes({"name": value}) == 4 + size_bytes


def test_a_scan_in_pages_gives_every_item_once(cloud: Cloud) -> None:
    ids = ["m", "b", "z", "a", "y", "c", "x"]
    for each in ids:
        put(cloud, id=each)
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(**table(cloud), PaginationConfig={"PageSize": 2})
    found = [[item["id"]["S"] for item in page["Items"]] for page in pages]
    assert sorted(each for page in found for each in page) == sorted(ids)
    assert max(map(len, found)) == 2
