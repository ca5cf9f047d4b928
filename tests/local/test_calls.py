"""The place that every AWS call passes: what is counted, and what can be done to a call."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from local.calls import Call, Perform, error_reply
from local.cloud import Cloud
from local.processes import Died
from tests.local.conftest import MakeCloud
from tests.local.test_functions import invoke, invoke_and_wait

Behave = Callable[..., None]

NARROW_ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {},
        "Policies": [
            {
                "PolicyName": "narrow",
                "PolicyDocument": {
                    "Statement": [
                        {"Effect": "Allow", "Action": ["logs:*", "xray:*"], "Resource": "*"},
                        {
                            "Effect": "Allow",
                            "Action": "dynamodb:GetItem",
                            "Resource": {"Fn::GetAtt": ["Table", "Arn"]},
                        },
                    ]
                },
            }
        ],
    },
}


def put_item(event: Any, context: Any) -> str:
    """A function's one write; what it makes of errors."""
    client = boto3.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
    try:
        client.put_item(TableName=event["table"], Item={"id": {"S": event["id"]}})
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except ReadTimeoutError:
        return "time-out"
    return "ok"


@pytest.fixture
def cloud(make_cloud: MakeCloud, behave: Behave) -> Cloud:
    behave(worker=put_item)
    return make_cloud()


def write(cloud: Cloud, item_id: str = "a") -> dict[str, str]:
    return {"table": cloud.outputs["TableName"], "id": item_id}


def test_calls_are_counted_and_logged_with_who_made_them(cloud: Cloud) -> None:
    cloud.client("dynamodb").get_item(TableName=cloud.outputs["TableName"], Key={"id": {"S": "a"}})
    invoke_and_wait(cloud, write(cloud))
    assert cloud.calls.counts == {("user", "dynamodb", "GetItem"): 1, ("worker", "dynamodb", "PutItem"): 1}
    [call] = cloud.calls.of("worker")
    assert (call.instance, call.outcome, call.params["Item"]) == ("worker#1", "ok", {"id": {"S": "a"}})


def test_an_error_takes_the_place_of_a_call(cloud: Cloud) -> None:
    cloud.calls.strike = lambda call, perform: error_reply("ThrottlingException", "slower, please")
    assert invoke_and_wait(cloud, write(cloud)).payload == "ThrottlingException"
    assert cloud.items() == []
    assert cloud.calls.log[0].outcome == "ThrottlingException"


def test_a_reply_can_be_lost_after_the_effect(cloud: Cloud) -> None:
    def lose_reply(call: Call, perform: Perform) -> AWSResponse:
        perform()
        raise ReadTimeoutError(endpoint_url="")

    cloud.calls.strike = lose_reply
    assert invoke_and_wait(cloud, write(cloud)).payload == "time-out"
    assert len(cloud.items()) == 1


def test_strikes_leave_the_users_calls_alone(cloud: Cloud) -> None:
    cloud.calls.strike = lambda call, perform: error_reply("InternalServerError", "", 500)
    cloud.client("dynamodb").put_item(TableName=cloud.outputs["TableName"], Item={"id": {"S": "a"}})
    assert len(cloud.items()) == 1


def test_the_sdks_own_retries_are_calls_and_take_time(cloud: Cloud, behave: Behave) -> None:
    def handler(event: Any, context: Any) -> str:
        boto3.client("dynamodb").put_item(TableName=event["table"], Item={"id": {"S": "a"}})
        return "ok"

    def fail_twice(call: Call, perform: Perform) -> AWSResponse:
        return perform() if call.number >= 2 else error_reply("InternalServerError", "", 500)

    behave(worker=handler)
    cloud.calls.strike = fail_twice
    assert invoke_and_wait(cloud, write(cloud)).payload == "ok"
    assert [call.outcome for call in cloud.calls.log] == ["InternalServerError", "InternalServerError", "ok"]
    assert timedelta(0) < cloud.now - cloud.start < timedelta(seconds=5)


@pytest.mark.parametrize("effect", [False, True])
def test_a_process_can_die_at_a_call_before_or_after_its_effect(cloud: Cloud, effect: bool) -> None:
    def die(call: Call, perform: Perform) -> AWSResponse:
        if effect:
            perform()
        raise Died

    cloud.calls.strike = die
    result = invoke_and_wait(cloud, write(cloud))
    assert result.error is not None
    assert result.error["errorType"] == "Runtime.ExitError"
    assert len(cloud.items()) == effect
    cloud.calls.strike = None
    invoke_and_wait(cloud, write(cloud))
    assert cloud.calls.log[-1].instance == "worker#2"


