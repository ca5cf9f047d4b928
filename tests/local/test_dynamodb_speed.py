"""Each short way of local/dynamodb_speed.py gives what the long one gives, also where that is an error."""

import copy
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.dynamodb import responses
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from tests.local.both_ways import assert_same_both_ways

VALUES: list[dict[str, Any]] = [
    {"S": ""},
    {"S": "ä€"},
    {"N": "-12.50"},
    {"B": "AP8="},
    {"B": b"\x00\xff"},
    {"BOOL": False},
    {"NULL": True},
    {"SS": ["b", "ä"]},
    {"NS": ["1", "22.5"]},
    {"BS": ["AP8="]},
    {"L": []},
    {"M": {}},
    {"L": [{"S": "a"}, {"L": [{"N": "1"}]}, {"M": {"ö": {"SS": ["x"]}}}]},
    {"M": {"ä": {"M": {"b": {"L": [{"B": "AP8="}, {"BOOL": True}]}, "c": {"NULL": True}}}, "d": {"N": "7"}}},
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_value_has_its_size_its_json_and_its_copies(value: dict[str, Any]) -> None:
    def told() -> object:
        typed = DynamoType(copy.deepcopy(value))
        copied = copy.deepcopy(typed)
        regular = copied.to_regular_json()
        if isinstance(copied.value, list):
            copied.value.append("more")  # of the copy alone
        return typed.size(), typed.to_regular_json(), regular, copied.value is typed.value, str(typed.cast_value)

    assert_same_both_ways(told)


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_value_is_told_as_the_api_tells_it(value: dict[str, Any]) -> None:
    given = {"Item": DynamoType(value), "Items": [{"a": DynamoType(value)}], "At": datetime(2026, 1, 1, tzinfo=UTC)}
    assert_same_both_ways(lambda: responses.dynamo_to_dict(given))  # type: ignore[attr-defined]


def test_a_value_made_of_a_value_is_the_same_and_as_a_key_the_same_key() -> None:
    def told() -> object:
        values = [DynamoType(DynamoType(value)) for value in VALUES]
        names = {DynamoType({"S": "a"}): 1, DynamoType({"N": "1.0"}): 2}
        found = [names.get(DynamoType(key)) for key in ({"S": "a"}, {"N": "1"}, {"S": "1"})]
        return repr(values), found, repr(sorted(DynamoType({"N": number}) for number in ("10", "9", "-1")))

    assert_same_both_ways(told)


NUMBERS = {"at": {"N": "17"}, "long": {"N": "007"}, "below": {"N": "-1"}, "half": {"N": "1.50"}}
PARTS = {"id": {"S": "ä"}, "bytes": {"B": "AP8="}, "deep": {"M": {"a": {"L": [{"N": "1"}]}}}, **NUMBERS}


@pytest.mark.parametrize(
    "paths",
    [[["id"], ["at"], ["none"]], [["at"]], [["long"]], [["below"], ["half"]], [["bytes"]], [["deep", "a"], ["id"]], []],
    ids=str,
)
def test_an_index_has_a_part_of_an_item(paths: list[list[str]]) -> None:
    def told() -> object:
        item = Item(DynamoType({"S": "ä"}), None, PARTS)
        part = item.project(paths)
        return part.to_json(), part.size(), part.hash_key.value, item.to_json(), item.size()

    assert_same_both_ways(told)


def test_what_is_twice_in_an_item_is_once_in_its_copy() -> None:
    def told() -> object:
        item = Item(DynamoType({"S": "a"}), None, {"id": {"S": "a"}, "one": {"M": {"x": {"L": []}}}})
        item.attrs["other"] = item.attrs["one"]
        copied = copy.deepcopy(item)
        same = copied.attrs["one"] is copied.attrs["other"]
        return item.to_json(), copied.to_json(), same, copied.attrs["one"] is item.attrs["one"]

    assert_same_both_ways(told)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_an_item_may_be_as_large(more: int) -> None:
    attrs = {"ä": {"S": "a" * 200_000}, "b": {"L": [{"S": "b" * (204_997 + more)}]}, "c": {"S": ""}}
    assert_same_both_ways(lambda: Item(DynamoType({"S": "a"}), None, attrs).size())


CONDITIONS: list[tuple[str, dict[str, str] | None, dict[str, Any] | None]] = [
    ("", None, None),
    ("attribute_not_exists(id)", None, None),
    ("#a = :a AND (b < :b OR NOT begins_with(c, :a))", {"#a": "size"}, {":a": {"S": "1"}, ":b": {"N": "1"}}),
    ("#a = :a AND (b < :b OR NOT begins_with(c, :a))", {"#a": "kind"}, {":a": {"S": "2"}, ":b": {"N": "2"}}),
    ("m.#x[1].y BETWEEN :a AND :b", {"#x": "a.b"}, {":a": {"N": "1"}, ":b": {"N": "2"}}),
    ("size(a) IN (:a, :b)", {}, {":a": {"N": "1"}, ":b": {"N": "2"}, ":unused": {"S": ""}}),
    ("((a = :a))", None, {":a": {"N": "1"}}),
    ("size = :a", None, {":a": {"N": "1"}}),
    ("a = :a", None, None),
    ("a = :b", None, {":a": {"N": "1"}}),
    ("#a = :a", None, {":a": {"N": "1"}}),
    ("a = ", None, None),
    ("a ! b", None, None),
    ("contains(a)", None, None),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_a_condition_is_taken_apart(
    condition: tuple[str, dict[str, str] | None, dict[str, dict[str, Any]] | None],
) -> None:
    def told() -> object:
        parser = ConditionExpressionParser(*condition)
        return repr(parser.parse()), parser.expr_attr_names_found, parser.expr_attr_values_found

    assert_same_both_ways(told)


SCHEMA = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]


@pytest.mark.parametrize(
    ("expression", "values", "names"),
    [
        ("id = :id", {":id": {"S": "a"}}, {}),
        ("id = :id", {":id": {"S": "b"}}, {}),
        ("id = :id", {":id": {"S": ""}}, {}),
        ("#i=:id and #at <= :at", {":id": {"S": "a"}, ":at": {"N": "1"}}, {"#i": "id", "#at": "at"}),
        ("#i=:id and #at <= :at", {":id": {"S": "a"}, ":at": {"N": "2"}}, {"#i": "id", "#at": "at"}),
        ("id = :id AND at BETWEEN :at AND :at", {":id": {"S": "a"}, ":at": {"N": "1"}}, {}),
        ("(id = :id) and begins_with(at, :at)", {":id": {"S": "a"}, ":at": {"S": "1"}}, {}),
        ("id = :other", {":id": {"S": "a"}}, {}),
        ("at = :at", {":at": {"S": "a"}}, {}),
        ("id > :id", {":id": {"S": "a"}}, {}),
        ("nonsense", {}, {}),
    ],
)
def test_a_key_condition_is_read(expression: str, values: dict[str, dict[str, str]], names: dict[str, str]) -> None:
    def told() -> object:
        return responses.parse_expression(  # type: ignore[attr-defined]
            key_condition_expression=expression,
            expression_attribute_values=values,
            expression_attribute_names=names,
            schema=SCHEMA,
        )

    assert_same_both_ways(told)


def _drawn(chance: random.Random, depth: int) -> dict[str, Any]:
    count = chance.randrange(4)
    match chance.choice(("S", "N", "BOOL", "L", "M") if depth else ("S", "N", "BOOL")):
        case "S":
            return {"S": "ä" * count}
        case "N":
            return {"N": str(count)}
        case "L":
            return {"L": [_drawn(chance, depth - 1) for _ in range(count)]}
        case "M":
            return {"M": {str(number): _drawn(chance, depth - 1) for number in range(count)}}
    return {"BOOL": count > 1}


def test_values_of_any_depth_are_the_same() -> None:
    chance = random.Random(1)
    values = [_drawn(chance, 4) for _ in range(200)]
    assert_same_both_ways(lambda: [(DynamoType(value).size(), DynamoType(value).to_regular_json()) for value in values])
