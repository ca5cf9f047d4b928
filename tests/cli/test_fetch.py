"""`thaw fetch`: outputs, checked, continued after a break, and never over what is there."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ResponseStreamingError

from cli import fetching
from cli.errors import Exit
from cli.tree_hash import Part, tree_hash
from local.cloud import Cloud
from tests.cli.asking import archive_request, send, wait_for
from tests.cli.conftest import User
from thaw.byte_range import MIB

Get = Any


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fetching, "PART_BYTES", 2 * MIB)
    monkeypatch.setattr(fetching, "_PAUSES_SECONDS", (0.0, 0.0, 0.0))
    return tmp_path


class Wire:
    """Between the command and Glacier: notes what is fetched, and breaks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fetched: list[str] = []
        self.breaks_at: dict[int, BaseException | bytes] = {}
        """By a part's first byte: what is raised, or comes in its place, once."""
        self._get = fetching._get
        monkeypatch.setattr(fetching, "_get", self.get)

    def get(self, client: Any, output: Any, part: Part) -> tuple[bytes, str | None]:
        data, checksum = self._get(client, output, part)
        self.fetched.append(f"{part.first}-{part.last}")
        trouble = self.breaks_at.pop(part.first, None)
        if isinstance(trouble, BaseException):
            raise trouble
        return (data if trouble is None else trouble), checksum


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


def retrieved(user: User, request_id: str, size_bytes: int, **job: Any) -> bytes:
    """Asks for a new archive, or a range of it, and waits for it; all bytes of the archive."""
    vault = "fetched-" + request_id.replace("/", "-")
    (archive_id,) = user.archives(vault, size_bytes)
    send(user, archive_request(request_id, vault, archive_id, **job))
    wait_for(user, request_id, "succeeded")
    return user.served.do(_content, vault, archive_id)


def _content(cloud: Cloud, vault: str, archive_id: str) -> bytes:
    return cloud.glacier.read_archive(vault, archive_id)


def test_an_archive_is_fetched_in_parts_and_its_hash_is_told(user: User, folder: Path, wire: Wire) -> None:
    content = retrieved(user, "whole/1", 5 * MIB + 17)
    (told,) = user.asked("fetch", "whole/1")
    assert (folder / "whole_1").read_bytes() == content
    assert told == {
        "requestId": "whole/1",
        "file": "whole_1",
        "sizeInBytes": 5 * MIB + 17,
        "begunAtByte": 0,
        "sha256TreeHash": tree_hash(content).hex(),
    }
    assert sorted(wire.fetched) == ["0-2097151", "2097152-4194303", f"4194304-{5 * MIB + 16}"]
    assert [file.name for file in folder.iterdir()] == ["whole_1"]
    again = user.thaw("fetch", "whole/1")
    assert again.exit_code == Exit.BAD_INPUT
    assert "whole_1 is there already; it is not overwritten." in again.stderr


def test_a_fetch_that_is_broken_off_is_carried_on(user: User, folder: Path, wire: Wire) -> None:
    content = retrieved(user, "broken", 9 * MIB)
    wire.breaks_at[6 * MIB] = KeyboardInterrupt()
    ended = user.thaw("fetch", "broken", "there.bin")
    assert ended.exit_code == Exit.INTERRUPTED
    assert "6,291,456 of 9,437,184 bytes are there; the same command carries on." in ended.stderr
    (part,) = folder.iterdir()
    assert part.name.startswith("there.bin.")
    assert part.read_bytes() == content[: 6 * MIB]

    part.write_bytes(content[: 6 * MIB] + b"half a part")
    wire.fetched.clear()
    (told,) = user.asked("fetch", "broken", "there.bin")
    assert told["begunAtByte"] == 6 * MIB
    assert sorted(wire.fetched) == ["6291456-8388607", "8388608-9437183"]
    assert [file.name for file in folder.iterdir()] == ["there.bin"]
    assert (folder / "there.bin").read_bytes() == content


