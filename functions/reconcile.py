"""reconcile: looks after what is due: waits that are over, claims that ran out, jobs that nobody heard of.

Woken by a schedule. Only it calls DescribeJob and ListJobs.
"""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from thaw.edge import glacier
from thaw.edge.clock import now_ms
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.work.ending import Ending
from thaw.work.reconciling import Reconciling
from thaw.work.telemetry import logger, metrics

TABLE = Table(boto3.client("dynamodb"), os.environ["TABLE_NAME"])
RESUME = ResumeQueue(boto3.client("sqs"), os.environ["RESUME_QUEUE_URL"])
READER = glacier.JobReader(glacier.client(repeats=True))
ENDING = Ending(TABLE, RESUME, now_ms)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """One run; what it has no time for stays due for the next."""
    Reconciling(TABLE, READER, RESUME, ENDING, context.get_remaining_time_in_millis, now_ms).run()
