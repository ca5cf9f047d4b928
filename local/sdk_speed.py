"""What takes long in the SDK at each call, made short; what it gives stays the same."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from copy import deepcopy
from functools import cache, partial
from typing import Any

from botocore import auth, awsrequest, context, model, parsers
from botocore.awsrequest import HeadersDict
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.context import ClientContext
from botocore.regions import EndpointRulesetResolver
from botocore.utils import hyphenize_service_id
from botocore.validate import ParamValidator, ValidationErrors
from moto.core import parse

_ADDRESSED_ALIKE = ("dynamodb", "events", "glacier", "sqs")
"""Whose calls have one address for each operation, table and event bus."""
_KEPT = "_kept_by_local"
"""The attribute in which what was found out of a model, a client or a resolver is kept with it."""

_construct: Any = EndpointRulesetResolver.construct_endpoint


def _endpoint(resolver: Any, operation_model: Any, call_args: Any, request_context: Any) -> Any:
    """Rules say for each call where it goes to."""
    if resolver._service_model.service_name not in _ADDRESSED_ALIKE or operation_model.operation_context_parameters:
        return _construct(resolver, operation_model, call_args, request_context)
    names = resolver._get_dynamic_context_params(operation_model).values()
    key = (operation_model.name, *[str((call_args or {}).get(name)) for name in names])
    kept = vars(resolver).setdefault(_KEPT, {})
    if key not in kept:
        kept[key] = _construct(resolver, operation_model, call_args, request_context)
    return kept[key]


def _copied_context(one: Any) -> Any:
    return ClientContext(set(one.features)) if type(one) is ClientContext else deepcopy(one)


_make_paginator: Any = BaseClient.get_paginator


def _paginator(client: Any, operation_name: str) -> Any:
    """The SDK makes a class for each; a client's is the same each time."""
    kept = vars(client).setdefault(_KEPT, {})
    if operation_name not in kept:
        kept[operation_name] = _make_paginator(client, operation_name)
    return kept[operation_name]


# ---------------------------------------------------------------------------------------------------- what JSON has

_answers: Any = parsers.BaseJSONParser
_handle_structure: Any = _answers._handle_structure
_parse_structure: Any = parse.BaseJSONParser._parse_structure


def _answer_read(parser: Any, shape: Any, value: Any) -> Any:
    """With a look at the members that are there, and not at all that there could be: an attribute has one of ten."""
    if not isinstance(value, dict) or shape.is_document_type or shape.is_tagged_union:
        return _handle_structure(parser, shape, value)
    return {name: parser._parse_shape(member, value[at]) for _, name, at, member in _members_in(value, shape)}


def _call_read(parser: Any, shape: Any, value: Any) -> Any:
    """The same, where moto reads what the SDK wrote."""
    if not isinstance(value, dict) or shape.is_document_type:
        return _parse_structure(parser, shape, value)
    parsed = parser.MAP_TYPE()
    for _, name, at, member in _members_in(value, shape):
        parsed[name] = parser._parse_shape(member, value[at])
    return parsed


_Member = tuple[int, str, str, Any]
"""Its place in the model, its name, its name in JSON, and its shape."""


def _members_in(value: dict[str, Any], shape: Any) -> list[_Member]:
    """Those that have a value, in the model's order."""
    members: dict[str, _Member] | None = vars(shape).get(_KEPT)
    if members is None:
        names = {name: member.serialization.get("name", name) for name, member in shape.members.items()}
        members = {at: (place, name, at, shape.members[name]) for place, (name, at) in enumerate(names.items())}
        vars(shape)[_KEPT] = members
    found = [members[at] for at, one in value.items() if one is not None and at in members]
    if len(found) > 1:
        found.sort()
    return found


# ------------------------------------------------------------------------------------------- what is asked for is valid

_validate: Any = ParamValidator.validate
_CHECK = "_checked_by_local"


def _validated(validator: ParamValidator, params: Any, shape: Any) -> ValidationErrors:
    """Most calls are plainly right. Of any other the SDK says what is wrong."""
    return ValidationErrors() if _is_plain(params, shape) else _validate(validator, params, shape)


def _is_plain(value: Any, shape: Any) -> bool:
    check = vars(shape).get(_CHECK)
    if check is None:
        check = vars(shape)[_CHECK] = _check_of(shape)
    return bool(check(value))


def _check_of(shape: Any) -> Any:
    """Whether a value is right for certain. What has rules beyond types, names and least lengths never is."""
    if shape.serialization.keys() & {"hostLabel", "jsonvalue"} or {"document", "union"} & shape.metadata.keys():
        return _never
    match shape.type_name:
        case "string":
            return partial(_is_long_enough, str, shape.metadata.get("min", 0))
        case "boolean":
            return _is_bool
        case "integer" | "long" if "min" not in shape.metadata:
            return _is_int
        case "list":
            return partial(_is_list, shape.metadata.get("min", 0), shape.member)
        case "map":
            return partial(_is_map, shape.metadata.get("min", 0), shape.key, shape.value)
        case "structure":
            return partial(_is_structure, shape.metadata.get("required", ()), shape.members)
    return _never


