"""moto's and botocore's ways that take long, made short; what they give stays the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from io import BytesIO
from typing import Any
from unittest import mock
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.useragent import UserAgentString
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.request import Request, environ_key_for_header
from moto.core.serialize import AttributePicker, AttributePickerContext
from moto.core.utils import method_names_from_class, unix_time_millis, utcnow
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.models import Message, Queue
from moto.utilities.utils import get_partition
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date


@contextmanager
def shortened() -> Iterator[None]:
    """In place while entered."""
    patches: list[tuple[Any, str, Any]] = [
        (Table, "all_items", _all_items),
        (Table, "scan", _scan),
        (Queue, "approximate_number_of_messages", property(_visible_count)),
        (Queue, "approximate_number_of_messages_not_visible", property(_in_flight_count)),
        (Queue, "approximate_number_of_messages_delayed", property(_delayed_count)),
        (AttributePicker, "__call__", _picked),
        (BotocoreStubber, "process_request", _processed),
        (SigV4Auth, "add_auth", _signed),
        (UserAgentString, "to_string", _user_agent),
    ]
    with ExitStack() as stack:
        names = cache(method_names_from_class)
        stack.enter_context(mock.patch("moto.core.responses.method_names_from_class", names))
        for owner, name, replacement in patches:
            stack.enter_context(mock.patch.object(owner, name, replacement))
        yield


def note_delay(queue: Queue, message: Message) -> None:
    """Remembers a message that came with a delay, so that it can be counted without a look at all others."""
    if message.delayed:
        _delayed(queue).add(message)


_process = BotocoreStubber.process_request


def _processed(stubber: BotocoreStubber, request: AWSPreparedRequest) -> Any:
    """moto's answer: status, headers and body. DynamoDB has one address, and need not be found among all services'."""
    if not request.url.startswith("https://dynamodb."):
        return _process(stubber, request)
    try:
        return _JsonOnly.dispatch(_normalized(request))
    except HTTPException as error:
        return error.code, error.get_headers(), error.get_body()


def _normalized(request: AWSPreparedRequest) -> Request:
    """moto's own takes it through the client of werkzeug's tests."""
    parts, body = urlsplit(request.url), request.body or b""
    assert isinstance(body, bytes), "the JSON of a call"
    headers = {environ_key_for_header(name): value for name, value in request.headers.items()}
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.netloc,
        "SERVER_PORT": "443",
        "HTTP_HOST": parts.netloc,
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": BytesIO(body),
        **{name: value.decode() if isinstance(value, bytes) else value for name, value in headers.items()},
    }
    return Request(environ)


class _JsonOnly(DynamoHandler):
    """Looks for no forms, uploads or parameters in the URL, of which DynamoDB has none."""

    def setup_class(
        self, request: Request, full_url: str | None = None, headers: Any = None, use_raw_body: bool | None = None
    ) -> None:
        self.normalized_request = request
        self.raw_body = request.data
        self.body = self.raw_body.decode()
        self.is_werkzeug_request = False
        self.uri = request.raw_url
        self.body = request.data.decode()
        self.method, self.headers = request.method, request.headers
        self.querystring, self.uri_match = {}, {}
        self.region = self.get_region_from_url(request, self.uri)
        self.partition = get_partition(self.region)
        self.response_headers = {"server": "amazon.com", "date": http_date(utcnow())}
        self.parse_parameters(request)
        self.access_key = self.get_access_key()
        self.current_account = self.get_current_account()


_sign: Any = SigV4Auth.add_auth


def _signed(auth: Any, request: AWSRequest) -> None:
    """Who signs and for which service, which is all that moto reads where nothing is in the URL."""
    if str(request.url).endswith(".amazonaws.com/"):
        scope = f"{auth.credentials.access_key}/20260101/{auth._region_name}/{auth._service_name}/aws4_request"
        request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    else:
        _sign(auth, request)


_user_agents: WeakKeyDictionary[UserAgentString, str] = WeakKeyDictionary()
_build_user_agent = UserAgentString.to_string


def _user_agent(agent: UserAgentString) -> str:
    """A client's is made once. It would tell from call to call which features of the SDK are in use."""
    if agent not in _user_agents:
        _user_agents[agent] = _build_user_agent(agent)
    return _user_agents[agent]


_pick: Any = AttributePicker.__call__


def _picked(picker: AttributePicker, context: AttributePickerContext) -> Any:
    """A member of an answer. DynamoDB's are dicts with the API's own names: nothing else has to be tried."""
    model = context.service_model
    if type(context.obj) is dict and model is not None and model.service_name == "dynamodb":
        return context.obj.get(context.key)
    return _pick(picker, context)


_all_items_in_order: Any = Table.all_items
_moto_scan: Any = Table.scan


def _scan(table: Table, *given: Any, **named: Any) -> Any:
    """With the items in the order of their keys, by which moto finds where a page begins."""
    with mock.patch.object(Table, "all_items", _all_items_in_order):
        return _moto_scan(table, *given, **named)


def _all_items(table: Table) -> list[Item]:
    """Without the order of keys that moto gives them: queries sort their results."""
    items: list[Any] = list(table.items.values())
    return [item for items_of_key in items for item in items_of_key.values()] if table.range_key_attr else items


def _delayed(queue: Queue) -> set[Message]:
    delayed: set[Message] = queue.__dict__.setdefault("_delayed_messages", set())
    return delayed


def _delayed_count(queue: Queue) -> int:
    delayed = _delayed(queue)
    delayed -= {message for message in delayed if not message.delayed}
    return len(delayed)


def _in_flight_count(queue: Queue) -> int:
    now_ms = unix_time_millis()
    return sum(message.visible_at >= now_ms for message in queue.pending_messages)


def _visible_count(queue: Queue) -> int:
    return max(0, len(queue._messages) - _in_flight_count(queue) - _delayed_count(queue))
