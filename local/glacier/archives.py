"""An archive, and the rule for descriptions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from local.glacier.content import Content
from local.glacier.errors import invalid
from local.glacier.tree_hash import ByteRange, root

_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_DESCRIPTION_BYTES_MOST = 1024


def check_description(text: str | None, of_what: str) -> str | None:
    """An archive's or a job's description, or None; at most 1,024 characters of ASCII 32-126."""
    if not text:
        return None
    if len(text.encode()) > _DESCRIPTION_BYTES_MOST:
        raise invalid(f"The {of_what} description is longer than {_DESCRIPTION_BYTES_MOST} bytes")
    if not _PRINTABLE.fullmatch(text):
        raise invalid(f"The {of_what} description has characters other than printable ASCII")
    return text


@dataclass
class Archive:
    """One that was deleted stays as a record, since inventories and jobs of before still know it."""

    archive_id: str
    number: int
    content: Content
    description: str | None
    created_at: datetime
    deleted_at: datetime | None = None

    @cached_property
    def tree_hash(self) -> str:
        return root(self.content.digests)

    def is_there(self, moment: datetime) -> bool:
        return self.created_at <= moment and (self.deleted_at is None or self.deleted_at > moment)

    @property
    def whole(self) -> ByteRange:
        return ByteRange(0, self.content.size_bytes - 1)
