"""Errors by their code, and the waits after them."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thaw.refusals import Refusal, delay_ms, refusal_of

MEANINGS = {
    # The table "Error responses" of the developer guide, and botocore's model.
    "AccessDeniedException": Refusal.DENIED,
    "BadRequest": Refusal.PERMANENT,
    "ExpiredTokenException": Refusal.DENIED,
    "InsufficientCapacityException": Refusal.CAPACITY,
    "InvalidParameterValueException": Refusal.PERMANENT,
    "InvalidSignatureException": Refusal.DENIED,
    "LimitExceededException": Refusal.LIMIT,
    "MissingAuthenticationTokenException": Refusal.DENIED,
    "MissingParameterValueException": Refusal.PERMANENT,
    "NoLongerSupportedException": Refusal.PERMANENT,
    "PolicyEnforcedException": Refusal.POLICY,
    "RequestTimeoutException": Refusal.UNKNOWN,
    "ResourceNotFoundException": Refusal.PERMANENT,
    "SerializationException": Refusal.PERMANENT,
    "ServiceUnavailableException": Refusal.UNKNOWN,
    "ThrottlingException": Refusal.THROTTLED,
    "UnrecognizedClientException": Refusal.DENIED,
}
WAITED_OUT = [Refusal.THROTTLED, Refusal.CAPACITY, Refusal.POLICY, Refusal.DENIED, Refusal.LIMIT]
WAITS = st.sampled_from(WAITED_OUT)


@pytest.mark.parametrize(("code", "meaning"), MEANINGS.items())
def test_every_documented_code_is_understood(code: str, meaning: Refusal) -> None:
    assert refusal_of(code) is meaning


@pytest.mark.parametrize("code", ["", "500", "InternalFailure", "Unknown", "throttlingexception"])
def test_of_any_other_nobody_knows_whether_it_was_done(code: str) -> None:
    assert refusal_of(code) is Refusal.UNKNOWN


@given(refusal=WAITS, nth=st.integers(1, 10**6), name=st.text())
def test_a_wait_is_in_the_upper_half_of_what_has_doubled(refusal: Refusal, nth: int, name: str) -> None:
    first_ms, most_ms = _bounds_ms(refusal)
    whole_ms = min(first_ms * 2 ** min(nth - 1, 60), most_ms)
    assert whole_ms / 2 <= delay_ms(refusal, nth, name) < whole_ms
    assert delay_ms(refusal, nth, name) == delay_ms(refusal, nth, name)


def _bounds_ms(refusal: Refusal) -> tuple[int, int]:
    seconds = {
        Refusal.THROTTLED: (60, 3600),
        Refusal.CAPACITY: (120, 1800),
        Refusal.POLICY: (600, 3600),
        Refusal.DENIED: (300, 3600),
        Refusal.LIMIT: (300, 3600),
    }
    first, most = seconds[refusal]
    return first * 1000, most * 1000


@pytest.mark.parametrize("refusal", WAITED_OUT)
def test_many_refused_at_once_do_not_come_back_at_once(refusal: Refusal) -> None:
    first_ms, _ = _bounds_ms(refusal)
    waits = [delay_ms(refusal, 1, f"retrieval-{number}") for number in range(1000)]
    tenths = Counter(int((wait - first_ms / 2) / (first_ms / 20)) for wait in waits)
    assert sorted(tenths) == list(range(10))
    assert min(tenths.values()) > 50


@pytest.mark.parametrize("refusal", WAITED_OUT)
def test_waits_grow(refusal: Refusal) -> None:
    mean = [sum(delay_ms(refusal, nth, str(i)) for i in range(200)) / 200 for nth in range(1, 12)]
    assert all(earlier <= later * 1.05 for earlier, later in pairwise(mean))
    assert mean[-1] > 2 * mean[0]
