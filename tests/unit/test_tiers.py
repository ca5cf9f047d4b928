"""The tiers' order, and when a silent job is looked at."""

from itertools import permutations

from thaw.tiers import USUAL_SECONDS, Tier, faster, fastest, first_look_seconds

IN_ORDER = [Tier.EXPEDITED, Tier.STANDARD, Tier.BULK]


def test_order() -> None:
    for tiers in permutations(IN_ORDER):
        assert fastest(list(tiers)) is Tier.EXPEDITED
    assert faster(Tier.EXPEDITED, Tier.STANDARD)
    assert faster(Tier.STANDARD, Tier.BULK)
    assert not any(faster(tier, tier) for tier in Tier)
    assert not faster(Tier.BULK, Tier.EXPEDITED)


def test_a_job_is_first_looked_at_when_its_usual_time_is_over() -> None:
    """Developer guide: Expedited 1-5 minutes, Standard 3-5 hours, Bulk 5-12 hours."""
    assert USUAL_SECONDS == {Tier.EXPEDITED: 300, Tier.STANDARD: 18_000, Tier.BULK: 43_200}
    assert all(USUAL_SECONDS[tier] < first_look_seconds(tier) < 2 * USUAL_SECONDS[tier] + 901 for tier in Tier)
