"""complete: takes in Glacier's notifications of completed jobs, and ends their retrievals.

Woken by the notification queue.
"""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from thaw.edge.clock import now_ms
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.work.batches import Batch
from thaw.work.ending import Ending
from thaw.work.telemetry import logger, metrics

TABLE = Table(boto3.client("dynamodb"), os.environ["TABLE_NAME"])
RESUME = ResumeQueue(boto3.client("sqs"), os.environ["RESUME_QUEUE_URL"])
ENDING = Ending(TABLE, RESUME, now_ms)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A batch of notifications; those that failed are reported and come again."""

    def take(record: SQSRecord) -> None:
        ENDING.notified(record.body)

    return Batch[None](event).each(take).response()
