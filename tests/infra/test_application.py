"""What `cdk synth` makes."""

import json
import os
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs

from infra import nag
from infra.application import FUNCTIONS, ROOT, build_app
from infra.settings import SettingsError
from tests.infra.templates import Template


def code_folder(assembly: Path) -> Path:
    assets: dict[str, Any] = json.loads((assembly / "Thaw.assets.json").read_text())["files"]
    (folder,) = (file["source"]["path"] for file in assets.values() if file["source"]["packaging"] == "zip")
    return assembly / str(folder)


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def some_functions(folder: Path) -> Path:
    (folder / "thaw").mkdir(parents=True)
    (folder / "initiate.py").write_text("handler = None\n")
    (folder / "thaw" / "__init__.py").write_text("")
    return folder


def test_the_asset_is_our_code_and_nothing_else(assembly: Path) -> None:
    deployed = files(code_folder(assembly))
    assert {path for path in deployed if path.suffix} == {
        path.relative_to(FUNCTIONS) for path in FUNCTIONS.rglob("*.py")
    }
    assert not [path for path in deployed if "__pycache__" in path.parts]


def test_what_lies_about_does_not_change_the_asset(tmp_path: Path) -> None:
    functions = some_functions(tmp_path / "functions")
    build_app({}, output_folder=tmp_path / "clean", functions=functions).synth()
    for path in ("__pycache__/initiate.cpython-314.pyc", "thaw/.mypy_cache/x.json", ".DS_Store", "thaw/notes.txt"):
        (functions / path).parent.mkdir(exist_ok=True)
        (functions / path).write_text("rubbish")
    build_app({}, output_folder=tmp_path / "littered", functions=functions).synth()
    clean, littered = (code_folder(tmp_path / name) for name in ("clean", "littered"))
    assert clean.name == littered.name
    assert files(clean) == {Path("initiate.py"), Path("thaw"), Path("thaw/__init__.py")}


def test_any_account_and_region(assembly: Path) -> None:
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    for stack in ("Thaw", "ThawState"):
        assert artifacts[stack]["environment"] == "aws://unknown-account/unknown-region"


def test_the_cdks_own_check_of_the_templates_finds_nothing(assembly: Path) -> None:
    report = json.loads((assembly / "validation-report.json").read_text())
    assert report["pluginReports"] == []


def test_amazons_own_rules_are_kept(tmp_path: Path) -> None:
    app = build_app(output_folder=tmp_path)
    nag.check(app)
    app.synth()


def test_amazons_own_rules_are_kept_with_named_vaults(tmp_path: Path) -> None:
    vaults = ["photos", "backup-*", "arn:aws:glacier:us-east-1:999999999999:vaults/*"]
    app = build_app({"vaults": vaults}, output_folder=tmp_path)
    nag.check(app)
    app.synth()


def test_amazons_own_rules_would_be_missed(tmp_path: Path) -> None:
    """The check above is one that can fail."""
    app = build_app(output_folder=tmp_path)
    nag.check(app)
    stack = app.node.find_child("Thaw")
    assert isinstance(stack, cdk.Stack)
    sqs.Queue(stack, "InTheClear")
    with pytest.raises(RuntimeError, match="AwsSolutions-SQS4"):
        app.synth()


@pytest.fixture
def misspelt(tmp_path: Path) -> Path:
    """A cdk.json."""
    path = tmp_path / "cdk.json"
    path.write_text('{"context": {"taw": {"maxUnits": 2}}}')
    return path


def last_words(cdk_json: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What app.py ends with; in this process, which has loaded the CDK already."""
    monkeypatch.setattr("infra.cdk_json.PATH", cdk_json)
    monkeypatch.setattr("infra.application.build_app", partial(build_app, output_folder=tmp_path / "out"))
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
    assert isinstance(end.value.code, str), "told on stderr, with 1 as the exit code"
    return end.value.code


def test_a_wrong_setting_ends_the_synth_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cdk.json"
    path.write_text('{"context": {"thaw": {"maxUnits": 3}}}')
    assert "maxUnits: 3 is wrong; right is 0, 1 or 2" in last_words(path, tmp_path, monkeypatch)


def test_settings_under_a_misspelt_key_end_the_synth(
    misspelt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = last_words(misspelt, tmp_path, monkeypatch)
    assert 'cdk.json: "thaw" is missing under "context", but "taw" is there' in said
    assert "\n" not in said


def test_settings_of_the_command_line_make_up_for_a_misspelt_key_and_win(misspelt: Path, tmp_path: Path) -> None:
    """Both in one process, as starting one takes longest; the template that is left is that of the true cdk.json.

    Without the CDK's own check of the templates: there is one for it above.
    """
    program = f"""
import gc, pathlib, runpy
gc.disable()
from infra import cdk_json
for cdk_json.PATH in (pathlib.Path({str(misspelt)!r}), cdk_json.PATH):
    runpy.run_path("app.py", run_name="__main__")
"""
    given = {"CDK_CONTEXT_JSON": json.dumps({"thaw": '{"maxUnits": 2}'}), "CDK_OUTDIR": str(tmp_path / "out")}
    environment = {**os.environ, **given, "CDK_VALIDATION": "false"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert Template.read(tmp_path / "out", "Thaw").environment("top_up")["MAX_UNITS"] == "2"


def test_a_vault_beyond_the_region_that_is_deployed_to_ends_the_synth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(SettingsError, match="out of reach from eu-west-1"):
        build_app({"vaults": ["arn:aws:glacier:us-east-1:999999999999:vaults/shared"]}, output_folder=tmp_path)
