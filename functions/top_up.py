"""top_up: buys provisioned capacity for the waiting Expedited retrievals, and releases them.

Woken by the table's stream when a retrieval begins to wait for it, and by a schedule. Only it calls
ListProvisionedCapacity and PurchaseProvisionedCapacity.
"""

import os
from typing import Any
from uuid import uuid4

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from thaw.capacity import Settings
from thaw.edge import glacier
from thaw.edge.clock import now_ms
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.work.telemetry import logger, metrics
from thaw.work.topping_up import ToppingUp

TABLE = Table(boto3.client("dynamodb"), os.environ["TABLE_NAME"])
RESUME = ResumeQueue(boto3.client("sqs"), os.environ["RESUME_QUEUE_URL"])
SELLER = glacier.UnitSeller(glacier.client(repeats=True), glacier.client(repeats=False))
SETTINGS = Settings(
    max_units=int(os.environ["MAX_UNITS"]),
    drain_within_seconds=int(os.environ["DRAIN_WITHIN_SECONDS"]),
    try_beyond_guarantee=os.environ["TRY_BEYOND_GUARANTEE"] == "true",
)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """However many records of the stream, or the clock, woke it: it decides on the whole backlog."""
    # Not the request's id: Lambda delivers a schedule's event again under the same one.
    owner = uuid4().hex
    ToppingUp(TABLE, SELLER, RESUME, SETTINGS, owner, context.get_remaining_time_in_millis, now_ms).run()
