"""What must outlive a deployment: the retrievals, and the bus that others' rules hang on."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from constructs import Construct

from infra.retrieval_table import RetrievalTable


class StateStack(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str, **options: Any) -> None:
        super().__init__(
            scope, construct_id, description="Thaw: its retrievals and its event bus, kept when deleted", **options
        )
        self.retrievals = RetrievalTable(self, "Retrievals")
        self.event_bus = events.EventBus(self, "EventBus", event_bus_name="Thaw")
        self.event_bus.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
