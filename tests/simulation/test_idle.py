"""A tick that is slept through has nothing to do; how that is remembered makes no difference."""

import pytest

from simulation.idle import Idle
from simulation.limits import WITHIN
from simulation.run import Run
from simulation.world import World


@pytest.mark.parametrize("seed", [0, 7, 13])
def test_what_is_remembered_of_a_tick_is_what_is_found(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bool] = []
    is_idle = Idle.__call__

    def asked_twice(idle: Idle, function_arn: str) -> bool:
        anew = is_idle(Idle(idle.cloud, idle.history, idle.skew_seconds), function_arn)
        answers.append(anew)
        assert is_idle(idle, function_arn) == anew
        return anew

    monkeypatch.setattr(Idle, "__call__", asked_twice)
    run = Run(world, seed, limits=WITHIN).perform()
    assert run.violations == []
    assert len(set(answers)) == 2
