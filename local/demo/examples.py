"""The files under examples/, and vaults with what their inventories list."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from local.cloud import Cloud
from local.deploy import ACCOUNT_ID, REGION

FOLDER = Path(__file__).resolve().parent.parent.parent / "examples"
INVENTORY = FOLDER / "inventory.json"
PARTNER_INVENTORY = FOLDER / "partner-inventory.json"
REQUESTS = FOLDER / "requests.jsonl"


@dataclass(frozen=True)
class Archive:
    """What an inventory tells of an archive."""

    archive_id: str
    description: str
    size_bytes: int
    tree_hash: str

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Archive:
        return cls(entry["ArchiveId"], entry["ArchiveDescription"], entry["Size"], entry["SHA256TreeHash"])


@dataclass(frozen=True)
class Inventory:
    """A vault's inventory, as its owner has it from Glacier."""

    account_id: str
    vault_name: str
    archives: tuple[Archive, ...]
    _entries: tuple[Mapping[str, Any], ...]

    @classmethod
    def read(cls, path: Path) -> Inventory:
        body = json.loads(path.read_text())
        *_, account_id, resource = body["VaultARN"].split(":")
        entries = tuple(body["ArchiveList"])
        return cls(account_id, resource.removeprefix("vaults/"), tuple(map(Archive.read, entries)), entries)

    @property
    def size_bytes(self) -> int:
        return sum(archive.size_bytes for archive in self.archives)

    def fill_vault(self, cloud: Cloud) -> None:
        """Makes the vault with these archives, by their ids and dates. The contents are synthetic."""
        call = cloud.glacier.call
        owned = {"accountId": "-", "vaultName": self.vault_name}
        call("CreateVault", self.account_id, REGION, owned)
        if self.account_id != ACCOUNT_ID:
            call("SetVaultAccessPolicy", self.account_id, REGION, {**owned, "policy": {"Policy": self._shared()}})
        for entry in self._entries:
            cloud.glacier.put_synthetic_archive(
                self.vault_name,
                entry["Size"],
                zlib.crc32(entry["ArchiveId"].encode()),
                entry["ArchiveDescription"],
                self.account_id,
                archive_id=entry["ArchiveId"],
                created_at=datetime.fromisoformat(entry["CreationDate"]),
            )

    def _shared(self) -> str:
        """The policy by which another account's vault is open to ours."""
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
            "Action": ["glacier:InitiateJob", "glacier:DescribeJob", "glacier:ListJobs", "glacier:GetJobOutput"],
            "Resource": f"arn:aws:glacier:{REGION}:{self.account_id}:vaults/{self.vault_name}",
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass(frozen=True)
class Request:
    """A request as it is sent; the fields are for showing it, whether it is a valid one or not."""

    body: str

    @property
    def request_id(self) -> str:
        return str(self._fields["requestId"])

    @property
    def tier(self) -> str:
        """The tier asked for."""
        return str(self._job.get("Tier", "Standard"))

    @property
    def archive_id(self) -> str | None:
        return self._job.get("ArchiveId")

    @property
    def follows_pages(self) -> bool:
        return bool(self._fields.get("followPages"))

    @property
    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.body)
        return fields

    @property
    def _job(self) -> dict[str, Any]:
        job: dict[str, Any] = self._fields["jobParameters"]
        return job


def read_requests() -> Iterator[Request]:
    """One a line."""
    for line in REQUESTS.read_text().splitlines():
        yield Request(line)
