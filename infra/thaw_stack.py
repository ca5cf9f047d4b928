"""All that can be replaced: the queues, the topic, the functions and their alarms."""

from pathlib import Path
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from infra.alarms import Alarms
from infra.capacity_top_up import CapacityTopUp
from infra.job_notifications import JobNotifications, NotificationTopic
from infra.job_start import JobStart
from infra.platform import Platform, asset, powertools_layer, vault_arns
from infra.publishing import Publishing, UnpublishedBucket
from infra.reconciliation import Reconciliation
from infra.settings import Settings
from infra.state_stack import StateStack
from infra.work_queue import WorkQueue

_OF_CAPACITY = ("max_units", "drain_within_minutes", "try_beyond_guarantee")
"""The settings that say what is bought; `thaw capacity` reads them off the stack."""


class ThawStack(cdk.Stack):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state: StateStack,
        settings: Settings,
        functions: Path,
        **options: Any,
    ) -> None:
        super().__init__(scope, construct_id, description="Thaw: retrievals from Glacier vaults", **options)
        # CDK writes both: a function's dependency on its role twice, and what Thaw tells of ThawState's.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005", "W6001"]}}}
        self.requests = WorkQueue(self, "Requests", name="requests")
        self.resumes = WorkQueue(self, "Resumes", name="resumes")
        self.topic = NotificationTopic(self, "JobsEnded", vault_owners=settings.other_accounts()).topic
        self.unpublished = UnpublishedBucket(self, "Unpublished").bucket
        platform = Platform(
            settings=settings,
            code=asset(functions),
            powertools=powertools_layer(self),
            retrievals=state.retrievals,
            resume_queue=self.resumes.queue,
            event_bus=state.event_bus,
            unpublished=self.unpublished,
            vault_arns=vault_arns(self, settings.vaults),
        )
        self.job_start = JobStart(
            self, "JobStart", platform=platform, requests=self.requests, resumes=self.resumes, topic=self.topic
        )
        self.notifications = JobNotifications(self, "JobNotifications", platform=platform, topic=self.topic)
        self.reconciliation = Reconciliation(self, "Reconciliation", platform=platform)
        self.top_up = CapacityTopUp(self, "CapacityTopUp", platform=platform)
        self.publishing = Publishing(self, "Publishing", platform=platform)
        self.alarms = self._make_alarms(settings)
        self._make_outputs(state, settings)

    def _make_alarms(self, settings: Settings) -> Alarms:
        alarms = Alarms(self, "Alarms", email=settings.alarm_email)
        alarms.watch_dead_letters("Requests", self.requests.dead_letters)
        alarms.watch_dead_letters("Resumes", self.resumes.dead_letters)
        alarms.watch_dead_letters("Notifications", self.notifications.work.dead_letters)
        alarms.watch_age("Requests", self.requests.queue)
        alarms.watch_errors("Initiate", self.job_start.initiate.function)
        alarms.watch_errors("Complete", self.notifications.complete.function)
        alarms.watch_errors("Reconcile", self.reconciliation.reconcile.function)
        alarms.watch_errors("TopUp", self.top_up.top_up.function)
        alarms.watch_errors("Publish", self.publishing.publish.function)
        alarms.watch_iterator_age("Publish", self.publishing.publish.function)
        alarms.watch_bucket("Unpublished", self.unpublished)
        alarms.watch_counts()
        return alarms

    def _make_outputs(self, state: StateStack, settings: Settings) -> None:
        outputs = {
            "RequestQueueUrl": self.requests.queue.queue_url,
            "EventBusName": state.event_bus.event_bus_name,
            "NotificationTopicArn": self.topic.topic_arn,
            "RetrievalTableName": state.retrievals.table.table_name,
            "RequestDeadLetterQueueUrl": self.requests.dead_letters.queue_url,
            "ResumeDeadLetterQueueUrl": self.resumes.dead_letters.queue_url,
            "NotificationDeadLetterQueueUrl": self.notifications.work.dead_letters.queue_url,
            "UnpublishedBucketName": self.unpublished.bucket_name,
            "AlarmTopicArn": self.alarms.topic.topic_arn,
            "CapacitySettings": settings.model_dump_json(include=set(_OF_CAPACITY), by_alias=True),
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
