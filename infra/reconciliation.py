"""What is due is looked at again, whatever went missing."""

from constructs import Construct

from infra.function import TICK, ThawFunction
from infra.platform import Platform


class Reconciliation(Construct):
    """`reconcile`, woken by the clock."""

    def __init__(self, scope: Construct, construct_id: str, *, platform: Platform) -> None:
        super().__init__(scope, construct_id)
        self.reconcile = ThawFunction(
            self,
            "Reconcile",
            name="reconcile",
            description="Settles what is due: lost jobs, missed notifications, waits that are over",
            platform=platform,
            # Many vaults can be due at once. Still less than from one wake to the next.
            timeout_seconds=290,
            environment={
                "TABLE_NAME": platform.retrievals.table.table_name,
                "RESUME_QUEUE_URL": platform.resume_queue.queue_url,
            },
        )
        self.reconcile.wake_every(TICK)
