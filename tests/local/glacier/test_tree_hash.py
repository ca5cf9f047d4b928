from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.glacier.content import SyntheticContent, hash_of
from local.glacier.tree_hash import MIB, ByteRange, is_tree_hash_aligned, root, tree_hash

from .conftest import botocores_tree_hash


@pytest.mark.parametrize("size_bytes", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB, 7 * MIB + 5, 8 * MIB])
def test_the_tree_hash_is_botocores(size_bytes: int) -> None:
    data = bytes(at % 251 for at in range(1000)) * (size_bytes // 1000 + 1)
    data = data[:size_bytes]
    assert tree_hash(data) == botocores_tree_hash(data)


@given(st.integers(1, 40), st.data())
def test_a_range_is_aligned_exactly_when_its_hash_is_a_node_of_the_archives_tree(
    mebibytes: int, data: st.DataObject
) -> None:
    digests = [number.to_bytes(32, "big") for number in range(mebibytes)]
    start = data.draw(st.integers(0, mebibytes - 1))
    end = data.draw(st.integers(start + 1, mebibytes))
    part = ByteRange(start * MIB, end * MIB - 1)
    assert is_tree_hash_aligned(part, mebibytes * MIB) == (root(digests[start:end]) in _nodes(digests))


def _nodes(digests: list[bytes]) -> set[str]:
    """Every node of the tree over these leaves: each run of a power of two, cut off at the end."""
    count, nodes, width = len(digests), set(), 1
    while width < 2 * count:
        nodes |= {root(digests[at : at + width]) for at in range(0, count, width)}
        width *= 2
    return nodes


@pytest.mark.parametrize(
    ("part", "size_bytes", "aligned"),
    [
        ("0-6815743", 6815744, True),  # the whole of 6.5 MiB
        ("4194304-6291455", 6815744, True),
        ("5242880-6815743", 6815744, False),
        ("6291456-6815743", 6815744, True),
        ("1048576-3145727", 6815744, False),
        ("0-1023", 6815744, False),
    ],
)
def test_alignment_at_the_ragged_end(part: str, size_bytes: int, aligned: bool) -> None:
    first, last = map(int, part.split("-"))
    assert is_tree_hash_aligned(ByteRange(first, last), size_bytes) is aligned


def test_synthetic_content_is_the_same_however_it_is_read() -> None:
    size_bytes = 3 * MIB + 12345
    content = SyntheticContent(size_bytes, seed=7)
    whole = content.read(ByteRange(0, size_bytes - 1))
    assert len(whole) == size_bytes
    assert root(content.digests) == tree_hash(whole)
    assert content.read(ByteRange(MIB - 3, 2 * MIB + 3)) == whole[MIB - 3 : 2 * MIB + 4]
    assert hash_of(content, ByteRange(2 * MIB, size_bytes - 1)) == tree_hash(whole[2 * MIB :])
    assert len({whole[at * MIB : (at + 1) * MIB] for at in range(3)}) == 3
    assert whole != SyntheticContent(size_bytes, seed=8).read(ByteRange(0, size_bytes - 1))
    assert len(SyntheticContent(10 * 2**30, seed=1).digests) == 10 * 1024
