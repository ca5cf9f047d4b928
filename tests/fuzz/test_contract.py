"""What the fuzzing holds requests to agrees with the good and the malformed messages that the other tests use."""

import json

import pytest

from tests.fuzz.contract import fits, read
from tests.unit.corpus import CODE_ONLY, GOOD, MALFORMED


@pytest.mark.parametrize("name", GOOD)
def test_good_messages_fit(name: str) -> None:
    assert fits(GOOD[name])


@pytest.mark.parametrize("name", [*MALFORMED, *CODE_ONLY])
def test_malformed_messages_do_not(name: str) -> None:
    assert not fits({**MALFORMED, **CODE_ONLY}[name][0])


def test_a_line_break_at_the_end_is_no_part_of_an_id() -> None:
    assert not fits({"cancel": "request-1\n"})


def test_what_only_python_reads_is_no_json() -> None:
    with pytest.raises(ValueError, match="NaN"):
        read('{"cancel": NaN}')
    assert read(json.dumps(GOOD["plain"])) == GOOD["plain"]
