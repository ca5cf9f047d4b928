"""The deployed tables in DynamoDB Local: calls go to it as they are, and what its streams tell comes back from it.

Its clock is the machine's and can't be set. So the times of stream records are replaced by ours, and items whose time
to live is over are deleted by us: to it, with a clock months away, all would be over or none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from unittest import mock

import urllib3
from moto.core.responses import BaseResponse
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler

from local.deploy import ACCOUNT_ID, REGION, Deployment
from local.dynamodb import TTL_IDENTITY, OnRecord
from local.meter import WriteMeter

ENDPOINT_VARIABLE = "THAW_DYNAMODB_ENDPOINT"
"""The environment variable that names DynamoDB Local's endpoint, where it takes the place of moto's DynamoDB."""
_API = "DynamoDB_20120810"
_STREAMS_API = "DynamoDBStreams_20120810"
_OF_ONE_ITEM = {"PutItem", "UpdateItem", "DeleteItem"}
_WRITES = {*_OF_ONE_ITEM, "BatchWriteItem", "TransactWriteItems"}
_TAKEN = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")
"""What of a table's properties CreateTable takes as the template has it, and DynamoDB Local heeds."""
_databases = count()

Reply = tuple[int, Mapping[str, str], str]


class Refused(Exception):
    """An error with which DynamoDB Local answered a call of ours; a mistake of this module or of a template."""


@dataclass
class _Table:
    name: str
    properties: Mapping[str, Any]
    iterator: str = ""
    """From where its stream is read on; empty if it has none."""

    @property
    def key_names(self) -> list[str]:
        return [key["AttributeName"] for key in self.properties["KeySchema"]]

    @property
    def ttl_attribute(self) -> str | None:
        ttl = self.properties.get("TimeToLiveSpecification", {})
        return ttl.get("AttributeName") if ttl.get("Enabled") else None


