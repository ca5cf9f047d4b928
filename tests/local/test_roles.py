"""What a role allows is decided by all of its policy, or the deployment fails."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.cloud import Cloud
from tests.local.conftest import MakeCloud
from tests.local.small_stack import write_assembly
from tests.role_usage import RoleUsage

Behave = Callable[..., None]


def role(*actions: str, **parts: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": [*LOGGING, *actions], "Resource": "*", **parts}
    policies = [{"PolicyName": "some", "PolicyDocument": {"Statement": [statement]}}]
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}, "Policies": policies}}


LOGGING = ("logs:CreateLogStream", "logs:PutLogEvents")


def test_a_condition_in_a_role_decides(make_cloud: MakeCloud) -> None:
    make_cloud(resources={"Role": role(Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}})})


def test_a_condition_that_does_not_hold_refuses(make_cloud: MakeCloud) -> None:
    with pytest.raises(PermissionError, match="not authorized to perform: logs:CreateLogStream"):
        make_cloud(resources={"Role": role(Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})})


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"Condition": {"DateLessThan": {"aws:RequestedRegion": "1"}}}, "condition operator DateLessThan"),
        ({"Condition": {"StringNotEquals": {"dynamodb:LeadingKeys": "x"}}}, "condition keys.*leadingkeys"),
        ({"Condition": {"StringNotEquals": {"aws:SourceAccount": "1"}}}, "condition keys.*sourceaccount"),
        ({"Condition": {"StringEquals": {"aws:RequestedRegion": "${aws:username}"}}}, "policy variable"),
        ({"NotAction": "sqs:*"}, "policy element.*NotAction"),
    ],
)
def test_what_could_not_be_decided_fails_at_once_though_nothing_asks_for_it(
    make_cloud: MakeCloud, parts: dict[str, Any], told: str
) -> None:
    odd = {"Effect": "Deny", "Action": "s3:NeverCalled", "Resource": "*", **parts}
    resource = role()
    resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(odd)
    with pytest.raises(NotImplementedError, match=told):
        make_cloud(resources={"Role": resource})


def test_a_boundary_which_would_not_be_heeded_fails_at_once(make_cloud: MakeCloud) -> None:
    resource = role()
    resource["Properties"]["PermissionsBoundary"] = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    with pytest.raises(NotImplementedError, match=r"boundary arn:\S+ReadOnlyAccess of the role .*Role"):
        make_cloud(resources={"Role": resource})


# What Lambda does in a role's name


def done(cloud: Cloud) -> set[str]:
    return {action for _, action, _ in cloud.roles.used}


def test_what_a_role_lets_lambda_do_is_done_when_lambda_does_it(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud(mappings={"worker-Jobs": {}, "worker-stream": {"StartingPosition": "LATEST"}})
    behave(worker=refuse)
    assert done(cloud) == set()
    cloud.client("sqs").send_message(QueueUrl=cloud.outputs["JobsUrl"], MessageBody="a")
    cloud.run_for(timedelta(minutes=1))
    polled = {"sqs:ReceiveMessage", "sqs:GetQueueAttributes"}
    assert done(cloud) == polled | set(LOGGING)
    behave(worker=lambda event, context: None)
    cloud.run_until_quiet()
    assert done(cloud) == polled | set(LOGGING) | {"sqs:DeleteMessage"}
    assert {resource for _, action, resource in cloud.roles.used if action.startswith("sqs:")} == {
        cloud.queue(cloud.outputs["JobsUrl"]).queue_arn
    }


def test_a_stream_is_read_and_what_is_given_up_is_written_in_the_roles_name(
    make_cloud: MakeCloud, behave: Behave
) -> None:
    destination = {"OnFailure": {"Destination": {"Fn::GetAtt": ["Bucket", "Arn"]}}}
    mapping = {"StartingPosition": "LATEST", "MaximumRetryAttempts": 1, "DestinationConfig": destination}
    cloud = make_cloud(mappings={"worker-stream": mapping})
    behave(worker=lambda event, context: None)
    cloud.client("dynamodb").put_item(TableName=cloud.outputs["TableName"], Item={"id": {"S": "a"}})
    cloud.run_until_quiet()
    reading = {f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")}
    assert done(cloud) == reading | set(LOGGING)
    behave(worker=refuse)
    cloud.client("dynamodb").put_item(TableName=cloud.outputs["TableName"], Item={"id": {"S": "b"}})
    cloud.run_until_quiet()
    assert done(cloud) == reading | set(LOGGING) | {"s3:ListBucket", "s3:PutObject"}
    [key] = cloud.stored_objects()
    [written] = [resource for _, action, resource in cloud.roles.used if action == "s3:PutObject"]
    assert written.endswith(f"/{key}")


def test_an_invocation_is_logged_where_the_template_says_and_traced_if_it_says_so(
    make_cloud: MakeCloud, behave: Behave
) -> None:
    seen: list[str] = []
    named = {"TracingConfig": {"Mode": "Active"}, "LoggingConfig": {"LogGroup": "some"}}
    cloud = make_cloud(functions={"worker": named})
    behave(worker=lambda event, context: seen.extend([context.log_group_name, os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]]))
    cloud.functions.invoke(next(iter(cloud.functions.configs)), {}, lambda result: None)
    assert seen == ["some", "some"]
    assert done(cloud) == {*LOGGING, "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    assert {resource.split(":")[6] for _, action, resource in cloud.roles.used if action in LOGGING} == {"some"}


def test_lambda_can_do_nothing_that_the_role_does_not_allow_any_more(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(mappings={"worker-Jobs": {}})
    for policies in cloud.roles.policies.values():
        policies.clear()
    cloud.client("sqs").send_message(QueueUrl=cloud.outputs["JobsUrl"], MessageBody="a")
    with pytest.raises(PermissionError, match="sqs:ReceiveMessage"):
        cloud.run_until_quiet()


def refuse(event: Any, context: Any) -> None:
    raise ValueError


# What is allowed and never done


@pytest.fixture
def usage(tmp_path: Path) -> RoleUsage:
    """Of a stack whose role allows more than its function does."""
    usage = RoleUsage(stack="Small")
    assembly = write_assembly(tmp_path / "cdk.out", resources={"Role": role("sqs:SendMessage", "dynamodb:Get*")})
    with usage.noting(), Cloud(assembly=assembly) as cloud:
        act(cloud, "dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/x")
        with pytest.raises(PermissionError, match="sqs:DeleteMessage"):
            act(cloud, "sqs:DeleteMessage", "arn:aws:sqs:us-east-1:123456789012:x")
        act(cloud, "logs:CreateLogStream", "arn:aws:logs:us-east-1:123456789012:log-group:x")
    return usage


def act(cloud: Cloud, *needed: str) -> None:
    """Does something in the worker's name."""
    action, resource = needed
    cloud.functions.act(next(iter(cloud.functions.configs)), [(action, resource)])


