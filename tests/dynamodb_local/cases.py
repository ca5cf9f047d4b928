"""Calls on a table on which two DynamoDBs might disagree: what the store does, and what borders on it."""

from collections.abc import Mapping
from typing import Any

Call = tuple[str, Mapping[str, Any]]
"""An operation by boto3's name and its parameters, without the table's name."""


def put(item_id: str = "a", **attributes: Any) -> dict[str, Any]:
    return {"Item": {"id": {"S": item_id}, **attributes}}


def update(expression: str, item_id: str = "a", **more: Any) -> Call:
    return "update_item", {"Key": {"id": {"S": item_id}}, "UpdateExpression": expression, **more}


def values(**given: Any) -> dict[str, Any]:
    return {"ExpressionAttributeValues": {f":{name}": value for name, value in given.items()}}


def transact(*steps: Mapping[str, Any], **more: Any) -> Call:
    return "transact_write_items", {"TransactItems": list(steps), **more}


ONE = {"N": "1"}
NEW = {"ConditionExpression": "attribute_not_exists(id)"}
SHOWN = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
BACK = {"ReturnValues": "ALL_NEW"}
GET: Call = ("get_item", {"Key": {"id": {"S": "a"}}, "ConsistentRead": True})
PLAIN: Call = ("put_item", put())
COUNTED: Call = ("put_item", put(n=ONE, m={"M": {"x": ONE}}))


def due_at(item_id: str, at: int) -> Call:
    return "put_item", put(item_id, dueIn={"S": "1"}, dueAt={"N": str(at)})


def due(**more: Any) -> Call:
    condition = {"KeyConditionExpression": "dueIn = :p AND dueAt <= :t", **values(p={"S": "1"}, t={"N": "9"})}
    return "query", {"IndexName": "due", **condition, **more}


COMPARED: list[tuple[str, str, dict[str, Any]]] = [
    ("true to a number", "t < :two", {"two": {"N": "2"}}),
    ("true to one", "t = :one", {"one": ONE}),
    ("true to what is not one", "t <> :one", {"one": ONE}),
    ("a number to true", "n <= :true", {"true": {"BOOL": True}}),
    ("what is between a truth and a number", "n BETWEEN t AND :two", {"two": {"N": "2"}}),
    ("true to numbers", "t BETWEEN :one AND :two", {"one": ONE, "two": {"N": "2"}}),
    ("text to numbers", "id BETWEEN :one AND :two", {"one": ONE, "two": {"N": "2"}}),
    ("true to one of some numbers", "t IN (:one, :two)", {"one": ONE, "two": {"N": "2"}}),
    ("null to what isn't there", "gone = :null", {"null": {"NULL": True}}),
    ("what isn't there to null", "u = gone", {}),
    ("null to null", "u = :null", {"null": {"NULL": True}}),
    ("what isn't there to what isn't there", "gone = lost", {}),
    ("what isn't there to what isn't there either, as different", "gone <> lost", {}),
    ("a number as different to what isn't there", "gone <> :one", {"one": ONE}),
    ("two lists", "l <= k", {}),
    ("two equal lists", "l = k", {}),
    ("a list's truth to its number", "l = :list", {"list": {"L": [{"BOOL": True}]}}),
    ("true to itself, in order", "t >= t", {}),
    ("a number to itself", "n = n", {}),
    ("a number to itself, as different", "n <> n", {}),
    ("what is between itself and a number", "n BETWEEN n AND :two", {"two": {"N": "2"}}),
    ("a number to itself and others", "n IN (:two, n)", {"two": {"N": "2"}}),
    ("what is in order with a list", "gone < :list", {"list": {"L": []}}),
    ("what is in order with numbers", "gone >= :set", {"set": {"NS": ["1"]}}),
    ("what is in order with a map", "gone > :map", {"map": {"M": {}}}),
    ("what is in order with null", "gone > :null", {"null": {"NULL": True}}),
    ("what is in order with bytes", "id > :bytes", {"bytes": {"B": b"a"}}),
    (
        "what is between true and false",
        "n BETWEEN :true AND :false",
        {"true": {"BOOL": True}, "false": {"BOOL": False}},
    ),
    ("what is between text and a number", "n BETWEEN :a AND :two", {"a": {"S": "a"}, "two": {"N": "2"}}),
    ("what is between two and one", "n BETWEEN :two AND :one", {"one": ONE, "two": {"N": "2"}}),
    ("one to one of some numbers", "n IN (:one, :two)", {"one": ONE, "two": {"N": "2"}}),
    ("what isn't there to one of some", "gone IN (:one, :null)", {"one": ONE, "null": {"NULL": True}}),
    ("a number that is written otherwise", "n = :one", {"one": {"N": "1.0"}}),
    ("numbers in a list that are written otherwise", "l = :list", {"list": {"L": [{"N": "1.0"}]}}),
    ("a list to a longer one", "l = :list", {"list": {"L": [ONE, ONE]}}),
    ("what isn't equal to a list with the same number as text", "l <> :list", {"list": {"L": [{"S": "1"}]}}),
    ("a size to a number", "size(id) < :two", {"two": {"N": "2"}}),
    ("a size to text", "size(id) < :text", {"text": {"S": "2"}}),
]

