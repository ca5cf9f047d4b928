"""What takes long in moto's DynamoDB, its values and its expressions, made short; what it gives stays the same."""

from __future__ import annotations

import base64
from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from typing import Any

from moto.dynamodb import responses
from moto.dynamodb.comparisons import ConditionExpressionParser, Func, Op
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import utilities
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.utilities import bytesize
from moto.dynamodb.parsing.key_condition_expression import parse_expression

_SETS = ("SS", "NS", "BS")
_MOST_BYTES = 405_000
"""Of an item, as moto has it."""
_EXPRESSIONS = 10_000
"""So many are remembered: functions have some dozens, tests make them up."""


def _size(typed: DynamoType) -> int:
    """Without a copy of each member of a map."""
    kind, value = typed.type, typed.value
    if kind == "S":
        return _bytes_of(value)
    if kind == "N":
        return len(str(value))
    if kind in _SETS:
        return sum(_size(DynamoType({kind[0]: member})) for member in value)
    if kind == "L":
        return sum(_size(member) for member in value)
    if kind == "M":
        return sum(_bytes_of(name) + _size(_typed(member)) for name, member in value.items())
    return 1 if isinstance(value, bool) else bytesize(value)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else bytesize(text)


def _item_size(item: Item) -> int:
    return sum(_bytes_of(name) + _size(value) for name, value in item.attrs.items())


def _typed(value: Any) -> DynamoType:
    return value if type(value) is DynamoType else DynamoType(value)


def _begin(typed: DynamoType, given: DynamoType | dict[str, Any]) -> None:
    if type(given) is DynamoType:
        kind, value = given.type, given.value
    else:
        kind, value = next(iter(given.items()))  # type: ignore[union-attr]
    if kind == "L":
        value = [DynamoType(member) for member in value]
    elif kind == "M":
        value = {name: DynamoType(member) for name, member in value.items()}
    typed.type, typed.value = kind, value


_cast: Any = DynamoType.cast_value.fget  # type: ignore[attr-defined]


def _cast_value(typed: DynamoType) -> Any:
    """By which an item is found, whose key is a string."""
    return typed.value if typed.type == "S" else _cast(typed)


_told: Any = utilities.dynamo_to_dict
_AS_JSON = (str, int, float, bool, type(None))


def _as_json(value: Any) -> Any:
    """With the most usual looked for first."""
    kind = type(value)
    if kind is DynamoType and value.type not in ("B", "BS"):
        return {value.type: _as_json(value.value)}
    if kind in _AS_JSON:
        return value
    if kind in (dict, LimitedSizeDict):
        return {name: _as_json(member) for name, member in value.items()}
    if kind is list:
        return [_as_json(member) for member in value]
    return _told(value)


_project: Any = Item.project


def _projected(item: Item, paths: list[list[str]]) -> Item:
    """An index has names and plain numbers. moto makes Python's values of the whole item for each of its paths, and
    DynamoDB's again of what it keeps."""
    found = {path[0]: item.attrs[path[0]] for path in paths if path[0] in item.attrs}
    if all(len(path) == 1 for path in paths) and all(_stays(each) for each in found.values()):
        return Item(item.hash_key, item.range_key, found)
    return _project(item, paths)  # type: ignore[no-any-return]


def _stays(typed: DynamoType) -> bool:
    """Whether a value comes back from Python's as it was."""
    return typed.type == "S" or (typed.type == "N" and typed.value.isdecimal() and str(int(typed.value)) == typed.value)


def _regular(typed: DynamoType) -> dict[str, Any]:
    """With one copy of what is in it, and not one for each level above."""
    value = typed.value
    if isinstance(value, dict):
        value = {name: _regular_member(member) for name, member in value.items()}
    elif isinstance(value, list):
        value = [_regular_member(member) for member in value]
    elif typed.type == "B" and isinstance(value, str):
        value = base64.b64decode(value)
    return {typed.type: value}


def _regular_member(member: Any) -> Any:
    return _regular(member) if isinstance(member, DynamoType) else deepcopy(member)


def _copied(typed: DynamoType, memo: dict[int, Any]) -> DynamoType:
    """Without asking for each member how it is copied."""
    known: DynamoType | None = memo.get(id(typed))
    if known is not None:
        return known
    copied: DynamoType = object.__new__(type(typed))
    memo[id(typed)] = copied
    kind, value = typed.type, typed.value
    if kind == "L":
        value = [_copied_member(member, memo) for member in value]
    elif kind == "M":
        value = {name: _copied_member(member, memo) for name, member in value.items()}
    elif kind in _SETS:
        value = list(value)
    copied.type, copied.value = kind, value
    return copied


