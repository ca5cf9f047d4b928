"""`python -m local.dynamodb_local`, where Java and Maven are and where they are not."""

import os
import sys
from pathlib import Path

import pytest

from local.dynamodb_local import __main__ as command
from local.dynamodb_local import server
from local.dynamodb_local.tables import ENDPOINT_VARIABLE

MARK = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('ran')"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["dynamodb_local", *arguments])
    return command.main()


@pytest.fixture
def without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def with_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, java_version: str) -> None:
    """Programs of these names, and a Java of this version."""
    for name in ("java", "mvn"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho 'openjdk version \"{java_version}\"' >&2\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("without_java")
def test_without_java_the_command_is_left_out_only_where_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = tmp_path / "ran"
    assert run(monkeypatch, "--where-possible", sys.executable, "-c", MARK, str(ran)) == 0
    assert "no java and no mvn" in capsys.readouterr().out
    assert run(monkeypatch, sys.executable, "-c", MARK, str(ran)) == 1
    assert "no java and no mvn" in capsys.readouterr().err
    assert not ran.exists()


@pytest.mark.usefixtures("with_java")
@pytest.mark.parametrize("java_version", ["21"])
def test_where_nothing_can_be_fetched_the_command_is_left_out_only_where_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable() -> None:
        raise server.Unavailable("Maven fetched nothing")

    monkeypatch.setattr("local.dynamodb_local.__main__.running", unreachable)
    assert run(monkeypatch, "--where-possible", sys.executable, "-c", MARK, str(tmp_path / "ran")) == 0
    assert run(monkeypatch, sys.executable, "-c", MARK, str(tmp_path / "ran")) == 1
    assert "Maven fetched nothing" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("with_java")
@pytest.mark.parametrize(
    ("java_version", "enough"), [("17.0.15", True), ("21", True), ("11.0.2", False), ("1.8.0", False)]
)
def test_java_must_be_new_enough(enough: bool) -> None:
    assert (server.missing() is None) == enough


def test_no_command_is_a_mistake_in_the_use(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch)


@pytest.mark.skipif(ENDPOINT_VARIABLE not in os.environ, reason="DynamoDB Local does not run")
def test_the_commands_status_is_ours_and_it_is_told_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = f"import os, sys; sys.exit(7 if os.environ['{ENDPOINT_VARIABLE}'].startswith('http://127.0.0.1:') else 1)"
    assert run(monkeypatch, sys.executable, "-c", ask) == 7
