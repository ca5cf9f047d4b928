"""What the functions' roles allow: the calls that functions make, and those that Lambda makes in their name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from local.calls import Call
from local.deploy import ACCOUNT_ID, REGION, Deployment
from local.policies import Policy, Request, allowed_actions, allows, check, condition_keys

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


_CONTEXT: Mapping[str, str] = {
    "aws:SecureTransport": "true",
    "aws:SourceAccount": ACCOUNT_ID,
    "aws:RequestedRegion": REGION,
    "aws:PrincipalAccount": ACCOUNT_ID,
}
"""What conditions in a role's policies can look at here."""


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
        for role_policy in chain.from_iterable(self.policies.values()):
            _check(role_policy)

    @property
    def allowed_actions(self) -> set[tuple[str, str]]:
        """(role name, action) of everything that is allowed on any resource, as it stands in the policies."""
        return {
            (name, action) for name, many in self.policies.items() for one in many for action in allowed_actions(one)
        }

    def refusal(self, role: str, action: str, resource: str) -> str | None:
        """Why the role may not do this, in AWS's words, or None."""
        if (role, action, resource) in self.used:
            return None
        who = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}"
        if allows(self.policies[role], Request(action, resource, principal=who, context=_CONTEXT)):
            self.used.add((role, action, resource))
            return None
        return f"User: {who} is not authorized to perform: {action} on resource: {resource}"

    def refusal_of_call(self, role: str, call: Call) -> str | None:
        refusals = (self.refusal(role, action, resource) for action, resource in needed(call))
        return next((refusal for refusal in refusals if refusal), None)


def _check(policy: Policy) -> None:
    """Raises NotImplementedError if a request could come that the policy can't be decided for."""
    check(policy)
    unknown = condition_keys(policy) - {key.lower() for key in _CONTEXT}
    if unknown:
        raise NotImplementedError(f"condition keys {sorted(unknown)} in a role's policy")


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
