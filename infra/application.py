"""The two stacks as one app."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from infra import cdk_json, nag
from infra.settings import Settings
from infra.state_stack import StateStack
from infra.thaw_stack import ThawStack

ROOT = Path(__file__).parent.parent
FUNCTIONS = ROOT / "functions"


def build_app(
    settings: Mapping[str, Any] | None = None,
    *,
    output_folder: Path | None = None,
    functions: Path = FUNCTIONS,
) -> cdk.App:
    """The app, still to be synthesized with `.synth()`.

    settings: as under "thaw" in cdk.json; None takes those of cdk.json, or of the CDK's `--context`.
    output_folder: of the cloud assembly; None leaves it to the CDK ($CDK_OUTDIR, or a new temporary folder).
    functions: the folder that is deployed as every function's code.

    Raises SettingsError.
    """
    # Run without the CDK's command line, an app does not see cdk.json. What the command line gives wins.
    context = cdk_json.read_context()
    app = cdk.App(
        context=context,
        outdir=None if output_folder is None else str(output_folder),
        analytics_reporting=False,  # the same template whether or not the command line makes it
    )
    if settings is None:
        given = app.node.try_get_context(cdk_json.SETTINGS)
        settings = given if given is not None else cdk_json.settings_in(context)
    checked = Settings.read(settings, region=os.environ.get("CDK_DEFAULT_REGION"))
    state = StateStack(app, "ThawState")
    ThawStack(app, "Thaw", state=state, settings=checked, functions=functions)
    if app.node.try_get_context("nag") == "true":  # as the command line hands on `-c nag=true`
        nag.check(app)
    return app
