"""Glacier may publish, whoever it publishes as; others' accounts if the settings name their vaults."""

from typing import Any

from tests.infra.templates import Template, flat


def statements(template: Template) -> list[dict[str, Any]]:
    return [s for name, s in template.statements("AWS::SNS::TopicPolicy") if name == "JobsEndedTopicPolicy"]


def publishers(template: Template) -> list[tuple[dict[str, str], str, list[str]]]:
    """(principal, the key of the condition, the accounts it allows)"""
    found = []
    for statement in statements(template):
        if statement["Effect"] == "Allow":
            assert statement["Action"] == "sns:Publish"
            assert flat(statement["Resource"]) == "<JobsEndedTopic>"
            ((key, accounts),) = statement["Condition"]["StringEquals"].items()
            found.append((statement["Principal"], key, [flat(account) for account in accounts]))
    return found


def test_glacier_as_a_service_or_a_principal_of_the_account(thaw: Template) -> None:
    assert publishers(thaw) == [
        ({"Service": "glacier.amazonaws.com"}, "aws:SourceAccount", ["<AWS::AccountId>"]),
        ({"AWS": "*"}, "AWS:SourceOwner", ["<AWS::AccountId>"]),
    ]


def test_the_accounts_of_named_vaults_as_well(other_settings: Template) -> None:
    for _, _, accounts in publishers(other_settings):
        assert accounts == ["<AWS::AccountId>", "999999999999"]


def test_nothing_without_tls(thaw: Template) -> None:
    (denied,) = (statement for statement in statements(thaw) if statement["Effect"] == "Deny")
    assert denied["Principal"] == "*"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_topic_is_not_encrypted(thaw: Template) -> None:
    assert "KmsMasterKeyId" not in thaw.of_type("AWS::SNS::Topic")["JobsEndedTopic"]


def test_notifications_reach_their_queue_in_their_envelope(thaw: Template) -> None:
    (subscription,) = (
        properties
        for properties in thaw.of_type("AWS::SNS::Subscription").values()
        if flat(properties["TopicArn"]) == "<JobsEndedTopic>"
    )
    assert subscription["Protocol"] == "sqs"
    assert flat(subscription["Endpoint"]) == "<JobNotificationsQueue.Arn>"
    assert "RawMessageDelivery" not in subscription
