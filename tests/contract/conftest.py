"""The store's table: in the embedded AWS, or in what THAW_DYNAMODB_ENDPOINT names, DynamoDB Local for one."""

import json
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws
from mypy_boto3_dynamodb import DynamoDBClient

from local.assembly import synthesize
from local.dynamodb import Writes
from local.meter import WriteMeter
from local.speed import shortened

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Thaw")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")

from tests.contract.units_site import Site
from thaw.edge.table import Table
from thaw.work.telemetry import metrics

CREDENTIALS = {
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
    "region_name": "us-east-1",
}


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield
    metrics.clear_metrics()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of all that sleep, and none do."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


@pytest.fixture(scope="session")
def table_properties() -> dict[str, Any]:
    """The table's, as CreateTable takes them, from the synthesized template."""
    template = json.loads((synthesize() / "ThawState.template.json").read_text(encoding="utf-8"))
    resources = template["Resources"].values()
    (table,) = (each["Properties"] for each in resources if each["Type"] == "AWS::DynamoDB::Table")
    taken = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    return {name: table[name] for name in taken}


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[DynamoDBClient]:
    """The client that the contract is kept with."""
    endpoint = os.environ.get("THAW_DYNAMODB_ENDPOINT")
    if endpoint:
        yield boto3.client("dynamodb", endpoint_url=endpoint, **CREDENTIALS)  # type: ignore[call-overload]
        return
    with mock_aws(), shortened(), Writes(WriteMeter(), lambda *_: None).watched():
        yield boto3.client("dynamodb", **CREDENTIALS)  # type: ignore[call-overload]


@pytest.fixture
def table(dynamodb: DynamoDBClient, table_properties: dict[str, Any]) -> Iterator[Table]:
    """A table of its own for each test."""
    name = f"thaw-{uuid4().hex}"
    dynamodb.create_table(TableName=name, **table_properties)
    yield Table(dynamodb, name)
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def site(table: Table) -> Site:
    return Site(table)
