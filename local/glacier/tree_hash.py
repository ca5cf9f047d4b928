"""SHA-256 tree hashes, and which ranges of an archive have one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

MIB = 2**20


def chunk_digests(data: bytes) -> list[bytes]:
    """The SHA-256 digest of each MiB of `data`; of an empty one, that of nothing."""
    view = memoryview(data)
    return [hashlib.sha256(view[at : at + MIB]).digest() for at in range(0, len(data) or 1, MIB)]


def root(digests: Sequence[bytes]) -> str:
    """The tree hash (hexadecimal) over the digests of consecutive MiB."""
    level = list(digests)
    while len(level) > 1:
        pairs = [hashlib.sha256(a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0].hex()


def tree_hash(data: bytes) -> str:
    return root(chunk_digests(data))


@dataclass(frozen=True)
class ByteRange:
    """Bytes `first` to `last` of an archive or of an output, both inclusive."""

    first: int
    last: int

    @property
    def size_bytes(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def within(self, outer: ByteRange) -> ByteRange:
        """This range, which counts from the start of `outer`, counted as `outer` is."""
        return ByteRange(outer.first + self.first, outer.first + self.last)


def is_megabyte_aligned(part: ByteRange, size_bytes: int) -> bool:
    """Whether InitiateJob takes this range of an archive of so many bytes."""
    return part.first % MIB == 0 and ((part.last + 1) % MIB == 0 or part.last == size_bytes - 1)


def is_tree_hash_aligned(part: ByteRange, size_bytes: int) -> bool:
    """Whether the tree hash over the range is a node of the archive's own tree.

    In whole MiB [P, Q) of N: the smallest power of two w with w >= Q-P divides P, and Q-P = w or Q = N.
    """
    if not is_megabyte_aligned(part, size_bytes):
        return False
    start, end, total = part.first // MIB, part.last // MIB + 1, (size_bytes - 1) // MIB + 1
    width = 1 << (end - start - 1).bit_length()
    return start % width == 0 and (end - start == width or end == total)