def test_a_death_in_a_task_takes_its_environment_along(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud()
    after: list[str] = []

    def handler(event: Any, context: Any) -> None:
        from local.processes import Executor

        with Executor(max_workers=4) as executor:
            for name in "ab":
                executor.submit(put_item, {**event, "id": name}, context)
        after.append("handler went on")

    def die_at_the_second(call: Call, perform: Perform) -> AWSResponse:
        if call.params["Item"]["id"] == {"S": "b"}:
            raise Died
        return perform()

    behave(worker=handler)
    cloud.calls.strike = die_at_the_second
    result = invoke_and_wait(cloud, write(cloud))
    assert result.error is not None
    assert after == []
    assert cloud.functions.running == 0


def test_a_strike_can_let_others_go_first(make_cloud: MakeCloud, behave: Behave) -> None:
    from local.processes import current

    cloud = make_cloud()
    behave(worker=put_item)

    def wait_if_first(call: Call, perform: Perform) -> AWSResponse:
        process = current()
        assert process is not None
        if call.params["Item"]["id"] == {"S": "first"}:
            process.pause(1)
        return perform()

    cloud.calls.strike = wait_if_first
    invoke(cloud, write(cloud, "first"))
    invoke(cloud, write(cloud, "second"))
    cloud.run_until_quiet()
    assert [item["id"]["S"] for item in cloud.items()] == ["second", "first"]


def test_a_role_that_does_not_allow_a_call_refuses_it(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud(resources={"Role": NARROW_ROLE})
    behave(worker=put_item)
    assert invoke_and_wait(cloud, write(cloud)).payload == "AccessDeniedException"
    assert cloud.items() == []

    def get_item(event: Any, context: Any) -> None:
        boto3.client("dynamodb").get_item(TableName=event["table"], Key={"id": {"S": "a"}})

    behave(worker=get_item)
    assert invoke_and_wait(cloud, write(cloud)).ok
    [used] = {(action, resource) for _, action, resource in cloud.roles.used if action.startswith("dynamodb:")}
    assert used[0] == "dynamodb:GetItem"


def test_a_role_must_let_lambda_read_the_source(make_cloud: MakeCloud) -> None:
    with pytest.raises(PermissionError, match="sqs:ReceiveMessage"):
        make_cloud(resources={"Role": NARROW_ROLE}, mappings={"worker-Jobs": {}})


def test_the_same_seed_is_the_same_run_and_another_is_another(make_cloud: MakeCloud, behave: Behave) -> None:
    import random
    import uuid

    def handler(event: Any, context: Any) -> None:
        item = {"id": {"S": str(uuid.uuid4())}, "n": {"N": str(random.random())}, "r": {"S": context.aws_request_id}}
        boto3.client("dynamodb").put_item(TableName=event["Records"][0]["body"], Item=item)

    def run(cloud: Cloud) -> list[Any]:
        sent = cloud.client("sqs").send_message(
            QueueUrl=cloud.outputs["JobsUrl"], MessageBody=cloud.outputs["TableName"]
        )
        cloud.run_until_quiet()
        return [sent["MessageId"], cloud.items(), [(call.at_ms, call.operation) for call in cloud.calls.log]]

    behave(worker=handler)
    cloud = make_cloud(seed=7, mappings={"worker-Jobs": {}})
    first = run(cloud)
    cloud.reset()
    assert run(cloud) == first
    cloud.reset(seed=8)
    other = run(cloud)
    assert other[0] != first[0]
    assert other[1] != first[1]
    cloud.__exit__()
    again = make_cloud(seed=7, mappings={"worker-Jobs": {}})
    assert run(again) == first


def test_a_reset_leaves_nothing_of_what_was(make_cloud: MakeCloud, behave: Behave) -> None:
    cloud = make_cloud(mappings={"worker-Jobs": {}})
    behave(worker=lambda event, context: event["missing"])
    cloud.client("sqs").create_queue(QueueName="mine")
    cloud.client("sqs").send_message(QueueUrl=cloud.outputs["JobsUrl"], MessageBody="a")
    cloud.client("dynamodb").put_item(TableName=cloud.outputs["TableName"], Item={"id": {"S": "a"}})
    cloud.client("glacier").create_vault(accountId="-", vaultName="photos")
    cloud.run_for(timedelta(seconds=10))
    assert cloud.errors
    cloud.reset()
    assert cloud.now == cloud.start
    assert (cloud.items(), cloud.errors, cloud.logs("worker"), cloud.calls.log, cloud.meter.units) == (
        [],
        [],
        [],
        [],
        0,
    )
    assert len(cloud.client("sqs").list_queues()["QueueUrls"]) == 2
    assert cloud.client("glacier").list_vaults(accountId="-")["VaultList"] == []
    cloud.calls.clear()
    cloud.run_until_quiet()
    assert cloud.calls.log == []


def test_threads_of_the_test_are_not_function_code(cloud: Cloud) -> None:
    with ThreadPoolExecutor(1) as executor:
        client = cloud.client("dynamodb")
        executor.submit(client.describe_table, TableName=cloud.outputs["TableName"]).result()
    assert cloud.calls.of("user", "DescribeTable")
