"""Which ticks of their schedules wake reconcile and top_up."""

from datetime import timedelta

from moto.dynamodb.models import dynamodb_backends

from local.cloud import Cloud
from simulation.history import History
from simulation.idle import Idle
from tests.end_to_end.user import OWN_ACCOUNT, REGION


def let_sleep(cloud: Cloud) -> None:
    """Only those at which there is something for them. That nothing else comes of it, test_idle_ticks shows."""
    (table,) = dynamodb_backends[OWN_ACCOUNT][REGION].tables.values()
    history = History(cloud.clock, cloud.calls, table)
    cloud.on_change = history.on_change
    idle = Idle(cloud, history)
    for schedule in cloud.wiring.schedules:
        schedule.skips = idle


def wake_at_every_tick(cloud: Cloud) -> None:
    for schedule in cloud.wiring.schedules:
        schedule.skips = lambda arn: False


def sleep_for(cloud: Cloud, duration: timedelta) -> None:
    """Time passes, and whatever there is for them to do, they are not woken."""
    for schedule in cloud.wiring.schedules:
        schedule.enabled = False
    cloud.run_for(duration)
    for schedule in cloud.wiring.schedules:
        schedule.enabled = True
