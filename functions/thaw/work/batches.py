"""A batch of SQS messages: each with its own outcome, so that one that fails holds up no other."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from thaw.concurrently import map_each
from thaw.work.telemetry import count, logger

Result = TypeVar("Result")


class Batch(Generic[Result]):
    """The messages of one invocation.

    Args:
        event: as an SQS event source gives it.
    """

    def __init__(self, event: dict[str, Any]) -> None:
        self._records = event["Records"]
        self._failed: list[str] = []
        self._results: list[tuple[str, Result]] = []

    def each(self, take: Callable[[SQSRecord], Result | None]) -> Self:
        """Does `take` for each message in turn; what it returns is for `then_at_once`."""

        def taken(record: SQSRecord) -> None:
            try:
                result = take(record)
            except Exception as error:
                self._fail(record.message_id, error)
                raise
            if result is not None:
                self._results.append((record.message_id, result))

        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        with processor(records=self._records, handler=taken):
            processor.process()
        return self

    def then_at_once(self, do: Callable[[Result], None]) -> Self:
        """Does `do` for all results of `each` side by side."""
        errors = map_each(lambda each: do(each[1]), self._results)
        for (message_id, _), error in zip(self._results, errors, strict=True):
            if error is not None:
                self._fail(message_id, error)
        return self

    def response(self) -> dict[str, Any]:
        """Which messages failed, as Lambda wants to be told."""
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in self._failed]}

    def _fail(self, message_id: str, error: Exception) -> None:
        self._failed.append(message_id)
        count("MessageFailed")
        logger.error("message failed", message_id=message_id, exc_info=error)
