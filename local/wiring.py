"""Connects the deployed functions with what wakes them, as the template says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb.models.table import Table
from moto.sqs.models import Queue, sqs_backends

from local.clock import Clock
from local.deploy import ACCOUNT_ID, REGION, Deployment, Resource
from local.event_sources.queues import QueueSource
from local.event_sources.schedules import Schedule
from local.event_sources.streams import Stream, StreamOptions, StreamSource
from local.functions import Lambda, needed_to_run
from local.policies import Request, allows

_MAPPING = "AWS::Lambda::EventSourceMapping"


@dataclass
class Wiring:
    queue_sources: list[QueueSource] = field(default_factory=list)
    streams: dict[str, Stream] = field(default_factory=dict)
    """By the stream's ARN."""
    schedules: list[Schedule] = field(default_factory=list)

    def on_message(self, queue: Queue) -> None:
        for source in self.queue_sources:
            if source.queue is queue:
                source.look()

    def on_record(self, table: Table, record: Mapping[str, Any], at_ms: int) -> None:
        arn = f"{table.table_arn}/stream/{table.latest_stream_label}"
        if arn in self.streams:
            self.streams[arn].add(record, at_ms)

    def reset(self) -> None:
        """Forgets what has been read; the schedules begin anew."""
        for source in self.queue_sources:
            source.reset()
        for stream in self.streams.values():
            stream.reset()
        for schedule in self.schedules:
            schedule.start()

    @property
    def sources(self) -> Iterator[QueueSource | StreamSource]:
        yield from self.queue_sources
        for stream in self.streams.values():
            yield from stream.sources


def wire(clock: Clock, functions: Lambda, deployment: Deployment, shard_count: int) -> Wiring:
    """Reads mappings and schedules from the deployment; raises PermissionError where a role or policy is too narrow."""
    wiring = Wiring()
    for mapping in deployment.of_type(_MAPPING):
        arn = mapping.properties["EventSourceArn"]
        if arn.startswith("arn:aws:sqs:"):
            queue = sqs_backends[ACCOUNT_ID][REGION].queues[arn.rpartition(":")[2]]
            wiring.queue_sources.append(QueueSource.from_template(clock, functions, queue, mapping.properties))
        else:
            stream = wiring.streams.setdefault(arn, Stream(arn, shard_count))
            options = StreamOptions.from_template(mapping.properties)
            StreamSource(clock, functions, stream, mapping.properties["FunctionName"], options, mapping.physical_id)
    _check_roles(functions, wiring)
    for rule in deployment.of_type("AWS::Events::Rule"):
        if "ScheduleExpression" in rule.properties and rule.properties.get("State") != "DISABLED":
            wiring.schedules.append(_schedule(clock, functions, rule, deployment))
    return wiring


def _check_roles(functions: Lambda, wiring: Wiring) -> None:
    """Lambda takes no function and no mapping for which the role is too narrow."""
    for config in functions.configs.values():
        functions.roles.check(config.role, needed_to_run(config))
    for source in wiring.sources:
        functions.roles.check(functions.config_of(source.function).role, source.needed)


def _schedule(clock: Clock, functions: Lambda, rule: Resource, deployment: Deployment) -> Schedule:
    arn = f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{rule.physical_id}"
    targets = tuple(rule.properties["Targets"])
    for target in targets:
        request = Request(
            "lambda:InvokeFunction", target["Arn"], "events.amazonaws.com", context={"aws:SourceArn": arn}
        )
        if not allows([_permissions(deployment, target["Arn"])], request):
            raise PermissionError(f"no permission of {target['Arn']} lets {arn} invoke it")
    return Schedule(clock, functions, arn, rule.properties["ScheduleExpression"], targets)


def _permissions(deployment: Deployment, function_arn: str) -> dict[str, Any]:
    """The function's resource policy."""
    statements = []
    for permission in deployment.of_type("AWS::Lambda::Permission"):
        properties = permission.properties
        if properties["FunctionName"] in (function_arn, function_arn.rpartition(":")[2]):
            condition = {"ArnLike": {"aws:SourceArn": properties["SourceArn"]}} if "SourceArn" in properties else {}
            statement = {"Effect": "Allow", "Action": properties["Action"], "Resource": function_arn}
            statements.append({**statement, "Principal": {"Service": properties["Principal"]}, "Condition": condition})
    return {"Statement": statements}
