"""Lambda's own Invoke, for the functions that are deployed. moto would answer with what it was given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda_simple.models import LambdaSimpleBackend

from local.functions import Lambda, Result

Wait = Callable[[Callable[[], object]], None]
"""Lets time pass until something is true."""


@contextmanager
def invocable(functions: Callable[[], Lambda], wait: Wait) -> Iterator[None]:
    """Serves Invoke while entered."""

    def invoke(
        backend: LambdaSimpleBackend,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Mapping[str, str],
        response_headers: dict[str, str],
    ) -> bytes:
        name, event = _name(functions(), function_name), _event(body)
        kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        if kind == "Event":
            functions().clock.after(0, lambda: functions().invoke_async(name, event))
        if kind != "RequestResponse":
            return b""
        result = _result(functions(), name, event, wait)
        if result.error is not None:
            response_headers["x-amz-function-error"] = "Unhandled"
        return json.dumps(result.payload if result.ok else result.error).encode()

    with mock.patch.object(LambdaSimpleBackend, "invoke", invoke):
        yield


def _name(functions: Lambda, name_or_arn: str) -> str:
    name = name_or_arn.split(":")[6] if name_or_arn.startswith("arn:") else name_or_arn
    if name not in functions.configs:
        raise LambdaClientError("ResourceNotFoundException", f"On this machine only Thaw's functions run, not {name}.")
    return name


def _event(body: str | bytes | None) -> Any:
    try:
        return json.loads(body or "{}")
    except ValueError as error:
        raise LambdaClientError("InvalidRequestContentException", f"Could not parse request body: {error}") from None


def _result(functions: Lambda, name: str, event: Any, wait: Wait) -> Result:
    results: list[Result | None] = []

    def start() -> None:
        if not functions.invoke(name, event, results.append):
            results.append(None)

    functions.clock.after(0, start)  # a function runs where the timers are fired, which may be another thread
    wait(lambda: results)
    if results[0] is None:
        raise LambdaClientError("TooManyRequestsException", "Rate Exceeded.")
    return results[0]
