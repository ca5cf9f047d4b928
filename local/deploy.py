"""Deploys a cloud assembly into moto's CloudFormation, and adds what moto's CloudFormation leaves out."""

from __future__ import annotations

import io
import json
import logging
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json, get_model_map
from moto.core.utils import utcnow
from moto.dynamodb.models import dynamodb_backends
from moto.events.models import EventBus
from moto.logs.models import LogGroup
from moto.sqs.models import sqs_backends
from moto.ssm.models import Parameter, ssm_backends

from local.assembly import Assembly, Asset, Stack

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"

_NO_PART_IN_THE_RUN = {
    "AWS::CDK::Metadata",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Lambda::EventInvokeConfig",  # read by the Lambda service itself
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",  # moto would overlook its conditions, and refuse what they exempt
}


@dataclass(frozen=True)
class Resource:
    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    """As in the template, with every reference resolved."""
    physical_id: str


@dataclass(frozen=True)
class Deployment:
    resources: tuple[Resource, ...]
    outputs: Mapping[str, str]
    """Of all stacks, by their names in the template."""
    code: Mapping[str, Path]
    """The folder of each asset, by its object key."""

    def of_type(self, resource_type: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == resource_type]


def deploy(assembly: Assembly) -> Deployment:
    """Deploys all stacks of the assembly into the account of this machine. moto must be on."""
    for asset in assembly.assets:
        _upload(asset)
    resources: list[Resource] = []
    outputs: dict[str, str] = {}
    with _quietly():
        for stack in assembly.stacks:
            made, given = _deploy_stack(stack)
            resources += made
            outputs.update(given)
    _let_go_of_event_sources()
    return Deployment(tuple(resources), outputs, {asset.key: asset.path for asset in assembly.assets})


def _deploy_stack(stack: Stack) -> tuple[list[Resource], dict[str, str]]:
    _provide_parameters(stack.template)
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    with _mended_references():
        cloudformation.create_stack(StackName=stack.name, TemplateBody=json.dumps(stack.template))
        described = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]
        resources = _resources(stack.name, str(described.get("StackId")), stack.template)
    for resource in resources:
        _complete(resource)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    return resources, {name: value for name, value in outputs.items() if not name.startswith("ExportsOutput")}


@contextmanager
def _mended_references() -> Iterator[None]:
    """A reference to an event bus is its name, and the ARN of a log group ends in its streams: moto's lack both."""
    bus_name = property(lambda bus: bus.name)
    log_group_arn = LogGroup.get_cfn_attribute

    def arn_with_streams(group: LogGroup, attribute: str) -> str:
        value = log_group_arn(group, attribute)
        return f"{value}:*" if attribute == "Arn" and not value.endswith(":*") else value

    with (
        mock.patch.object(EventBus, "physical_resource_id", bus_name, create=True),
        mock.patch.object(LogGroup, "get_cfn_attribute", arn_with_streams),
    ):
        yield


@contextmanager
def _quietly() -> Iterator[None]:
    """moto tells of each type that it does not know; `_complete` sees to those."""
    logger = logging.getLogger("moto")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _upload(asset: Asset) -> None:
    if not asset.path.is_dir():
        return  # a template, which is handed over directly
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for path in sorted(asset.path.rglob("*")):
            archive.write(path, path.relative_to(asset.path))
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket=asset.bucket)
    s3.put_object(Bucket=asset.bucket, Key=asset.key, Body=zipped.getvalue())


def _provide_parameters(template: Mapping[str, Any]) -> None:
    """AWS's public parameters and the bootstrap's, by the names that the template looks up."""
    backend = ssm_backends[ACCOUNT_ID][REGION]
    for parameter in template.get("Parameters", {}).values():
        name = str(parameter.get("Default", ""))
        if not parameter["Type"].startswith("AWS::SSM::Parameter::Value") or backend.get_parameter(name):
            continue
        value = "30" if name.startswith("/cdk-bootstrap/") else f"arn:aws:lambda:{REGION}:aws:layer:{name.strip('/')}:1"
        # put there directly: the API reserves /aws/ for AWS
        backend._parameters[name].append(_parameter(name, value))


def _parameter(name: str, value: str) -> Parameter:
    return Parameter(  # type: ignore[abstract]
        account_id=ACCOUNT_ID,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=utcnow(),
        version=1,
        data_type="text",
    )


def _resources(stack_name: str, stack_id: str, template: Mapping[str, Any]) -> list[Resource]:
    known = cloudformation_backends[ACCOUNT_ID][REGION].stacks[stack_id].resource_map
    made = []
    for logical_id, resource in template["Resources"].items():
        in_moto = known[logical_id]
        made.append(
            Resource(
                stack_name,
                logical_id,
                resource["Type"],
                clean_json(resource.get("Properties", {}), known),
                str(getattr(in_moto, "physical_resource_id", logical_id)),
            )
        )
    return made


def _complete(resource: Resource) -> None:
    completion = _COMPLETIONS.get(resource.type)
    if completion is not None:
        completion(resource)
    elif resource.type not in get_model_map() and resource.type not in _NO_PART_IN_THE_RUN:
        raise NotImplementedError(
            f"{resource.logical_id} is a {resource.type}, which nothing on this machine stands for"
        )


def _subscribe(resource: Resource) -> None:
    properties = resource.properties
    named = ("RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy")
    attributes = {name: _as_text(properties[name]) for name in named if properties.get(name)}
    boto3.client("sns", region_name=REGION).subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        Attributes=attributes,
    )


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)


def _queue_policy(resource: Resource) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    for queue_url in resource.properties["Queues"]:
        policy = json.dumps(resource.properties["PolicyDocument"])
        sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy})


def _topic_policy(resource: Resource) -> None:
    sns = boto3.client("sns", region_name=REGION)
    for topic_arn in resource.properties["Topics"]:
        policy = json.dumps(resource.properties["PolicyDocument"])
        sns.set_topic_attributes(TopicArn=topic_arn, AttributeName="Policy", AttributeValue=policy)


def _table(resource: Resource) -> None:
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    if "TimeToLiveSpecification" in resource.properties:
        dynamodb.update_time_to_live(
            TableName=resource.physical_id, TimeToLiveSpecification=resource.properties["TimeToLiveSpecification"]
        )
    if resource.properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
        dynamodb.update_continuous_backups(
            TableName=resource.physical_id, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )


_COMPLETIONS: Mapping[str, Callable[[Resource], None]] = {
    "AWS::SNS::Subscription": _subscribe,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::DynamoDB::Table": _table,
}


def _let_go_of_event_sources() -> None:
    """moto would invoke functions itself, at once and within the call that sent a message or wrote an item."""
    for queue in sqs_backends[ACCOUNT_ID][REGION].queues.values():
        queue.lambda_event_source_mappings.clear()
    for table in dynamodb_backends[ACCOUNT_ID][REGION].tables.values():
        table.lambda_event_source_mappings.clear()
