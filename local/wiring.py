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
from local.functions import Lambda
from local.policies import Request, allows
from local.roles import Roles

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


def wire(clock: Clock, functions: Lambda, deployment: Deployment, roles: Roles, shard_count: int) -> Wiring:
    """Reads mappings and schedules from the deployment; raises PermissionError where a role or policy is too narrow."""
    wiring = Wiring()
    for function in deployment.of_type("AWS::Lambda::Function"):
        _check(roles, functions, function.physical_id, list(_needed_to_run(function)))
    for mapping in deployment.of_type(_MAPPING):
        arn = mapping.properties["EventSourceArn"]
        _check(roles, functions, mapping.properties["FunctionName"], list(_needed_to_read(mapping)))
        if arn.startswith("arn:aws:sqs:"):
            queue = sqs_backends[ACCOUNT_ID][REGION].queues[arn.rpartition(":")[2]]
            wiring.queue_sources.append(QueueSource.from_template(clock, functions, queue, mapping.properties))
        else:
            stream = wiring.streams.setdefault(arn, Stream(arn, shard_count))
            options = StreamOptions.from_template(mapping.properties)
            StreamSource(clock, functions, stream, mapping.properties["FunctionName"], options, mapping.physical_id)
    for rule in deployment.of_type("AWS::Events::Rule"):
        if "ScheduleExpression" in rule.properties and rule.properties.get("State") != "DISABLED":
            wiring.schedules.append(_schedule(clock, functions, rule, deployment))
    return wiring


def _check(roles: Roles, functions: Lambda, function: str, needed: list[tuple[str, str]]) -> None:
    for action, resource in needed:
        refusal = roles.refusal(functions.config_of(function).role, action, resource)
        if refusal:
            raise PermissionError(f"Lambda, in the name of {functions.config_of(function).label}: {refusal}")


def _needed_to_run(function: Resource) -> Iterator[tuple[str, str]]:
    group = function.properties.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{function.physical_id}")
    log_stream = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{group}:log-stream:1"
    yield "logs:CreateLogStream", log_stream
    yield "logs:PutLogEvents", log_stream
    if function.properties.get("TracingConfig", {}).get("Mode") == "Active":
        yield "xray:PutTraceSegments", "*"
        yield "xray:PutTelemetryRecords", "*"


def _needed_to_read(mapping: Resource) -> Iterator[tuple[str, str]]:
    arn = mapping.properties["EventSourceArn"]
    if arn.startswith("arn:aws:sqs:"):
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
            yield f"sqs:{action}", arn
        return
    for action in ("DescribeStream", "GetRecords", "GetShardIterator"):
        yield f"dynamodb:{action}", arn
    yield "dynamodb:ListStreams", "*"
    bucket_arn = mapping.properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if bucket_arn:
        yield "s3:PutObject", f"{bucket_arn}/aws/lambda/{mapping.physical_id}/1"
        yield "s3:ListBucket", bucket_arn


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
