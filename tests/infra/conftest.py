from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.application import build_app
from tests.infra.templates import Template


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `cdk synth` makes with the settings of cdk.json."""
    folder = tmp_path_factory.mktemp("cdk.out")
    build_app(output_folder=folder).synth()
    return folder


@pytest.fixture(scope="session")
def thaw(assembly: Path) -> Template:
    return Template.read(assembly, "Thaw")


@pytest.fixture(scope="session")
def state(assembly: Path) -> Template:
    return Template.read(assembly, "ThawState")


@pytest.fixture(scope="session")
def other_settings(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Thaw's template with every setting off its default."""
    settings: Mapping[str, object] = {
        "vaults": ["photos", "backup-*", "arn:aws:glacier:us-east-1:999999999999:vaults/shared"],
        "maxUnits": 2,
        "drainWithinMinutes": 30,
        "tryBeyondGuarantee": True,
        "maxConcurrency": 7,
        "logRetentionDays": 14,
        "logLevel": "DEBUG",
        "alarmEmail": "ops@example.com",
    }
    folder = tmp_path_factory.mktemp("other")
    build_app(settings, output_folder=folder).synth()
    return Template.read(folder, "Thaw")