def _never(value: Any) -> bool:
    return False


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_int(value: Any) -> bool:
    return isinstance(value, int)


def _is_long_enough(kinds: type[Any] | tuple[type[Any], ...], least: int, value: Any) -> bool:
    return isinstance(value, kinds) and len(value) >= least


def _is_list(least: int, member: Any, value: Any) -> bool:
    return _is_long_enough((list, tuple), least, value) and all(_is_plain(one, member) for one in value)


def _is_map(least: int, key: Any, member: Any, value: Any) -> bool:
    if not _is_long_enough(dict, least, value):
        return False
    return all(_is_plain(name, key) and _is_plain(one, member) for name, one in value.items())


def _is_structure(required: list[str], members: dict[str, Any], value: Any) -> bool:
    if not isinstance(value, dict) or any(name not in value for name in required):
        return False
    return all(name in members and _is_plain(one, members[name]) for name, one in value.items())


# ---------------------------------------------------------------------------------------------------- headers


class _Headers(HTTPHeaders):
    """A request's, without the ways of mail: no header of a call is folded, and few are not ASCII."""

    _are_plain = True

    def __setitem__(self, name: str, value: Any) -> None:
        self._headers.append((name, value))  # type: ignore[attr-defined]
        if type(value) is str and not value.isascii():
            self._are_plain = False

    def get(self, name: str, failobj: Any = None) -> Any:
        if not self._are_plain:
            return super().get(name, failobj)
        small = name.lower()
        for one, value in self._headers:  # type: ignore[attr-defined]
            if one.lower() == small:
                return value
        return failobj

    def items(self) -> list[tuple[str, Any]]:
        return list(self._headers) if self._are_plain else super().items()  # type: ignore[attr-defined]


def _begin_headers(headers: Any, *given: Any, **named: Any) -> None:
    """Each under its name in small letters, after the name by which it was first set: a string is found sooner than an
    object that compares itself."""
    headers._dict = {}
    headers.update(*given, **named)


def _set_header(headers: Any, name: Any, value: Any) -> None:
    found, small = headers._dict, name.lower()
    found[small] = (found[small][0] if small in found else name, value)


def _get_header(headers: Any, name: Any) -> Any:
    return headers._dict[name.lower()][1]


def _find_header(headers: Any, name: Any, default: Any = None) -> Any:
    return headers._dict.get(name.lower(), (name, default))[1]


def _has_header(headers: Any, name: Any) -> bool:
    return name.lower() in headers._dict


def _delete_header(headers: Any, name: Any) -> None:
    del headers._dict[name.lower()]


def _names_of(headers: Any) -> Iterator[Any]:
    return (name for name, _ in headers._dict.values())


def _items_of(headers: Any) -> Any:
    return dict(headers._dict.values()).items()


def _shown(headers: Any) -> str:
    return repr(dict(headers._dict.values()))


# ---------------------------------------------------------------------------------------------------- what it does

_TALKATIVE = ("auth", "endpoint", "hooks", "parsers", "retries.standard")


def _told_to_nobody(*_: object) -> None:
    """Some twenty lines for each call."""


def patches() -> list[tuple[Any, str, Any]]:
    """What the SDK tells of itself is left out where nobody wants to know."""
    loggers = [logging.getLogger(f"botocore.{name}") for name in _TALKATIVE]
    silent = [logger for logger in loggers if not logger.isEnabledFor(logging.DEBUG)]
    return [*_PATCHES, *((logger, "debug", _told_to_nobody) for logger in silent)]


_PATCHES: list[tuple[Any, str, Any]] = [
    (EndpointRulesetResolver, "construct_endpoint", _endpoint),
    (context, "deepcopy", _copied_context),
    (model, "hyphenize_service_id", cache(hyphenize_service_id)),
    (BaseClient, "get_paginator", _paginator),
    (_answers, "_handle_structure", _answer_read),
    (parse.BaseJSONParser, "_parse_structure", _call_read),
    (ParamValidator, "validate", _validated),
    (awsrequest, "HTTPHeaders", _Headers),
    (auth, "HTTPHeaders", _Headers),
    (HeadersDict, "__init__", _begin_headers),
    (HeadersDict, "__setitem__", _set_header),
    (HeadersDict, "__getitem__", _get_header),
    (HeadersDict, "__contains__", _has_header),
    (HeadersDict, "__delitem__", _delete_header),
    (HeadersDict, "__iter__", _names_of),
    (HeadersDict, "__repr__", _shown),
    (HeadersDict, "get", _find_header),
    (HeadersDict, "items", _items_of),
]
