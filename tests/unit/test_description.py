"""The job description: the only way to know a job again whose reply was lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import KEY
from thaw.description import GLACIER_LIMIT_BYTES, PATTERN, USER_LIMIT_BYTES, Tag, split_retrieval_id

KEYS = st.text("0123456789abcdef", min_size=32, max_size=32)
COUNTS = st.integers(1, 10**9 - 1)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=USER_LIMIT_BYTES)


@given(key=KEYS, generation=COUNTS, attempt=COUNTS, text=st.none() | TEXTS)
def test_is_read_back_and_is_one_that_glacier_takes(key: str, generation: int, attempt: int, text: str | None) -> None:
    tag = Tag(key, generation, attempt)
    description = tag.describe(text)
    assert Tag.read(description) == tag
    assert description.endswith(text or "")
    assert len(description.encode()) <= GLACIER_LIMIT_BYTES
    assert re.fullmatch(PATTERN, description)
    assert split_retrieval_id(tag.retrieval_id) == (key, generation)


def test_the_longest_text_of_a_user_fits_behind_the_longest_tag() -> None:
    description = Tag(KEY, 10**9 - 1, 10**9 - 1).describe("~" * USER_LIMIT_BYTES)
    assert len(description) <= GLACIER_LIMIT_BYTES == 1024


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        "nightly restore",
        f"thaw:{KEY}",
        f"thaw:{KEY}-1",
        f"thaw:{KEY}-1:",
        f"thaw:{KEY}-1:1x",
        f"thaw:{KEY}-x:1",
        f"thaw:{KEY[:-1]}-1:1",
        f" thaw:{KEY}-1:1",
        f"THAW:{KEY}-1:1",
        f"restore thaw:{KEY}-1:1",
    ],
)
def test_others_jobs_have_no_tag(description: str | None) -> None:
    assert Tag.read(description) is None
