"""What each function may call, and nothing more."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam

# function -> what it calls on -> the actions
CALLS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "initiate": {
        "table": ("dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        "vaults": ("glacier:InitiateJob",),
        "resume_queue": ("sqs:SendMessage",),
    },
    "top_up": {
        "table": ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"),
        "due_index": ("dynamodb:Query",),
        "capacity": ("glacier:ListProvisionedCapacity",),
        "purchases": ("glacier:PurchaseProvisionedCapacity",),
        "resume_queue": ("sqs:SendMessage",),
    },
    "complete": {
        "table": ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        "resume_queue": ("sqs:SendMessage",),
    },
    "reconcile": {
        "table": ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"),
        "due_index": ("dynamodb:Query",),
        "vaults": ("glacier:DescribeJob", "glacier:ListJobs"),
        "resume_queue": ("sqs:SendMessage",),
    },
    "publish": {
        "event_bus": ("events:PutEvents",),
        "unreadable_records": ("s3:PutObject",),
    },
}


def call_statements(function: str, arns: Mapping[str, Sequence[str]]) -> list[iam.PolicyStatement]:
    """The statements that let `function` make its calls; `arns` as of infra.platform.Platform.

    What a call is never made on, with the settings as they are, is not allowed either.
    """
    calls = [(list(actions), list(arns[on])) for on, actions in CALLS[function].items()]
    return [iam.PolicyStatement(actions=actions, resources=resources) for actions, resources in calls if resources]
