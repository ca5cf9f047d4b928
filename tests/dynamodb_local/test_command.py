"""`python -m local.dynamodb_local`, where Java and Maven are, where they are not, and where they do not work."""

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
    """A Java of this version that runs nothing, and a Maven that fetches an empty folder."""
    write_program(tmp_path / "java", f"echo 'openjdk version \"{java_version}\"' >&2")
    write_program(tmp_path / "mvn", 'for folder; do :; done; mkdir "${folder#-DoutputDirectory=}"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(server, "_CACHE", tmp_path / "cache")


def write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


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
@pytest.mark.parametrize(
    "said",
    [
        "Could not transfer artifact some:pom:1 from/to central (https://some): Unknown host some",
        "Cannot access central (https://some) in offline mode and the artifact some:jar:1 has not been downloaded",
    ],
)
def test_where_mavens_repository_is_out_of_reach_the_command_is_left_out_only_where_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], said: str
) -> None:
    write_program(tmp_path / "mvn", f"echo '{said}'; exit 1")
    assert run(monkeypatch, "--where-possible", sys.executable, "-c", MARK, str(tmp_path / "ran")) == 0
    assert said in capfd.readouterr().out
    assert run(monkeypatch, sys.executable, "-c", MARK, str(tmp_path / "ran")) == 1
    assert said in capfd.readouterr().err
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("with_java")
@pytest.mark.parametrize("java_version", ["21"])
@pytest.mark.parametrize(
    ("program", "script", "told"),
    [
        ("java", "test $1 = -version || { echo no such class; exit 1; }", "did not start; it said:\nno such class"),
        ("java", "echo Unrecognized option >&2; exit 1", "did not start; it said:\nUnrecognized option"),
        ("mvn", "echo Could not find artifact some:jar:1; exit 1", "Could not find artifact some:jar:1"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--where-possible"]])
def test_what_is_there_and_does_not_work_is_a_failure_whatever_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    program: str,
    script: str,
    told: str,
    options: list[str],
) -> None:
    write_program(tmp_path / program, script)
    assert run(monkeypatch, *options, sys.executable, "-c", MARK, str(tmp_path / "ran")) == 1
    assert told in capfd.readouterr().err
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
