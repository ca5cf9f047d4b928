"""A batch of SQS messages: each with its own outcome."""

from typing import Any

from thaw.work.batches import Batch


def event(*bodies: str) -> dict[str, Any]:
    records = [
        {
            "messageId": f"message-{number}",
            "receiptHandle": "handle",
            "body": body,
            "attributes": {},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:requests",
            "awsRegion": "us-east-1",
        }
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def failed(response: dict[str, Any]) -> list[str]:
    return [each["itemIdentifier"] for each in response["batchItemFailures"]]


def test_each_message_is_taken_and_those_that_failed_are_named() -> None:
    taken: list[str] = []

    def take(record: Any) -> None:
        taken.append(record.body)
        if record.body == "bad":
            raise ValueError("bad")

    response = Batch[None](event("a", "bad", "b")).each(take).response()
    assert taken == ["a", "bad", "b"]
    assert failed(response) == ["message-1"]


def test_a_batch_in_which_all_failed_is_no_failure_of_the_function() -> None:
    def take(record: Any) -> None:
        raise KeyError(record.body)

    assert failed(Batch[None](event("a", "b")).each(take).response()) == ["message-0", "message-1"]


def test_what_was_taken_goes_on_side_by_side_and_fails_by_itself() -> None:
    done: list[str] = []

    def start(name: str) -> None:
        if name == "c":
            raise RuntimeError("no")
        done.append(name)

    def take(record: Any) -> str | None:
        if record.body == "bad":
            raise ValueError("bad")
        return None if record.body == "nothing to do" else str(record.body)

    batch = Batch[str](event("a", "nothing to do", "bad", "c", "d"))
    response = batch.each(take).then_at_once(start).response()
    assert sorted(done) == ["a", "d"]
    assert failed(response) == ["message-2", "message-3"]


def test_an_empty_batch_is_done() -> None:
    assert Batch[None]({"Records": []}).each(lambda record: None).then_at_once(print).response() == {
        "batchItemFailures": []
    }
