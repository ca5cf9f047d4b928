"""cdk.json, where the settings stand in the context."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.settings import SettingsError

PATH = Path(__file__).parent.parent / "cdk.json"
SETTINGS = "thaw"
"""The key of the settings in the context."""


def read_context(path: Path | None = None) -> dict[str, Any]:
    """The context in cdk.json, or in the file at `path`. Raises SettingsError where there is none to be read."""
    try:
        content = json.loads((path or PATH).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cdk.json can't be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"cdk.json is not JSON: {error}") from None
    context = content.get("context") if isinstance(content, dict) else None
    if not isinstance(context, dict):
        raise SettingsError('cdk.json: "context" is missing; it must be an object that holds the settings under "thaw"')
    if not isinstance(context.get(SETTINGS, {}), dict):
        raise SettingsError(f'cdk.json: "{SETTINGS}" must be an object with the settings; {{}} takes the defaults')
    return context


def settings_in(context: Mapping[str, Any]) -> Any:
    """The settings in the context, not checked yet.

    Raises SettingsError where there are none: whoever misspelt the key would get the defaults without a word.
    """
    if SETTINGS in context:
        return context[SETTINGS]
    near = difflib.get_close_matches(SETTINGS, [key for key in context if not key.startswith("@")], n=1, cutoff=0.5)
    found = f', but "{near[0]}" is there' if near else ""
    raise SettingsError(
        f'cdk.json: "{SETTINGS}" is missing under "context"{found}; '
        "it must be an object with the settings; {} takes the defaults"
    )
