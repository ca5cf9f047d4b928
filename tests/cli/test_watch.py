"""`thaw status`, `watch` and `cancel`: how requests stand, until they have ended or are taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import cancelling, waiting, watching
from cli.commands import watch
from cli.errors import Exit
from cli.standing import Standing
from local.cloud import Cloud
from tests.cli.asking import archive_request, end_jobs_at_rest, send, until, wait_for
from tests.cli.conftest import User
from tests.cli.gap import Gap

SPEED = 1
"""No job ends by itself: a test that is to see the end of one brings it about, when it has seen that it runs."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SHORTEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(watching, "LONGEST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(waiting, "NEVER_CAME_SECONDS", 0.2)


def end_jobs_when(ready: Callable[[str], bool], user: User, vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While `thaw watch` rests, the jobs of a vault end: once `ready`, which has the line that was told last."""
    told, tell = [""], watch._line

    def line(board: watching.Board) -> str:
        told.append(tell(board))
        return told[-1]

    monkeypatch.setattr(watch, "_line", line)
    end_jobs_at_rest(lambda: ready(told[-1]), user, vault, monkeypatch)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_one_request_is_told_whole(user: User) -> None:
    (archive_id,) = user.archives("one", 100)
    unknown = user.thaw("status", "one", "--json")
    assert (unknown.exit_code, lines(unknown.stdout)) == (Exit.BAD_NEWS, [{"requestId": "one", "state": "unknown"}])
    send(user, archive_request("one", "one", archive_id, Tier="Bulk"))
    wait_for(user, "one", "in_progress")
    (told,) = user.asked("status", "one")
    assert {name: told[name] for name in ("state", "vaultName", "archiveId", "tier", "attempt")} == {
        "state": "in_progress",
        "vaultName": "one",
        "archiveId": archive_id,
        "tier": "Bulk",
        "attempt": 1,
    }
    shown = user.thaw("status", "one").stdout
    assert all(part in shown for part in (told["jobId"], told["usuallyEndsBy"], "in_progress"))
    hint = user.thaw("status", "two")
    assert "rejected" in hint.stderr


def test_all_that_is_open_is_counted_by_state_tier_and_vault(user: User) -> None:
    ids = user.archives("open-1", *[100] * 3)
    (other,) = user.archives("open-2", 100)
    messages = [archive_request(f"open-{number}", "open-1", each, Tier="Bulk") for number, each in enumerate(ids)]
    shared = archive_request("open-shared", "open-1", ids[0], Tier="Bulk")
    send(user, *messages, shared, archive_request("open-other", "open-2", other))
    for each in ("open-0", "open-1", "open-2", "open-shared", "open-other"):
        wait_for(user, each, "in_progress")
    groups = [group for group in user.asked("status") if group["vaultName"] in ("open-1", "open-2")]
    counted = {(group["state"], group["tier"], group["vaultName"]): group["requests"] for group in groups}
    assert counted == {("in_progress", "Bulk", "open-1"): 4, ("in_progress", "Standard", "open-2"): 1}
    listed = [each["requestId"] for each in user.asked("status", "--each") if each["vaultName"] == "open-1"]
    assert sorted(listed) == ["open-0", "open-1", "open-2", "open-shared"]
    assert "open-shared" in user.thaw("status", "--each").stdout


def test_a_file_is_watched_until_its_requests_have_ended(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = user.archives("watched", *[100] * 3)
    path = tmp_path / "requests.csv"
    path.write_text("archiveId,tier\n" + "".join(f"{each},Standard\n" for each in [*good, "x" * 138]))
    batch = ("--file", str(path), "--vault", "watched", "--batch", "w")
    user.asked("submit", *batch[1:])
    end_jobs_when(lambda told: "3 in progress" in told, user, "watched", monkeypatch)
    result = user.thaw("watch", *batch)
    assert result.exit_code == Exit.BAD_NEWS
    assert "1 of 4 have ended, 1 of them not well; 3 in progress, usually ended by " in result.stdout
    assert "4 of 4 have ended, 1 of them not well\n" in result.stdout
    assert "ResourceNotFoundException" in result.stdout

    again = user.thaw("watch", *batch, "--json")
    assert again.exit_code == Exit.BAD_NEWS
    ended = lines(again.stdout)
    assert sorted(each["state"] for each in ended) == ["failed", "succeeded", "succeeded", "succeeded"]
    status = user.thaw("status", *batch, "--json")
    counted = {group["state"]: group["requests"] for group in lines(status.stdout)}
    assert (status.exit_code, counted) == (Exit.BAD_NEWS, {"succeeded": 3, "failed": 1})
    one = next(each["requestId"] for each in ended if each["state"] == "succeeded")
    assert user.thaw("watch", one).exit_code == Exit.DONE
    assert user.thaw("status", *batch, "--each").stdout.count("output until") == 3


def test_on_a_terminal_a_watch_is_a_picture(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    (archive_id,) = user.archives("seen", 100)
    send(user, archive_request("seen", "seen", archive_id))
    wait_for(user, "seen", "in_progress")
    end_jobs_when(lambda told: "1 in progress" in told, user, "seen", monkeypatch)
    drawn = user.thaw("watch", "seen").stdout
    assert "\x1b[" in drawn
    assert "0 of 1 have ended; 1 in progress, usually ended by" in drawn
    assert "1 of 1 have ended" in drawn


def test_what_was_never_taken_in_ends_the_watch(user: User) -> None:
    send(user, archive_request("no-vault", "no vault!", "abc"))
    result = user.thaw("watch", "no-vault", "never-sent")
    assert result.exit_code == Exit.BAD_NEWS
    assert "2 were never taken in, and the queue is empty" in result.stderr


def test_a_watch_that_is_broken_off_says_how_things_stand(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    (archive_id,) = user.archives("endless", 100)
    send(user, archive_request("endless", "endless", archive_id, Tier="Bulk"))
    wait_for(user, "endless", "in_progress")

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("time.sleep", interrupted)
        result = user.thaw("watch", "endless")
    assert (result.exit_code, "0 of 1 have ended; the others go on." in result.stderr) == (Exit.INTERRUPTED, True)


def test_a_watch_outlasts_a_gap_in_the_network(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    (archive_id,) = user.archives("gap", 100)
    send(user, archive_request("gap", "gap", archive_id))
    wait_for(user, "gap", "in_progress")
    network = Gap(monkeypatch, after=2, times=3)
    end_jobs_when(lambda _: network.times == 0, user, "gap", monkeypatch)
    outlasted = user.thaw("watch", "gap")
    assert (outlasted.exit_code, network.times) == (Exit.DONE, 0), outlasted.stderr
    assert outlasted.stderr == f"{network.error} Trying again for 30 minutes.\n"
    monkeypatch.setattr(waiting, "NO_ANSWER_SECONDS", 0.05)
    Gap(monkeypatch, after=0, times=100)
    given_up = user.thaw("watch", "gap")
    assert (given_up.exit_code, f"thaw: {network.error}\n" in given_up.stderr) == (Exit.AWS, True)


def test_on_a_terminal_a_gap_is_told_above_the_picture(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    (archive_id,) = user.archives("gap-seen", 100)
    send(user, archive_request("gap-seen", "gap-seen", archive_id))
    wait_for(user, "gap-seen", "in_progress")
    network = Gap(monkeypatch, after=2, times=1)
    end_jobs_when(lambda _: network.times == 0, user, "gap-seen", monkeypatch)
    result = user.thaw("watch", "gap-seen")
    told = next(line for line in result.stdout.splitlines() if "Trying again" in line)
    assert (result.exit_code, result.stderr) == (Exit.DONE, "")
    assert str(network.error) in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told)


def test_an_earlier_generation_still_tells_of_its_requests(user: User) -> None:
    send(user, archive_request("before", "nowhere", "twice"))
    wait_for(user, "before", "failed")
    send(user, archive_request("after", "nowhere", "twice"))
    wait_for(user, "after", "failed")
    told = lines(user.thaw("status", "before", "after", "--json").stdout)
    assert [each["retrievalId"][-2:] for each in told] == ["-1", "-2"]


def test_a_request_that_waits_is_taken_back_and_one_that_has_started_is_not(user: User) -> None:
    waiting, running = user.archives("back", 100, 100)
    user.served.do(_throttle, waiting)
    send(user, archive_request("waiting", "back", waiting), archive_request("running", "back", running, Tier="Bulk"))
    wait_for(user, "waiting", "waiting")
    wait_for(user, "running", "in_progress")
    result = user.thaw("cancel", "waiting", "running", "nobody", "--json")
    assert result.exit_code == Exit.BAD_NEWS
    told = {each["requestId"]: (each["cancelled"], each.get("code")) for each in lines(result.stdout)}
    assert told == {"waiting": (True, None), "running": (False, "AlreadyStarted"), "nobody": (True, "NotKnown")}
    shown = user.thaw("cancel", "running")
    assert (shown.exit_code, "Glacier can't stop it" in shown.stdout) == (Exit.BAD_NEWS, True)
    assert user.thaw("cancel", "waiting").exit_code == Exit.DONE  # once more
    (told_now,) = lines(user.thaw("status", "waiting", "--json").stdout)
    assert told_now["state"] == "cancelled"
    until(lambda: user.thaw("watch", "waiting").exit_code == Exit.BAD_NEWS)


def _throttle(cloud: Cloud, archive_id: str) -> None:
    cloud.glacier.faults.fail(
        "InitiateJob",
        "ThrottlingException",
        times=5,
        when=lambda given: given["jobParameters"]["ArchiveId"] == archive_id,
    )


def test_many_answers_are_waited_for_longer_and_looked_for_no_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [cancelling.usual_wait_seconds(count) for count in (1, 40_000)] == [120.1, 4120]
    seen: list[str] = []
    slept: list[tuple[int, float]] = []

    class Table:
        def rejections(self, message_ids: Iterable[str]) -> dict[str, Any]:
            return {}

        def standings(self, request_ids: Iterable[str]) -> Iterator[Standing]:
            for each in request_ids:
                seen.append(each)
                yield Standing(each, "cancelled")

    monkeypatch.setattr("time.monotonic", lambda: sum(seconds for _, seconds in slept))
    monkeypatch.setattr("time.sleep", lambda seconds: slept.append((len(seen), seconds)))
    sent = {str(number): f"message-{number}" for number in range(1000)}
    found = cancelling.answers(Table(), sent, 120, lambda count: None)  # type: ignore[arg-type]  # all that is called
    assert len(found) == 1000
    assert sum(seconds for _, seconds in slept) == pytest.approx(2, abs=0.2)
    assert slept[0][0] < 100


def test_a_file_is_taken_back_only_after_asking(user: User, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(json.dumps(archive_request("asked-1", "nowhere", "abc")) + "\n")
    refused = user.thaw("cancel", "--file", str(path), given="n\n")
    assert (refused.exit_code, "Take 1 request back?" in refused.stderr) == (Exit.BAD_NEWS, True)
    nobody = user.thaw("cancel", "--file", str(path), given="")
    assert (nobody.exit_code, "say --yes" in nobody.stderr) == (Exit.INTERRUPTED, True)
    assert user.thaw("status", "asked-1").exit_code == Exit.BAD_NEWS
    assert user.thaw("cancel", "--file", str(path), given="y\n").exit_code == Exit.DONE


@pytest.mark.parametrize("name", ["watch", "cancel"])
def test_nothing_chosen_is_told(user: User, name: str) -> None:
    nothing = user.thaw(name)
    assert (nothing.exit_code, "Name requests, or the file" in nothing.stderr) == (Exit.BAD_INPUT, True)
    stray = user.thaw(name, "request", "--larger", "1GB")
    assert (stray.exit_code, "need a file to choose from" in stray.stderr) == (Exit.BAD_INPUT, True)
