"""What mypy reads, and what it need not."""

import re
import tomllib

from infra.application import ROOT

_OVERRIDES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]


def test_mypy_reads_the_modules_that_we_use() -> None:
    """It takes what a module has for anything at all when it does not read it."""
    used = _found(r"^from aws_cdk import (\w+)")
    assert _named("normal") == {"aws_cdk", *(f"aws_cdk.{module}" for module in used)}


def test_mypy_passes_over_nothing_else_that_we_use() -> None:
    passed_over = tuple(module.removesuffix("*") for module in _named("skip") - {"aws_cdk.*"})
    used = _found(r"^\s*(?:from|import) ([\w.]+)")
    assert {"moto", "moto.core.utils"} <= used
    assert [module for module in used if f"{module}.".startswith(passed_over)] == []


def _named(follow_imports: str) -> set[str]:
    return {module for each in _OVERRIDES if each.get("follow_imports") == follow_imports for module in each["module"]}


def _found(pattern: str) -> set[str]:
    folders = ("infra", "functions", "cli", "local", "simulation", "tests", "bench")
    sources = (path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return {found for source in sources for found in re.findall(pattern, source, re.MULTILINE)}
