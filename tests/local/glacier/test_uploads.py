from __future__ import annotations

import pytest

from .conftest import MIB, VAULT, World, botocores_tree_hash

_INVALID = ("InvalidParameterValueException", 400)


def test_an_upload_answers_with_the_tree_hash(world: World) -> None:
    data = b"p" * (2 * MIB + 3)
    answer = world.client.upload_archive(vaultName=VAULT, archiveDescription="holiday", body=data)
    assert answer["checksum"] == botocores_tree_hash(data)
    assert len(answer["archiveId"]) == 138
    assert answer["location"] == f"/123456789012/vaults/{VAULT}/archives/{answer['archiveId']}"


def test_an_upload_with_another_hash_or_nothing_in_it_is_refused(world: World) -> None:
    assert world.refusal("upload_archive", vaultName=VAULT, body=b"data", checksum="0" * 64) == _INVALID
    assert world.refusal("upload_archive", vaultName=VAULT, body=b"") == _INVALID


@pytest.mark.parametrize(("description", "taken"), [("x" * 1024, True), ("x" * 1025, False), ("a\tb", False)])
def test_descriptions(world: World, description: str, taken: bool) -> None:
    if taken:
        world.upload(archiveDescription=description)
    else:
        refused = world.refusal("upload_archive", vaultName=VAULT, body=b"data", archiveDescription=description)
        assert refused == _INVALID


def test_an_upload_in_parts(world: World) -> None:
    data = bytes(range(256)) * (10 * 1024)  # 2.5 MiB
    upload = world.client.initiate_multipart_upload(vaultName=VAULT, partSize=str(MIB), archiveDescription="in parts")
    here = {"vaultName": VAULT, "uploadId": upload["uploadId"]}
    for first in (2 * MIB, 0, MIB):
        part = data[first : first + MIB]
        answer = world.client.upload_multipart_part(**here, range=f"bytes {first}-{first + len(part) - 1}/*", body=part)
        assert answer["checksum"] == botocores_tree_hash(part)
    listed = world.client.list_parts(**here)
    assert [part["RangeInBytes"] for part in listed["Parts"]] == [
        "0-1048575",
        "1048576-2097151",
        "2097152-2621439",
    ]
    assert listed["ArchiveDescription"] == "in parts"
    uploads = world.client.list_multipart_uploads(vaultName=VAULT)["UploadsList"]
    assert [one["MultipartUploadId"] for one in uploads] == [upload["uploadId"]]

    whole = {"archiveSize": str(len(data)), "checksum": botocores_tree_hash(data)}
    assert world.refusal("complete_multipart_upload", **here, **whole | {"archiveSize": "1"}) == _INVALID
    assert world.refusal("complete_multipart_upload", **here, **whole | {"checksum": "0" * 64}) == _INVALID
    archive_id = world.client.complete_multipart_upload(**here, **whole)["archiveId"]
    assert world.service.read_archive(VAULT, archive_id) == data
    assert world.refusal("list_parts", **here) == ("ResourceNotFoundException", 404)


def test_parts_in_wrong_places_and_missing_ones(world: World) -> None:
    upload = world.client.initiate_multipart_upload(vaultName=VAULT, partSize=str(2 * MIB))
    here = {"vaultName": VAULT, "uploadId": upload["uploadId"]}
    part = b"p" * (2 * MIB)
    for wrong in ("bytes 1048576-3145727/*", "bytes 0-4194303/*", "bytes 0-1048575/*", "0-2097151", "bytes */*"):
        assert world.refusal("upload_multipart_part", **here, range=wrong, body=part) == _INVALID
    world.client.upload_multipart_part(**here, range="bytes 2097152-4194303/*", body=part)
    whole = {"archiveSize": str(len(part)), "checksum": botocores_tree_hash(part)}
    assert world.refusal("complete_multipart_upload", **here, **whole) == _INVALID
    world.client.abort_multipart_upload(**here)
    assert world.client.list_multipart_uploads(vaultName=VAULT)["UploadsList"] == []


@pytest.mark.parametrize("size", ["1048575", "3145728", "8589934592", "many", "0"])
def test_part_sizes_that_are_none(world: World, size: str) -> None:
    assert world.refusal("initiate_multipart_upload", vaultName=VAULT, partSize=size) == _INVALID


def test_deleting_an_archive_again_is_harmless_but_an_unknown_one_is_not_found(world: World) -> None:
    archive_id = world.upload()
    for _ in range(2):
        world.client.delete_archive(vaultName=VAULT, archiveId=archive_id)
    refused = world.refusal("delete_archive", vaultName=VAULT, archiveId="no-such-archive")
    assert refused == ("ResourceNotFoundException", 404)
