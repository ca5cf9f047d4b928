"""What must hold of the whole at the end: nothing is left, nothing broke, nothing was called that must not be."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from local.calls import Call
from local.cloud import Cloud
from simulation.history import History
from simulation.promises.violation import Promise, Violation

_OF_THE_WORLD = {
    "ClientError", "InternalServerError", "ProvisionedThroughputExceededException", "RequestThrottled",
    "ThrottlingException", "ConnectionClosedError", "ConnectTimeoutError", "EndpointConnectionError",
    "ReadTimeoutError",
    "Contention", "NotJoinedYet",  # what the functions say of others who were faster; the message comes again
    "ExceptionGroup",  # several of these at once; each is logged too
}  # fmt: skip
"""The errors that strikes explain. Any other tells of a mistake in the code."""
_SCANS = {"Scan", "ExecuteStatement", "ListStreams", "GetRecords"}


def nothing_is_left(cloud: Cloud, history: History) -> Iterator[Violation]:
    """Once faults have ceased and time has passed."""
    for name in history.open_due:
        record = history.items[name]
        what = f"{name} is still {record['state']}, attempt {record['attempt']}"
        yield Violation(Promise.NOTHING_LEFT, what)
    for queue in cloud.queues():
        if queue._messages:
            yield Violation(Promise.NOTHING_LEFT, f"{len(queue._messages)} messages in {queue.name}")
    capacity = history.items.get("capacity", {})
    if history.lock_is_held:
        yield Violation(Promise.NOTHING_LEFT, "the lock on the capacity is held")
    if capacity.get("intent"):
        yield Violation(Promise.NOTHING_LEFT, f"a purchase is open: {capacity['intent']}")
    for key in cloud.stored_objects():
        yield Violation(Promise.NOTHING_LEFT, f"unpublished: {key}")


def no_function_breaks(
    cloud: Cloud, meant: Collection[str] = (), *, made_to_end: Collection[str] = ()
) -> Iterator[Violation]:
    """Calls fail and functions die; but none comes upon what its code holds for impossible, or ends by itself.

    Args:
        meant: names of further errors, with which a function answers what was made to be refused.
        made_to_end: the request ids of invocations that were made to end in an error.
    """
    for actor, result in cloud.errors:
        if result.request_id in made_to_end:
            continue
        error = result.error or {}
        name = error.get("errorType")
        if name not in meant and not _is_of_the_world(name, error.get("errorMessage")):
            yield Violation(Promise.NO_FUNCTION_BREAKS, f"{actor}: {error['errorType']}: {error['errorMessage']}")
    for actor, lines in cloud.functions.logs.items():
        for _, line in lines:
            logged = json.loads(line) if '"exception_name"' in line else {}
            name, text = logged.get("exception_name"), logged.get("exception")
            if name is not None and name not in meant and not _is_of_the_world(name, text):
                yield Violation(Promise.NO_FUNCTION_BREAKS, f"{actor} logged: {name}: {text}")


def _is_of_the_world(name: str | None, text: str | None) -> bool:
    """ClientError is any error that a service's model does not name, a malformed call among them."""
    return name in _OF_THE_WORLD and (name != "ClientError" or "struck" in (text or ""))


def calls_are_allowed(cloud: Cloud, history: History) -> Iterator[Violation]:
    for refusal in history.refused_by_role:
        yield Violation(Promise.ROLES_SUFFICE, refusal)
    for call in cloud.calls.log:
        if call.actor != "user" and _reads_without_bound(call):
            yield Violation(Promise.NO_SCAN, f"{call.actor} called {call.operation} {call.params}")


def _reads_without_bound(call: Call) -> bool:
    """A Query has one by what is due: it reads no more than there is to do."""
    return call.operation in _SCANS or (
        call.operation == "Query" and "dueAt <=" not in call.params["KeyConditionExpression"]
    )
