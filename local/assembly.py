"""The cloud assembly that CDK synthesizes: templates and assets. Made once for each state of code and settings."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import cdk_json
from infra.settings import SettingsError

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "assemblies"
_SOURCES = ("cdk.json", "constraints.txt", "requirements.txt", "infra", "functions")
_KEPT_ASSEMBLIES = 30
_PROGRAM = "import gc; gc.disable(); from local import synthesis; synthesis.main()"
"""Of what it loads nothing is rubbish, and to look for it takes a quarter of the time."""


class SynthesisError(Exception):
    """The app could not be synthesized; the message is what it said."""


@dataclass(frozen=True)
class Stack:
    name: str
    template: Mapping[str, Any]


@dataclass(frozen=True)
class Asset:
    """A folder or file that a template refers to by where `cdk deploy` would have uploaded it."""

    path: Path
    bucket: str
    key: str


@dataclass(frozen=True)
class Assembly:
    stacks: tuple[Stack, ...]
    """In the order in which they must be deployed."""
    assets: tuple[Asset, ...]

    @classmethod
    def read(cls, folder: Path, account_id: str, region: str) -> Assembly:
        """Reads a cdk.out folder. Assets' buckets get the account and the region that they are deployed to."""
        artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
        stacks = {name: a for name, a in artifacts.items() if a["type"] == "aws:cloudformation:stack"}
        return cls(
            tuple(_stack(folder, name, stacks[name]) for name in _in_order(stacks)),
            tuple(_assets(folder, artifacts, account_id, region)),
        )


def synthesize(settings: Mapping[str, Any] | None = None) -> Path:
    """Synthesizes the app, unless that was done before with the same files, and returns the cdk.out folder.

    `settings` override those in cdk.json. Raises SynthesisError.
    """
    (folder,) = synthesize_each([settings])
    return folder


def synthesize_each(many: Sequence[Mapping[str, Any] | None]) -> list[Path]:
    """The same with one settings after the other, in one process: to load the CDK is what takes longest."""
    try:
        given = cdk_json.settings_in(cdk_json.read_context())
    except SettingsError as error:
        raise SynthesisError(str(error)) from None
    all_settings = [{**given, **(settings or {})} for settings in many]
    sources = _digest_of_sources()
    folders = [CACHE / _name(sources, settings) for settings in all_settings]
    wanted = dict(zip(folders, all_settings, strict=True))
    if _missing(wanted):
        with _alone():
            _make(_missing(wanted))
    for folder in folders:
        os.utime(folder)
    return folders


def _missing(wanted: Mapping[Path, Any]) -> dict[Path, Any]:
    return {folder: settings for folder, settings in wanted.items() if not (folder / "manifest.json").exists()}


@contextmanager
def _alone() -> Iterator[None]:
    """What another process makes just now is waited for."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n")
    with (CACHE / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
        yield


def _make(missing: Mapping[Path, Any]) -> None:
    _forget_old()
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="new-") as scratch:
        made = {folder: Path(scratch) / folder.name for folder in missing}
        orders = [(str(made[folder]), settings) for folder, settings in missing.items()]
        # The vaults in the settings may be of the region that is deployed to one day, which is none of ours.
        inherited = {name: value for name, value in os.environ.items() if name != "CDK_DEFAULT_REGION"}
        environment = {
            **inherited,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),  # the venv's node
            "PYTHONDONTWRITEBYTECODE": "1",
            "CDK_VALIDATION": "false",  # takes as long as all the rest; `make synth` has the same templates validated
        }
        command, given = [sys.executable, "-c", _PROGRAM], json.dumps(orders)
        done = subprocess.run(
            command, cwd=ROOT, env=environment, input=given, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SynthesisError(done.stderr.strip() or done.stdout.strip())
        for folder, new in made.items():
            new.rename(folder)


def _forget_old() -> None:
    folders = sorted(CACHE.glob("[0-9a-f]*"), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-_KEPT_ASSEMBLIES]:
        shutil.rmtree(folder, ignore_errors=True)


def _digest_of_sources() -> bytes:
    digest = hashlib.sha256()
    for path in _source_files():
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.digest()


def _name(sources: bytes, settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(sources + json.dumps(settings, sort_keys=True).encode()).hexdigest()[:20]


def _source_files() -> Iterator[Path]:
    for name in _SOURCES:
        source = ROOT / name
        if source.is_file():
            yield source
        yield from (path for path in sorted(source.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


def _in_order(stacks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    ordered: list[str] = []

    def visit(name: str) -> None:
        for other in stacks[name].get("dependencies", []):
            if other in stacks and other not in ordered:
                visit(other)
        if name not in ordered:
            ordered.append(name)

    for name in stacks:
        visit(name)
    return ordered


def _stack(folder: Path, artifact_id: str, artifact: Mapping[str, Any]) -> Stack:
    properties = artifact["properties"]
    template = json.loads((folder / properties["templateFile"]).read_text())
    return Stack(properties.get("stackName", artifact_id), template)


def _assets(folder: Path, artifacts: Mapping[str, Any], account_id: str, region: str) -> Iterator[Asset]:
    for artifact in artifacts.values():
        if artifact["type"] != "cdk:asset-manifest":
            continue
        manifest = json.loads((folder / artifact["properties"]["file"]).read_text())
        for file in manifest["files"].values():
            for destination in file["destinations"].values():
                bucket = destination["bucketName"]
                for name, value in (("AccountId", account_id), ("Region", region), ("Partition", "aws")):
                    bucket = bucket.replace(f"${{AWS::{name}}}", value)
                yield Asset(folder / file["source"]["path"], bucket, destination["objectKey"])
