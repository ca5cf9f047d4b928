from typing import Any

import pytest

from local.policies import Request, allows

QUEUE = "arn:aws:sqs:us-east-1:123456789012:jobs"
TOPIC = "arn:aws:sns:us-east-1:123456789012:ended"


def statement(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE, **parts}


def send(**parts: Any) -> Request:
    return Request(**{"action": "sqs:SendMessage", "resource": QUEUE, **parts})


def is_allowed(request: Request, *statements: dict[str, Any]) -> bool:
    return allows([{"Version": "2012-10-17", "Statement": list(statements)}], request)


def test_nothing_is_allowed_by_itself() -> None:
    assert not allows([], send())
    assert not is_allowed(send())


def test_a_denial_wins() -> None:
    assert is_allowed(send(), statement())
    assert not is_allowed(send(), statement(), statement(Effect="Deny", Action="sqs:*"))


@pytest.mark.parametrize(
    ("action", "allowed"),
    [("sqs:SendMessage", True), ("SQS:sendmessage", True), ("sqs:Send*", True), ("*", True), ("sqs:Receive*", False)],
)
def test_actions_have_wildcards_and_no_case(action: str, allowed: bool) -> None:
    assert is_allowed(send(), statement(Action=["sns:Publish", action])) is allowed


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [(QUEUE, True), ("arn:aws:sqs:us-east-1:*:jobs", True), (f"{QUEUE}?", False), (QUEUE.upper(), False), ("*", True)],
)
def test_resources_have_wildcards_and_case(resource: str, allowed: bool) -> None:
    assert is_allowed(send(), statement(Resource=resource)) is allowed


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ({"Service": "sns.amazonaws.com"}, True),
        ({"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}, True),
        ({"Service": "events.amazonaws.com"}, False),
        ({"AWS": "*"}, False),  # a service is no principal of an account
        ("*", True),
    ],
)
def test_a_service_must_be_named(principal: Any, allowed: bool) -> None:
    assert is_allowed(send(service="sns.amazonaws.com"), statement(Principal=principal)) is allowed


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [("*", True), ("123456789012", True), ("arn:aws:iam::123456789012:root", True), ("210987654321", False)],
)
def test_an_accounts_principals(principal: str, allowed: bool) -> None:
    request = send(principal="arn:aws:iam::123456789012:user/anna")
    assert is_allowed(request, statement(Principal={"AWS": principal})) is allowed


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"AWS:sourceaccount": "123456789012"}}, True),
        ({"StringEquals": {"aws:SourceAccount": ["1", "123456789012"]}}, True),
        ({"StringEquals": {"aws:SourceAccount": "1"}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": "1"}}, True),
        ({"StringLike": {"aws:SourceAccount": "1234*"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o"}}, False),  # the key is missing
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o"}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o"}}, True),
        ({"Null": {"aws:PrincipalOrgID": "true"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:123456789012:*"}}, True),
        ({"ArnEquals": {"aws:SourceArn": f"{TOPIC}x"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": False}}, False),
        ({"ArnEquals": {"aws:SourceArn": TOPIC}, "StringEquals": {"aws:SourceAccount": "1"}}, False),
    ],
)
def test_conditions(condition: dict[str, Any], allowed: bool) -> None:
    context = {"aws:SourceAccount": "123456789012", "aws:SourceArn": TOPIC, "aws:SecureTransport": "true"}
    assert is_allowed(send(context=context), statement(Condition=condition)) is allowed


@pytest.mark.parametrize(
    "parts",
    [
        {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "1"}}},
        {"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "x"}}},
        {"Condition": {"StringEquals": {"aws:SourceArn": "${aws:username}"}}},
        {"NotAction": "sqs:*"},
        {"Principal": {"Federated": "x"}},
    ],
)
def test_what_is_not_known_is_an_error(parts: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        is_allowed(send(), statement(**parts))
