"""What the functions' roles allow: the calls that functions make, and those that Lambda makes in their name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local.calls import Call
from local.deploy import ACCOUNT_ID, REGION, Deployment
from local.policies import Policy, Request, allows

_BASIC_EXECUTION = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_MANAGED: Mapping[str, Policy] = {
    _BASIC_EXECUTION: {
        "Statement": {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "*",
        }
    }
}


class Roles:
    """The policies of each role in the deployment, and what was asked of them."""

    def __init__(self, deployment: Deployment) -> None:
        self.policies: dict[str, list[Policy]] = {}
        """By the role's name."""
        self.used: set[tuple[str, str, str]] = set()
        """(role name, action, resource) of everything that was allowed so far."""
        for role in deployment.of_type("AWS::IAM::Role"):
            inline = [policy["PolicyDocument"] for policy in role.properties.get("Policies", [])]
            managed = [_MANAGED[arn] for arn in role.properties.get("ManagedPolicyArns", [])]
            self.policies[role.physical_id] = inline + managed
        for policy in deployment.of_type("AWS::IAM::Policy"):
            for name in policy.properties["Roles"]:
                self.policies[name].append(policy.properties["PolicyDocument"])

    def refusal(self, role: str, action: str, resource: str) -> str | None:
        """Why the role may not do this, in AWS's words, or None."""
        who = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}"
        context = {
            "aws:SecureTransport": "true",
            "aws:SourceAccount": ACCOUNT_ID,
            "aws:RequestedRegion": REGION,
            "aws:PrincipalAccount": ACCOUNT_ID,
        }
        if allows(self.policies[role], Request(action, resource, principal=who, context=context)):
            self.used.add((role, action, resource))
            return None
        return f"User: {who} is not authorized to perform: {action} on resource: {resource}"

    def refusal_of_call(self, role: str, call: Call) -> str | None:
        refusals = (self.refusal(role, action, resource) for action, resource in needed(call))
        return next((refusal for refusal in refusals if refusal), None)


def needed(call: Call) -> Iterator[tuple[str, str]]:
    """The actions and resources that a call needs to be allowed."""
    try:
        yield from _NEEDED[call.service](call.operation, call.params)
    except KeyError as missing:
        raise NotImplementedError(f"what {call.service} {call.operation} needs to be allowed ({missing})") from missing


def _of_dynamodb(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if operation in ("BatchGetItem", "BatchWriteItem"):
        for table in params["RequestItems"]:
            yield f"dynamodb:{operation}", _table_arn(table)
    elif operation == "TransactWriteItems":
        actions = {
            "Put": "PutItem",
            "Update": "UpdateItem",
            "Delete": "DeleteItem",
            "ConditionCheck": "ConditionCheckItem",
        }
        for item in params["TransactItems"]:
            for kind, parts in item.items():
                yield f"dynamodb:{actions[kind]}", _table_arn(parts["TableName"])
    elif operation == "TransactGetItems":
        for item in params["TransactItems"]:
            yield "dynamodb:GetItem", _table_arn(item["Get"]["TableName"])
    else:
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        yield f"dynamodb:{operation}", _table_arn(params["TableName"]) + index


def _table_arn(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{name}"


def _of_sqs(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    account, queue = params["QueueUrl"].split("/")[-2:]
    yield f"sqs:{operation.removesuffix('Batch')}", f"arn:aws:sqs:{REGION}:{account}:{queue}"


def _of_events(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if operation != "PutEvents":
        raise KeyError(operation)
    for entry in params["Entries"]:
        bus = entry.get("EventBusName", "default")
        yield (
            "events:PutEvents",
            bus if bus.startswith("arn:") else f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/{bus}",
        )


def _of_glacier(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "vaultName" not in params:
        yield f"glacier:{operation}", "*"
        return
    account = params.get("accountId", "-")
    owner = ACCOUNT_ID if account == "-" else account
    yield f"glacier:{operation}", f"arn:aws:glacier:{REGION}:{owner}:vaults/{params['vaultName']}"


def _of_s3(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield f"s3:{operation}", f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"


_NEEDED = {
    "dynamodb": _of_dynamodb,
    "sqs": _of_sqs,
    "events": _of_events,
    "glacier": _of_glacier,
    "s3": _of_s3,
}
