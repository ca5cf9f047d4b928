from __future__ import annotations

from datetime import timedelta

import pytest

from .conftest import MIB, START, VAULT, World, botocores_tree_hash

_INVALID = ("InvalidParameterValueException", 400)
_NOT_FOUND = ("ResourceNotFoundException", 404)


def test_a_job_from_its_start_to_its_output(world: World) -> None:
    data = b"p" * (MIB + 5)
    archive_id = world.upload(data, archiveDescription="holiday")
    job_id = world.start(ArchiveId=archive_id, Description="thaw:r1:1 mine", Tier="Bulk")
    assert len(job_id) == 92

    described = world.job(job_id)
    tree_hash = botocores_tree_hash(data)
    assert described["Action"] == "ArchiveRetrieval"
    assert described["ArchiveSHA256TreeHash"] == tree_hash
    assert described["ArchiveSizeInBytes"] == len(data)
    assert described["Completed"] is False
    assert described["JobDescription"] == "thaw:r1:1 mine"
    assert described["RetrievalByteRange"] == f"0-{len(data) - 1}"
    assert described["StatusCode"] == "InProgress"
    assert described["Tier"] == "Bulk"
    absent = {"CompletionDate", "InventorySizeInBytes", "SHA256TreeHash", "SNSTopic"}
    assert absent.isdisjoint(described)
    refused = world.refusal("get_job_output", vaultName=VAULT, jobId=job_id)
    assert refused == _INVALID

    world.finish()
    described = world.job(job_id)
    assert (described["StatusCode"], described["SHA256TreeHash"]) == ("Succeeded", tree_hash)
    output = world.output(job_id)
    assert (output["status"], output["checksum"], output["body"]) == (200, tree_hash, data)
    assert output["contentType"] == "application/octet-stream"
    assert output["archiveDescription"] == "holiday"


@pytest.mark.parametrize(
    ("tier", "least", "most"),
    [
        ("Expedited", timedelta(minutes=1), timedelta(minutes=5)),
        ("Standard", timedelta(hours=3), timedelta(hours=5)),
        ("Bulk", timedelta(hours=5), timedelta(hours=12)),
    ],
)
def test_a_tier_takes_its_time(world: World, tier: str, least: timedelta, most: timedelta) -> None:
    archive_id = world.upload()
    for _ in range(5):
        world.start(ArchiveId=archive_id, Tier=tier)
    took = []
    while (event_at := world.service.next_event_at()) is not None:
        took.append(event_at - START)
        world.service.advance(event_at)
    assert len(set(took)) == 5
    assert least <= min(took) <= max(took) <= most


def test_speed_divides_what_jobs_take(world: World) -> None:
    world.settings.speed = 3600
    world.start(ArchiveId=world.upload())
    event_at = world.service.next_event_at()
    assert event_at is not None
    assert timedelta(seconds=3) <= event_at - START <= timedelta(seconds=5)


def test_nothing_completes_before_it_is_let(world: World) -> None:
    job_id = world.start(ArchiveId=world.upload())
    world.wait(hours=6)
    assert world.job(job_id)["Completed"] is False
    assert world.service.advance() == 1
    assert world.job(job_id)["Completed"] is True


def test_an_output_stays_24_hours(world: World) -> None:
    job_id = world.start(ArchiveId=world.upload())
    world.finish()
    world.wait(hours=23, minutes=59, seconds=59)
    world.service.advance()
    assert world.output(job_id)["body"] == b"a picture"
    world.wait(seconds=1)
    for _ in range(2):
        assert world.refusal("get_job_output", vaultName=VAULT, jobId=job_id) == _NOT_FOUND
        assert world.refusal("describe_job", vaultName=VAULT, jobId=job_id) == _NOT_FOUND
        assert world.client.list_jobs(vaultName=VAULT)["JobList"] == []
        world.service.advance()


@pytest.mark.parametrize(
    ("wanted", "hashed"),
    [("0-1048575", True), ("1048576-3145727", False), ("2097152-3670015", True), ("0-3670015", True)],
)
def test_ranges_of_an_archive(world: World, wanted: str, hashed: bool) -> None:
    size_bytes = 3 * MIB + MIB // 2
    archive_id = world.service.put_synthetic_archive(VAULT, size_bytes)
    whole = world.service.read_archive(VAULT, archive_id)
    first, last = map(int, wanted.split("-"))
    job_id = world.start(ArchiveId=archive_id, RetrievalByteRange=wanted)
    is_whole = last - first + 1 == size_bytes
    assert ("SHA256TreeHash" in world.job(job_id)) is (hashed and not is_whole)
    world.finish()
    part = whole[first : last + 1]
    described, output = world.job(job_id), world.output(job_id)
    assert output["body"] == part
    tree_hash = botocores_tree_hash(part) if hashed else None
    assert described.get("SHA256TreeHash") == output.get("checksum") == tree_hash


