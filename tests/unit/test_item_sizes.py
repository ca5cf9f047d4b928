"""A plain Standard retrieval takes one write unit for each of its writes, at every step."""

from collections.abc import Iterator

from tests.unit.builders import ACCOUNT, ARCHIVE_ID, NOW, archive_request, claimed, job
from tests.unit.sizes import item_bytes, write_units
from thaw import attempts, endings, joining, records
from thaw.refusals import Refusal
from thaw.retrieval import Reason, Retrieval, key_for

REQUEST_ID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
VAULT = "family-photos-archiv"
JOB_ID = "HkF9p6o7yjhFx-K3CGl6fuSm6VzW9T7esGQfco8nUXVYwS0jlb5gq1JZ55yHgt5vP54ZShjoQzQVVh7vEXAMPLEjobID"[:92]
CLAIM = "b1c2d3e4f5061728394a5b6c7d8e9f00"
HASH = "e9bce5ac63d8b9d7da2ed1d1ad6e7a3a6a5d9f1c51b80f1bd4cbf3d6a1e4c2b7"
THROTTLE = Reason(code="ThrottlingException", message="Rate exceeded")


def steps() -> Iterator[tuple[str, Retrieval]]:
    """A plain retrieval's record at each of its writes."""
    asked = archive_request(REQUEST_ID, vaultName=VAULT, archiveSizeInBytes=285_544_123_456)
    key = key_for("Thaw-RetrievalTable-1ABCDEFGHIJKL", asked, ACCOUNT)
    opened = joining.opened(key, 1, asked, ACCOUNT, False, CLAIM, NOW)
    yield "opened", opened
    throttled = attempts.refused(opened, 1, Refusal.THROTTLED, THROTTLE, NOW + 1234)
    assert throttled is not None
    yield "throttled", throttled
    again = claimed(throttled, NOW + 60_123)
    yield "claimed", again
    running = attempts.started(again, 2, again.tier, JOB_ID, NOW + 61_234)
    assert running is not None
    yield "in progress", running
    hashes = {"SHA256TreeHash": HASH, "ArchiveSHA256TreeHash": HASH}
    done = job(running, 2, JOB_ID, Tier="Standard", ArchiveId=ARCHIVE_ID, ArchiveSizeInBytes=285_544_123_456, **hashes)
    ended = endings.ended(running, 2, done, NOW + 4 * 3_600_000)
    assert ended is not None
    yield "succeeded", ended


def test_the_record_is_below_a_kilobyte_at_every_step() -> None:
    sizes = {name: item_bytes(record.item()) for name, record in steps()}
    assert (len(ARCHIVE_ID), len(JOB_ID), len(REQUEST_ID), len(VAULT)) == (138, 92, 36, 20)
    assert all(size < 1024 for size in sizes.values()), sizes


def test_the_request_takes_one_unit_too() -> None:
    asked = archive_request(REQUEST_ID, vaultName=VAULT)
    assert write_units(records.remembered(asked, "0" * 32, NOW).item()) == 1


def test_sizes_are_counted_as_dynamodb_does() -> None:
    assert item_bytes({"é": "é"}) == 4
    assert item_bytes({"n": 1234567}) == 1 + 5
    assert item_bytes({"m": {"a": True}, "l": ["x"]}) == (1 + 3 + 1 + 1 + 1) + (1 + 3 + 1 + 1)
