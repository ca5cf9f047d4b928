from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from local.event_sources.schedules import seconds_of
from tests.local.conftest import MakeCloud

RULE = {
    "Type": "AWS::Events::Rule",
    "Properties": {
        "ScheduleExpression": "rate(5 minutes)",
        "State": "ENABLED",
        "Targets": [{"Id": "0", "Arn": {"Fn::GetAtt": ["workerFunction", "Arn"]}}],
    },
}
PERMISSION = {
    "Type": "AWS::Lambda::Permission",
    "Properties": {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": ["workerFunction", "Arn"]},
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
    },
}


def test_a_rate_invokes_the_function_again_and_again(make_cloud: MakeCloud, behave: Callable[..., None]) -> None:
    cloud = make_cloud(resources={"Rule": RULE, "Permission": PERMISSION})
    events: list[Any] = []
    behave(worker=lambda event, context: events.append(event))
    assert cloud.quiet
    cloud.run_for(timedelta(hours=1))
    assert len(events) == 12
    assert events[0]["detail-type"] == "Scheduled Event"
    assert events[0]["time"] == "2026-03-02T09:05:00Z"


def test_an_invocation_that_failed_is_tried_twice_more(make_cloud: MakeCloud, behave: Callable[..., None]) -> None:
    cloud = make_cloud(resources={"Rule": RULE, "Permission": PERMISSION})
    seconds: list[float] = []

    def handler(event: Any, context: Any) -> None:
        seconds.append((cloud.now - cloud.start).total_seconds())
        raise ValueError("no")

    behave(worker=handler)
    cloud.run_for(timedelta(minutes=9, seconds=59))
    assert seconds == [300, 360, 480]


def test_a_schedule_needs_the_functions_permission(make_cloud: MakeCloud) -> None:
    with pytest.raises(PermissionError, match="invoke it"):
        make_cloud(resources={"Rule": RULE})


def test_rates_are_read() -> None:
    assert [seconds_of(f"rate({text})") for text in ("1 minute", "2 hours", "3 days")] == [60, 7200, 259_200]
    with pytest.raises(NotImplementedError):
        seconds_of("cron(0 12 * * ? *)")
