"""Every AWS call that boto3 makes in this process passes here, on its way from botocore into moto.

It is counted and logged with who made it; a function's call is checked against its role; and a strike may do to
it what it likes: let others go first, lose the reply, answer with an error, end the process.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from unittest import mock
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.handlers import BUILTIN_HANDLERS
from greenlet import getcurrent
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

from local.clock import Clock
from local.processes import Died, current

Perform = Callable[[], AWSResponse]


@dataclass(slots=True)
class Call:
    """One AWS call as it goes over the wire; a retry of the SDK's is a further one."""

    number: int
    at_ms: int
    actor: str
    """The function by the name of its file, or `user` for code outside of any function."""
    instance: str
    """The execution environment that made it, or an empty string."""
    service: str
    """As boto3 and IAM name the service: dynamodb, sqs, events, glacier …"""
    operation: str
    params: Mapping[str, Any]
    """The parameters as boto3 was given them."""
    outcome: str = ""
    """`ok`, the error code of the answer, or the name of the exception that took the answer's place."""


Strike = Callable[[Call, Perform], AWSResponse]
"""Makes the call by `perform()`, or not, or more than once; returns the answer, or raises what the SDK would see."""


class Caller(Protocol):
    """Who a process belongs to, as the calls need it."""

    actor: str
    instance: str

    def kill(self) -> None: ...


@dataclass
class Calls:
    clock: Clock
    log: list[Call] = field(default_factory=list)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How many calls by (actor, service, operation), whatever their outcome."""
    keep_log: bool = True
    strike: Strike | None = None
    """What happens to the calls of functions. None: they are made."""
    refusal: Callable[[Call, Caller], str | None] = lambda call, caller: None
    """Why the caller's role does not allow the call, or None."""
    observers: list[Callable[[Call, Perform], AWSResponse]] = field(default_factory=list)
    """Each is put around every call that is really made, the user's too."""

    def clear(self) -> None:
        self.log.clear()
        self.counts.clear()

    def of(self, actor: str | None = None, operation: str | None = None) -> list[Call]:
        """The logged calls of one actor and one operation, or of any."""
        return [call for call in self.log if actor in (None, call.actor) and operation in (None, call.operation)]

    def send(self, service: str, operation: str, perform: Perform) -> AWSResponse:
        process = current()
        caller: Any = process.owner if process else None
        if process:
            process.check_alive()
        call = Call(
            number=len(self.log) if self.keep_log else self.counts.total(),
            at_ms=self.clock.now_ms(),
            actor=caller.actor if caller else "user",
            instance=caller.instance if caller else "",
            service=service,
            operation=operation,
            params=getattr(getcurrent(), "aws_params", {}),
        )
        self.counts[call.actor, service, operation] += 1
        if self.keep_log:
            self.log.append(call)
        try:
            reply = self._send(call, caller, perform)
        except BaseException as error:
            call.outcome = type(error).__name__
            if caller and isinstance(error, Died):
                caller.kill()  # a strike may raise it anywhere, and then all of the environment is gone
            raise
        if process:
            process.check_alive()
        call.outcome = "ok" if reply.status_code < 300 else error_code(reply)
        return reply

    def _send(self, call: Call, caller: Caller | None, perform: Perform) -> AWSResponse:
        for observer in self.observers:
            perform = _around(observer, call, perform)
        if caller is None:
            return perform()
        refused = self.refusal(call, caller)
        if refused is not None:
            return error_reply("AccessDeniedException", refused)
        return self.strike(call, perform) if self.strike else perform()


def _around(observer: Strike, call: Call, perform: Perform) -> Perform:
    return lambda: observer(call, perform)


def error_reply(code: str, message: str, status: int = 400, **members: object) -> AWSResponse:
    """An error as the JSON protocols of DynamoDB, SQS, EventBridge and Glacier send it, and what else it has."""
    kind = "Server" if status >= 500 else "Client"
    body = {"__type": code, "code": code, "type": kind, "message": message, **members}
    headers = HTTPHeaders()
    headers["x-amzn-ErrorType"] = code
    headers["content-type"] = "application/json"
    return AWSResponse("", status, headers, MockRawResponse(json.dumps(body)))


def changed_reply(reply: AWSResponse, change: Callable[[Any], object]) -> AWSResponse:
    """An answer whose JSON body was changed in place, as a service of another time might send it."""
    body = json.loads(reply.content)
    change(body)
    headers = HTTPHeaders()
    for name, value in reply.headers.items():
        headers[name] = value
    return AWSResponse(reply.url, reply.status_code, headers, MockRawResponse(json.dumps(body)))


def error_code(reply: AWSResponse) -> str:
    """The error's code in an answer of one of the JSON protocols, or its HTTP status."""
    code = reply.headers.get("x-amzn-ErrorType") or ""
    if not code:
        try:
            body = json.loads(reply.content)
        except ValueError:
            return str(reply.status_code)
        code = body.get("__type") or body.get("code") or str(reply.status_code)
    return str(code).rpartition("#")[2].partition(":")[0]


_LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Where a test's client speaks to a server over HTTP."""
_BOTO3_NAMES = {"eventbridge": "events", "dynamodb-streams": "dynamodbstreams", "cloudwatch-logs": "logs"}
_active: Calls | None = None


def _remember(params: Mapping[str, Any], **_: object) -> None:
    if _active is not None:
        getcurrent().aws_params = dict(params)


BUILTIN_HANDLERS.append(("before-parameter-build", _remember))

_moto_answers = BotocoreStubber.__call__


def _intercept(
    stubber: BotocoreStubber, event_name: str, request: AWSPreparedRequest, **rest: Any
) -> AWSResponse | None:
    if _active is None or not stubber.enabled or urlsplit(request.url).hostname in _LOOPBACK:
        return _moto_answers(stubber, event_name, request, **rest)
    _, service, operation = event_name.split(".")
    service = _BOTO3_NAMES.get(service, service)

    def perform() -> AWSResponse:
        reply = _moto_answers(stubber, event_name, request, **rest)
        assert reply is not None, f"{service} {operation} would have gone to the network"
        return reply

    return _active.send(service, operation, perform)


@contextmanager
def intercepted(calls: Calls) -> Iterator[Calls]:
    """Sends every call of boto3 in this process past `calls`. Clients must be made after this module was imported."""
    global _active
    _active = calls
    try:
        with mock.patch.object(BotocoreStubber, "__call__", _intercept):
            yield calls
    finally:
        _active = None
