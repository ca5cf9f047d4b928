"""What `make install` makes of pyproject.toml."""

import re
import tomllib
from importlib import import_module

import click

from infra.application import FUNCTIONS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_command_is_there() -> None:
    module, _, name = PROJECT["project"]["scripts"]["thaw"].partition(":")
    assert isinstance(getattr(import_module(module), name), click.Group)


def test_every_package_of_the_command_line_and_the_rules_is_installed() -> None:
    found = {
        str(path.parent.relative_to(root)).replace("/", ".")
        for root, package in ((ROOT, "cli"), (FUNCTIONS, "thaw"))
        for path in (root / package).rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_what_it_needs_is_pinned() -> None:
    pinned = {line.lower() for line in re.findall(r"^([\w-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)}
    assert {*PROJECT["project"]["dependencies"], "uv"} <= pinned
    assert all("==" in each for each in PROJECT["build-system"]["requires"])
