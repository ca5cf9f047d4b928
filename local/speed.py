"""moto's and botocore's ways that take long, made short; what they give stays the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any
from unittest import mock

import botocore.useragent
from moto.core.serialize import AttributePicker, AttributePickerContext
from moto.core.utils import method_names_from_class, unix_time_millis
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.sqs.models import Message, Queue


@contextmanager
def shortened() -> Iterator[None]:
    """In place while entered."""
    patches: list[tuple[Any, str, Any]] = [
        (Table, "all_items", _all_items),
        (Table, "scan", _scan),
        (Queue, "approximate_number_of_messages", property(_visible_count)),
        (Queue, "approximate_number_of_messages_not_visible", property(_in_flight_count)),
        (Queue, "approximate_number_of_messages_delayed", property(_delayed_count)),
    ]
    with ExitStack() as stack:
        names = cache(method_names_from_class)
        stack.enter_context(mock.patch("moto.core.responses.method_names_from_class", names))
        stack.enter_context(mock.patch("botocore.useragent.sanitize_user_agent_string_component", _sanitized))
        stack.enter_context(mock.patch.object(AttributePicker, "__call__", _picked))
        for owner, name, replacement in patches:
            stack.enter_context(mock.patch.object(owner, name, replacement))
        yield


def note_delay(queue: Queue, message: Message) -> None:
    """Remembers a message that came with a delay, so that it can be counted without a look at all others."""
    if message.delayed:
        _delayed(queue).add(message)


_sanitized = cache(botocore.useragent.sanitize_user_agent_string_component)

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
