"""moto's and botocore's ways that take long, made short; what they give stays the same."""

from __future__ import annotations

import heapq
import json
import pickle
import re
import string
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from copy import deepcopy
from functools import cache
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.useragent import UserAgentString
from moto import backend_index
from moto.core import responses
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import Request
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import (
    camelcase_to_underscores,
    get_service_model,
    method_names_from_class,
    unix_time_millis,
    utcnow,
)
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.ast_nodes import (  # type: ignore[attr-defined]
    DepthFirstTraverser,
    Expression,
    Node,
    UpdateExpressionAddClause,
    UpdateExpressionFunction,
    UpdateExpressionRemoveClause,
    UpdateExpressionSetClause,
)
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.parsing.validators import ActionCountValidator
from moto.dynamodb.responses import DynamoHandler
from moto.iam import models as iam_models
from moto.iam.models import iam_backends
from moto.moto_api._internal import mock_random
from moto.moto_api._internal.moto_random import MotoRandom
from moto.sqs import models as sqs_models
from moto.sqs.models import Message, Queue
from moto.sqs.responses import SQSResponse
from moto.utilities.utils import get_partition
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from local import dynamodb_speed, sdk_speed


@contextmanager
def shortened() -> Iterator[None]:
    """In place while entered."""
    patches: list[tuple[Any, str, Any]] = [
        (Table, "all_items", _all_items),
        (Table, "scan", _scan),
        (Queue, "approximate_number_of_messages", property(_visible_count)),
        (Queue, "approximate_number_of_messages_not_visible", property(_in_flight_count)),
        (Queue, "approximate_number_of_messages_delayed", property(_delayed_count)),
        (BotocoreStubber, "process_request", _processed),
        (SigV4Auth, "add_auth", _signed),
        (UserAgentString, "to_string", _user_agent),
        (responses, "method_names_from_class", cache(method_names_from_class)),
        (responses, "get_service_model", cache(get_service_model)),
        (responses, "camelcase_to_underscores", cache(camelcase_to_underscores)),
        (sqs_models, "camelcase_to_underscores", cache(camelcase_to_underscores)),
        (sqs_models, "generate_receipt_handle", _receipt_handle),
        (backend_index, "backend_url_patterns", _usual_first(backend_index.backend_url_patterns)),
        (UpdateExpressionParser, "make", staticmethod(_parsed_update)),
        (validators, "deepcopy", _copied_update),
        (DepthFirstTraverser, "traverse_node_recursively", _traversed),
        (Node, "find_clauses", _clauses_of),
        (ActionCountValidator, "verify_action_counts", _counted),
        (BackendDict, "__getitem__", _backends_of),
        (iam_models, "get_account_id_from", _account_of),
        (MotoRandom, "get_random_string", _random_string),
        *dynamodb_speed.PATCHES,
        *sdk_speed.patches(),
    ]
    with ExitStack() as stack:
        for owner, name, replacement in patches:
            stack.enter_context(mock.patch.object(owner, name, replacement))
        yield


def note_delay(queue: Queue, message: Message) -> None:
    """Remembers a message that came with a delay, so that it can be counted without a look at all others."""
    if message.delayed:
        heapq.heappush(_delayed(queue), message.delayed_until)


_USUAL = ("events", "glacier")


def _usual_first(patterns: list[tuple[str, re.Pattern[str]]]) -> list[tuple[str, re.Pattern[str]]]:
    """The services' addresses, by which moto finds whose a call is."""
    return sorted(patterns, key=lambda pattern: pattern[0] not in _USUAL)


_process = BotocoreStubber.process_request


def _processed(stubber: BotocoreStubber, request: AWSPreparedRequest) -> Any:
    """moto's answer: status, headers and body. DynamoDB and SQS need not be found among all services' addresses."""
    handler = next((each for start, each in _DIRECT.items() if request.url.startswith(start)), None)
    if handler is None or request.headers.get("X-Amz-Target") is None:
        return _process(stubber, request)
    try:
        return handler.answer(request)
    except HTTPException as error:
        return error.code, error.get_headers(), error.get_body()


_ATTRIBUTES_ALONE = {
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
}
"""Whose answers are in their results as JSON has them, but for binary values."""


