"""Each role allows what its function calls, what the platform does in its name, and nothing more."""

import pytest

from tests.infra.templates import FUNCTIONS, Template, flat, listed

TABLE = "<State.RetrievalsTable.Arn>"
DUE = f"{TABLE}/index/due"
STREAM = "<State.RetrievalsTable.StreamArn>"
RESUMES = "<ResumesQueue.Arn>"
VAULTS = "arn:<AWS::Partition>:glacier:<AWS::Region>:<AWS::AccountId>:vaults/"

TRACES = {("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")}


def on(resource: str, *actions: str) -> set[tuple[str, str]]:
    return {(action, resource) for action in actions}


def log(function_id: str) -> set[tuple[str, str]]:
    return on(f"<{function_id}Logs.Arn>", "logs:CreateLogStream", "logs:PutLogEvents")


def messages(queue: str) -> set[tuple[str, str]]:
    return on(queue, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def records() -> set[tuple[str, str]]:
    allowed = on(STREAM, "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
    return allowed | on("*", "dynamodb:ListStreams")


ALLOWED = {
    "initiate": on(TABLE, "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    | on(f"{VAULTS}*", "glacier:InitiateJob")
    | on(RESUMES, "sqs:SendMessage")
    | messages("<RequestsQueue.Arn>")
    | messages(RESUMES)
    | log("JobStartInitiate"),
    "top_up": on(TABLE, "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem")
    | on(DUE, "dynamodb:Query")
    | on("*", "glacier:ListProvisionedCapacity")
    | on(RESUMES, "sqs:SendMessage")
    | records()
    | log("CapacityTopUp"),
    "complete": on(TABLE, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
    | on(RESUMES, "sqs:SendMessage")
    | messages("<JobNotificationsQueue.Arn>")
    | log("JobNotificationsComplete"),
    "reconcile": on(TABLE, "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem")
    | on(DUE, "dynamodb:Query")
    | on(f"{VAULTS}*", "glacier:DescribeJob", "glacier:ListJobs")
    | on(RESUMES, "sqs:SendMessage")
    | log("ReconciliationReconcile"),
    "publish": on("<State.EventBus.Arn>", "events:PutEvents")
    | on("<UnpublishedBucket.Arn>/unreadable/*", "s3:PutObject")
    | on("<UnpublishedBucket.Arn>/*", "s3:PutObject")
    | on("<UnpublishedBucket.Arn>", "s3:ListBucket")
    | records()
    | log("PublishingPublish"),
}


def allowed(template: Template, function: str) -> set[tuple[str, str]]:
    """(action, resource) of all that the function's role allows."""
    role = flat(template.function(function)["Role"]).removesuffix(".Arn>") + ">"
    pairs = set()
    for properties in template.of_type("AWS::IAM::Policy").values():
        if role not in map(flat, properties["Roles"]):
            continue
        for statement in properties["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            resources = map(flat, listed(statement["Resource"]))
            pairs |= {(action, resource) for resource in resources for action in listed(statement["Action"])}
    return pairs


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_this_and_nothing_more(thaw: Template, function: str) -> None:
    assert allowed(thaw, function) == ALLOWED[function] | TRACES


def test_only_top_up_can_buy_and_only_where_the_settings_let_it(thaw: Template, other_settings: Template) -> None:
    purchase = ("glacier:PurchaseProvisionedCapacity", "*")
    assert [function for function in FUNCTIONS if purchase in allowed(thaw, function)] == []
    assert [function for function in FUNCTIONS if purchase in allowed(other_settings, function)] == ["top_up"]


def test_roles_are_lambdas_alone_and_have_no_managed_policies(thaw: Template) -> None:
    roles = thaw.of_type("AWS::IAM::Role").values()
    assert len(roles) == len(FUNCTIONS)
    for role in roles:
        assert set(role) == {"AssumeRolePolicyDocument"}
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_vaults_of_the_settings_only(other_settings: Template) -> None:
    vaults = (f"{VAULTS}photos", f"{VAULTS}backup-*", "arn:aws:glacier:us-east-1:999999999999:vaults/shared")
    pairs = {pair for pair in allowed(other_settings, "initiate") if pair[0].startswith("glacier:")}
    assert pairs == {("glacier:InitiateJob", vault) for vault in vaults}
