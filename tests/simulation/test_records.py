"""What may change in the record of a request."""

from typing import Any

import pytest

from simulation.promises.records import _of_request

KNOWN = {"id": "request/r1", "kind": "request", "contents": "c", "key": "a"}


@pytest.mark.parametrize(
    ("before", "after", "right"),
    [
        ({}, {"key": "b", "ordinal": 0}, True),
        ({}, {"key": "b", "ordinal": 1}, True),
        ({}, {"key": "b"}, False),
        ({"done": True}, {"done": True, "key": "b", "ordinal": 1}, False),
        ({}, {"contents": "d", "ordinal": 1}, False),
    ],
    ids=str,
)
def test_a_request_is_led_on_and_changes_in_no_other_way(
    before: dict[str, Any], after: dict[str, Any], right: bool
) -> None:
    assert (not list(_of_request(KNOWN | before, KNOWN | after))) == right
