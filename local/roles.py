"""What the functions' roles allow: the calls that functions make, and those that Lambda makes in their name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from local.calls import Call
from local.deploy import ACCOUNT_ID, REGION, Deployment, Resource
from local.policies import Policy, Request, allows, check, condition_keys, grants

Needed = tuple[str, str]
"""An action and a resource that a role has to allow."""

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
    "aws:RequestedRegion": REGION,
    "aws:PrincipalAccount": ACCOUNT_ID,
}
"""What conditions in a role's policies can look at here: what AWS sets in every call of a role's own."""


class Roles:
    """The policies of each role in the deployment, and what was done in its name."""

    def __init__(self, deployment: Deployment) -> None:
        self.policies: dict[str, list[Policy]] = {}
        """By the role's name."""
        self.used: set[tuple[str, str, str]] = set()
        """(role name, action, resource) of everything that was done so far."""
        for role in deployment.of_type("AWS::IAM::Role"):
            _check_unbounded(role)
            inline = [policy["PolicyDocument"] for policy in role.properties.get("Policies", [])]
            managed = [_MANAGED[arn] for arn in role.properties.get("ManagedPolicyArns", [])]
            self.policies[role.physical_id] = inline + managed
        for policy in deployment.of_type("AWS::IAM::Policy"):
            for name in policy.properties["Roles"]:
                self.policies[name].append(policy.properties["PolicyDocument"])
        for role_policy in chain.from_iterable(self.policies.values()):
            _check(role_policy)

    @property
    def allowed(self) -> set[tuple[str, str, str]]:
        """(role name, action, resource) of everything that is allowed, as it stands in the policies."""
        return {(name, *grant) for name, many in self.policies.items() for one in many for grant in grants(one)}

    def check(self, role: str, needed: Iterable[Needed]) -> None:
        """Raises PermissionError, in AWS's words, unless the role allows all of it. To ask is not to do it."""
        for action, resource in needed:
            who = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}"
            if not allows(self.policies[role], Request(action, resource, principal=who, context=_CONTEXT)):
                raise PermissionError(f"User: {who} is not authorized to perform: {action} on resource: {resource}")

    def act(self, role: str, needed: Iterable[Needed]) -> None:
        """This is being done in the role's name; raises PermissionError where the role does not allow it."""
        for action, resource in needed:
            if (role, action, resource) not in self.used:
                self.check(role, [(action, resource)])
                self.used.add((role, action, resource))

    def refusal_of_call(self, role: str, call: Call) -> str | None:
        """Why a function with this role may not make the call, or None."""
        try:
            self.act(role, needed(call))
        except PermissionError as refused:
            return str(refused)
        return None


def _check_unbounded(role: Resource) -> None:
    """Raises NotImplementedError if the role is bounded: it would allow here what it does not on AWS."""
    boundary = role.properties.get("PermissionsBoundary")
    if boundary is not None:
        raise NotImplementedError(f"permissions boundary {boundary} of the role {role.physical_id}")


def _check(policy: Policy) -> None:
    """Raises NotImplementedError if a request could come that the policy can't be decided for."""
    check(policy)
    unknown = condition_keys(policy) - {key.lower() for key in _CONTEXT}
    if unknown:
        raise NotImplementedError(f"condition keys {sorted(unknown)} in a role's policy")


def needed(call: Call) -> Iterator[Needed]:
    """The actions and resources that a call needs to be allowed."""
    try:
        yield from _NEEDED[call.service](call.operation, call.params)
    except KeyError as missing:
        raise NotImplementedError(f"what {call.service} {call.operation} needs to be allowed ({missing})") from missing


def _of_dynamodb(operation: str, params: Mapping[str, Any]) -> Iterator[Needed]:
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


def _of_sqs(operation: str, params: Mapping[str, Any]) -> Iterator[Needed]:
    account, queue = params["QueueUrl"].split("/")[-2:]
    yield f"sqs:{operation.removesuffix('Batch')}", f"arn:aws:sqs:{REGION}:{account}:{queue}"


def _of_events(operation: str, params: Mapping[str, Any]) -> Iterator[Needed]:
    if operation != "PutEvents":
        raise KeyError(operation)
    for entry in params["Entries"]:
        bus = entry.get("EventBusName", "default")
        yield (
            "events:PutEvents",
            bus if bus.startswith("arn:") else f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/{bus}",
        )


def _of_glacier(operation: str, params: Mapping[str, Any]) -> Iterator[Needed]:
    if "vaultName" not in params:
        yield f"glacier:{operation}", "*"
        return
    account = params.get("accountId", "-")
    owner = ACCOUNT_ID if account == "-" else account
    yield f"glacier:{operation}", f"arn:aws:glacier:{REGION}:{owner}:vaults/{params['vaultName']}"


def _of_s3(operation: str, params: Mapping[str, Any]) -> Iterator[Needed]:
    yield f"s3:{operation}", f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"


_NEEDED = {
    "dynamodb": _of_dynamodb,
    "sqs": _of_sqs,
    "events": _of_events,
    "glacier": _of_glacier,
    "s3": _of_s3,
}