@dataclass
class LocalTables:
    """The tables of a deployment; has what `local.dynamodb.Writes` has, for tables elsewhere."""

    endpoint: str
    meter: WriteMeter
    on_record: OnRecord
    _tables: list[_Table] = field(default_factory=list)
    _access_key: str = ""
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While entered, DynamoDB Local answers for moto, but for what is called before `deployed`."""
        handlers: list[type[BaseResponse]] = [DynamoHandler, DynamoDBStreamsHandler]
        originals = [handler.call_action for handler in handlers]
        with (
            mock.patch.object(handlers[0], "call_action", self._in_place_of(originals[0])),
            mock.patch.object(handlers[1], "call_action", self._in_place_of(originals[1])),
        ):
            yield
            self._drop()

    def deployed(self, deployment: Deployment) -> None:
        """Makes the tables that the template has."""
        self._tables = [_Table(table.physical_id, table.properties) for table in deployment.of_type(_TABLE)]
        self._create()

    def clear(self) -> None:
        """Begins anew, with empty tables; not even the tokens of transactions are remembered."""
        self._drop()
        self._create()

    def expire(self, now_seconds: float) -> None:
        """Deletes what the tables' time to live says, with the stream records that tell who did it."""
        for table in self._tables:
            attribute = table.ttl_attribute
            if attribute is None:
                continue
            for item in self._scan(table):
                if float(item.get(attribute, {}).get("N", "inf")) < now_seconds:
                    key = {name: item[name] for name in table.key_names}
                    self._ask("DeleteItem", {"TableName": table.name, "Key": key})
                    for record in self._gained(table):
                        self.on_record(_in_moto(table.name), {**record, "userIdentity": TTL_IDENTITY})

    def items(self) -> list[dict[str, Any]]:
        """Every item of every table, as the API has attributes."""
        return [item for table in self._tables for item in self._scan(table)]

    # The tables

    def _create(self) -> None:
        # One access key is one database to DynamoDB Local. It has to be letters and digits.
        self._access_key = f"cloud{os.getpid()}x{next(_databases)}"
        for table in self._tables:
            given = {name: table.properties[name] for name in _TAKEN if name in table.properties}
            stream = table.properties.get("StreamSpecification")
            if stream:
                given["StreamSpecification"] = {"StreamEnabled": True, **stream}
            made = self._ask("CreateTable", {"TableName": table.name, **given})
            table.iterator = self._first_iterator(made["TableDescription"]["LatestStreamArn"]) if stream else ""

    def _drop(self) -> None:
        for table in self._tables if self._access_key else ():
            self._ask("DeleteTable", {"TableName": table.name})
        self._access_key = ""

    def _first_iterator(self, stream_arn: str) -> str:
        described = self._ask("DescribeStream", {"StreamArn": stream_arn}, _STREAMS_API)
        (shard,) = described["StreamDescription"]["Shards"]
        wanted = {"StreamArn": stream_arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator: str = self._ask("GetShardIterator", wanted, _STREAMS_API)["ShardIterator"]
        return iterator

    def _scan(self, table: _Table) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        wanted: dict[str, Any] = {"TableName": table.name, "ConsistentRead": True}
        while True:
            page = self._ask("Scan", wanted)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            wanted["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    # Calls

    def _in_place_of(self, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def call_action(handler: BaseResponse) -> Any:
            if not self._access_key:
                return original(handler)
            api, _, operation = handler.headers["X-Amz-Target"].partition(".")
            if operation in _WRITES:
                return self._write(operation, handler.body)
            return self._send(api, operation, handler.body)

        return call_action

    def _write(self, operation: str, body: str) -> Reply:
        given = json.loads(body)
        status, headers, text = self._send(_API, operation, json.dumps({"ReturnConsumedCapacity": "TOTAL", **given}))
        reply = json.loads(text)
        if status == 200:
            self._wrote(operation, given, reply)
        else:
            _meter_refused(self.meter, reply)
        if "ReturnConsumedCapacity" not in given:
            reply.pop("ConsumedCapacity", None)
        return status, headers, json.dumps(reply)

    def _wrote(self, operation: str, given: Mapping[str, Any], reply: Mapping[str, Any]) -> None:
        """Measures what was written to deployed tables, and hands on what their streams have gained by it."""
        if operation in _OF_ONE_ITEM and given["TableName"] in {table.name for table in self._tables}:
            item, hash_key = given.get("Item") or given["Key"], _in_moto(given["TableName"]).hash_key_attr
            self.meter.add(str(next(iter(item[hash_key].values()))), round(reply["ConsumedCapacity"]["CapacityUnits"]))
        for table in self._tables:
            for record in self._gained(table):
                change = record["dynamodb"]
                if operation not in _OF_ONE_ITEM:  # of several writes DynamoDB Local tells the capacity of one
                    factor = 2 if operation == "TransactWriteItems" else 1
                    self.meter.wrote(_in_moto(table.name), change.get("OldImage"), change.get("NewImage"), factor)
                self.on_record(_in_moto(table.name), record)

    def _ask(self, operation: str, given: Mapping[str, Any], api: str = _API) -> Any:
        """A call of our own, past the meter; raises Refused on an error."""
        status, _, text = self._send(api, operation, json.dumps(given))
        if status != 200:
            raise Refused(f"{operation}: {text}")
        return json.loads(text)

    def _send(self, api: str, operation: str, body: str) -> Reply:
        scope = f"{self._access_key}/20260101/{REGION}/dynamodb/aws4_request"
        headers = {
            "X-Amz-Target": f"{api}.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",  # never checked
        }
        reply = self._http.request("POST", self.endpoint, body=body, headers=headers)
        return reply.status, {"Content-Type": "application/x-amz-json-1.0"}, reply.data.decode()

    # Streams

    def _gained(self, table: _Table) -> Iterator[dict[str, Any]]:
        """What has come to the table's stream since; a change is there as soon as its write is answered."""
        while table.iterator:
            page = self._ask("GetRecords", {"ShardIterator": table.iterator}, _STREAMS_API)
            if "NextShardIterator" not in page:
                raise Refused("the stream's shard was closed, as after some hours in real time: reset the cloud sooner")
            table.iterator = page["NextShardIterator"]
            yield from (_as_on_aws(table, record) for record in page["Records"])
            if not page["Records"]:
                return


def _in_moto(name: str) -> Table:
    """What moto has in the table's place: it is empty, but has its name, keys and ARN."""
    table: Table = dynamodb_backends[ACCOUNT_ID][REGION].tables[name]
    return table


_TABLE = "AWS::DynamoDB::Table"


def _as_on_aws(table: _Table, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the region and the clock of the embedded AWS, and an id that is the same in each run."""
    images = {name: _with_types(record["dynamodb"][name]) for name in _IMAGES if name in record["dynamodb"]}
    made_at = datetime.now(UTC).replace(microsecond=0)
    change = {**record["dynamodb"], **images, "ApproximateCreationDateTime": made_at}
    event_id = hashlib.md5(f"{table.name}/{change['SequenceNumber']}".encode(), usedforsecurity=False).hexdigest()
    return {**record, "eventID": event_id, "awsRegion": REGION, "dynamodb": change}


_IMAGES = ("OldImage", "NewImage")


def _with_types(image: Mapping[str, Any]) -> dict[str, Any]:
    """The image with the type of each empty map, which DynamoDB Local 3 leaves out of its streams."""
    return {name: _with_type(value) for name, value in image.items()}


def _with_type(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if "L" in value:
        return {"L": [_with_type(member) for member in value["L"]]}
    return {"M": _with_types(value.get("M", {}))} if not value or "M" in value else value


def _meter_refused(meter: WriteMeter, reply: Mapping[str, Any]) -> None:
    """What DynamoDB charges for a condition that was false, which it does not tell; 1 KB where no item is told."""
    kind = reply.get("__type", "").rpartition("#")[2]
    if kind == "ConditionalCheckFailedException":
        meter.refused(reply.get("Item"), factor=1)
    elif kind == "TransactionCanceledException":
        for reason in reply["CancellationReasons"]:
            meter.refused(reason.get("Item"), factor=2)
