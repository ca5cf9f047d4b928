"""`thaw submit`: what reaches Glacier, and what never does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import sending
from cli.errors import Exit
from local.cloud import Cloud
from tests.cli.asking import send, until, wait_for
from tests.cli.conftest import User
from tests.cli.inventories import write_inventory
from thaw.byte_range import MIB
from thaw.request import parse

REPLY = Any


def inventory_of(folder: Path, vault: str, *archive_ids: str) -> str:
    """The inventory of these archives, each of a MiB; its path."""
    listed = [{"ArchiveId": archive_id, "Size": MIB} for archive_id in archive_ids]
    return write_inventory(folder / "inventory.json", vault, *listed)


def _jobs(cloud: Cloud, vault: str) -> list[tuple[str, str]]:
    return [(job.archive_id or "", job.tier) for job in cloud.glacier.ledger.jobs if job.vault_name == vault]


def jobs(user: User, vault: str, count: int) -> list[tuple[str, str]]:
    """The archive and the tier of each job of a vault, once no message is left and there are so many."""

    def look() -> list[tuple[str, str]] | None:
        found = user.served.do(_jobs, vault)
        return found if len(found) >= count and queue_is_empty(user) else None

    return until(look)


def queue_is_empty(user: User) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = user.output("RequestQueueUrl")
    found = user.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return {found[name] for name in names} == {"0"}


def test_an_inventory_is_asked_for_once_however_often_it_is_submitted(user: User, tmp_path: Path) -> None:
    ids = user.archives("twice", *[MIB] * 25)
    path = inventory_of(tmp_path, "twice", *ids)
    [first] = user.asked("submit", path, "--tier", "Bulk")
    assert first == {"sent": 25, "known": 0, "knownBad": 0, "refused": 0, "bytes": 25 * MIB}
    jobs(user, "twice", 25)
    [again] = user.asked("submit", path, "--tier", "Bulk")
    assert (again["sent"], again["known"], again["knownBad"]) == (0, 25, 0)
    assert sorted(jobs(user, "twice", 25)) == sorted((archive_id, "Bulk") for archive_id in ids)


def test_what_was_broken_off_goes_on(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = user.archives("broken", *[MIB] * 32)
    path = inventory_of(tmp_path, "broken", *ids)
    monkeypatch.setattr(sending, "CALLS_AT_ONCE", 1)
    with monkeypatch.context() as broken:
        broken.setattr(sending.Sender, "_send_batch", interrupted_after(2))
        result = user.thaw("submit", path)
    assert result.exit_code == Exit.INTERRUPTED
    assert "20 requests sent. The same command again goes on from there." in result.stderr
    assert len(jobs(user, "broken", 20)) == 20
    [again] = user.asked("submit", path)
    assert (again["sent"], again["known"]) == (12, 20)
    assert sorted(archive_id for archive_id, _ in jobs(user, "broken", 32)) == sorted(ids)


def interrupted_after(batches: int) -> Callable[..., sending.Sent]:
    left, send_batch = [batches], sending.Sender._send_batch

    def send(sender: sending.Sender, batch: sending.Batch) -> sending.Sent:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return send_batch(sender, batch)

    return send


def test_the_same_archive_at_another_tier_is_not_asked_for_by_mistake(user: User, tmp_path: Path) -> None:
    ids = user.archives("tiers", MIB)
    path = inventory_of(tmp_path, "tiers", *ids)
    user.asked("submit", path, "--tier", "Bulk")
    jobs(user, "tiers", 1)
    result = user.thaw("submit", path, "--tier", "Standard")
    assert result.exit_code == Exit.BAD_NEWS
    assert "inventory.json, archive 1: requestId: thaw-" in result.stderr
    assert "was asked for with other contents (another tier, say); it takes another --batch" in result.stderr
    [sooner] = user.asked("submit", path, "--tier", "Standard", "--batch", "sooner", "--dry-run")
    assert user.asked("submit", path, "--tier", "Standard", "--batch", "sooner")[0]["sent"] == 1
    wait_for(user, sooner["requestId"], "succeeded")


def test_of_what_failed_before_it_says_how_to_ask_again(user: User) -> None:
    (archive_id,) = user.archives("failing", MIB)
    given = f"archiveId,vaultName,requestId\nabc,failing,failing-1\n{archive_id},failing,failing-2\n"
    user.asked("submit", "-", given=given)
    wait_for(user, "failing-1", "failed")
    wait_for(user, "failing-2", "succeeded")
    again = user.thaw("submit", "-", given=given)
    assert (again.exit_code, again.stdout) == (0, "0 requests sent, 2 known already and not sent again.\n")
    assert "1 of the known failed or were cancelled. To ask for those again, submit a file of them" in again.stderr


def test_one_request_is_made_of_the_options(user: User) -> None:
    (archive_id,) = user.archives("one", 3 * MIB)
    of = ("--archive", archive_id, "--vault", "one", "--size", "3MiB", "--range", f"0-{MIB - 1}")
    more = ("--tier", "Expedited", "--fallback", "Bulk", "--context", '{"ticket": 7}', "--job-description", "mine")
    [body] = user.asked("submit", *of, *more, "--request-id", "one-1", "--dry-run")
    assert parse(json.dumps(body)).model_dump(exclude_none=True) == {
        "request_id": "one-1",
        "account_id": "-",
        "vault_name": "one",
        "job_parameters": {
            "Type": "archive-retrieval",
            "ArchiveId": archive_id,
            "Tier": "Expedited",
            "RetrievalByteRange": f"0-{MIB - 1}",
            "Description": "mine",
        },
        "archive_size_in_bytes": 3 * MIB,
        "expedited_fallback": "Bulk",
        "follow_pages": False,
        "context": {"ticket": 7},
    }
    assert user.asked("submit", *of, *more)[0]["bytes"] == MIB
    assert jobs(user, "one", 1) == [(archive_id, "Expedited")]


def test_what_was_cancelled_before_it_came_is_not_sent(user: User) -> None:
    send(user, {"cancel": "early"})
    until(lambda: queue_is_empty(user) or None)
    result = user.thaw("submit", "--archive", "abc", "--vault", "v", "--request-id", "early")
    assert result.exit_code == Exit.BAD_NEWS
    assert "early was cancelled before it came; it takes another id to ask again" in result.stderr


def test_nothing_is_sent_of_a_file_with_a_fault(user: User, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    right = {"vaultName": "v", "jobParameters": {"Type": "archive-retrieval", "ArchiveId": "abc"}}
    path.write_text(json.dumps(right) + "\n" + json.dumps({**right, "archiveSizeInBytes": "large"}) + "\n")
    result = user.thaw("submit", str(path))
    assert result.exit_code == Exit.BAD_INPUT
    assert f'{path}:2: archiveSizeInBytes: Input should be a valid integer; was "large"' in result.stderr
    assert f"1 fault in {path}. Nothing was sent.\n" in result.stderr
    estimated = user.thaw("estimate", str(path))
    assert (estimated.exit_code, f"1 fault in {path}.\n" in estimated.stderr) == (Exit.BAD_INPUT, True)
    assert queue_is_empty(user)
    assert user.served.do(_jobs, "v") == []


def test_a_pipe_is_read_like_a_file(user: User) -> None:
    given = "archiveId,vaultName,archiveSizeInBytes\nabc,v,10\nabd,v,\nabc,v,10\n"
    result = user.thaw("submit", "-", "--dry-run", given=given)
    assert result.exit_code == 0
    assert "v      Standard         2   10 B                1" in result.stdout
    assert "2 requests, all right. 1 repeat left out of the count. Nothing was sent." in result.stdout


def test_an_inventory_of_another_region_is_not_sent(user: User, tmp_path: Path) -> None:
    path = write_inventory(tmp_path / "inventory.json", "far", {"ArchiveId": "abc"}, region="eu-west-1")
    result = user.thaw("submit", path)
    assert (result.exit_code, "is of eu-west-1, and Thaw is in us-east-1" in result.stderr) == (Exit.BAD_INPUT, True)


def test_what_sqs_does_not_take_is_sent_again(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_FIRST_PAUSE_SECONDS", 0)
    given = "".join(f'{{"requestId": "again-{n}", "vaultName": "none", "jobParameters": {JOB}}}\n' for n in range(3))
    busy = Busy(user.client("sqs"), refusals=[{"0", "2"}, {"2"}])
    monkeypatch.setattr("cli.stack.Stack.sqs", busy)
    assert user.asked("submit", "-", given=given)[0]["sent"] == 3
    assert [[entry["Id"] for entry in entries] for entries in busy.asked] == [["0", "1", "2"], ["0", "2"], ["2"]]


def test_what_sqs_will_never_take_ends_it(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.stack.Stack.sqs", Busy(user.client("sqs"), refusals=[{"0"}], sender_fault=True))
    result = user.thaw("submit", "--archive", "abc", "--vault", "v", "--request-id", "never")
    assert result.exit_code == Exit.AWS
    assert "SQS did not take the options: InternalError: busy" in result.stderr


def test_the_message_that_sqs_will_never_take_is_the_one_that_is_told() -> None:
    failed = [
        {"Id": "0", "SenderFault": False, "Code": "InternalError"},
        {"Id": "1", "SenderFault": True, "Code": "InvalidMessageContents"},
    ]

    class Refusing:
        def send_message_batch(self, **_: Any) -> REPLY:
            return {"Failed": failed}

    with pytest.raises(sending.NotTaken, match="InvalidMessageContents") as never:
        sending.send_batch(Refusing(), "url", ["{}", "{}"])  # type: ignore[arg-type]  # all of it that is called
    assert never.value.number == 1


def test_what_is_sent_holds_no_character_that_sqs_refuses(user: User) -> None:
    what = ("--archive", "abc", "--vault", "v", "--context", json.dumps({"x": "\uffff ä"}, ensure_ascii=False))
    sent = user.thaw("submit", *what, "--dry-run", "--json").stdout
    assert (sent.isascii(), json.loads(sent)["context"]) == (True, {"x": "\uffff ä"})


JOB = '{"Type": "archive-retrieval", "ArchiveId": "abc"}'


class Busy:
    """An SQS that does not take some of the entries at first."""

    def __init__(self, sqs: Any, refusals: list[set[str]], sender_fault: bool = False) -> None:
        self._sqs = sqs
        self._refusals = refusals
        self._sender_fault = sender_fault
        self.asked: list[Any] = []

    def send_message_batch(self, **given: Any) -> REPLY:
        self.asked.append(given["Entries"])
        refused = self._refusals.pop(0) if self._refusals else set()
        taken = [entry for entry in given["Entries"] if entry["Id"] not in refused]
        done = self._sqs.send_message_batch(**given | {"Entries": taken})["Successful"] if taken else []
        error = {"SenderFault": self._sender_fault, "Code": "InternalError", "Message": "busy"}
        return {"Successful": done, "Failed": [{"Id": each} | error for each in sorted(refused)]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name a FILE, or an --archive."),
        (["missing.json"], "missing.json can't be read: No such file or directory."),
        (["f", "--archive", "abc"], "--archive, --range, --size and --request-id go without a FILE."),
        (["--archive", "abc", "--larger", "1MB"], "choose from the FILE of an inventory only"),
        (["--archive", "abc", "--vault", "a b"], "'a b' is wrong; right are 1 to 255 of the characters"),
        (["--archive", "abc", "--size", "5 apples"], "'5 apples' is no size; 1048576, 100MB or 1.5GiB would be."),
        (["--archive", "abc", "--context", "[1]"], "'[1]' is no JSON object."),
        (["--archive", "abc", "--created-after", "2019-01-01T00:00"], "is no time; 2019-12-31 or"),
        (["--archive", "abc", "--description-regex", "("], "'(' is no regular expression"),
        (["--archive", "abc"], "the options: vaultName: Field required"),
    ],
)
def test_wrong_options_are_told(user: User, arguments: list[str], sentence: str) -> None:
    result = user.thaw("submit", *arguments)
    assert (result.exit_code, sentence in " ".join(result.stderr.split())) == (Exit.BAD_INPUT, True), result.stderr
