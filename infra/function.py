"""One function: its role, its log and what wakes it."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.nag import acknowledge
from infra.permissions import CALLS, call_statements
from infra.platform import ARCHITECTURE, RUNTIME, Platform
from infra.work_queue import TIME_OUT_SECONDS, WorkQueue

MEMORY_MIB = 512
TICK = cdk.Duration.minutes(5)
METRICS_NAMESPACE = "Thaw"


class ThawFunction(Construct):
    """The function whose code is `name`.py, allowed the calls that infra.permissions lists for it.

    `options` are those of the CDK's Function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        platform: Platform,
        environment: Mapping[str, str],
        timeout_seconds: int = TIME_OUT_SECONDS,
        **options: Any,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = platform.settings
        log_group = self._make_log_group()
        self.role = self._make_role(name)
        self.allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.log_group_arn)
        for statement in call_statements(name, platform.arns):
            self.role.add_to_policy(statement)
        self.function = lambda_.Function(
            self,
            "Function",
            code=platform.code,
            handler=f"{name}.handler",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            layers=[platform.powertools],
            timeout=cdk.Duration.seconds(timeout_seconds),
            memory_size=MEMORY_MIB,
            role=self.role,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            environment={
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
                "POWERTOOLS_LOG_LEVEL": self._settings.log_level,
                **environment,
            },
            **options,
        )

    def work_on(self, name: str, work: WorkQueue) -> None:
        """Have the function woken by a queue; a batch may fail in part. `name` tells its queues apart."""
        arn = work.queue.queue_arn
        self.allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], arn)
        lambda_.EventSourceMapping(
            self,
            name,
            target=self.function,
            event_source_arn=arn,
            batch_size=10,
            report_batch_item_failures=True,
            max_concurrency=self._settings.max_concurrency,
        )

    def follow(self, stream_arn: str, **options: Any) -> lambda_.EventSourceMapping:
        """Have the function woken by a table's stream; `options` are those of EventSourceMapping."""
        self.allow(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], stream_arn)
        self.allow(["dynamodb:ListStreams"], "*")  # IAM knows no resource for it
        return lambda_.EventSourceMapping(self, "Stream", target=self.function, event_source_arn=stream_arn, **options)

    def wake_every(self, interval: cdk.Duration) -> None:
        """Have the function woken by the clock.

        A wake that failed, or came too late, is not made up for: the next does its work, and the two never overlap.
        """
        self.function.configure_async_invoke(retry_attempts=0, max_event_age=interval)
        target = targets.LambdaFunction(self.function)
        events.Rule(self, "Schedule", schedule=events.Schedule.rate(interval), targets=[target])

    def _make_log_group(self) -> logs.LogGroup:
        log_group = logs.LogGroup(self, "Logs", removal_policy=cdk.RemovalPolicy.DESTROY)
        resource = log_group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)
        # Past the CDK's own enumeration, which has a name but no number for each retention.
        resource.retention_in_days = self._settings.log_retention_days
        return log_group

    def _make_role(self, name: str) -> iam.Role:
        # Not the CDK's own, which may write to every log of the account.
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        reasons = {"*": "X-Ray, ListStreams and provisioned capacity know no resources"}
        if "vaults" in CALLS[name]:
            reasons |= dict.fromkeys(self._settings.wildcard_vaults(), "The settings name the vaults so")
        acknowledge(role, {f"AwsSolutions-IAM5[Resource::{arn}]": reason for arn, reason in reasons.items()})
        return role

    def allow(self, actions: list[str], resource: str) -> None:
        """Let the platform act in the function's name; the function's own calls are in infra.permissions."""
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
