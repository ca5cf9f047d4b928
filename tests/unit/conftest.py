"""How hard the properties are tried: the same examples on every run."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "thaw",
    max_examples=100,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("thaw")
