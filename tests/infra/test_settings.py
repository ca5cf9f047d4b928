"""Settings that make no sense are refused in words that help."""

import json
from typing import Any

import pytest

from infra.application import ROOT
from infra.settings import Settings, SettingsError


def refusal(settings: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.read(settings)
    return str(caught.value)


def test_none_at_all_buys_nothing_and_takes_every_vault_of_the_account() -> None:
    settings = Settings.read(None)
    assert settings.max_units == 0
    assert settings.vaults == ("*",)
    assert settings.try_beyond_guarantee is False


def test_cdk_json_holds_the_defaults() -> None:
    given = json.loads((ROOT / "cdk.json").read_text())["context"]["thaw"]
    assert Settings.read(given) == Settings.read(None)


def test_json_text_as_from_the_command_line() -> None:
    assert Settings.read('{"maxUnits": 2}').max_units == 2


@pytest.mark.parametrize(
    ("setting", "value", "right"),
    [
        ("maxUnits", 3, "0, 1 or 2"),
        ("maxUnits", -1, "0, 1 or 2"),
        ("maxUnits", "1", "0, 1 or 2"),
        ("maxUnits", True, "0, 1 or 2"),
        ("maxUnits", 0.5, "0, 1 or 2"),
        ("drainWithinMinutes", 4, "from 5 to 10080"),
        ("drainWithinMinutes", None, "from 5 to 10080"),
        ("tryBeyondGuarantee", "yes", "true or false"),
        ("maxConcurrency", 1, "from 2 to 1000"),
        ("maxConcurrency", 1001, "from 2 to 1000"),
        ("logRetentionDays", 31, "1, 3, 5, 7, 14, 30"),
        ("logLevel", "debug", "DEBUG, INFO, WARNING or ERROR"),
        ("alarmEmail", "ops", "an e-mail address"),
        ("vaults", [], "a list, not empty"),
        ("vaults", "photos", "a list, not empty"),
        ("vaults", ["my vault"], "names of this account's vaults or ARNs"),
        ("vaults", ["arn:aws:glacier:us-east-1:12345:vaults/photos"], "ARNs of any account's"),
        ("vaults", ["arn:aws:glacier:us-east-1:*:vaults/photos"], "ARNs of any account's"),
        ("vaults", ["arn:aws:s3:us-east-1:123456789012:vaults/photos"], "ARNs of any account's"),
    ],
)
def test_what_is_wrong_and_what_would_be_right(setting: str, value: object, right: str) -> None:
    message = refusal({setting: value})
    assert 'cdk.json, under "thaw"' in message
    assert f"  {setting}: " in message
    assert right in message


def test_a_misspelt_setting() -> None:
    assert "maxUnit: there is no such setting; did you mean maxUnits?" in refusal({"maxUnit": 1})


def test_an_unknown_setting() -> None:
    assert "there is no such setting; the settings are vaults, maxUnits" in refusal({"colour": "blue"})


def test_everything_that_is_wrong_at_once() -> None:
    message = refusal({"maxUnits": 9, "logLevel": "LOUD", "colour": "blue"})
    assert [name in message for name in ("maxUnits", "logLevel", "colour")] == [True, True, True]


@pytest.mark.parametrize("settings", ["not JSON", "[]", '"text"'])
def test_no_settings_at_all(settings: str) -> None:
    assert 'cdk.json, under "thaw"' in refusal(settings)


def test_the_accounts_of_vaults_named_by_arn() -> None:
    arns = [f"arn:aws:glacier:us-east-1:{account}:vaults/v" for account in ("222222222222", "111111111111") * 2]
    assert Settings.read({"vaults": ["own", *arns]}).other_accounts() == ["111111111111", "222222222222"]