def test_two_fetches_of_one_output_do_not_meet(user: User, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = retrieved(user, "alone", 3 * MIB)
    parts = fetching._parts
    others: list[Any] = []

    def meanwhile(*given: Any) -> Any:
        if not others:
            others.append(None)
            others[0] = user.thaw("fetch", "alone", "x")
        yield from parts(*given)

    monkeypatch.setattr(fetching, "_parts", meanwhile)
    assert user.thaw("fetch", "alone", "x").exit_code == Exit.DONE
    assert (others[0].exit_code, "Another fetch of x is at it." in others[0].stderr) == (Exit.BAD_INPUT, True)
    assert (folder / "x").read_bytes() == content


def test_what_comes_broken_is_fetched_again(user: User, folder: Path, wire: Wire) -> None:
    content = retrieved(user, "noisy", 4 * MIB)
    wire.breaks_at = {0: b"\0" * 2 * MIB, 2 * MIB: ResponseStreamingError(error="reset")}
    user.asked("fetch", "noisy", "noisy.bin")
    assert (folder / "noisy.bin").read_bytes() == content
    assert len(wire.fetched) == 4


def test_a_connection_that_breaks_each_time_ends_it_and_keeps_what_came(
    user: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = retrieved(user, "dead-line", 4 * MIB)
    get: Get = fetching._get

    def broken(client: Any, output: Any, part: Part) -> Any:
        if part.first:
            raise ResponseStreamingError(error="reset")
        return get(client, output, part)

    monkeypatch.setattr(fetching, "_get", broken)
    ended = user.thaw("fetch", "dead-line", "x")
    assert ended.exit_code == Exit.AWS
    assert "Bytes 2097152-4194303 did not come, 3 times" in ended.stderr
    (part,) = folder.iterdir()
    assert part.read_bytes() == content[: 2 * MIB]


def test_what_does_not_have_glaciers_hash_is_thrown_away(user: User, folder: Path) -> None:
    retrieved(user, "rotten", 4 * MIB)
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(fetching, "_parts", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        user.thaw("fetch", "rotten", "x")
    (part,) = folder.iterdir()
    part.write_bytes(b"\0" * 2 * MIB)
    ended = user.thaw("fetch", "rotten", "x")
    assert ended.exit_code == Exit.BAD_NEWS
    assert "It was thrown away" in ended.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "byte_range", "told"),
    [
        ("aligned", f"{4 * MIB}-{8 * MIB - 1}", "its tree hash is Glacier's"),
        ("to-the-end", f"{8 * MIB}-{9 * MIB + 4}", "its tree hash is Glacier's"),
        ("not-aligned", f"{MIB}-{4 * MIB - 1}", "no hash of this range, which is not tree-hash aligned"),
    ],
)
def test_a_range_is_fetched(user: User, folder: Path, name: str, byte_range: str, told: str) -> None:
    content = retrieved(user, name, 9 * MIB + 5, RetrievalByteRange=byte_range)
    done = user.thaw("fetch", name, "range.bin")
    first, last = map(int, byte_range.split("-"))
    assert (folder / "range.bin").read_bytes() == content[first : last + 1]
    assert told in done.stdout


def test_an_inventory_is_fetched_page_by_page(user: User, folder: Path) -> None:
    archives = user.archives("listed", *[100] * 5)
    job = {"Type": "inventory-retrieval", "InventoryRetrievalParameters": {"Limit": "3"}}
    asked = {"vaultName": "listed", "jobParameters": job}
    send(user, {"requestId": "list", "followPages": True, **asked}, {"requestId": "one-page", **asked})
    record = wait_for(user, "list", "succeeded").retrieval
    assert record is not None
    assert record.page == 2
    which = user.thaw("fetch", "list")
    assert (which.exit_code, "2 pages" in which.stderr, "--page" in which.stderr) == (Exit.BAD_INPUT, True, True)
    assert "has no page 3" in user.thaw("fetch", "list", "--page", "3").stderr
    for page in ("1", "2"):
        assert "no hash of an inventory" in user.thaw("fetch", "list", "--page", page).stdout
    listed = [json.loads((folder / name).read_text())["ArchiveList"] for name in ("list.json", "list.2.json")]
    assert [len(page) for page in listed] == [3, 2]
    assert {each["ArchiveId"] for page in listed for each in page} == set(archives)
    alone = wait_for(user, "one-page", "succeeded")
    assert alone.retrieval is not None
    assert alone.retrieval.requests.keys() == {"list", "one-page"}, "they share its job"
    assert user.thaw("fetch", "one-page").exit_code == Exit.DONE
    assert json.loads((folder / "one-page.json").read_text())["ArchiveList"] == listed[0]
    pages = [[each.get("page") for each in user.asked("status", name)] for name in ("list", "one-page")]
    assert pages == [[2], [None]]


def test_what_has_no_output_is_told(user: User, folder: Path) -> None:
    nothing = user.thaw("fetch", "never-heard-of")
    assert (nothing.exit_code, "has been taken in" in nothing.stderr) == (Exit.BAD_NEWS, True)
    user.archives("empty")
    send(user, archive_request("gone", "empty", "x" * 138))
    wait_for(user, "gone", "failed")
    failed = user.thaw("fetch", "gone")
    assert (failed.exit_code, "gone has no output: it is failed." in failed.stderr) == (Exit.BAD_NEWS, True)
    retrieved(user, "unwritable", MIB)
    unwritable = user.thaw("fetch", "unwritable", "no/such/folder")
    assert (unwritable.exit_code, "No such file or directory" in unwritable.stderr) == (Exit.BAD_INPUT, True)
    assert list(folder.iterdir()) == []
