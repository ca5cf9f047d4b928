"""Cutting a failing run down: the fewest steps and choices with which the same promise still breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulation.choices import Schedule
from simulation.limits import Limits
from simulation.promises.violation import Promise
from simulation.run import Run
from simulation.world import World

RUNS_AT_MOST = 300


@dataclass(frozen=True)
class Part:
    """Something that can be left out of a run: a choice, or a step of the workload."""

    point: str
    is_step: bool = False


def shrink(world: World, failed: Run, tried: Callable[[int], None] = lambda size: None) -> Run:
    """The run with the fewest parts that breaks the first promise that `failed` broke.

    Args:
        tried: told after each try of how many parts the smallest failing run has.
    """
    promise = failed.violations[0].promise
    parts = [Part(step.name, is_step=True) for step in failed.workload.steps]
    parts += [Part(point) for point in failed.chooser.chosen]
    tries = _Tries(world, failed.seed, failed.limits, promise, failed.chooser.chosen, tried)
    return tries.run_of(_fewest(parts, tries.still_fails))


@dataclass
class _Tries:
    world: World
    seed: int
    limits: Limits
    promise: Promise
    chosen: Schedule
    tried: Callable[[int], None]
    left: int = RUNS_AT_MOST

    def still_fails(self, parts: Sequence[Part]) -> bool:
        if self.left == 0:
            return False
        self.left -= 1
        fails = any(violation.promise is self.promise for violation in self.run_of(parts).violations)
        if fails:
            self.tried(len(parts))
        return fails

    def run_of(self, parts: Sequence[Part]) -> Run:
        steps = {part.point for part in parts if part.is_step}
        points = {part.point for part in parts if not part.is_step}
        given = {point: choice for point, choice in self.chosen.items() if point in points}
        whole = Run(self.world, self.seed, given, limits=self.limits)
        without = frozenset(step.name for step in whole.workload.steps if step.name not in steps)
        return Run(self.world, self.seed, given, without, self.limits).perform()


def _fewest(parts: list[Part], fails: Callable[[Sequence[Part]], bool]) -> list[Part]:
    """Delta debugging: leaves out ever smaller pieces, for as long as it still fails without one."""
    pieces = 2
    while len(parts) > 1:
        size = -(-len(parts) // pieces)
        for start in range(0, len(parts), size):
            rest = parts[:start] + parts[start + size :]
            if rest and fails(rest):
                parts, pieces = rest, max(2, pieces - 1)
                break
        else:
            if pieces >= len(parts):
                break
            pieces = min(len(parts), 2 * pieces)
    return parts
