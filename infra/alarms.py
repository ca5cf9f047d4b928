"""What a person should know about."""

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import METRICS_NAMESPACE

FIVE_MINUTES = cdk.Duration.minutes(5)


@dataclass(frozen=True)
class Counted:
    """A metric of ours that raises an alarm as soon as it is counted, or once it has been in so many periods in a row.

    Args:
        by: the functions that count it.
        meaning: for a person.
        periods: of five minutes, that are looked at.
        counted_in: so many of them. A run counts at its end, so a period may have two counts and the next one none.
    """

    by: tuple[str, ...]
    meaning: str
    periods: int = 1
    counted_in: int = 1


COUNTED: Mapping[str, Counted] = {
    "PermissionDenied": Counted(
        ("initiate", "top_up", "reconcile"),
        "Glacier denies a call: retrievals wait until the role or the vault's policy allows it",
    ),
    "GlacierUnavailable": Counted(
        ("top_up", "reconcile"),
        "For most of 40 minutes Glacier has given no answer: what is due stays due, and goes on when it answers",
        periods=8,
        counted_in=4,
    ),
    "ListingCarriedOn": Counted(
        ("reconcile",),
        "For two hours a vault's jobs could not be listed whole in one run: attempts in doubt are settled late",
        periods=24,
        counted_in=12,
    ),
    "JobUnreadable": Counted(
        ("reconcile",),
        "An entry of ListJobs makes no sense: an attempt in doubt that it belongs to stays so",
    ),
    "DuplicateJob": Counted(
        ("publish",),
        "A retrieval has a second, paid job: Glacier listed a job later than is allowed for",
    ),
    "RecordUnreadable": Counted(
        ("publish", "reconcile", "top_up"),
        "An item of the table makes no sense: publish keeps its change under unreadable/, the others leave it aside",
    ),
}


class Alarms(Construct):
    """Alarms on one topic, and by e-mail when there is an address."""

    def __init__(self, scope: Construct, construct_id: str, *, email: str | None) -> None:
        super().__init__(scope, construct_id)
        self.topic = self._make_topic()
        if email is not None:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def watch_dead_letters(self, name: str, queue: sqs.IQueue) -> None:
        self._alarm(
            f"{name}DeadLetters",
            queue.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES, statistic="Maximum"),
            f"Messages were given up on; they are in {queue.queue_name}, to be looked at and redriven",
        )

    def watch_age(self, name: str, queue: sqs.IQueue) -> None:
        self._alarm(
            f"{name}Age",
            queue.metric_approximate_age_of_oldest_message(period=FIVE_MINUTES, statistic="Maximum"),
            "A message has been waiting on the queue for 15 minutes: too many come, or none is worked on",
            above=15 * 60,
        )

    def watch_errors(self, name: str, function: lambda_.IFunction) -> None:
        self._alarm(
            f"{name}Errors",
            function.metric_errors(period=FIVE_MINUTES),
            f"{name} ended with an error or ran out of time; its log says why",
        )

    def watch_iterator_age(self, name: str, function: lambda_.IFunction) -> None:
        self._alarm(
            f"{name}Behind",
            function.metric("IteratorAge", period=FIVE_MINUTES, statistic="Maximum"),
            f"{name} is an hour behind the table; what is 20 hours old goes to the bucket instead",
            above=60 * 60 * 1000,  # the metric is in milliseconds
        )

    def watch_counts(self) -> None:
        """One alarm a metric and function, since an alarm can't watch a metric over all its dimensions."""
        for metric, counted in COUNTED.items():
            for function in counted.by:
                self._alarm(
                    f"{metric}{function.title().replace('_', '')}",
                    cloudwatch.Metric(
                        namespace=METRICS_NAMESPACE,
                        metric_name=metric,
                        dimensions_map={"service": function},
                        period=FIVE_MINUTES,
                        statistic="Sum",
                    ),
                    counted.meaning,
                    periods=counted.periods,
                    counted_in=counted.counted_in,
                )

    def watch_bucket(self, name: str, bucket: s3.IBucket) -> None:
        """S3 counts the objects of a bucket once a day."""
        self._alarm(
            f"{name}Objects",
            cloudwatch.Metric(
                namespace="AWS/S3",
                metric_name="NumberOfObjects",
                dimensions_map={"BucketName": bucket.bucket_name, "StorageType": "AllStorageTypes"},
                period=cdk.Duration.days(1),
                statistic="Maximum",
            ),
            "Changes of the table could not be published; they are kept whole in the bucket, to be looked at",
        )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        meaning: str,
        *,
        above: float = 0,
        periods: int = 1,
        counted_in: int = 1,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            alarm_description=meaning,
            threshold=above,
            evaluation_periods=periods,
            datapoints_to_alarm=counted_in,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def _make_topic(self) -> sns.Topic:
        # Unencrypted: CloudWatch can't publish under SNS's own key, and alarms hold no secret.
        topic = sns.Topic(self, "Topic", enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}},
            )
        )
        return topic
