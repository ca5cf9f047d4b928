"""Glacier says that a job has ended."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.function import ThawFunction
from infra.platform import Platform
from infra.work_queue import WorkQueue


class NotificationTopic(Construct):
    """Where Glacier tells that a job has ended.

    vault_owners: the ids of the other accounts whose jobs may tell so.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vault_owners: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        # Unencrypted on purpose: what AWS publishes about Glacier and encrypted topics contradicts itself,
        # and a topic that Glacier can't use is silent. A notification holds a job's description, no content.
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        accounts = [cdk.Aws.ACCOUNT_ID, *vault_owners]
        # Glacier never checks that it may publish, and does not say as whom it does: as a service, or as
        # a principal of the account. Both are allowed.
        self._allow_publish(iam.ServicePrincipal("glacier.amazonaws.com"), "aws:SourceAccount", accounts)
        self._allow_publish(iam.AnyPrincipal(), "AWS:SourceOwner", accounts)

    def _allow_publish(self, principal: iam.IPrincipal, condition: str, accounts: list[str]) -> None:
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                principals=[principal],
                conditions={"StringEquals": {condition: accounts}},
            )
        )


class JobNotifications(Construct):
    """`complete`, woken by notifications, and the queue that keeps them for it."""

    def __init__(self, scope: Construct, construct_id: str, *, platform: Platform, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        self.work = WorkQueue(self, "Notifications", name="notifications")
        topic.add_subscription(subscriptions.SqsSubscription(self.work.queue))
        self.complete = ThawFunction(
            self,
            "Complete",
            name="complete",
            description="Ends retrievals whose jobs have ended",
            platform=platform,
            environment={
                "TABLE_NAME": platform.retrievals.table.table_name,
                "RESUME_QUEUE_URL": platform.resume_queue.queue_url,
            },
        )
        self.complete.work_on("Notifications", self.work)
