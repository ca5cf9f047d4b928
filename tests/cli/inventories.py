"""Inventories as Glacier gives them, for tests to write."""

import json
from pathlib import Path
from typing import Any


def write_inventory(path: Path, vault: str, *archives: dict[str, Any], region: str = "us-east-1") -> str:
    """The JSON inventory of these archives (ArchiveId, Size, ... each); its path."""
    plain = {"ArchiveDescription": "", "CreationDate": "2019-05-01T00:00:00Z", "SHA256TreeHash": "0" * 64}
    arn = f"arn:aws:glacier:{region}:123456789012:vaults/{vault}"
    listed = [plain | archive for archive in archives]
    path.write_text(json.dumps({"VaultARN": arn, "InventoryDate": "2026-01-01T00:00:00Z", "ArchiveList": listed}))
    return str(path)