def test_parts_of_an_output_count_from_the_start_of_the_range(world: World) -> None:
    archive_id = world.service.put_synthetic_archive(VAULT, 8 * MIB)
    whole = world.service.read_archive(VAULT, archive_id)
    job_id = world.start(ArchiveId=archive_id, RetrievalByteRange="4194304-8388607")
    world.finish()
    part = world.output(job_id, range="bytes=2097152-4194303")
    assert (part["status"], part["contentRange"]) == (206, "bytes 2097152-4194303/4194304")
    assert part["body"] == whole[6 * MIB :]
    assert part["checksum"] == botocores_tree_hash(part["body"])
    small = world.output(job_id, range="bytes=10-1023")
    assert (small["body"], small.get("checksum")) == (whole[4 * MIB + 10 : 4 * MIB + 1024], None)
    beyond = world.output(job_id, range="bytes=4194303-9999999")
    assert (beyond["body"], beyond["contentRange"]) == (whole[-1:], "bytes 4194303-4194303/4194304")
    for wrong in ("bytes=4194304-", "bytes=5-4", "0-5", "bytes=-5"):
        assert world.refusal("get_job_output", vaultName=VAULT, jobId=job_id, range=wrong) == _INVALID


@pytest.mark.parametrize(
    "wanted",
    ["1-1048575", "0-1048574", "0-1048576", "0-3670016", "1048576-0", "4194304-5242879", "0", "a-b", "-5", "0-"],
)
def test_ranges_that_glacier_does_not_take(world: World, wanted: str) -> None:
    archive_id = world.service.put_synthetic_archive(VAULT, 3 * MIB + MIB // 2)
    refused = world.refused_job(Type="archive-retrieval", ArchiveId=archive_id, RetrievalByteRange=wanted)
    assert refused == _INVALID


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Tier": "expedited"}, "InvalidParameterValueException"),
        ({"Description": "x" * 1025}, "InvalidParameterValueException"),
        ({"Description": "naïve"}, "InvalidParameterValueException"),
        ({"SNSTopic": "not-an-arn"}, "InvalidParameterValueException"),
        ({"Format": "JSON"}, "InvalidParameterValueException"),
        ({"InventoryRetrievalParameters": {"Limit": "1"}}, "InvalidParameterValueException"),
        ({"Type": "select"}, "InvalidParameterValueException"),
        ({"Type": None}, "MissingParameterValueException"),
        ({"ArchiveId": None}, "MissingParameterValueException"),
    ],
)
def test_parameters_that_glacier_does_not_take(world: World, wrong: dict[str, str | None], code: str) -> None:
    parameters = {"Type": "archive-retrieval", "ArchiveId": world.upload()} | wrong
    given = {name: value for name, value in parameters.items() if value is not None}
    assert world.refused_job(**given) == (code, 400)
    assert world.service.ledger.jobs == []


def test_archives_that_are_not_there(world: World) -> None:
    assert world.refused_job(Type="archive-retrieval", ArchiveId="x" * 138) == _NOT_FOUND
    archive_id = world.upload()
    world.client.delete_archive(vaultName=VAULT, archiveId=archive_id)
    job_id = world.start(ArchiveId=archive_id)
    world.finish()
    failed = world.job(job_id)
    assert (failed["Completed"], failed["StatusCode"]) == (True, "Failed")
    assert world.refusal("get_job_output", vaultName=VAULT, jobId=job_id) == _INVALID
    world.wait(days=1)
    assert world.refused_job(Type="archive-retrieval", ArchiveId=archive_id) == _NOT_FOUND


def test_an_output_outlives_its_archive(world: World) -> None:
    archive_id = world.upload()
    job_id = world.start(ArchiveId=archive_id)
    world.finish()
    world.client.delete_archive(vaultName=VAULT, archiveId=archive_id)
    assert world.output(job_id)["body"] == b"a picture"


def test_the_same_seed_is_the_same_run(world: World) -> None:
    def run() -> tuple[str, object]:
        world.service.reset()
        world.client.create_vault(vaultName=VAULT)
        return world.start(ArchiveId=world.upload()), world.service.next_event_at()

    first = run()
    assert run() == first
    world.settings.seed = 1
    assert run() != first
