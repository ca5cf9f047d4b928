"""What must outlive a deployment."""

from typing import Any

from tests.infra.templates import Template, flat


def resource(template: Template, resource_type: str) -> dict[str, Any]:
    (found,) = (each for each in template.body["Resources"].values() if each["Type"] == resource_type)
    assert isinstance(found, dict)
    return found


def test_the_table(state: Template) -> None:
    table = resource(state, "AWS::DynamoDB::Table")["Properties"]
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True


def test_what_is_due_is_found_by_its_time(state: Template) -> None:
    table = resource(state, "AWS::DynamoDB::Table")["Properties"]
    assert table["GlobalSecondaryIndexes"] == [
        {
            "IndexName": "due",
            "KeySchema": [
                {"AttributeName": "dueIn", "KeyType": "HASH"},
                {"AttributeName": "dueAt", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ]
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    assert types == {"id": "S", "dueIn": "S", "dueAt": "N"}


def test_nothing_of_it_is_deleted_with_the_stack(state: Template) -> None:
    assert {each["Type"] for each in state.body["Resources"].values()} == {
        "AWS::DynamoDB::Table",
        "AWS::Events::EventBus",
    }
    for each in state.body["Resources"].values():
        assert each["DeletionPolicy"] == each["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_for_what_could_not_be_published(thaw: Template) -> None:
    bucket = resource(thaw, "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == "Retain"
    properties = bucket["Properties"]
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["LifecycleConfiguration"]["Rules"] == [{"ExpirationInDays": 90, "Status": "Enabled"}]
    ((_, statement),) = thaw.statements("AWS::S3::BucketPolicy")
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_outputs(thaw: Template) -> None:
    outputs = {name: flat(output["Value"]) for name, output in thaw.body["Outputs"].items()}
    assert outputs == {
        "RequestQueueUrl": "<RequestsQueue>",
        "EventBusName": "<State.EventBus>",
        "NotificationTopicArn": "<JobsEndedTopic>",
        "RetrievalTableName": "<State.RetrievalsTable>",
        "RequestDeadLetterQueueUrl": "<RequestsDeadLetters>",
        "ResumeDeadLetterQueueUrl": "<ResumesDeadLetters>",
        "NotificationDeadLetterQueueUrl": "<JobNotificationsDeadLetters>",
        "UnpublishedBucketName": "<UnpublishedBucket>",
        "AlarmTopicArn": "<AlarmsTopic>",
        "CapacitySettings": '{"maxUnits":0,"drainWithinMinutes":60,"tryBeyondGuarantee":false}',
    }