def _copied_member(member: Any, memo: dict[int, Any]) -> Any:
    return _copied(member, memo) if type(member) is DynamoType else deepcopy(member, memo)


def _make_item(item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """moto sums up the sizes of all attributes so far at each one that it adds."""
    item.hash_key, item.range_key, item.attrs = hash_key, range_key, LimitedSizeDict()
    size_bytes = 0
    for name, value in attrs.items():
        typed = DynamoType(value)
        size_bytes += _bytes_of(name) + _size(typed)
        if size_bytes > _MOST_BYTES:
            raise ItemSizeTooLarge
        dict.__setitem__(item.attrs, name, typed)


_parse: Callable[[ConditionExpressionParser], Op | Func] = ConditionExpressionParser.parse


def _parsed(parser: ConditionExpressionParser) -> Op | Func:
    """The functions have a few dozen conditions: each is taken apart once, and then only has other values."""
    if not parser.condition_expression:
        return _parse(parser)
    names, values = parser.expression_attribute_names or {}, parser.expression_attribute_values or {}
    try:
        tree, names_found, values_found = _taken_apart(parser.condition_expression, tuple(names.items()), tuple(values))
    except Exception:  # noqa: BLE001  as it fails
        return _parse(parser)
    parser.expr_attr_names_found.extend(names_found)
    parser.expr_attr_values_found.extend(values_found)
    return parser._make_op_condition(_with_values(tree, values))


@lru_cache(_EXPRESSIONS)
def _taken_apart(
    expression: str, names: tuple[tuple[str, str], ...], placeholders: tuple[str, ...]
) -> tuple[Any, list[str], list[str]]:
    """moto's tree, in which each value is its placeholder; the names and the placeholders that it has."""
    values: Any = {each: each for each in placeholders}
    parser = _Parser(expression, dict(names), values)
    _parse(parser)
    return parser.tree, parser.expr_attr_names_found, parser.expr_attr_values_found


class _Parser(ConditionExpressionParser):
    """Keeps the tree, of which moto then makes what it evaluates."""

    tree: Any = None

    def _make_op_condition(self, node: Any) -> Any:
        self.tree = node


def _with_values(node: Any, values: dict[str, Any]) -> Any:
    if node.kind == ConditionExpressionParser.Kind.EXPRESSION_ATTRIBUTE_VALUE:
        return node._replace(value=values[node.value])
    return node._replace(children=[_with_values(child, values) for child in node.children]) if node.children else node


_parse_key_condition: Any = parse_expression
_Schema = tuple[tuple[tuple[str, str], ...], ...]


def _parsed_key_condition(
    key_condition_expression: str,
    expression_attribute_values: dict[str, dict[str, Any]],
    expression_attribute_names: dict[str, str],
    schema: list[dict[str, str]],
) -> Any:
    """moto reads it letter by letter; the functions have a few, and each time other values."""
    values, names = expression_attribute_values, expression_attribute_names
    if {"S": ""} in values.values():  # which moto refuses
        return _parse_key_condition(key_condition_expression, values, names, schema)
    of_schema = tuple(tuple(key.items()) for key in schema)
    hash_keys, range_keys, used = _key_condition(
        key_condition_expression, tuple(values), tuple(names.items()), of_schema
    )
    return (
        [(name, _filled(value, values)) for name, value in hash_keys],
        [(name, comparison, [_filled(each, values) for each in given]) for name, comparison, given in range_keys],
        list(used),
    )


@lru_cache(_EXPRESSIONS)
def _key_condition(
    expression: str, placeholders: tuple[str, ...], names: tuple[tuple[str, str], ...], schema: _Schema
) -> Any:
    """With each value's placeholder in its place."""
    values = {each: {_PLACEHOLDER: each} for each in placeholders}
    return _parse_key_condition(expression, values, dict(names), [dict(key) for key in schema])


def _filled(value: Any, values: dict[str, dict[str, Any]]) -> Any:
    placeholder = value.get(_PLACEHOLDER) if isinstance(value, dict) else None
    return value if placeholder is None else values[placeholder]


_PLACEHOLDER = "placeholder"

PATCHES: list[tuple[Any, str, Any]] = [
    (DynamoType, "__init__", _begin),
    (DynamoType, "cast_value", property(_cast_value)),
    (DynamoType, "size", _size),
    (DynamoType, "to_regular_json", _regular),
    (DynamoType, "__deepcopy__", _copied),
    (Item, "__init__", _make_item),
    (Item, "size", _item_size),
    (Item, "project", _projected),
    (responses, "dynamo_to_dict", _as_json),
    (ConditionExpressionParser, "parse", _parsed),
    (responses, "parse_expression", _parsed_key_condition),
]
