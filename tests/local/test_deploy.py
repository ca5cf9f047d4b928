"""The real stacks, as the templates have them, on this machine."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from local.assembly import Assembly, synthesize, synthesize_each
from local.cloud import Cloud
from local.deploy import REGION
from local.event_sources.queues import QueueSource
from local.event_sources.streams import StreamSource


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(seed=1) as cloud:
        yield cloud


def test_the_stacks_have_their_outputs(cloud: Cloud) -> None:
    assert {"RequestQueueUrl", "EventBusName", "NotificationTopicArn", "RetrievalTableName"} <= set(cloud.outputs)
    described = cloud.client("cloudformation").describe_stacks(StackName="Thaw")["Stacks"][0]
    shown = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    assert shown["RequestQueueUrl"] == cloud.outputs["RequestQueueUrl"]
    cloud.client("events").describe_event_bus(Name=cloud.outputs["EventBusName"])
    cloud.client("sns").get_topic_attributes(TopicArn=cloud.outputs["NotificationTopicArn"])


def test_each_source_wakes_its_function(cloud: Cloud) -> None:
    wired = set()
    for source in cloud.wiring.sources:
        name = source.queue.name if isinstance(source, QueueSource) else "stream"
        wired.add((cloud.functions.config_of(source.function).label, name))
    assert wired == {
        ("initiate", "Thaw-requests"),
        ("initiate", "Thaw-resumes"),
        ("complete", "Thaw-notifications"),
        ("top_up", "stream"),
        ("publish", "stream"),
    }
    scheduled = {cloud.functions.config_of(s.targets[0]["Arn"]).label for s in cloud.wiring.schedules}
    assert scheduled == {"top_up", "reconcile"}


def test_settings_of_the_sources_are_the_templates(cloud: Cloud) -> None:
    by_function = {cloud.functions.config_of(source.function).label: source for source in cloud.wiring.sources}
    publish, complete = by_function["publish"], by_function["complete"]
    assert isinstance(publish, StreamSource)
    assert isinstance(complete, QueueSource)
    assert publish.options.bisects
    assert publish.options.reports_failures
    assert publish.options.failure_bucket == cloud.outputs["UnpublishedBucketName"]
    assert complete.reports_failures
    assert complete.queue.redrive_policy is not None


def test_the_table_has_its_time_to_live_and_stream(cloud: Cloud) -> None:
    dynamodb = cloud.client("dynamodb")
    name = cloud.outputs["RetrievalTableName"]
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expiresAt",
    }
    assert dynamodb.describe_table(TableName=name)["Table"]["StreamSpecification"]["StreamEnabled"]


def test_days_of_quiet_cost_little_and_go_wrong_nowhere(cloud: Cloud) -> None:
    cloud.run_for(timedelta(hours=12))
    assert cloud.errors == []
    assert cloud.functions.environments
    actors = {actor for actor, _, _ in cloud.calls.counts}
    assert {"top_up", "reconcile"} <= actors
    assert not [call for call in cloud.calls.log if call.outcome == "AccessDeniedException"]


def test_the_same_code_and_settings_are_synthesized_once() -> None:
    first = synthesize()
    assert synthesize() == first
    assert not list(first.rglob("__pycache__"))


def test_with_other_settings_it_is_another_one() -> None:
    default, one, again = synthesize_each([None, {"maxUnits": 1}, {"maxUnits": 0}])
    assert default == again
    assert [_most_units(folder) for folder in (default, one)] == ["0", "1"]


def _most_units(folder: Path) -> str:
    (stack,) = (stack for stack in Assembly.read(folder, "1", REGION).stacks if stack.name == "Thaw")
    found = (one.get("Properties", {}) for one in stack.template["Resources"].values())
    (top_up,) = (one for one in found if one.get("Handler", "").startswith("top_up."))
    return str(top_up["Environment"]["Variables"]["MAX_UNITS"])
