"""Uploading an archive in one piece, and deleting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.glacier import times
from local.glacier.account import Account
from local.glacier.archives import Archive, check_description
from local.glacier.content import StoredContent
from local.glacier.errors import invalid, missing
from local.glacier.tree_hash import root
from local.glacier.vaults import Vault

_UPLOAD_BYTES_MOST = 4 * 2**30


def upload(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    vault = account.vault(given["vaultName"])
    description = check_description(given.get("archiveDescription"), "archive")
    if not given["body"]:
        raise invalid("Invalid Content-Length: 0")
    if len(given["body"]) > _UPLOAD_BYTES_MOST:
        raise invalid(f"Invalid Content-Length: {len(given['body'])}")
    content = StoredContent(given["body"])
    check_tree_hash(given.get("checksum"), root(content.digests))
    return created(account, vault, account.add_archive(vault, content, description))


def created(account: Account, vault: Vault, archive: Archive) -> dict[str, Any]:
    return {
        "location": f"/{account.account_id}/vaults/{vault.name}/archives/{archive.archive_id}",
        "checksum": archive.tree_hash,
        "archiveId": archive.archive_id,
    }


def check_tree_hash(claimed: str | None, computed: str) -> None:
    if claimed is None:
        raise missing("x-amz-sha256-tree-hash")
    if claimed != computed:
        raise invalid(f"Checksum mismatch: expected {claimed} but computed {computed}")


def delete(account: Account, given: Mapping[str, Any]) -> dict[str, Any]:
    """Idempotent for an archive that was there once."""
    archive = account.vault(given["vaultName"]).archive(given["archiveId"])
    if archive.deleted_at is None:
        archive.deleted_at = times.now()
    return {}
