"""Synthesizes the app, in a process of its own: the CDK's Node ends with it."""

import json
import sys
from pathlib import Path

from infra.application import build_app
from infra.settings import SettingsError


def main() -> None:
    """Reads pairs from stdin, as JSON: the folder to synthesize into, and the settings as under "thaw" in cdk.json."""
    try:
        for folder, settings in json.load(sys.stdin):
            build_app(settings, output_folder=Path(folder)).synth()
    except SettingsError as error:
        sys.exit(str(error))
