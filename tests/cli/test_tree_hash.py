"""Tree hashes and parts, against botocore's hash and the rules of the functions."""

import io

from botocore.utils import calculate_tree_hash
from hypothesis import given
from hypothesis import strategies as st

from cli.tree_hash import parts, root, tree_hash
from thaw.byte_range import MIB, ByteRange

BLOCK = bytes(range(256)) * 4096 * 9


@given(st.integers(1, 9 * MIB) | st.integers(1, 9).map(lambda mib: mib * MIB), st.sampled_from([1, 2, 4, 16]))
def test_the_parts_roots_give_the_hash_that_botocore_gives(size_bytes: int, part_mib: int) -> None:
    data = BLOCK[1 : size_bytes + 1]
    expected = calculate_tree_hash(io.BytesIO(data))  # type: ignore[arg-type]
    assert tree_hash(data).hex() == expected
    roots = [tree_hash(data[part.first : part.last + 1]) for part in parts(size_bytes, part_mib * MIB)]
    assert root(roots).hex() == expected


@given(
    st.integers(0, 300),
    st.integers(1, 300),
    st.sampled_from([1, 2, 8, 16]),
    st.integers(0, 3 * MIB),
    st.booleans(),
)
def test_parts_are_aligned_and_cover_the_output(
    start_mib: int, mib: int, part_mib: int, beyond_bytes: int, to_the_end: bool
) -> None:
    start, size = start_mib * MIB, mib * MIB
    if to_the_end:
        size -= beyond_bytes % MIB
        archive = start + size
    else:
        archive = start + size + beyond_bytes + 1
    cut = list(parts(size, part_mib * MIB, start, to_the_end=to_the_end))
    assert [part.first for part in cut] == [0, *(part.last + 1 for part in cut[:-1])]
    assert cut[-1].last == size - 1
    for part in cut:
        assert part.size_bytes <= part_mib * MIB
        assert ByteRange(start + part.first, start + part.last).tree_hash_aligned(archive)
    if ByteRange(start, start + size - 1).tree_hash_aligned(archive):
        assert len({part.size_bytes for part in cut[:-1]}) <= 1
