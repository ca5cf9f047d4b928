"""DynamoDB stream event source mappings: each shard in order, one batch at a time, until it is done or given up.

A stream has as many shards as it is given; a partition key always goes to the same one.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.events.models import EventPattern
from moto.s3.models import s3_backends

from local.clock import Clock, Timer
from local.deploy import ACCOUNT_ID
from local.event_sources import failed_items, fitting
from local.functions import Lambda, Result

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
    """The records of a table's changes of the last 24 hours, by shard."""

    arn: str
    shards: list[list[Record]]
    dropped: list[int]
    """How many records each shard has forgotten; positions count on."""
    sources: list[StreamSource] = field(default_factory=list)

    @classmethod
    def of(cls, arn: str, shard_count: int) -> Stream:
        return cls(arn, [[] for _ in range(shard_count)], [0] * shard_count)

    def reset(self) -> None:
        for shard in self.shards:
            shard.clear()
        self.dropped = [0] * len(self.shards)
        for source in self.sources:
            source.reset()

    def add(self, record: Mapping[str, Any], at_ms: int) -> None:
        """Takes one of moto's stream records, and tells the mappings."""
        made_at = record["dynamodb"]["ApproximateCreationDateTime"].replace(tzinfo=UTC)
        change = {**record["dynamodb"], "ApproximateCreationDateTime": made_at.timestamp()}
        event = {**record, "dynamodb": change, "eventSourceARN": self.arn}
        key = json.dumps(change["Keys"], sort_keys=True)
        number = zlib.crc32(key.encode()) % len(self.shards)
        self._trim(number, at_ms)
        text = json.dumps(event)
        self.shards[number].append(Record(at_ms, change["SequenceNumber"], json.loads(text), len(text)))
        for source in self.sources:
            source.readers[number].look()

    def _trim(self, number: int, now_ms: int) -> None:
        shard = self.shards[number]
        old = 0
        while old < len(shard) and shard[old].at_ms < now_ms - RETENTION_SECONDS * 1000:
            old += 1
        del shard[:old]
        self.dropped[number] += old


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
        return not self.patterns or any(pattern.matches_event(record.event) for pattern in self.patterns)  # type: ignore[arg-type]


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
        self.readers = [Reader(self, number) for number in range(len(self.stream.shards))]
        self.stream.sources.append(self)

    def reset(self) -> None:
        self.readers = [Reader(self, number) for number in range(len(self.stream.shards))]

    def look(self) -> None:
        for reader in self.readers:
            reader.look()


class Reader:
    """Reads one shard for one mapping."""

    def __init__(self, source: StreamSource, number: int) -> None:
        self.source = source
        self.number = number
        self.position = 0
        """How many of the shard's records have been dealt with."""
        self.busy = False
        self.failures = 0
        """How often the batch that begins at `position` has failed."""
        self.end: int | None = None
        """Where the next batch must end, after a failure."""
        self._timer: Timer | None = None
        self._backing_off = False
        self._first_seen_ms: int | None = None

    @property
    def behind(self) -> int:
        """How many records it has not dealt with."""
        return len(self.source.stream.shards[self.number]) + self.source.stream.dropped[self.number] - self.position

    def look(self) -> None:
        """Something was written, or a batch is done: sets the time of the next read."""
        if self.busy or self._backing_off:
            return
        source, clock = self.source, self.source.clock
        clock.cancel(self._timer)
        self._timer = None
        unread = self._unread()
        if not unread or not source.enabled:
            self._first_seen_ms = None
            return
        if self._first_seen_ms is None:
            self._first_seen_ms = clock.now_ms()
        options = source.options
        full = sum(1 for record in unread if options.wants(record)) >= options.batch_size
        window_ends_ms = self._first_seen_ms + round(options.window_seconds * 1000)
        self._timer = clock.at_ms(clock.now_ms() if full or self.end is not None else window_ends_ms, self._read)

    def _look_later(self, seconds: float) -> None:
        def look() -> None:
            self._backing_off = False
            self.look()

        self._backing_off = True
        self._timer = self.source.clock.after(seconds, look)

    def _unread(self) -> list[Record]:
        stream = self.source.stream
        start = max(0, self.position - stream.dropped[self.number])
        self.position = start + stream.dropped[self.number]
        return stream.shards[self.number][start : start + self.source.options.batch_size * 10]

    def _read(self) -> None:
        self._timer = None
        self._first_seen_ms = None
        unread = self._unread()
        if self.end is not None:
            unread = unread[: max(1, self.end - self.position)]
        batch = [record for record in unread if self.source.options.wants(record)][: self.source.options.batch_size]
        batch = batch[: fitting([record.size_bytes for record in batch])]
        if not batch:
            self._advance(self.position + len(unread))
        elif self._too_old(batch[0]):
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
            self._advance(self._after(batch[-1]))
            return
        numbers = [record.sequence_number for record in batch]
        if failed is not None and set(failed) <= set(numbers):
            first = min(numbers.index(number) for number in failed)
            batch = batch[first:]
            self.position = self._after(batch[0]) - 1
            self.failures = 0 if first > 0 else self.failures
        elif options.bisects and len(batch) > 1:  # splitting costs no attempt
            self.end = self._after(batch[(len(batch) - 1) // 2])
            self.look()
            return
        self._failed(batch, result)

    def _failed(self, batch: list[Record], result: Result) -> None:
        options = self.source.options
        self.failures += 1
        if 0 <= options.max_retries < self.failures:
            self._give_up(batch, "RetryAttemptsExhausted", result)
            return
        self.end = self._after(batch[-1])
        self._look_later(min(2.0 ** min(self.failures - 1, 16), _LONGEST_BACKOFF_SECONDS))

    def _after(self, record: Record) -> int:
        """The position behind a record."""
        shard = self.source.stream.shards[self.number]
        return self.source.stream.dropped[self.number] + shard.index(record) + 1

    def _advance(self, position: int) -> None:
        self.position = position
        self.failures = 0
        self.end = None
        self.look()

    def _give_up(self, batch: list[Record], condition: str, result: Result | None) -> None:
        if self.source.options.failure_bucket:
            _keep(self.source, f"shard-{self.number:04}", batch, condition, self.failures, result)
        self._advance(self._after(batch[-1]))


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
    key = f"aws/lambda/{source.source_id}/{shard}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
    body = json.dumps(invocation).encode()
    s3_backends[ACCOUNT_ID]["aws"].put_object(source.options.failure_bucket or "", key, body)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