CASES: Mapping[str, list[Call]] = {
    # Puts
    "a put": [PLAIN, GET],
    "a put of every type": [
        ("put_item", put(m={"M": {}}, l={"L": []}, s={"S": ""}, n={"N": "17"}, t={"BOOL": True}, u={"NULL": True})),
        GET,
    ],
    "a set": [("put_item", put(ss={"SS": ["b", "a"]}, ns={"NS": ["2", "1"]})), GET],
    "an empty set": [("put_item", put(ss={"SS": []}))],
    "a set with a repeat": [("put_item", put(ss={"SS": ["a", "a"]}))],
    "a number with needless digits": [("put_item", put(n={"N": "001.50"})), GET],
    "a number with an exponent": [("put_item", put(n={"N": "1E3"})), GET],
    "a number of 39 digits": [("put_item", put(n={"N": "1" * 39}))],
    "no number at all": [("put_item", put(n={"N": "one"}))],
    "the same again": [PLAIN, PLAIN],
    "a put in the place of another": [PLAIN, COUNTED, ("put_item", {**PLAIN[1], "ReturnValues": "ALL_OLD"})],
    "a put without its key": [("put_item", {"Item": {"n": ONE}})],
    "a put with an empty key": [("put_item", put(""))],
    "a put with a key of another type": [("put_item", {"Item": {"id": ONE}})],
    "an index key of another type": [("put_item", put(dueIn={"S": "1"}, dueAt={"S": "5"}))],
    "an empty index key": [("put_item", put(dueIn={"S": ""}, dueAt=ONE))],
    "half of an index key": [("put_item", put(dueIn={"S": "1"})), due()],
    "an item of more than 400 KB": [("put_item", put(text={"S": "x" * 410_000}))],
    "a key of more than 2 KB": [("put_item", put("x" * 2049))],
    # Conditions
    "a condition that is false": [PLAIN, ("put_item", {**PLAIN[1], **NEW})],
    "a condition that is false, the item shown": [PLAIN, ("put_item", {**PLAIN[1], **NEW, **SHOWN})],
    "a condition on what isn't there, the item asked for": [
        update("SET n = :n", ConditionExpression="n = :n", **values(n=ONE), **SHOWN)
    ],
    "a condition that compares two types": [
        COUNTED,
        ("put_item", {**PLAIN[1], "ConditionExpression": "n < :s", **values(s={"S": "x"})}),
    ],
    **{
        f"a condition that compares {name}": [
            ("put_item", put(n=ONE, t={"BOOL": True}, u={"NULL": True}, l={"L": [ONE]}, k={"L": [ONE]})),
            ("put_item", {**PLAIN[1], "ConditionExpression": condition, **(values(**given) if given else {})}),
        ]
        for name, condition, given in COMPARED
    },
    "a condition on a nested attribute": [
        COUNTED,
        update("SET k = :n", ConditionExpression="m.x = :n", **values(n=ONE), **BACK),
    ],
    "a condition on a nested attribute that isn't there": [
        COUNTED,
        update("SET k = :n", ConditionExpression="m.y.z = :n", **values(n=ONE)),
    ],
    "a value that no expression uses": [("put_item", {**PLAIN[1], **NEW, **values(x=ONE)})],
    "a name that no expression uses": [("put_item", {**PLAIN[1], **NEW, "ExpressionAttributeNames": {"#x": "x"}})],
    "a value that isn't given": [("put_item", {**PLAIN[1], "ConditionExpression": "n = :x"})],
    "values without an expression": [("put_item", {**PLAIN[1], **values(x=ONE)})],
    "a reserved word in a condition": [
        ("put_item", {**PLAIN[1], "ConditionExpression": "attribute_not_exists(id) OR state = :x", **values(x=ONE)})
    ],
    "a reserved word in an update": [update("SET state = :x", **values(x=ONE))],
    "a condition with OR and a number": [
        COUNTED,
        ("put_item", {**PLAIN[1], "ConditionExpression": "attribute_not_exists(id) OR n < :x", **values(x={"N": "2"})}),
    ],
    # Updates
    "an update that makes the item": [update("SET n = :n", **values(n=ONE), **BACK), GET],
    "a count on": [COUNTED, update("SET n = n + :n", **values(n=ONE), **BACK)],
    "a count on from nothing": [PLAIN, update("SET n = n + :n", **values(n=ONE)), GET],
    "a count on from text": [("put_item", put(n={"S": "x"})), update("SET n = n + :n", **values(n=ONE))],
    "the value from before the update": [COUNTED, update("SET n = n + :n, k = n + :n", **values(n=ONE), **BACK)],
    "a nested set": [COUNTED, update("SET m.y = :n", **values(n=ONE), **BACK)],
    "a nested set in nothing": [PLAIN, update("SET m.y = :n", **values(n=ONE))],
    "a nested remove": [COUNTED, update("REMOVE m.x", **BACK)],
    "a nested remove of what isn't there": [COUNTED, update("REMOVE m.y", **BACK)],
    "a nested remove in nothing": [PLAIN, update("REMOVE m.y", **BACK)],
    "a remove of what isn't there": [PLAIN, update("REMOVE n", **BACK)],
    "set and remove of the same": [PLAIN, update("SET n = :n REMOVE n", **values(n=ONE))],
    "set of a map and of what is in it": [COUNTED, update("SET m = :m, m.x = :n", **values(n=ONE, m={"M": {}}))],
    "an update of the key": [PLAIN, update("SET id = :n", **values(n={"S": "b"}))],
    "an update that changes nothing": [COUNTED, update("SET n = :n", **values(n=ONE), **BACK)],
    "an index key by an update, of another type": [PLAIN, update("SET dueAt = :n", **values(n={"S": "x"}))],
    "if_not_exists": [PLAIN, update("SET n = if_not_exists(n, :n)", **values(n=ONE), **BACK)],
    # Deletes
    "a delete of what isn't there": [("delete_item", {"Key": {"id": {"S": "a"}}})],
    "a delete": [COUNTED, ("delete_item", {"Key": {"id": {"S": "a"}}, "ReturnValues": "ALL_OLD"}), GET],
    # Reads
    "what is due": [*(due_at(name, at) for name, at in (("a", 5), ("b", 10), ("c", 9), ("d", -1))), due()],
    "what is due, in pages": [due_at("a", 5), due_at("b", 6), due(Limit=1)],
    "what is due no more": [due_at("a", 5), update("REMOVE dueAt"), due()],
    "an index read as if it were consistent": [due(ConsistentRead=True)],
    "many at once": [PLAIN, ("batch_get_item", {"Keys": [{"id": {"S": "a"}}, {"id": {"S": "gone"}}]})],
    "many at once, one of them twice": [PLAIN, ("batch_get_item", {"Keys": [{"id": {"S": "a"}}, {"id": {"S": "a"}}]})],
    "a hundred and one at once": [("batch_get_item", {"Keys": [{"id": {"S": str(n)}} for n in range(101)]})],
    # Transactions
    "a transaction": [transact({"Put": put("a")}, {"Put": {**put("b"), **NEW}}), GET],
    "a transaction whose condition is false": [PLAIN, transact({"Put": put("b")}, {"Put": {**put("a"), **NEW}})],
    "a transaction whose condition is false, the item shown": [
        PLAIN,
        transact({"Put": put("b")}, {"Put": {**put("a"), **NEW, **SHOWN}}),
    ],
    "a transaction that names an item twice": [transact({"Put": put("a")}, {"Put": put("a", n=ONE)}), GET],
    "a transaction that names an item twice, one condition false": [
        transact({"Put": {**put("a"), **NEW}}, {"Put": {**put("a"), **NEW}}),
    ],
    "a transaction with an index key of another type": [
        transact({"Put": put("a")}, {"Put": put("b", dueAt={"S": "5"})}),
    ],
    "a transaction with a value that no expression uses": [transact({"Put": {**put("a"), **NEW, **values(x=ONE)}})],
    "a transaction done again with its token": [
        *[transact({"Put": {**put("a"), **NEW}}, ClientRequestToken="token")] * 2
    ],
    "another transaction with the same token": [
        transact({"Put": put("a")}, ClientRequestToken="token"),
        transact({"Put": put("b")}, ClientRequestToken="token"),
    ],
    "a transaction with a wrong update in it": [
        PLAIN,
        transact({"Put": put("b")}, {"Update": {**update("SET n = n + :n", **values(n=ONE))[1]}}),
        GET,
    ],
    "a transaction of nothing": [transact()],
}
