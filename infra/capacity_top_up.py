"""Expedited retrievals get their provisioned capacity."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.function import TICK, ThawFunction
from infra.platform import Platform


class CapacityTopUp(Construct):
    """`top_up`, woken by waiting Expedited retrievals and by the clock. No other function can buy."""

    def __init__(self, scope: Construct, construct_id: str, *, platform: Platform) -> None:
        super().__init__(scope, construct_id)
        settings = platform.settings
        self.top_up = ThawFunction(
            self,
            "TopUp",
            name="top_up",
            description="Buys provisioned capacity and releases Expedited retrievals",
            platform=platform,
            environment={
                "TABLE_NAME": platform.retrievals.table.table_name,
                "RESUME_QUEUE_URL": platform.resume_queue.queue_url,
                "MAX_UNITS": str(settings.max_units),
                "DRAIN_WITHIN_SECONDS": str(settings.drain_within_minutes * 60),
                "TRY_BEYOND_GUARANTEE": "true" if settings.try_beyond_guarantee else "false",
            },
        )
        # A record only wakes it: one wake stands for many, a lost one is made up for by the clock, so
        # old records are not worth keeping.
        self.top_up.follow(
            platform.retrievals.stream_arn,
            batch_size=1000,
            max_batching_window=cdk.Duration.seconds(2),
            starting_position=lambda_.StartingPosition.LATEST,
            retry_attempts=1,
            max_record_age=TICK,
            filters=[
                lambda_.FilterCriteria.filter(
                    {
                        "eventName": ["INSERT", "MODIFY"],
                        "dynamodb": {"NewImage": {"dueIn": {"S": ["Expedited"]}}},
                    }
                )
            ],
        )
        self.top_up.wake_every(TICK)