class _Direct(BaseResponse):
    """Reads a call as botocore wrote it. moto makes a web server's request of it first, and looks for forms, uploads
    and parameters in the URL, of which these services have none."""

    @classmethod
    def answer(cls, request: AWSPreparedRequest) -> Any:
        handler = cls()
        handler._read(request)
        return handler.call_action()

    def _read(self, request: AWSPreparedRequest) -> None:
        body = request.body or b""
        assert isinstance(body, bytes), "the JSON of a call"
        self.body = body.decode()  # what is sent on where another answers in moto's place
        self.headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        }
        self.uri, self.method, self.querystring, self.uri_match = request.url, request.method, {}, {}
        self.path = urlsplit(self.uri).path
        self.region = self.get_region_from_url(self, self.uri)
        self.partition = get_partition(self.region)
        self.response_headers = {"server": "amazon.com", "date": http_date(utcnow())}
        content = {"method": self.method, "headers": self.headers, "data": body, "values": {}, "path": self.path}
        content_type = self.headers["Content-Type"]
        self.parse_parameters(cast(Request, SimpleNamespace(**content, content_type=content_type)))
        self.access_key = self.get_access_key()
        self.current_account = self.get_current_account()


class _DirectQueues(_Direct, SQSResponse):
    pass


class _DirectTables(_Direct, DynamoHandler):
    def parse_parameters(self, request: Request) -> None:
        """The SDK has seen to it that all is there that must be, and nothing else."""
        if self._get_action() in _ATTRIBUTES_ALONE and not any(binary in self.body for binary in ('"B":', '"BS":')):
            self.params = json.loads(self.body)
        else:
            super().parse_parameters(request)

    def serialized(self, action_result: ActionResult) -> Any:
        result = action_result.result
        if self._get_action() in _ATTRIBUTES_ALONE and not isinstance(result, Exception):
            with suppress(TypeError):  # binary values, which moto's own way encodes
                return 200, self.response_headers | {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(result)
        return super().serialized(action_result)


_DIRECT: dict[str, type[_Direct]] = {"https://dynamodb.": _DirectTables, "https://sqs.": _DirectQueues}

_sign: Any = SigV4Auth.add_auth


def _signed(auth: Any, request: AWSRequest) -> None:
    """Who signs and for which service, which is all that is read here where nothing is in the URL, and by Glacier."""
    if str(request.url).endswith(".amazonaws.com/") or auth._service_name == "glacier":
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


_parse_update = UpdateExpressionParser.make


@cache
def _parsed_update(expression: str) -> Any:
    """The tree of an UpdateExpression. moto changes none but its copies."""
    tree: Any = _parse_update(expression)
    tree.pickled = pickle.dumps(tree)
    return tree


def _copied_update(part: Any) -> Any:
    """A copy of a tree, or of the value that it appends to."""
    pickled = getattr(part, "pickled", None)
    return deepcopy(part) if pickled is None else pickle.loads(pickled)


class _AnyOf(dict[type, bool]):
    """Whether a class is one of these. Abstract classes take long to say so."""

    def __init__(self, *kinds: type) -> None:
        super().__init__()
        self._kinds = kinds

    def __missing__(self, kind: type) -> bool:
        answer = self[kind] = issubclass(kind, self._kinds)
        return answer


_NODE = _AnyOf(Node)
_HAS_CLAUSES = _AnyOf(Expression, UpdateExpressionFunction)


def _clauses_of(node: Any, clause_types: list[type]) -> list[Any]:
    """moto asks of each node whether it is of an abstract class, for the whole tree at each of its levels."""
    clauses = []
    for child in node.children or []:
        kind = type(child)
        if kind in clause_types:
            clauses.append(child)
        elif _HAS_CLAUSES[kind]:
            clauses += _clauses_of(child, clause_types)
    return clauses


_count_actions: Any = ActionCountValidator.verify_action_counts
_ONCE = [UpdateExpressionAddClause, UpdateExpressionRemoveClause, UpdateExpressionSetClause]


def _counted(validator: ActionCountValidator, node: Any) -> Any:
    """moto goes through the tree for each kind of action."""
    kinds = [type(clause) for clause in _clauses_of(node, _ONCE)]
    return node if len(kinds) == len(set(kinds)) else _count_actions(validator, node)


def _traversed(traverser: DepthFirstTraverser, node: Any, child_id: int = -1) -> Any:
    """The same: the kinds that a traverser processes are the same for all of its kind."""
    return _walked(traverser, node, child_id, _nodes_of(traverser), _prepares(traverser)) if _NODE[type(node)] else node


def _walked(traverser: DepthFirstTraverser, node: Any, child_id: int, processed: _AnyOf, prepares: bool) -> Any:
    parent = node.parent
    for number, child in enumerate(node.children or []):
        if prepares:
            traverser.pre_processing_of_child(node, number)
        if _NODE[type(child)]:
            _walked(traverser, child, number, processed, prepares)
    if processed[type(node)]:
        node = traverser.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


def _prepares(traverser: DepthFirstTraverser) -> bool:
    """Most do nothing before they go on to a child."""
    return type(traverser).pre_processing_of_child is not DepthFirstTraverser.pre_processing_of_child


def _nodes_of(traverser: DepthFirstTraverser) -> _AnyOf:
    kind = type(traverser)
    if kind not in _processed_by:
        _processed_by[kind] = _AnyOf(*traverser._processing_map())
    return _processed_by[kind]


_processed_by: dict[type, _AnyOf] = {}


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


def _delayed(queue: Queue) -> list[float]:
    """Until when messages are delayed, the earliest first: nobody can take one away before."""
    delayed: list[float] = queue.__dict__.setdefault("_delayed_until", [])
    return delayed


def _delayed_count(queue: Queue) -> int:
    delayed, now_ms = _delayed(queue), unix_time_millis()
    while delayed and delayed[0] <= now_ms:
        heapq.heappop(delayed)
    return len(delayed)


def _in_flight_count(queue: Queue) -> int:
    now_ms = unix_time_millis()
    return sum(message.visible_at >= now_ms for message in queue.pending_messages)


def _visible_count(queue: Queue) -> int:
    return max(0, len(queue._messages) - _in_flight_count(queue) - _delayed_count(queue))


_get_backends: Any = BackendDict.__getitem__


def _account_of(access_key: str) -> str:
    """moto asks the users of each partition, be there any or not."""
    for account_id, partitions in list(iam_backends.items()):
        if any(access_key in backend.access_keys for backend in dict.values(partitions)):
            return account_id
    return DEFAULT_ACCOUNT_ID


def _backends_of(backends: Any, account_id: str) -> Any:
    """Those that are there; moto looks at each whether it knows of it, and has a lock for that."""
    there = dict.get(backends, account_id)
    return _get_backends(backends, account_id) if there is None else there


def _random_string(chance: MotoRandom, length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
    """Each answer has such an id."""
    text = _drawn(chance, length, *(_LETTERS_AND_DIGITS if include_digits else _LETTERS))
    return text.lower() if lower_case else text


def _receipt_handle() -> str:
    return _drawn(mock_random, 185, *_SMALL_LETTERS)


def _drawn(chance: MotoRandom, length: int, letters: bytes, unlike: bytes) -> str:
    """The same draws as one choice for each letter makes: of 32 bits the upper few, and one more for each that has no
    letter."""
    text = b""
    while len(text) < length:
        count = length - len(text)
        text += chance.getrandbits(32 * count).to_bytes(4 * count, "little")[3::4].translate(letters, unlike)
    return text.decode()


def _by_upper_bits(pool: str) -> tuple[bytes, bytes]:
    """What to make of the upper byte of a draw, and which of them to leave out."""
    bits = len(pool).bit_length()
    letters = pool.encode().ljust(1 << bits)
    return bytes(letters[byte >> 8 - bits] for byte in range(256)), bytes(range(len(pool) << 8 - bits, 256))


_SMALL_LETTERS, _LETTERS, _LETTERS_AND_DIGITS = (
    _by_upper_bits(string.ascii_lowercase),
    _by_upper_bits(string.ascii_letters),
    _by_upper_bits(string.ascii_letters + string.digits),
)
