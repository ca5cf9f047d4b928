"""The policy that docs/cli.md gives to users allows what the commands call, and nothing else."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore import xform_name

from infra.application import FUNCTIONS, ROOT

SERVICES = ("cloudformation", "dynamodb", "events", "glacier", "sqs")
ALSO_CALLED = {"dynamodb:Query", "events:PutEvents"}
"""By Table.due and Bus.put, which the commands share with the functions."""
ALLOWED_BY = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
NEEDED_BY_ANOTHER = {
    "sqs:DeleteMessage": "sqs:StartMessageMoveTask",
    "sqs:SendMessage": "sqs:StartMessageMoveTask",
    "sqs:ReceiveMessage": "sqs:StartMessageMoveTask",
}
"""StartMessageMoveTask moves in the caller's name."""


def allowed() -> list[dict[str, Any]]:
    page = (ROOT / "docs" / "cli.md").read_text()
    (policy,) = re.findall(r"```json\n(\{\"Version\".*?)```", page, re.DOTALL)
    statements: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return statements


def operations() -> dict[str, str]:
    """The actions of the services, by boto3's names for them."""
    session = botocore.session.get_session()
    models = {service: session.get_service_model(service) for service in SERVICES}
    return {xform_name(op): f"{service}:{op}" for service, model in models.items() for op in model.operation_names}


def called() -> set[str]:
    """By the code of the commands: methods of clients, and paginators."""
    known = operations()
    names = {name for path in (ROOT / "cli").rglob("*.py") for name in _names(ast.parse(path.read_text()))}
    return {known[name] for name in names if name in known}


def _names(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr
            if node.func.attr == "get_paginator" and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def test_the_policy_allows_what_is_called_and_nothing_else() -> None:
    needed = {ALLOWED_BY.get(action, action) for action in called() | ALSO_CALLED}
    assert {"sqs:SendMessage", "dynamodb:BatchGetItem", "glacier:GetJobOutput"} <= needed
    needed |= {action for action, why in NEEDED_BY_ANOTHER.items() if why in needed}
    assert {action for statement in allowed() for action in statement["Action"]} == needed


def test_what_is_called_by_way_of_the_functions_edges_is_there() -> None:
    edge = FUNCTIONS / "thaw" / "edge"
    assert 'get_paginator("query")' in (edge / "table.py").read_text()
    assert ".put_events(" in (edge / "bus.py").read_text()
