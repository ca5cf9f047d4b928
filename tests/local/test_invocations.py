"""Lambda's Invoke reaches the deployed functions."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.cloud import Cloud
from local.deploy import REGION
from tests.local.conftest import MakeCloud

Behave = Callable[..., None]


def invoke(cloud: Cloud, **given: Any) -> Any:
    (name,) = cloud.functions.configs
    return cloud.client("lambda").invoke(**{"FunctionName": name, "Payload": b'{"a": 1}', **given})


def test_the_handlers_value_comes_back(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud()
    behave(worker=lambda event, context: {"got": event})
    reply = invoke(cloud)
    assert (reply["StatusCode"], json.loads(reply["Payload"].read())) == (200, {"got": {"a": 1}})
    assert "FunctionError" not in reply


def test_its_error_comes_back(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud()
    behave(worker=lambda event, context: event["b"])
    reply = invoke(cloud)
    assert reply["FunctionError"] == "Unhandled"
    assert json.loads(reply["Payload"].read())["errorType"] == "KeyError"


def test_nobody_waits_for_an_event(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud, got = make_cloud(), []
    behave(worker=lambda event, context: got.append(event))
    assert invoke(cloud, InvocationType="Event")["StatusCode"] == 202
    assert got == []
    cloud.run_until_quiet()
    assert got == [{"a": 1}]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"FunctionName": "another"}, "ResourceNotFoundException"),
        ({"Payload": b"no JSON"}, "InvalidRequestContentException"),
    ],
)
def test_what_cannot_be_invoked(make_cloud: MakeCloud, given: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(make_cloud(), **given)
    assert caught.value.response["Error"]["Code"] == code


def test_no_room_for_it(make_cloud: MakeCloud) -> None:
    cloud = make_cloud()
    cloud.functions.concurrency = 0
    (name,) = cloud.functions.configs
    impatient = boto3.client("lambda", region_name=REGION, config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        impatient.invoke(FunctionName=name)
