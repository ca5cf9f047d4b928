"""The functions get the variables that their code reads, and are woken as it expects."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.application import FUNCTIONS as CODE
from infra.application import ROOT
from tests.infra.templates import FUNCTIONS, Template, flat
from thaw import bounds

SET_BY_LAMBDA = {"AWS_REGION"}


def mapping(template: Template, function: str, source: str) -> dict[str, Any]:
    """The event source mapping of a function from a source."""
    (name,) = (
        name
        for name, properties in template.of_type("AWS::Lambda::Function").items()
        if properties["Handler"] == f"{function}.handler"
    )
    (found,) = (
        properties
        for properties in template.of_type("AWS::Lambda::EventSourceMapping").values()
        if flat(properties["FunctionName"]) == f"<{name}>" and flat(properties["EventSourceArn"]) == source
    )
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_variables_are_those_that_the_code_reads(thaw: Template, function: str) -> None:
    read = set(re.findall(r'os\.environ\["(\w+)"\]', (CODE / f"{function}.py").read_text())) - SET_BY_LAMBDA
    ours = {name for name in thaw.environment(function) if not name.startswith("POWERTOOLS_")}
    assert ours == read


def test_variables_of_the_settings(other_settings: Template) -> None:
    top_up = other_settings.environment("top_up")
    assert (top_up["MAX_UNITS"], top_up["DRAIN_WITHIN_SECONDS"], top_up["TRY_BEYOND_GUARANTEE"]) == (
        "2",
        "1800",
        "true",
    )
    assert json.loads(other_settings.environment("initiate")["VAULTS"]) == [
        "arn:<AWS::Partition>:glacier:<AWS::Region>:<AWS::AccountId>:vaults/photos",
        "arn:<AWS::Partition>:glacier:<AWS::Region>:<AWS::AccountId>:vaults/backup-*",
        "arn:aws:glacier:us-east-1:999999999999:vaults/shared",
    ]
    assert top_up["POWERTOOLS_LOG_LEVEL"] == "DEBUG"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_logs_traces_and_counts_as_itself(thaw: Template, function: str) -> None:
    properties = thaw.function(function)
    environment = thaw.environment(function)
    assert environment["POWERTOOLS_SERVICE_NAME"] == function
    assert environment["POWERTOOLS_METRICS_NAMESPACE"] == "Thaw"
    assert properties["TracingConfig"] == {"Mode": "Active"}
    log_group = flat(properties["LoggingConfig"]["LogGroup"]).strip("<>")
    assert thaw.of_type("AWS::Logs::LogGroup")[log_group]["RetentionInDays"] == 30


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_small_account_can_deploy_it(thaw: Template, function: str) -> None:
    """An account with a quota of 10 concurrent executions can't reserve any."""
    assert "ReservedConcurrentExecutions" not in thaw.function(function)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_runtime_and_the_layer_belong_together(thaw: Template, function: str) -> None:
    properties = thaw.function(function)
    assert properties["Architectures"] == ["arm64"]
    (layer,) = map(flat, properties["Layers"])
    parameter = thaw.body["Parameters"][next(iter(properties["Layers"]))["Ref"]]
    assert layer.startswith("<SsmParameterValue")
    (pinned,) = re.findall(r"^aws-lambda-powertools\S*==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert parameter["Default"] == f"/aws/service/powertools/python/arm64/{properties['Runtime']}/{pinned}"


def test_time_outs_and_the_clock_are_those_that_the_code_counts_on(thaw: Template) -> None:
    for function in FUNCTIONS:
        if function != "reconcile":
            assert thaw.function(function)["Timeout"] == bounds.FUNCTION_TIMEOUT_SECONDS
    rules = thaw.of_type("AWS::Events::Rule")
    assert set(rules) == {"ReconciliationReconcileSchedule", "CapacityTopUpSchedule"}
    for rule in rules.values():
        assert rule["ScheduleExpression"] == f"rate({bounds.TICK_SECONDS // 60} minutes)"


def test_two_wakes_of_the_clock_never_overlap(thaw: Template) -> None:
    assert thaw.function("reconcile")["Timeout"] < bounds.TICK_SECONDS
    invocations = thaw.of_type("AWS::Lambda::EventInvokeConfig").values()
    assert len(invocations) == 2
    for invocation in invocations:
        assert invocation["MaximumRetryAttempts"] == 0
        assert invocation["MaximumEventAgeInSeconds"] == bounds.TICK_SECONDS


@pytest.mark.parametrize(
    ("function", "queue"),
    [("initiate", "RequestsQueue"), ("initiate", "ResumesQueue"), ("complete", "JobNotificationsQueue")],
)
def test_batches_from_queues(thaw: Template, other_settings: Template, function: str, queue: str) -> None:
    found = mapping(thaw, function, f"<{queue}.Arn>")
    assert found["BatchSize"] == 10
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert found["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert mapping(other_settings, function, f"<{queue}.Arn>")["ScalingConfig"] == {"MaximumConcurrency": 7}


def test_lambda_does_not_take_initiates_waiting_for_a_runaway_loop(thaw: Template) -> None:
    assert thaw.function("initiate")["RecursiveLoop"] == "Allow"


def test_demand_for_expedited_wakes_top_up(thaw: Template) -> None:
    found = mapping(thaw, "top_up", "<State.RetrievalsTable.StreamArn>")
    (pattern,) = (json.loads(each["Pattern"]) for each in found["FilterCriteria"]["Filters"])
    assert pattern == {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"NewImage": {"dueIn": {"S": ["Expedited"]}}},
    }
    assert (found["BatchSize"], found["MaximumBatchingWindowInSeconds"]) == (1000, 2)


def test_publish_follows_the_table_from_its_beginning_and_gives_up_no_record_unkept(thaw: Template) -> None:
    found = mapping(thaw, "publish", "<State.RetrievalsTable.StreamArn>")
    assert found["StartingPosition"] == "TRIM_HORIZON"
    assert found["MaximumRetryAttempts"] == -1
    assert found["MaximumRecordAgeInSeconds"] == 20 * 3600
    assert found["BisectBatchOnFunctionError"] is True
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert flat(found["DestinationConfig"]["OnFailure"]["Destination"]) == "<UnpublishedBucket.Arn>"
    (pattern,) = (json.loads(each["Pattern"]) for each in found["FilterCriteria"]["Filters"])
    assert pattern == {"eventName": ["INSERT", "MODIFY"]}, "what the table's time to live removes is no change"


def test_code_is_where_the_handlers_say() -> None:
    assert {path.stem for path in Path(CODE).glob("*.py")} == set(FUNCTIONS)
