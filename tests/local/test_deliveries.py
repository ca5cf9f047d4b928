"""Topics and buses deliver to queues, where the policies let them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import Cloud
from local.happenings import Happening, Refused, line
from tests.local.conftest import MakeCloud

ACCOUNT = "123456789012"


@pytest.fixture
def cloud(make_cloud: MakeCloud) -> Cloud:
    return make_cloud()


def queue(cloud: Cloud, service: str | None, condition: dict[str, Any] | None = None) -> str:
    """Makes a queue to which the service may send; its URL."""
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:mine"
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn, "Condition": condition or {}}
    policy = json.dumps({"Statement": [{**statement, "Principal": {"Service": service}}]})
    attributes = {"Policy": policy} if service else {}
    return str(cloud.client("sqs").create_queue(QueueName="mine", Attributes=attributes)["QueueUrl"])


def bodies(cloud: Cloud, url: str) -> list[Any]:
    messages = cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def put_rule(cloud: Cloud, url: str, pattern: dict[str, Any]) -> None:
    events = cloud.client("events")
    events.put_rule(Name="all", EventBusName="bus", EventPattern=json.dumps(pattern))
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{url.rpartition('/')[2]}"
    events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "1", "Arn": arn}])


def entry(detail: Any, detail_type: str = "Something Happened") -> dict[str, Any]:
    return {"Source": "thaw", "DetailType": detail_type, "EventBusName": "bus", "Detail": json.dumps(detail)}


def test_an_event_comes_to_the_queue_of_a_rule_that_matches(cloud: Cloud) -> None:
    url = queue(cloud, "events.amazonaws.com")
    put_rule(cloud, url, {"source": ["thaw"], "detail": {"tier": ["Bulk"]}})
    outcome = cloud.client("events").put_events(Entries=[entry({"tier": "Bulk"}), entry({"tier": "Standard"})])
    assert outcome["FailedEntryCount"] == 0
    [event] = bodies(cloud, url)
    assert (event["detail-type"], event["detail"]) == ("Something Happened", {"tier": "Bulk"})
    assert [one.detail for one in cloud.events_of("Something Happened")] == [{"tier": "Bulk"}, {"tier": "Standard"}]


def test_an_event_has_eventbridges_envelope_whatever_is_in_it(cloud: Cloud) -> None:
    url = queue(cloud, "events.amazonaws.com")
    put_rule(cloud, url, {"source": ["thaw"]})
    detail = {"description": "<region> and <account> are words here", "more": '"<time>"'}
    outcome = cloud.client("events").put_events(Entries=[{**entry(detail), "Resources": ["arn:aws:glacier:::x"]}])
    [event] = bodies(cloud, url)
    assert list(event.items()) == [
        ("version", "0"),
        ("id", outcome["Entries"][0]["EventId"]),
        ("detail-type", "Something Happened"),
        ("source", "thaw"),
        ("account", ACCOUNT),
        ("time", "2026-03-02T09:00:00Z"),
        ("region", "us-east-1"),
        ("resources", ["arn:aws:glacier:::x"]),
        ("detail", detail),
    ]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"Arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:mine"}, "rules deliver to SQS queues"),
        ({"Arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:mine"}, "rules deliver to SQS queues"),
        ({"Arn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:mine"}, "rules deliver to SQS queues"),
        ({"InputPath": "$.detail"}, "rules deliver whole events"),
    ],
)
def test_what_events_cannot_be_delivered_to_here_is_refused_as_a_target(
    cloud: Cloud, target: dict[str, str], reason: str
) -> None:
    url = queue(cloud, "events.amazonaws.com")
    put_rule(cloud, url, {"source": ["thaw"]})
    mine = {"Id": "2", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:mine", **target}
    with pytest.raises(ClientError, match=f"ValidationException.*{reason}"):
        cloud.client("events").put_targets(Rule="all", EventBusName="bus", Targets=[mine])
    cloud.client("events").put_events(Entries=[entry({})])
    assert len(bodies(cloud, url)) == 1


def test_the_default_bus_takes_events_beside_the_schedules_that_are_on_it() -> None:
    with Cloud(seed=1) as cloud:  # the real stacks have schedules
        outcome = cloud.client("events").put_events(Entries=[{**entry({}), "EventBusName": "default"}])
    assert outcome["FailedEntryCount"] == 0


def test_a_disabled_rule_delivers_nothing(cloud: Cloud) -> None:
    url = queue(cloud, "events.amazonaws.com")
    put_rule(cloud, url, {"source": ["thaw"]})
    cloud.client("events").disable_rule(Name="all", EventBusName="bus")
    cloud.client("events").put_events(Entries=[entry({})])
    assert bodies(cloud, url) == []


@pytest.mark.parametrize("gone", [False, True])
def test_an_event_is_taken_whatever_becomes_of_its_delivery(cloud: Cloud, gone: bool) -> None:
    url = queue(cloud, "events.amazonaws.com")
    put_rule(cloud, url, {"source": ["thaw"]})
    if gone:
        cloud.client("sqs").delete_queue(QueueUrl=url)
    else:
        cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": "1024"})
    outcome = cloud.client("events").put_events(Entries=[entry({"text": "x" * 1024})])
    assert outcome["FailedEntryCount"] == 0
    [refused] = cloud.deliveries.refused
    assert ("does not exist" if gone else "does not take an event") in refused


def test_a_queue_without_a_policy_gets_no_events(cloud: Cloud) -> None:
    told: list[Happening] = []
    cloud.tell = lambda happening: told.append(happening) if isinstance(happening, Refused) else None
    url = queue(cloud, None)
    put_rule(cloud, url, {"source": ["thaw"]})
    cloud.client("events").put_events(Entries=[entry({})])
    assert bodies(cloud, url) == []
    [refused] = cloud.deliveries.refused
    assert "events.amazonaws.com may not send to" in refused
    assert [line(happening) for happening in told] == [f"refused   {refused}"]


def test_an_entry_can_be_refused_while_others_are_taken(cloud: Cloud) -> None:
    cloud.deliveries.refuse_entry = lambda one: "InternalFailure" if "no" in one["Detail"] else None
    outcome = cloud.client("events").put_events(Entries=[entry({"a": "yes"}), entry({"a": "no"})])
    assert outcome["FailedEntryCount"] == 1
    assert [one.get("ErrorCode") for one in outcome["Entries"]] == [None, "InternalFailure"]
    assert [event.detail for event in cloud.events] == [{"a": "yes"}]


def test_put_events_has_limits(cloud: Cloud) -> None:
    events = cloud.client("events")
    with pytest.raises(ClientError, match="less than or equal to 10"):
        events.put_events(Entries=[entry({})] * 11)
    with pytest.raises(ClientError, match="over the limit"):
        events.put_events(Entries=[entry({"text": "x" * 2**20})])
    assert cloud.events == []


def topic(cloud: Cloud, policy: dict[str, Any] | None, queue_arn: str) -> str:
    sns = cloud.client("sns")
    arn = str(sns.create_topic(Name="ended")["TopicArn"])
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    if policy is not None:
        statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": arn, **policy}
        sns.set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps({"Statement": [statement]})
        )
    return arn


def test_a_topic_delivers_in_an_envelope_where_the_queues_policy_allows(cloud: Cloud) -> None:
    url = queue(cloud, "sns.amazonaws.com", {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{ACCOUNT}:ended"}})
    arn = topic(cloud, None, f"arn:aws:sqs:us-east-1:{ACCOUNT}:mine")
    cloud.client("sns").publish(TopicArn=arn, Message='{"a": 1}')
    [envelope] = bodies(cloud, url)
    assert (envelope["Type"], envelope["TopicArn"], envelope["Message"]) == ("Notification", arn, '{"a": 1}')


def test_a_topic_may_not_deliver_for_another_source(cloud: Cloud) -> None:
    url = queue(cloud, "sns.amazonaws.com", {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:other"}})
    arn = topic(cloud, None, f"arn:aws:sqs:us-east-1:{ACCOUNT}:mine")
    cloud.client("sns").publish(TopicArn=arn, Message="x")
    assert bodies(cloud, url) == []


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"Principal": {"Service": "glacier.amazonaws.com"}}, True),
        (
            {
                "Principal": {"Service": "glacier.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
            },
            False,
        ),
        ({"Principal": {"AWS": "*"}, "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}}, True),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, False),
    ],
)
def test_glacier_notifies_only_where_the_topics_policy_allows(cloud: Cloud, policy: dict[str, Any], told: bool) -> None:
    url = queue(cloud, "sns.amazonaws.com")
    arn = topic(cloud, policy, f"arn:aws:sqs:us-east-1:{ACCOUNT}:mine")
    glacier = cloud.client("glacier")
    glacier.create_vault(accountId="-", vaultName="photos")
    archive_id = cloud.glacier.put_synthetic_archive("photos", 1000)
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive_id, "SNSTopic": arn}
    job_id = glacier.initiate_job(accountId="-", vaultName="photos", jobParameters=parameters)["jobId"]
    cloud.run_until_quiet()
    assert glacier.describe_job(accountId="-", vaultName="photos", jobId=job_id)["Completed"]
    assert [json.loads(envelope["Message"])["JobId"] for envelope in bodies(cloud, url)] == [job_id] * told
    assert len(cloud.deliveries.refused) == (not told)
