"""What mypy is told of the CDK's modules."""

import re
import tomllib

from infra.application import ROOT


def test_mypy_reads_the_modules_that_we_use() -> None:
    """It takes what a module has for anything at all when it does not read it."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    read = {module for each in overrides if each.get("follow_imports") == "normal" for module in each["module"]}
    sources = [path.read_text() for folder in ("infra", "tests/infra") for path in (ROOT / folder).glob("*.py")]
    used = {module for source in sources for module in re.findall(r"^from aws_cdk import (\w+)", source, re.MULTILINE)}
    assert read == {"aws_cdk", *(f"aws_cdk.{module}" for module in used)}
