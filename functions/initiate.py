"""initiate: takes in what stands on the request queue, and starts the jobs of what may start.

Woken by the request queue and by the resume queue. Only it calls InitiateJob.
"""

import itertools
import json
import os
from typing import Any
from uuid import uuid4

import boto3
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from thaw.edge import glacier
from thaw.edge.clock import now_ms
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.retrieval import Retrieval
from thaw.work.batches import Batch
from thaw.work.intake import Intake, Vaults
from thaw.work.starting import Starting
from thaw.work.telemetry import logger, metrics

TABLE = Table(boto3.client("dynamodb"), os.environ["TABLE_NAME"])
RESUME = ResumeQueue(boto3.client("sqs"), os.environ["RESUME_QUEUE_URL"])
STARTER = glacier.JobStarter(glacier.client(repeats=False), os.environ["NOTIFICATION_TOPIC_ARN"])
VAULTS = Vaults(os.environ["ACCOUNT_ID"], os.environ["AWS_REGION"], tuple(json.loads(os.environ["VAULTS"])))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A batch of messages of either queue; those that failed are reported and come again."""
    # Each claim has a name of its own: a message that comes twice, in one batch or in a repeated invocation, must not
    # take the claim of its first copy for its own.
    claims = (uuid4().hex for _ in itertools.count())
    intake = Intake(TABLE, RESUME, VAULTS, claims, now_ms)
    starting = Starting(TABLE, STARTER, RESUME, context.get_remaining_time_in_millis, now_ms)

    def take(record: SQSRecord) -> Retrieval | None:
        if record.event_source_arn.rsplit(":", 1)[-1] == RESUME.name:
            return starting.resume(record.body, next(claims))
        return intake.take(record.message_id, record.body)

    return Batch[Retrieval](event).each(take).then_at_once(starting.start).response()
