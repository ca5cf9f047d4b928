"""Multipart uploads: parts of one size at their places, put together at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.glacier.errors import invalid, missing
from local.glacier.times import with_milliseconds
from local.glacier.tree_hash import MIB, ByteRange, tree_hash

_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/\*")
_PART_SIZE_BYTES_MOST = 4 * 2**30
_PARTS_MOST = 10_000


def check_part_size(text: str | None) -> int:
    """A part's size in bytes: 1 MiB times a power of two, at most 4 GiB."""
    if text is None:
        raise missing("x-amz-part-size")
    size_bytes = int(text) if text.isascii() and text.isdigit() else 0
    mebibytes, rest = divmod(size_bytes, MIB)
    if not MIB <= size_bytes <= _PART_SIZE_BYTES_MOST or rest or mebibytes & (mebibytes - 1):
        raise invalid(f"Invalid part size: {text}. Must be a power of two in MiB, from 1 MiB to 4 GiB")
    return size_bytes


@dataclass
class Upload:
    """`parts` by their first byte."""

    upload_id: str
    vault_arn: str
    part_size_bytes: int
    description: str | None
    created_at: datetime
    parts: dict[int, bytes] = field(default_factory=dict)

    def put(self, content_range: str | None, data: bytes) -> None:
        """Puts a part at its place, in the stead of an earlier one there."""
        part = self._check_range(content_range)
        if part.size_bytes != len(data):
            raise invalid(f"Content-Range: {content_range} is incompatible with the {len(data)} bytes sent")
        if part.first not in self.parts and len(self.parts) == _PARTS_MOST:
            raise invalid(f"An upload can have at most {_PARTS_MOST} parts")
        self.parts[part.first] = data

    def assemble(self, archive_size: str | None, checksum: str | None) -> bytes:
        """The whole archive, if nothing is missing and the size and tree hash are as the caller says."""
        if archive_size is None:
            raise missing("x-amz-archive-size")
        if checksum is None:
            raise missing("x-amz-sha256-tree-hash")
        data = b"".join(self.parts[first] for first in self._complete_parts())
        if archive_size != str(len(data)):
            raise invalid(f"The archive size {archive_size} does not match the {len(data)} bytes uploaded")
        if checksum != tree_hash(data):
            raise invalid(f"Checksum mismatch: expected {checksum} but computed {tree_hash(data)}")
        return data

    def describe(self) -> dict[str, Any]:
        return {
            "ArchiveDescription": self.description,
            "CreationDate": with_milliseconds(self.created_at),
            "MultipartUploadId": self.upload_id,
            "PartSizeInBytes": self.part_size_bytes,
            "VaultARN": self.vault_arn,
        }

    def describe_parts(self) -> list[dict[str, str]]:
        return [
            {"RangeInBytes": f"{first}-{first + len(data) - 1}", "SHA256TreeHash": tree_hash(data)}
            for first, data in sorted(self.parts.items())
        ]

    def _check_range(self, content_range: str | None) -> ByteRange:
        if content_range is None:
            raise missing("Content-Range")
        found = _RANGE.fullmatch(content_range)
        if not found:
            raise invalid(f"Invalid Content-Range: {content_range}")
        part = ByteRange(int(found[1]), int(found[2]))
        if part.first % self.part_size_bytes or not 0 < part.size_bytes <= self.part_size_bytes:
            raise invalid(f"Content-Range: {content_range} does not align with {self.part_size_bytes}-byte parts")
        return part

    def _complete_parts(self) -> list[int]:
        """Where the parts begin, if they leave no gap: all but the last are of the full size."""
        firsts = sorted(self.parts)
        if firsts != list(range(0, len(firsts) * self.part_size_bytes, self.part_size_bytes)):
            raise invalid("The upload is not complete: parts are missing")
        if any(len(self.parts[first]) != self.part_size_bytes for first in firsts[:-1]):
            raise invalid("The upload is not complete: a part before the last is smaller than the part size")
        if not firsts:
            raise invalid("The upload has no parts")
        return firsts
