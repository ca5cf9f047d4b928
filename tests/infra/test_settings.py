"""Settings that make no sense are refused in words that help."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra import cdk_json
from infra.settings import VAULT_ARNS_AT_MOST_BYTES, Settings, SettingsError
from tests.infra.templates import Template


def refusal(settings: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.read(settings)
    return str(caught.value)


def test_none_at_all_buys_nothing_and_takes_every_vault_of_the_account() -> None:
    settings = Settings.read({})
    assert settings.max_units == 0
    assert settings.vaults == ("*",)
    assert settings.try_beyond_guarantee is False


def test_cdk_json_holds_the_defaults() -> None:
    assert Settings.read(cdk_json.settings_in(cdk_json.read_context())) == Settings.read({})


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
    wrong = value[0] if isinstance(value, list) and value else value
    assert f"  {setting}: {json.dumps(wrong)} is wrong; " in message
    assert right in message
    assert "Input" not in message  # pydantic would say it in its words as well


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


def vaults_of(arns_bytes: int) -> list[str]:
    """ARNs of vaults that take so many bytes as a list in JSON."""
    start = "arn:aws:glacier:us-east-1:999999999999:vaults/"
    arns = [f"{start}{number:02}" for number in range(arns_bytes // (len(start) + 6))]
    arns[-1] += "x" * (arns_bytes - len(json.dumps(arns)))
    return arns


def test_more_vaults_than_lambda_has_room_for() -> None:
    message = refusal({"vaults": vaults_of(VAULT_ARNS_AT_MOST_BYTES + 1)})
    assert "4 KB for a function's environment" in message
    assert "wildcards" in message


def test_as_many_vaults_as_may_be_fit_into_the_environment_that_lambda_has(thaw: Template) -> None:
    assert Settings.read({"vaults": vaults_of(VAULT_ARNS_AT_MOST_BYTES)})
    others = dict(thaw.function("initiate")["Environment"]["Variables"])
    del others["VAULTS"]
    # Of what is only known when it is deployed, the queue's address is the longest, with names of up to 80 characters.
    lengths = [len(name) + (len(value) if isinstance(value, str) else 160) for name, value in others.items()]
    assert sum(lengths) + len("VAULTS") + VAULT_ARNS_AT_MOST_BYTES <= 4096


def test_names_of_own_vaults_count_as_their_arns() -> None:
    Settings.read({"vaults": [f"vault-{number}" for number in range(40)]})
    assert "these 50 are too many" in refusal({"vaults": [f"vault-{number}" for number in range(50)]})


def test_a_vault_of_another_region_is_refused_where_the_region_is_known() -> None:
    given = {"vaults": ["photos", "arn:aws:glacier:eu-west-1:999999999999:vaults/shared"]}
    assert Settings.read(given, region="eu-west-1") == Settings.read(given)
    with pytest.raises(SettingsError, match=r"vaults/shared is out of reach from us-east-1.*AWS_REGION=eu-west-1"):
        Settings.read(given, region="us-east-1")


@pytest.mark.parametrize(
    ("content", "right"),
    [
        (None, "cdk.json can't be read: No such file or directory"),
        ('{"context": ', "cdk.json is not JSON: Expecting value: line 1"),
        ("[]", '"context" is missing'),
        ("{}", '"context" is missing'),
        ('{"context": []}', '"context" is missing'),
        ('{"context": {"thaw": "maxUnits"}}', '"thaw" must be an object'),
        ('{"context": {}}', '"thaw" is missing under "context"; it must be'),
        ('{"context": {"Thaw": {}}}', '"thaw" is missing under "context", but "Thaw" is there; it must be'),
    ],
)
def test_a_cdk_json_without_settings(tmp_path: Path, content: str | None, right: str) -> None:
    path = tmp_path / "cdk.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        cdk_json.settings_in(cdk_json.read_context(path))
    assert right in str(caught.value)
    assert "\n" not in str(caught.value)
