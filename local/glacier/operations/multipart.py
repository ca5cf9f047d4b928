"""Uploading an archive in parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.glacier import ids, times
from local.glacier.account import Account
from local.glacier.archives import check_description
from local.glacier.content import StoredContent
from local.glacier.operations.archives import check_tree_hash, created
from local.glacier.operations.pages import check_limit, page_from
from local.glacier.tree_hash import tree_hash
from local.glacier.uploads import Upload, check_part_size

_PER_PAGE_MOST = 50


def initiate(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    vault = account.vault(given["vaultName"])
    part_size_bytes = check_part_size(given.get("partSize"))
    description = check_description(given.get("archiveDescription"), "archive")
    upload_id = account.new_id(ids.UPLOAD_ID_LENGTH)
    vault.uploads[upload_id] = Upload(upload_id, vault.arn, part_size_bytes, description, times.now())
    location = f"/{account.account_id}/vaults/{vault.name}/multipart-uploads/{upload_id}"
    return {"location": location, "uploadId": upload_id}


def upload_part(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    upload = account.vault(given["vaultName"]).upload(given["uploadId"])
    computed = tree_hash(given["body"])
    check_tree_hash(given.get("checksum"), computed)
    upload.put(given.get("range"), given["body"])
    return {"checksum": computed}


def complete(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    """A refused completion leaves the upload as it is, to be completed later."""
    vault = account.vault(given["vaultName"])
    upload = vault.upload(given["uploadId"])
    content = StoredContent(upload.assemble(given.get("archiveSize"), given.get("checksum")))
    archive = account.add_archive(vault, content, upload.description)
    del vault.uploads[upload.upload_id]
    return created(account, vault, archive)


def abort(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    """Idempotent: an upload that is not there is aborted already."""
    account.vault(given["vaultName"]).uploads.pop(given["uploadId"], None)
    return {}


def list_parts(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    upload = account.vault(given["vaultName"]).upload(given["uploadId"])
    limit = check_limit(given.get("limit"), _PER_PAGE_MOST)
    parts = upload.describe_parts()
    page, marker = page_from(parts, lambda part: part["RangeInBytes"], given.get("marker"), limit)
    return upload.describe() | {"Parts": page, "Marker": marker}


def list_uploads(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    uploads = list(account.vault(given["vaultName"]).uploads.values())
    limit = check_limit(given.get("limit"), _PER_PAGE_MOST)
    page, marker = page_from(uploads, lambda upload: upload.upload_id, given.get("marker"), limit)
    return {"UploadsList": [upload.describe() for upload in page], "Marker": marker}
