"""Topics and buses deliver to queues, where the policies let them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import Cloud
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
    assert event["time"] == "2026-03-02T09:00:00Z"
    assert [one.detail for one in cloud.events_of("Something Happened")] == [{"tier": "Bulk"}, {"tier": "Standard"}]


def test_a_queue_without_a_policy_gets_no_events(cloud: Cloud) -> None:
    url = queue(cloud, None)
    put_rule(cloud, url, {"source": ["thaw"]})
    cloud.client("events").put_events(Entries=[entry({})])
    assert bodies(cloud, url) == []
    [refused] = cloud.deliveries.refused
    assert "events.amazonaws.com may not send to" in refused


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
