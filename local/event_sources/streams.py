"""DynamoDB stream event source mappings: each shard in order, one batch at a time, until it is done or given up.

A stream has as many shards as it is given; a partition key always goes to the same one.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from moto.events.models import EventPattern
from moto.s3.models import s3_backends

from local.clock import Clock, Timer
from local.deploy import ACCOUNT_ID
from local.event_sources import failed_items, fitting
from local.functions import Lambda, Result
from local.roles import Needed

RETENTION_SECONDS = 24 * 3600
_LONGEST_BACKOFF_SECONDS = 60.0
_THROTTLED_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Record:
    at_ms: int
    sequence_number: str
    event: Mapping[str, Any]
    """As Lambda hands it to a function."""
    size_bytes: int


@dataclass
class Stream:
    """The stream of a table; hands each record to the reader of its shard in every mapping."""

    arn: str
    shard_count: int
    sources: list[StreamSource] = field(default_factory=list)

    def reset(self) -> None:
        for source in self.sources:
            source.reset()

    def add(self, record: Mapping[str, Any], at_ms: int) -> None:
        """Takes one of moto's stream records."""
        made_at = record["dynamodb"]["ApproximateCreationDateTime"].replace(tzinfo=UTC)
        change = {**record["dynamodb"], "ApproximateCreationDateTime": made_at.timestamp()}
        text = json.dumps({**record, "dynamodb": change, "eventSourceARN": self.arn})
        taken = Record(at_ms, change["SequenceNumber"], json.loads(text), len(text))
        shard = zlib.crc32(json.dumps(change["Keys"], sort_keys=True).encode()) % self.shard_count
        for source in self.sources:
            source.readers[shard].take(taken)


@dataclass(frozen=True)
class StreamOptions:
    """A mapping's settings as the template has them; -1 means without limit."""

    batch_size: int
    window_seconds: float
    max_retries: int
    max_age_seconds: int
    bisects: bool
    reports_failures: bool
    patterns: tuple[EventPattern, ...]
    failure_bucket: str | None

    @classmethod
    def from_template(cls, properties: Mapping[str, Any]) -> StreamOptions:
        if properties.get("ParallelizationFactor", 1) != 1 or properties.get("TumblingWindowInSeconds"):
            raise NotImplementedError("a stream's parallelization factor or tumbling window")
        destination = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if destination and not destination.startswith("arn:aws:s3:"):
            raise NotImplementedError(f"{destination} as a stream's destination on failure")
        filters = properties.get("FilterCriteria", {}).get("Filters", [])
        return cls(
            batch_size=int(properties.get("BatchSize", 100)),
            window_seconds=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
            max_retries=int(properties.get("MaximumRetryAttempts", -1)),
            max_age_seconds=int(properties.get("MaximumRecordAgeInSeconds", -1)),
            bisects=bool(properties.get("BisectBatchOnFunctionError", False)),
            reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            patterns=tuple(EventPattern.load(one["Pattern"]) for one in filters),
            failure_bucket=destination.rpartition(":")[2] if destination else None,
        )

    def wants(self, record: Record) -> bool:
        return not self.patterns or any(_matches(pattern, record.event) for pattern in self.patterns)


def _matches(pattern: EventPattern, event: Mapping[str, Any]) -> bool:
    """moto looks at all of an event, be there ever so little in it that the pattern asks for."""
    return pattern.matches_event(_asked_for(event, pattern.get_pattern()))


def _asked_for(event: Any, pattern: Any) -> Any:
    nested = isinstance(pattern, dict) and isinstance(event, dict)
    if not nested or any(name == "$or" or "." in name for name in pattern):
        return event
    return {name: _asked_for(event[name], below) for name, below in pattern.items() if name in event}


@dataclass
class StreamSource:
    """One mapping of a stream to a function."""

    clock: Clock
    functions: Lambda
    stream: Stream
    function: str
    options: StreamOptions
    source_id: str
    enabled: bool = True
    """A test may hold the records back for a while; `look` afterwards."""
    readers: list[Reader] = field(init=False)

    def __post_init__(self) -> None:
        self.reset()
        self.stream.sources.append(self)

    def reset(self) -> None:
        self.readers = [Reader(self, number) for number in range(self.stream.shard_count)]

    @property
    def needed(self) -> list[Needed]:
        """What the function's role has to allow Lambda."""
        return self.to_read + (self.to_keep(f"{self.kept_under}/1") if self.options.failure_bucket else [])

    @property
    def to_read(self) -> list[Needed]:
        actions = ("DescribeStream", "GetRecords", "GetShardIterator")
        return [*((f"dynamodb:{action}", self.stream.arn) for action in actions), ("dynamodb:ListStreams", "*")]

    def to_keep(self, key: str) -> list[Needed]:
        """Of the bucket for discarded records."""
        bucket_arn = f"arn:aws:s3:::{self.options.failure_bucket}"
        return [("s3:ListBucket", bucket_arn), ("s3:PutObject", f"{bucket_arn}/{key}")]

    @property
    def kept_under(self) -> str:
        return f"aws/lambda/{self.source_id}"

    def look(self) -> None:
        for reader in self.readers:
            reader.look()


