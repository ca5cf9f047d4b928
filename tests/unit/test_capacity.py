"""What became of a purchase, and which units there are."""

import pytest
from pydantic import ValidationError

from tests.unit.builders import NOW, unit
from thaw import bounds, capacity
from thaw.capacity import Intent, Outcome, Unit

SETTLED_MS = NOW + (bounds.NETWORK_SECONDS + 2 * bounds.CLOCK_SKEW_SECONDS + bounds.LISTING_LAG_SECONDS) * 1000


def test_a_purchase_is_settled_by_a_listing_only() -> None:
    intent = Intent(until=NOW, seen=["unit-1"])
    replied = Intent(until=NOW, seen=["unit-1"], capacity_id="unit-2")
    assert capacity.outcome(intent, [unit(1)], NOW) == (Outcome.UNKNOWN, None)
    assert capacity.outcome(intent, [unit(1)], SETTLED_MS) == (Outcome.UNKNOWN, None)
    assert capacity.outcome(intent, [unit(1)], SETTLED_MS + 1) == (Outcome.NOT_BOUGHT, None)
    assert capacity.outcome(intent, [unit(1), unit(2)], NOW) == (Outcome.BOUGHT, in_doubt(unit(2)))
    assert capacity.outcome(replied, [unit(1), unit(3)], SETTLED_MS + 1) == (Outcome.UNKNOWN, None)
    assert capacity.outcome(replied, [unit(3), unit(2)], NOW) == (Outcome.BOUGHT, unit(2))


def in_doubt(one: Unit) -> Unit:
    return one.model_copy(update={"in_doubt": True})


def test_what_a_purchase_in_doubt_may_have_bought() -> None:
    settled = Intent(until=NOW, seen=["unit-1"])
    assert capacity.more_in_doubt(settled, [unit(1), unit(2)], [unit(2)]) == []
    assert capacity.more_in_doubt(settled, [unit(1), unit(3)], [unit(2)]) == [in_doubt(unit(3))]
    last_ms = NOW + bounds.PURCHASE_IN_DOUBT_SECONDS * 1000
    assert capacity.is_in_doubt(settled, last_ms)
    assert not capacity.is_in_doubt(settled, last_ms + 1)
    assert not capacity.is_in_doubt(None, NOW)


def test_a_unit_once_seen_is_there_even_if_a_listing_lags() -> None:
    assert capacity.known([], [unit(1)]) == [unit(1)]
    assert capacity.known([unit(1)], [unit(1)]) == [unit(1)]
    assert capacity.known([unit(2)], [unit(1)]) == [unit(2), unit(1)]


def test_a_unit_that_ends_on_no_date_is_not_read() -> None:
    with pytest.raises(ValidationError, match="expirationDate"):
        Unit.model_validate({"capacityId": "unit-1", "startDate": "2026-01-01T00:00:00Z", "expirationDate": "soon"})
