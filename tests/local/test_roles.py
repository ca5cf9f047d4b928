"""What a role allows is decided by all of its policy, or the deployment fails."""

from pathlib import Path
from typing import Any

import pytest

from local.cloud import Cloud
from tests.local.conftest import MakeCloud
from tests.local.small_stack import write_assembly
from tests.role_usage import RoleUsage


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
        ({"Condition": {"DateLessThan": {"aws:SourceAccount": "1"}}}, "condition operator DateLessThan"),
        ({"Condition": {"StringNotEquals": {"dynamodb:LeadingKeys": "x"}}}, "condition keys.*leadingkeys"),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "${aws:username}"}}}, "policy variable"),
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


# What is allowed and never done


@pytest.fixture
def usage(tmp_path: Path) -> RoleUsage:
    """Of a stack whose role allows more than its function does."""
    usage = RoleUsage(stack="Small")
    assembly = write_assembly(tmp_path / "cdk.out", resources={"Role": role("sqs:SendMessage", "dynamodb:Get*")})
    with usage.noting(), Cloud(assembly=assembly) as cloud:
        name = cloud.functions.config_of(next(iter(cloud.functions.configs))).role
        assert cloud.roles.refusal(name, "dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/x") is None
        assert cloud.roles.refusal(name, "sqs:DeleteMessage", "arn:aws:sqs:us-east-1:123456789012:x") is not None
    return usage


def test_what_was_never_made_is_named_and_wildcards_count(usage: RoleUsage) -> None:
    assert usage.unused() == [("worker", "sqs:SendMessage")]


def test_processes_are_summed(usage: RoleUsage) -> None:
    whole = RoleUsage()
    whole.add([list(pair) for pair in usage.allowed], usage.made)
    assert whole.unused() == [("worker", "sqs:SendMessage")]
    whole.add([], [["other", "sqs:SendMessage"]])
    assert whole.unused() == [("worker", "sqs:SendMessage")]
    whole.add([], [["worker", "sqs:SendMessage"]])
    assert whole.unused() == []
