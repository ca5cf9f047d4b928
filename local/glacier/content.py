"""The bytes of an archive: kept, or made when they are asked for."""

from __future__ import annotations

import hashlib
from functools import cache, cached_property
from typing import Protocol

from local.glacier.tree_hash import MIB, ByteRange, chunk_digests, root


class Content(Protocol):
    """`digests` holds the SHA-256 digest of each MiB."""

    @property
    def size_bytes(self) -> int: ...
    @property
    def digests(self) -> list[bytes]: ...
    def read(self, part: ByteRange) -> bytes: ...


class StoredContent:
    """Bytes as they were uploaded."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size_bytes = len(data)

    @cached_property
    def digests(self) -> list[bytes]:
        return chunk_digests(self._data)

    def read(self, part: ByteRange) -> bytes:
        return self._data[part.first : part.last + 1]


class SyntheticContent:
    """As many bytes as one likes without keeping them: a function of the seed and the position.

    Every MiB is the same block but for its last 64 bytes, which tell its seed and number. So all differ, and yet
    the hash of the long common beginning is worked out once: the tree hash of 10 GiB takes milliseconds.
    """

    def __init__(self, size_bytes: int, seed: int) -> None:
        self.size_bytes = size_bytes
        self._seed = seed

    @cached_property
    def digests(self) -> list[bytes]:
        whole, rest_bytes = divmod(self.size_bytes, MIB)
        digests = []
        for number in range(whole):
            block = _hash_of_head().copy()
            block.update(self._tail(number))
            digests.append(block.digest())
        if rest_bytes:
            digests.append(hashlib.sha256(self._block(whole)).digest())
        return digests

    def read(self, part: ByteRange) -> bytes:
        first_block = part.first // MIB
        blocks = b"".join(self._block(number) for number in range(first_block, part.last // MIB + 1))
        start = part.first - first_block * MIB
        return blocks[start : start + part.size_bytes]

    def _block(self, number: int) -> bytes:
        return (_head() + self._tail(number))[: self.size_bytes - number * MIB]

    def _tail(self, number: int) -> bytes:
        return hashlib.sha512(f"{self._seed} {number}".encode()).digest()


@cache
def _head() -> bytes:
    return hashlib.shake_128(b"synthetic").digest(MIB - hashlib.sha512().digest_size)


@cache
def _hash_of_head() -> hashlib._Hash:
    return hashlib.sha256(_head())


def hash_of(content: Content, part: ByteRange) -> str:
    """The tree hash of a MiB-aligned part, from the digests at hand."""
    return root(content.digests[part.first // MIB : part.last // MIB + 1])