def test_what_was_never_made_is_named_and_wildcards_count(usage: RoleUsage) -> None:
    assert usage.unused() == [("worker", "logs:PutLogEvents", "*"), ("worker", "sqs:SendMessage", "*")]


def test_processes_are_summed(usage: RoleUsage) -> None:
    whole = RoleUsage()
    whole.add([list(grant) for grant in usage.allowed], usage.made)
    assert whole.unused() == usage.unused()
    whole.add([], [["other", "sqs:SendMessage", "*"], ["worker", "logs:PutLogEvents", "*"]])
    assert whole.unused() == [("worker", "sqs:SendMessage", "*")]
    whole.add([], [["worker", "sqs:SendMessage", "*"]])
    assert whole.unused() == []


@pytest.mark.parametrize(("key", "unused"), [("own/1", "arn:aws:s3:::b/*"), ("1", "arn:aws:s3:::b/own/*")])
def test_what_is_allowed_twice_has_to_be_made_twice(tmp_path: Path, key: str, unused: str) -> None:
    """The one that is narrower serves what both allow."""
    usage = usage_of(tmp_path, ["arn:aws:s3:::b/*", "arn:aws:s3:::b/own/*"], f"arn:aws:s3:::b/{key}")
    assert {resource for _, _, resource in usage.unused() if "s3" in resource} == {unused}


def test_a_resource_has_the_same_name_in_each_deployment(tmp_path: Path) -> None:
    vaults = "arn:aws:glacier:us-east-1:123456789012:vaults"
    table, stream = {"Fn::GetAtt": ["Table", "Arn"]}, {"Fn::GetAtt": ["Table", "StreamArn"]}
    usage = usage_of(tmp_path, [table, stream, f"{vaults}/photos", f"{vaults}/films"], f"{vaults}/photos")
    named = "arn:aws:dynamodb:us-east-1:123456789012:table/Table"
    assert {resource for _, action, resource in usage.allowed if action == "s3:PutObject"} == {
        named,
        f"{named}/stream/*",
        f"{vaults}/*",
    }
    assert ("worker", "s3:PutObject", f"{vaults}/*") in usage.made


def usage_of(tmp_path: Path, resources: list[Any], made_on: str) -> RoleUsage:
    """Of a role that allows an action on these, when it was done once."""
    usage, some = RoleUsage(stack="Small"), role()
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": resources}
    some["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].append(statement)
    with usage.noting(), Cloud(assembly=write_assembly(tmp_path / "cdk.out", resources={"Role": some})) as cloud:
        act(cloud, "s3:PutObject", made_on)
    return usage
