"""Every change of a retrieval is told on the event bus."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.function import ThawFunction
from infra.nag import acknowledge
from infra.platform import Platform


class UnpublishedBucket(Construct):
    """Keeps, whole, the records of the stream that could not be published in time, or not be read."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(90))],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        reason = "Only publish writes here, and hardly ever: a log would need a bucket of its own"
        acknowledge(self.bucket, {"AwsSolutions-S1": reason})


class Publishing(Construct):
    """`publish`, which follows the table's stream."""

    def __init__(self, scope: Construct, construct_id: str, *, platform: Platform) -> None:
        super().__init__(scope, construct_id)
        self.publish = ThawFunction(
            self,
            "Publish",
            name="publish",
            description="Publishes every change of a retrieval on the event bus",
            platform=platform,
            environment={
                "EVENT_BUS_NAME": platform.event_bus.event_bus_name,
                "FAILURE_BUCKET": platform.unpublished.bucket_name,
            },
        )
        mapping = self.publish.follow(
            platform.retrievals.stream_arn,
            batch_size=100,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            report_batch_item_failures=True,
            bisect_batch_on_error=True,
            # Again and again, for as long as leaves time to write the records to the bucket before
            # the stream drops them after 24 hours.
            retry_attempts=-1,
            max_record_age=cdk.Duration.hours(20),
            filters=[lambda_.FilterCriteria.filter({"eventName": ["INSERT", "MODIFY"]})],
        )
        self._send_failures(mapping, platform.unpublished)

    def _send_failures(self, mapping: lambda_.EventSourceMapping, bucket: s3.IBucket) -> None:
        # By hand: the CDK's S3OnFailureDestination would let the function read and delete there as well.
        resource = mapping.node.default_child
        assert isinstance(resource, lambda_.CfnEventSourceMapping)
        resource.destination_config = lambda_.CfnEventSourceMapping.DestinationConfigProperty(
            on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=bucket.bucket_arn)
        )
        self.publish.allow(["s3:ListBucket"], bucket.bucket_arn)
        self.publish.allow(["s3:PutObject"], bucket.arn_for_objects("*"))
        bucket_id = cdk.Stack.of(self).resolve(bucket.bucket_arn)["Fn::GetAtt"][0]
        reason = "Lambda and publish name the objects, in this bucket alone"
        acknowledge(
            self.publish.role,
            {f"AwsSolutions-IAM5[Resource::<{bucket_id}.Arn>/{objects}]": reason for objects in ("*", "unreadable/*")},
        )
