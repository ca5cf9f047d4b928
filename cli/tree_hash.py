"""Glacier's SHA-256 tree hash, and the parts of an output that have one of their own.

A tree hash pairs the SHA-256 digests of consecutive MiB, level by level; what is left over at the end of a level goes
up as it is. So the hash over the roots of equal parts, each a power of two in MiB, is the hash of the whole.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from thaw.byte_range import MIB


def root(digests: Sequence[bytes]) -> bytes:
    """The root over the digests of consecutive MiB, or of consecutive equal parts."""
    level = list(digests)
    while len(level) > 1:
        pairs = [hashlib.sha256(left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[2 * len(pairs) :]
    return level[0]


def tree_hash(data: bytes) -> bytes:
    """The tree hash of one or more bytes."""
    view = memoryview(data)
    return root([hashlib.sha256(view[at : at + MIB]).digest() for at in range(0, len(data), MIB)])


@dataclass(frozen=True)
class Part:
    """Bytes `first` to `last` of an output, both inclusive."""

    first: int
    last: int

    @property
    def size_bytes(self) -> int:
        return self.last - self.first + 1


def parts(size_bytes: int, at_most_bytes: int, starts_at: int = 0, *, to_the_end: bool = True) -> Iterator[Part]:
    """An output cut so that each part is tree-hash aligned within its archive.

    Of an output that is aligned itself all parts but the last are equal, so that their roots give its tree hash.

    Args:
        size_bytes: of the output.
        at_most_bytes: of a part; a power of two of at least 1 MiB.
        starts_at: the output's first byte within the archive, divisible by 1 MiB.
        to_the_end: whether the output goes to the archive's end. If not, it ends at a whole MiB.
    """
    at, end = starts_at, starts_at + size_bytes
    while at < end:
        width = min(at & -at, at_most_bytes) if at else at_most_bytes
        while at + width > end and not to_the_end:
            width //= 2
        following = min(at + width, end)
        yield Part(at - starts_at, following - 1 - starts_at)
        at = following
