"""`thaw inventory`: one file, whatever the pages."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cli import fetching, listing, waiting
from cli.commands import inventory
from cli.errors import Exit
from cli.standing import clock_time
from infra.application import FUNCTIONS, ROOT
from local.cloud import Cloud
from local.glacier.settings import Settings
from tests.cli.asking import end_jobs_at_rest, send, wait_for
from tests.cli.conftest import User
from tests.cli.gap import Gap
from thaw.byte_range import MIB


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(listing, "SHORTEST_PAUSE_SECONDS", 0.05)
    return tmp_path


@pytest.fixture
def endless(user: User) -> Iterator[None]:
    """Inventories don't end by themselves."""
    user.served.do(_inventories_take, 360_000)
    yield
    user.served.do(_inventories_take, 1)


def _inventories_take(cloud: Cloud, times_as_long: int) -> None:
    usual_seconds = Settings().durations_seconds["Inventory"]
    longer_seconds = (usual_seconds[0] * times_as_long, usual_seconds[1] * times_as_long)
    cloud.glacier.settings.durations_seconds["Inventory"] = longer_seconds


def _inventory_jobs(cloud: Cloud, vault: str) -> int:
    return sum(job.vault_name == vault and job.archive_id is None for job in cloud.glacier.ledger.jobs)


def test_pages_become_one_file(user: User, folder: Path) -> None:
    ids = user.archives("my-paged", *[MIB] * 5)
    [told] = user.asked("inventory", "my-paged", "--page-size", "2")
    assert (told["file"], told["archives"], told["pages"]) == ("my-paged.json", 5, 3)
    written = json.loads((folder / "my-paged.json").read_text())
    assert list(written) == ["VaultARN", "InventoryDate", "ArchiveList"]
    assert written["VaultARN"] == "arn:aws:glacier:us-east-1:123456789012:vaults/my-paged"
    assert written["InventoryDate"] == told["inventoryDate"]
    assert [archive["ArchiveId"] for archive in written["ArchiveList"]] == ids
    assert all(archive["Size"] == MIB for archive in written["ArchiveList"])
    assert [file.name for file in folder.iterdir()] == ["my-paged.json"]
    assert user.asked("submit", "my-paged.json", "--dry-run")[4]["jobParameters"]["ArchiveId"] == ids[4]


def test_the_same_day_it_is_asked_for_once(user: User, folder: Path) -> None:
    user.archives("my-daily", MIB)
    first = user.thaw("inventory", "my-daily")
    assert "my-daily.json: 1 archive as of 20" in first.stdout
    assert user.thaw("inventory", "my-daily").exit_code == Exit.BAD_INPUT
    again = user.thaw("inventory", "my-daily", "again.json")
    assert "was asked for before; waiting for it" in again.stderr
    assert (folder / "again.json").read_bytes() == (folder / "my-daily.json").read_bytes()
    assert user.served.do(_inventory_jobs, "my-daily") == 1