class Reader:
    """Reads one shard for one mapping."""

    def __init__(self, source: StreamSource, number: int) -> None:
        self.source = source
        self.number = number
        self.unread: deque[Record] = deque()
        """What the function is still to get, and did not yet take care of; what the filter keeps out is not in it."""
        self.busy = False
        self.failures = 0
        """How often the batch at the head has failed."""
        self._at_most: int | None = None
        """After a failure, how many records the next batch may have."""
        self._timer: Timer | None = None
        self._backing_off = False
        self._first_seen_ms: int | None = None

    def take(self, record: Record) -> None:
        if self.source.options.wants(record):
            self.unread.append(record)
            self.look()

    def look(self) -> None:
        """There are more records, or a batch is done: sets the time of the next read."""
        if self.busy or self._backing_off:
            return
        source, clock = self.source, self.source.clock
        clock.cancel(self._timer)
        self._timer = None
        if not self.unread or not source.enabled:
            self._first_seen_ms = None
            return
        if self._first_seen_ms is None:
            self._first_seen_ms = clock.now_ms()
        at_once = len(self.unread) >= source.options.batch_size or self._at_most is not None
        window_ends_ms = self._first_seen_ms + round(source.options.window_seconds * 1000)
        self._timer = clock.at_ms(clock.now_ms() if at_once else window_ends_ms, self._read)

    def _look_later(self, seconds: float) -> None:
        def look() -> None:
            self._backing_off = False
            self.look()

        self._backing_off = True
        self._timer = self.source.clock.after(seconds, look)

    def _read(self) -> None:
        self._timer = None
        self._first_seen_ms = None
        self.source.functions.act(self.source.function, self.source.to_read)
        most = self.source.options.batch_size if self._at_most is None else self._at_most
        batch = list(islice(self.unread, most))
        batch = batch[: fitting([record.size_bytes for record in batch])]
        if self._too_old(batch[0]):
            self._give_up([record for record in batch if self._too_old(record)], "RecordAgeExceeded", None)
        else:
            self._invoke(batch)

    def _invoke(self, batch: list[Record]) -> None:
        self.busy = True
        event = {"Records": [record.event for record in batch]}
        if not self.source.functions.invoke(self.source.function, event, lambda result: self._done(batch, result)):
            self.busy = False
            self._look_later(_THROTTLED_RETRY_SECONDS)

    def _too_old(self, record: Record) -> bool:
        seconds = self.source.options.max_age_seconds
        limit_seconds = RETENTION_SECONDS if seconds < 0 else min(seconds, RETENTION_SECONDS)
        return record.at_ms + limit_seconds * 1000 < self.source.clock.now_ms()

    def _done(self, batch: list[Record], result: Result) -> None:
        self.busy = False
        options = self.source.options
        failed = failed_items(result.payload, options.reports_failures) if result.ok else None
        if failed == []:
            self._drop(batch)
            self.look()
            return
        numbers = [record.sequence_number for record in batch]
        if failed is not None and set(failed) <= set(numbers):
            first = min(numbers.index(number) for number in failed)
            if first > 0:
                self._drop(batch[:first])
            batch = batch[first:]
        elif options.bisects and len(batch) > 1:  # splitting costs no attempt
            self._at_most = (len(batch) + 1) // 2
            self.look()
            return
        self._failed(batch, result)

    def _failed(self, batch: list[Record], result: Result) -> None:
        options = self.source.options
        self.failures += 1
        if 0 <= options.max_retries < self.failures:
            self._give_up(batch, "RetryAttemptsExhausted", result)
            return
        self._at_most = len(batch)
        self._look_later(min(2.0 ** min(self.failures - 1, 16), _LONGEST_BACKOFF_SECONDS))

    def _drop(self, records: list[Record]) -> None:
        """Takes records from the head that have been dealt with; what comes next is a batch of its own."""
        for _ in records:
            self.unread.popleft()
        self.failures = 0
        self._at_most = None

    def _give_up(self, batch: list[Record], condition: str, result: Result | None) -> None:
        if self.source.options.failure_bucket:
            _keep(self.source, f"shard-{self.number:04}", batch, condition, self.failures, result)
        self._drop(batch)
        self.look()


def _keep(
    source: StreamSource, shard: str, batch: list[Record], condition: str, failures: int, result: Result | None
) -> None:
    """Writes discarded records to the bucket, in the form in which Lambda writes them to S3: with the event itself."""
    now = source.clock.now()
    invocation = {
        "requestContext": {
            "requestId": result.request_id if result else str(uuid.uuid4()),
            "functionArn": source.functions.config_of(source.function).arn,
            "condition": condition,
            "approximateInvokeCount": failures,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": _iso(now),
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": batch[0].sequence_number,
            "endSequenceNumber": batch[-1].sequence_number,
            "approximateArrivalOfFirstRecord": _iso(datetime.fromtimestamp(batch[0].at_ms / 1000, UTC)),
            "approximateArrivalOfLastRecord": _iso(datetime.fromtimestamp(batch[-1].at_ms / 1000, UTC)),
            "batchSize": len(batch),
            "streamArn": source.stream.arn,
        },
        "payload": json.dumps({"Records": [record.event for record in batch]}),
    }
    key = f"{source.kept_under}/{shard}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
    body = json.dumps(invocation).encode()
    source.functions.act(source.function, source.to_keep(key))
    s3_backends[ACCOUNT_ID]["aws"].put_object(source.options.failure_bucket or "", key, body)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
