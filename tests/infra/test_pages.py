"""The pages for readers: their links lead somewhere, and what one looks up is there."""

import ast
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.application import FUNCTIONS, ROOT
from infra.settings import Settings
from tests.infra.templates import Template
from thaw.refusals import _BY_CODE

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """What can stand behind a # for this page, by GitHub's rule."""
    kept = string.ascii_lowercase + string.digits + "-_ "
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {"".join(c for c in title.lower() if c in kept).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in _LINK.findall(page.read_text()):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_the_readme_names_all_that_make_can_do() -> None:
    targets = set(re.findall(r"^([a-z-]+):.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert len(targets) > 10
    assert targets - {"help"} <= set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text()))


def explained(page: str, section: str) -> set[str]:
    """The names in code style in a section of a page; those of nested fields without their leading dot."""
    text = (DOCS / page).read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return {name.lstrip(".") for name in re.findall(r"`([^`\n]+)`", text)}


def test_every_setting_is_explained() -> None:
    names = {field.alias for field in Settings.model_fields.values()}
    assert names <= explained("reference.md", "Settings")


def test_every_field_of_a_request_is_explained() -> None:
    schema = json.loads((DOCS / "request.schema.json").read_text())
    assert set(_fields(schema)) - {"cancel"} <= explained("reference.md", "The request")


def test_every_event_and_its_fields_are_explained() -> None:
    schema = json.loads((DOCS / "events.schema.json").read_text())
    types = {each["properties"]["detail-type"]["const"] for each in schema["oneOf"]}
    assert types | set(_fields(schema["$defs"])) <= explained("reference.md", "Events")


def _fields(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else ():
        yield from _fields(part)


def test_every_error_of_glaciers_that_thaw_knows_is_explained() -> None:
    assert set(_BY_CODE) <= explained("reference.md", "Errors and reasons")


def test_every_reason_of_thaws_own_is_explained() -> None:
    codes = {code for path in FUNCTIONS.rglob("*.py") for code in _codes(ast.parse(path.read_text()))}
    assert {"NotJson", "GivenUp", "WaitingForCapacity"} <= codes
    assert codes <= explained("reference.md", "Errors and reasons")


def _codes(module: ast.Module) -> Iterator[str]:
    """The codes in calls of Reason and Rejected, where they are written there or are a constant of the module."""
    assigned = [node for node in module.body if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)]
    constants = {node.targets[0].id: node.value for node in assigned if isinstance(node.targets[0], ast.Name)}
    for call in _calls(module, "Reason", "Rejected"):
        named = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
        for code in [*named, *call.args[:1]]:
            value = constants.get(code.id) if isinstance(code, ast.Name) else code
            if isinstance(value, ast.Constant):
                yield str(value.value)


def _calls(module: ast.Module, *functions: str) -> Iterator[ast.Call]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            yield node


def test_every_alarm_is_explained(thaw: Template) -> None:
    rows = re.findall(r"^\| ([A-Z][^|]*) \|", (DOCS / "operate.md").read_text(), re.MULTILINE)
    known = tuple(name.removesuffix("...") for row in rows for name in row.split(", "))
    names = [name.removeprefix("Alarms") for name in thaw.of_type("AWS::CloudWatch::Alarm")]
    assert [name for name in names if not name.startswith(known)] == []
    assert f" {len(names)} alarms × $0.10 = ${len(names) / 10:.2f};" in (DOCS / "costs.md").read_text()


def test_every_metric_is_named() -> None:
    assert set(_metrics()) <= explained("operate.md", "Metrics")


def _metrics() -> Iterator[str]:
    """What the functions count, by the calls of `count` in their code."""
    for path in FUNCTIONS.rglob("*.py"):
        for call in _calls(ast.parse(path.read_text()), "count"):
            names = (each.value for part in call.args[:1] for each in ast.walk(part) if isinstance(each, ast.Constant))
            yield from (name for name in names if isinstance(name, str))
