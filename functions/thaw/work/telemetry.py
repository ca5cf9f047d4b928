"""Structured logs and metrics, the same for every function. No payload is logged: ids, states and codes only."""

import warnings

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# Most runs of a schedule have nothing to count, which is no reason for a warning each time.
warnings.filterwarnings("ignore", message="No application metrics to publish")

logger = Logger()
metrics = Metrics()


def unreadable(item_id: str, error: ValueError) -> None:
    """An item of the table makes no sense: it is left aside, and raises an alarm."""
    count("RecordUnreadable")
    logger.error("record unreadable", item_id=item_id, error=type(error).__name__)


def count(name: str, times: int = 1) -> None:
    """Adds to one of Thaw's metrics."""
    if times:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=times)