def test_broken_off_it_is_carried_on(user: User, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = user.archives("my-broken", *[MIB] * 3)
    fetch, fetched = fetching.fetch, []

    def fetch_until(client: Any, output: Any, target: Path, told: Any) -> Any:
        fetched.append(target.name)
        if len(fetched) == 2:
            raise KeyboardInterrupt
        return fetch(client, output, target, told)

    monkeypatch.setattr(fetching, "fetch", fetch_until)
    result = user.thaw("inventory", "my-broken", "--page-size", "1", "--request-id", "listed")
    assert result.exit_code == Exit.INTERRUPTED
    assert "The same command with --request-id listed carries on" in result.stderr
    [told] = user.asked("inventory", "my-broken", "my-broken.json", "--request-id", "listed")
    assert told["pages"] == 3
    written = json.loads((folder / "my-broken.json").read_text())
    assert [archive["ArchiveId"] for archive in written["ArchiveList"]] == ids
    assert [name.removeprefix("my-broken.json.")[0] for name in fetched] == ["1", "2", "2", "3"]


@pytest.mark.usefixtures("endless")
def test_ctrl_c_ends_the_process_as_scripts_expect(user: User, folder: Path) -> None:
    user.archives("my-process", MIB)
    command = [sys.executable, "-m", "cli", "inventory", "my-process", "--endpoint-url", user.served.url]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{FUNCTIONS}"}
    # Where this process was begun in the background, it ignores Ctrl-C, and so would those that it begins.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        signal.signal(signal.SIGINT, before)
        try:
            assert process.stderr is not None
            assert "waiting." in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "carries on, also on a later day." in told
    assert process.returncode == Exit.INTERRUPTED
    assert list(folder.iterdir()) == []


def test_the_dates_go_to_glacier(user: User) -> None:
    user.archives("my-dated", MIB)
    [told] = user.asked("inventory", "my-dated", "none.json", "--created-before", "2020-01-01")
    assert told["archives"] == 0
    assert json.loads(Path("none.json").read_text())["ArchiveList"] == []
    assert user.asked("inventory", "my-dated", "one.json", "--created-after", "2020-01-01")[0]["archives"] == 1


def test_a_vault_that_is_not_there_is_told(user: User) -> None:
    result = user.thaw("inventory", "my-nowhere")
    assert result.exit_code == Exit.BAD_NEWS
    assert "Page 1 failed: ResourceNotFoundException" in result.stderr


@pytest.mark.usefixtures("endless")
def test_a_gap_in_the_network_is_outlasted(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.archives("my-gap", MIB)
    network = Gap(monkeypatch, after=2, times=3)
    end_jobs_at_rest(lambda: network.times == 0, user, "my-gap", monkeypatch)
    result = user.thaw("inventory", "my-gap")
    assert (result.exit_code, network.times) == (Exit.DONE, 0), result.stderr
    assert result.stderr.count(f"{network.error} Trying again for 30 minutes.\n") == 1


@pytest.mark.usefixtures("endless")
def test_it_says_when_it_has_usually_ended(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.archives("my-slow", MIB)
    said, rests = [], count()

    def noted(at_ms: int) -> str:
        said.append(clock_time(at_ms))
        return said[-1]

    monkeypatch.setattr("cli.listing.clock_time", noted)
    end_jobs_at_rest(lambda: bool(said) and next(rests) == 2, user, "my-slow", monkeypatch)
    result = user.thaw("inventory", "my-slow")
    assert result.stderr.count("Page 1 is in progress, usually ended by ") == 1, result.stderr


def test_what_is_a_dead_letter_is_not_waited_for(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "NEVER_CAME_SECONDS", 0.3)
    monkeypatch.setattr(inventory, "send_batch", lambda *_: ["of a message that is on no queue any more"])
    result = user.thaw("inventory", "my-vault", "--request-id", "dead")
    assert result.exit_code == Exit.BAD_NEWS
    assert "Nothing came of dead, and the queue is empty.\nIts message was rejected" in result.stderr


def test_a_rejection_is_told(user: User) -> None:
    result = user.thaw("inventory", "theirs", "--account-id", "210987654321")
    assert result.exit_code == Exit.BAD_NEWS
    assert "Thaw rejected the request: " in result.stderr
    assert "accountId: vault theirs of account 210987654321 is not in the setting" in result.stderr


def test_what_was_taken_back_is_told(user: User) -> None:
    send(user, {"cancel": "taken"})
    wait_for(user, "taken", "cancelled")
    result = user.thaw("inventory", "my-vault", "--request-id", "taken")
    assert (result.exit_code, "taken was cancelled." in result.stderr) == (Exit.BAD_NEWS, True)


def test_an_archives_request_is_no_inventory(user: User) -> None:
    (archive_id,) = user.archives("my-other", MIB)
    user.asked("submit", "--archive", archive_id, "--vault", "my-other", "--request-id", "archive-1")
    wait_for(user, "archive-1", "succeeded")
    result = user.thaw("inventory", "my-other", "--request-id", "archive-1")
    assert (result.exit_code, "archive-1 is the request of an archive." in result.stderr) == (Exit.BAD_INPUT, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("photos", "--created-after", "2020-01-01", "--created-before", "2019-01-01"), "must be after StartDate"),
        (("photos", "--request-id", "a b"), "requestId: must be 1 to 128 printable ASCII characters"),
        (("a b",), "'a b' is wrong"),
        (("photos", "no/such/folder.json"), "no/such/folder.json can't be written: no/such is no folder"),
    ],
)
def test_wrong_options_are_told(user: User, arguments: tuple[str, ...], said: str) -> None:
    result = user.thaw("inventory", *arguments)
    assert (result.exit_code, said in " ".join(result.stderr.split())) == (Exit.BAD_INPUT, True), result.stderr
