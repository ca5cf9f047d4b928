"""publish: makes events of the table's changes and puts them on the event bus.

Woken by the table's stream.
"""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from thaw.edge.bus import Bus
from thaw.edge.unreadable import Unreadable
from thaw.work.publishing import publish, read_changes
from thaw.work.telemetry import logger, metrics

BUS = Bus(boto3.client("events"), os.environ["EVENT_BUS_NAME"])
UNREADABLE = Unreadable(boto3.client("s3"), os.environ["FAILURE_BUCKET"])


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Stream records in order; the first that could not be published comes again, with all behind it."""
    failed = publish(read_changes(event["Records"], UNREADABLE), BUS)
    return {"batchItemFailures": [{"itemIdentifier": failed}] if failed is not None else []}
