"""A person hears of what needs one."""

from typing import Any

import pytest

from tests.infra.templates import FUNCTIONS, Template, flat


@pytest.fixture
def alarms(thaw: Template) -> list[dict[str, Any]]:
    return list(thaw.of_type("AWS::CloudWatch::Alarm").values())


def watched(alarms: list[dict[str, Any]], metric: str) -> dict[str, dict[str, Any]]:
    """The alarms on a metric, by the value of its dimension."""
    return {flat(each["Dimensions"][0]["Value"]): each for each in alarms if each["MetricName"] == metric}


def test_every_alarm_is_told_and_says_what_it_means(alarms: list[dict[str, Any]]) -> None:
    for alarm in alarms:
        assert [flat(action) for action in alarm["AlarmActions"]] == ["<AlarmsTopic>"]
        assert alarm["AlarmDescription"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


def test_one_dead_letter_is_enough(thaw: Template, alarms: list[dict[str, Any]]) -> None:
    found = watched(alarms, "ApproximateNumberOfMessagesVisible")
    dead_letters = {name for name in thaw.of_type("AWS::SQS::Queue") if name.endswith("DeadLetters")}
    assert set(found) == {f"<{name}.QueueName>" for name in dead_letters}
    assert {alarm["Threshold"] for alarm in found.values()} == {0}


def test_one_error_of_any_function_is_enough(thaw: Template, alarms: list[dict[str, Any]]) -> None:
    found = watched(alarms, "Errors")
    assert set(found) == {f"<{name}>" for name in thaw.of_type("AWS::Lambda::Function")}
    assert len(found) == len(FUNCTIONS)
    assert {alarm["Threshold"] for alarm in found.values()} == {0}


def test_requests_that_wait_and_events_that_are_late(alarms: list[dict[str, Any]]) -> None:
    (age,) = watched(alarms, "ApproximateAgeOfOldestMessage").values()
    assert age["Threshold"] == 15 * 60, "seconds"
    (behind,) = watched(alarms, "IteratorAge").values()
    assert behind["Threshold"] == 3600 * 1000, "milliseconds"


@pytest.mark.parametrize(
    ("metric", "functions"),
    [
        ("PermissionDenied", {"initiate", "top_up", "reconcile"}),
        ("DuplicateJob", {"publish"}),
        ("RecordUnreadable", {"publish", "reconcile", "top_up"}),
    ],
)
def test_what_the_functions_count(alarms: list[dict[str, Any]], metric: str, functions: set[str]) -> None:
    found = watched(alarms, metric)
    assert set(found) == functions
    for alarm in found.values():
        assert alarm["Namespace"] == "Thaw"
        assert [each["Name"] for each in alarm["Dimensions"]] == ["service"]
        assert alarm["Threshold"] == 0


def test_by_e_mail_when_there_is_an_address(thaw: Template, other_settings: Template) -> None:
    def addresses(template: Template) -> list[str]:
        subscriptions = template.of_type("AWS::SNS::Subscription").values()
        return [each["Endpoint"] for each in subscriptions if each["Protocol"] == "email"]

    assert addresses(thaw) == []
    assert addresses(other_settings) == ["ops@example.com"]


def test_cloudwatch_may_tell(thaw: Template) -> None:
    (allowed,) = (
        statement
        for name, statement in thaw.statements("AWS::SNS::TopicPolicy")
        if name == "AlarmsTopicPolicy" and statement["Effect"] == "Allow"
    )
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert flat(allowed["Condition"]["StringEquals"]["aws:SourceAccount"]) == "<AWS::AccountId>"
