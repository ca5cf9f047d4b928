"""A small stack for tests of the embedded AWS: a queue, a table, a bus, and functions that do what a test says.

The folder that `write_assembly` makes is what `cdk synth` would make of such a stack.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Handler = Callable[[Any, Any], Any]

BEHAVIOUR: dict[str, Handler] = {}
"""What the function of this name does; set by the `behave` fixture's user."""

_CODE = """
from tests.local import small_stack
cold = True

def handler(event, context):
    global cold
    context.cold, cold = cold, False
    return small_stack.BEHAVIOUR["{name}"](event, context)
"""
_KEY = "code.zip"
_BUCKET = "assets"
_MAPPING = "AWS::Lambda::EventSourceMapping"
REPORTING = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


def write_assembly(
    folder: Path,
    functions: Mapping[str, Mapping[str, Any]] | None = None,
    mappings: Mapping[str, Mapping[str, Any]] | None = None,
    resources: Mapping[str, Mapping[str, Any]] | None = None,
    code: Mapping[str, str] | None = None,
) -> Path:
    """Writes the assembly. `functions` and `mappings` are properties by name; a mapping's name is its function's and
    its source's, such as `worker-Jobs` or `worker-stream`; `resources` are added to the usual ones or replace them."""
    functions = functions if functions is not None else {"worker": {}}
    asset = folder / "asset"
    asset.mkdir(parents=True)
    for name in functions:
        (asset / f"{name}.py").write_text((code or {}).get(name, _CODE.format(name=name)))
    template = {"Resources": {**_usual(), **_functions(functions), **_mappings(mappings or {}), **(resources or {})}}
    template["Outputs"] = {"JobsUrl": {"Value": {"Ref": "Jobs"}}, "TableName": {"Value": {"Ref": "Table"}}}
    (folder / "Small.template.json").write_text(json.dumps(template))
    destination = {"bucketName": _BUCKET, "objectKey": _KEY}
    file = {"source": {"path": "asset", "packaging": "zip"}, "destinations": {"here": destination}}
    (folder / "Small.assets.json").write_text(json.dumps({"files": {"code": file}}))
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Small.template.json"}}
    assets = {"type": "cdk:asset-manifest", "properties": {"file": "Small.assets.json"}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"Small": stack, "Small.assets": assets}}))
    return folder


def _usual() -> dict[str, Any]:
    redrive = {"deadLetterTargetArn": _arn("DeadJobs"), "maxReceiveCount": 3}
    index = {
        "IndexName": "due",
        "KeySchema": [{"AttributeName": "dueIn", "KeyType": "HASH"}, {"AttributeName": "dueAt", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["bytes"]},
    }
    attributes = {"id": "S", "dueIn": "S", "dueAt": "N"}
    table = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in attributes.items()],
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [index],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "TimeToLiveSpecification": {"AttributeName": "expiresAt", "Enabled": True},
    }
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = {"Policies": [{"PolicyName": "all", "PolicyDocument": {"Statement": [everything]}}]}
    return {
        "Jobs": _resource("AWS::SQS::Queue", VisibilityTimeout=360, RedrivePolicy=redrive),
        "DeadJobs": _resource("AWS::SQS::Queue"),
        "Table": _resource("AWS::DynamoDB::Table", **table),
        "Bucket": _resource("AWS::S3::Bucket"),
        "Bus": _resource("AWS::Events::EventBus", Name="bus"),
        "Role": _resource("AWS::IAM::Role", AssumeRolePolicyDocument={}, **role),
    }


def _functions(functions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    usual = {
        "Code": {"S3Bucket": _BUCKET, "S3Key": _KEY},
        "Runtime": "python3.13",
        "Timeout": 60,
        "Role": _arn("Role"),
        "Environment": {"Variables": {"TABLE_NAME": {"Ref": "Table"}, "GREETING": "hello"}},
    }
    return {
        f"{name}Function": _resource("AWS::Lambda::Function", **{**usual, "Handler": f"{name}.handler", **properties})
        for name, properties in functions.items()
    }


def _mappings(mappings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    resources = {}
    for name, properties in mappings.items():
        function, _, source = name.partition("-")
        arn = {"Fn::GetAtt": ["Table", "StreamArn"]} if source == "stream" else _arn(source)
        target = {"FunctionName": {"Ref": f"{function}Function"}, "EventSourceArn": arn}
        resources[name.replace("-", "")] = _resource(_MAPPING, **target, **properties)
    return resources


def _resource(resource_type: str, **properties: Any) -> dict[str, Any]:
    return {"Type": resource_type, "Properties": properties}


def _arn(logical_id: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}
