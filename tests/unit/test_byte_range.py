"""Byte ranges: Glacier's two alignments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thaw.byte_range import MIB, BadRange, ByteRange

SIZES = st.integers(1, 40 * MIB)
NEAR_MIB = st.builds(lambda mib, off: max(0, mib * MIB + off), st.integers(0, 40), st.integers(-2, 2))
BYTES = NEAR_MIB | st.integers(0, 41 * MIB)


@given(start=BYTES, end=BYTES, size=SIZES | NEAR_MIB.filter(bool))
def test_takes_exactly_what_glacier_takes(start: int, end: int, size: int) -> None:
    """Developer guide: the start divisible by 1 MiB, and end + 1 as well unless it is the end of the archive."""
    right = start % MIB == 0 and start <= end < size and (end == size - 1 or (end + 1) % MIB == 0)
    try:
        assert ByteRange.parse(f"{start}-{end}", size) == ByteRange(start, end)
        assert right
    except BadRange:
        assert not right


@given(start=BYTES, end=BYTES)
def test_without_the_size_takes_what_some_archive_has(start: int, end: int) -> None:
    try:
        assert ByteRange.parse(f"{start}-{end}").size_bytes == end - start + 1
    except BadRange:
        assert start % MIB or end < start
    else:
        assert ByteRange.parse(f"{start}-{end}", end + 1)


@given(start=st.integers(0, 39).map(lambda mib: mib * MIB), end=BYTES, size=SIZES)
def test_a_correction_that_is_told_is_right(start: int, end: int, size: int) -> None:
    try:
        ByteRange.parse(f"{start}-{end}", size)
    except BadRange as bad:
        if "would be right" in str(bad):
            told = str(bad).removesuffix(" would be right").rsplit(" ", 1)[-1]
            assert ByteRange.parse(f"{start}-{told}", size)


def nodes(size_mib: int) -> set[tuple[int, int]]:
    """Every node of the tree that the developer guide builds over an archive's 1 MiB chunks, as [first, last)."""
    level = [(chunk, chunk + 1) for chunk in range(size_mib)]
    found = set(level)
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [(pair[0][0], pair[-1][1]) for pair in pairs]
        found |= set(level)
    return found


@pytest.mark.parametrize("size_mib", [*range(1, 20), 31, 32, 33])
@pytest.mark.parametrize("last_mib_bytes", [1, MIB - 1, MIB])
def test_a_tree_hash_is_given_for_the_nodes_of_the_tree(size_mib: int, last_mib_bytes: int) -> None:
    size = (size_mib - 1) * MIB + last_mib_bytes
    aligned = nodes(size_mib)
    for first in range(size_mib):
        for last in range(first + 1, size_mib + 1):
            part = ByteRange.parse(f"{first * MIB}-{min(last * MIB, size) - 1}", size)
            assert part.tree_hash_aligned(size) is ((first, last) in aligned)


@given(first=st.integers(0, 64), length=st.integers(1, 64), more=st.integers(0, 64))
def test_without_the_size_alignment_is_told_where_every_archive_agrees(first: int, length: int, more: int) -> None:
    part = ByteRange(first * MIB, (first + length) * MIB - 1)
    told = part.tree_hash_aligned()
    size = (first + length + more) * MIB
    assert told is None or told is part.tree_hash_aligned(size)


@pytest.mark.parametrize("text", ["", "0", "-", "0-", "-5", "a-b", "0-1-2", "0 -5", "0-5\n", "1e6-2e6", "٠-٥", "00-5"])
def test_other_text_is_no_range(text: str) -> None:
    with pytest.raises(BadRange, match="start-end"):
        ByteRange.parse(text)
