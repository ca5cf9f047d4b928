"""Byte ranges of an archive: Glacier's alignment rules (InitiateJob, `RetrievalByteRange`)."""

import re
from dataclasses import dataclass

MIB = 1024 * 1024
PATTERN = r"^(0|[1-9][0-9]{0,13})-(0|[1-9][0-9]{0,13})$"
"""As in a JSON Schema."""


class BadRange(ValueError):
    """A range that Glacier would refuse; the message says what would be right."""


@dataclass(frozen=True)
class ByteRange:
    """Bytes `start` to `end` of an archive, both inclusive."""

    start: int
    end: int

    @property
    def size_bytes(self) -> int:
        return self.end - self.start + 1

    @classmethod
    def parse(cls, text: str, archive_size_bytes: int | None = None) -> "ByteRange":
        """The range in `text` ("start-end"), checked as far as can be without the archive's size, or wholly with it.

        Raises:
            BadRange: the range is malformed, not aligned to MiB, or beyond the archive.
        """
        if not re.fullmatch(PATTERN, text):
            raise BadRange('must be "start-end", two whole numbers of bytes, for example "0-1048575"')
        start, end = (int(part) for part in text.split("-"))
        if end < start:
            raise BadRange(f"ends at {end}, before its start {start}")
        if start % MIB:
            raise BadRange(f"starts at {start}, which is not divisible by 1 MiB; {start - start % MIB} would be")
        if archive_size_bytes is not None:
            _check_end(start, end, archive_size_bytes)
        return cls(start, end)

    def tree_hash_aligned(self, archive_size_bytes: int | None = None) -> bool | None:
        """Whether Glacier gives a tree hash for this range, or None where that takes the archive's size to tell.

        Developer guide, "tree-hash aligned ranges". In whole MiB the range is [p, q): the smallest power of two that
        holds it divides p, and the range fills it or ends with the archive.
        """
        p, q = self.start // MIB, -(-(self.end + 1) // MIB)
        width = 1 << (q - p - 1).bit_length()
        if p % width:
            return False
        if q - p == width:
            return True
        return None if archive_size_bytes is None else self.end + 1 == archive_size_bytes


def _check_end(start: int, end: int, archive_size_bytes: int) -> None:
    last = archive_size_bytes - 1
    if end > last:
        raise BadRange(f"ends at {end}, beyond the archive's last byte {last}")
    if end != last and (end + 1) % MIB:
        aligned = min(end - (end + 1) % MIB + MIB, last)
        raise BadRange(
            f"ends at {end}; end + 1 must be divisible by 1 MiB, or the end be {last}; {aligned} would be right"
        )
