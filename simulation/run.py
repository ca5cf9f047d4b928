"""One run: a seed's workload and choices, from the first message to the time when all has settled."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from botocore.awsrequest import AWSResponse

from local.calls import Call, Caller, Perform
from local.clock import Clock
from local.environments import Environment, FunctionConfig, Log
from local.happenings import FunctionError, Happening
from local.processes import current
from simulation import mishaps, strikes
from simulation.choices import Choice, Chooser, Schedule
from simulation.history import Change, History
from simulation.invocations import Invocations
from simulation.limits import WITHIN, Limits
from simulation.mishaps import Mishaps
from simulation.promises import haste, money, records, remains, requests, telling
from simulation.promises.pauses import Pauses
from simulation.promises.said import Asked, Told
from simulation.promises.violation import Promise, Violation
from simulation.promises.word import Word
from simulation.rates import Rates
from simulation.strikes import SWITCH, Strikes
from simulation.users import drawn
from simulation.workload import Body, Step, Workload
from simulation.world import World

KINDS = (*strikes.KINDS, *mishaps.KINDS)
"""Of all that can happen."""
SETTLES_WITHIN = timedelta(days=4)
"""After the last step and the last fault."""
_SWITCHED_SECONDS = (0.0, 0.05, 1.0, 19.0)
"""Longest that most switches let others run: a call of Glacier's takes no more."""
_HELD_UP_RATE = 0.06
"""Of switches: that others run for as long as the function's time-out allows."""


@dataclass
class Run:
    """One run. `perform` it once, then look."""

    world: World
    seed: int
    given: Schedule | None = None
    """The choices to make; None draws them."""
    without: frozenset[str] = frozenset()
    """Steps of the workload that are left out."""
    limits: Limits = WITHIN
    planned: Workload | None = None
    """What users do; None draws it."""
    violations: list[Violation] = field(default_factory=list)
    points: dict[str, Call] = field(default_factory=dict)
    """The functions' calls at which something was chosen, or nothing, by the names of their points; in the order of
    time. Of a call that keeps failing, the SDK's repeats are not among them."""
    message_ids: dict[str, str] = field(default_factory=dict)
    """Of the messages that were sent, by their steps."""
    on_call: Callable[[Call, Choice | None], None] = lambda call, choice: None
    """Told of each call of a function, before it is made."""
    on_begin: Callable[[], None] = lambda: None
    """Told when all is ready and nothing has happened."""
    on_start: Callable[[Environment], None] = lambda environment: None
    """Told of each invocation before its handler runs."""
    on_happening: Callable[[Happening], None] = lambda happening: None
    """Told of what goes on beside calls."""

    def __post_init__(self) -> None:
        whole = self.planned or drawn(random.Random(f"{self.seed} workload"))
        self.workload = replace(whole, steps=tuple(step for step in whole.steps if step.name not in self.without))
        self.chooser = Chooser(self.seed, self.given, self.workload.certain)
        rates = Rates.drawn(random.Random(f"{self.seed} rates"), KINDS)
        self.rates = rates if self.limits == WITHIN else rates.beyond(random.Random(f"{self.seed} beyond"))
        self.history: History
        self._units_of_others: set[str] = set()
        self._pauses = Pauses()

    # ------------------------------------------------------------------------------------------------- play

    def perform(self) -> Run:
        """To its end, or to the first promise that breaks."""
        self._begin()
        self._play()
        self._settle()
        self._strikes.end_outages()  # nobody redrives while one lasts
        self.world.cloud.redrive()
        self._settle()
        if not self.violations:
            self._check()
        return self

    def _begin(self) -> None:
        world, cloud = self.world, self.world.cloud
        world.skew_seconds = self.limits.skew_seconds
        self.history = world.prepared(self.seed, self.workload)
        self.history.watchers.append(self._on_change)
        mishaps_ = Mishaps(cloud, self.chooser, self.rates, self.limits, self.history)
        mishaps_.arrange()
        self._mishaps = mishaps_
        self._strikes = Strikes(cloud, self.history, self.limits)
        self._invocations = Invocations(cloud.functions)
        cloud.functions.make_environment = self._environment
        cloud.functions.on_start = self._starts
        cloud.tell = self._happens
        cloud.calls.strike = self._strike
        cloud.calls.refusal = self._refusal
        world.furnish(self.workload)
        self.on_begin()

    def _play(self) -> None:
        cloud = self.world.cloud
        for step in self.workload.steps:
            cloud.clock.after(step.at_seconds, partial(self._step, step))
        if self.workload.faults_begin_seconds:
            self.chooser.begun = False
            cloud.clock.after(self.workload.faults_begin_seconds, self._begin_faults)
        ends_seconds = self.workload.faults_end_seconds
        if ends_seconds is not None:
            cloud.clock.after(ends_seconds, self._end_faults)
        last_seconds = max((step.at_seconds for step in self.workload.steps), default=0.0)
        with suppress(TimeoutError):
            cloud.run_until(lambda: self.violations, timedelta(seconds=max(last_seconds, ends_seconds or 0.0)))

    def _step(self, step: Step) -> None:
        units = {unit.capacity_id for unit in self.world.cloud.glacier.ledger.units}
        message_id = self.world.perform(step)
        if message_id is not None:
            self.message_ids[message_id] = step.name
        self._units_of_others |= {unit.capacity_id for unit in self.world.cloud.glacier.ledger.units} - units

    def _begin_faults(self) -> None:
        self.chooser.begun = True

    def _end_faults(self) -> None:
        """From now on all goes well, and there is room for what waits without a fallback and that no unit serves."""
        self.chooser.ended = True
        self._strikes.end_outages()
        if self.workload.max_units == 0 or self.workload.asks_partners:
            self.world.cloud.glacier.settings.on_demand_room = True

    def _settle(self) -> None:
        try:
            self.world.cloud.run_until(lambda: self.violations or self._has_settled(), SETTLES_WITHIN)
        except TimeoutError:
            self._broken(Violation(Promise.NOTHING_LEFT, f"not settled {SETTLES_WITHIN} after the last fault"))

    def _has_settled(self) -> bool:
        history = self.history
        followed = history.open_due or history.purchase_is_followed or history.lock_is_held
        return self.world.cloud.quiet and not followed

    # ----------------------------------------------------------------------------------------------- choose

    def _environment(self, config: FunctionConfig, instance: str, clock: Clock, log: Log) -> Environment:
        environment = self.world.stock.make(config, instance, clock, log)
        self._mishaps.clock_of(environment)
        return environment

    def _starts(self, environment: Environment) -> None:
        self._invocations.begins(environment)
        self.on_start(environment)

    def _happens(self, happening: Happening) -> None:
        if isinstance(happening, FunctionError):
            self._invocations.fails(happening.function, happening.result)
        self.on_happening(happening)

    def _strike(self, call: Call, perform: Perform) -> AWSResponse:
        self._all_broken(self._pauses.of_call(call))
        point = self.chooser.point(f"{call.actor} {call.operation}")
        choice = self._strikes.kept_up(call)
        if choice is None:
            self.points[point] = call
            choice = self.chooser.choose(point, partial(self._draw, call))
        self.on_call(call, choice)
        with self._invocations.during(call, choice):
            return self._answer(call, choice, perform)

    def _answer(self, call: Call, choice: Choice | None, perform: Perform) -> AWSResponse:
        if choice is None:
            return perform()
        if choice.kind == SWITCH:
            process = current()
            assert process is not None, "only functions' calls are struck"
            process.pause(choice.amount)
            return perform()
        return self._strikes.strike(choice, call, perform)

    def _draw(self, call: Call, chance: random.Random) -> Choice | None:
        if call.operation in strikes.TOO_LATE and chance.random() < self.rates.too_late:
            return strikes.too_late(call.operation, chance, self.limits)
        if chance.random() < self.rates.switches and SWITCH not in self.rates.off:
            held_up = chance.random() < _HELD_UP_RATE
            longest_seconds = self._timeout_seconds(call) if held_up else chance.choice(_SWITCHED_SECONDS)
            return Choice(SWITCH, round(longest_seconds * chance.random(), 3))
        kind = self.rates.draw_for(call.service, self._strikes.kinds_for(call), strikes.seldom_for(call), chance)
        return Choice(kind, strikes.amount_of(kind, call, chance, self.limits)) if kind else None

    def _timeout_seconds(self, call: Call) -> float:
        """Of the function that calls."""
        return next(each.timeout_seconds for each in self.world.configs.values() if each.label == call.actor)

    def _refusal(self, call: Call, caller: Caller) -> str | None:
        refusal = self.world.refusal(call, caller)
        if refusal is not None:
            self.history.refused_by_role.append(refusal)
        return refusal

    @property
    def struck(self) -> Counter[str]:
        """How often each kind of what was chosen came to something."""
        return Counter(choice.kind for choice in self.chooser.chosen.values()) - self._strikes.in_vain

    @property
    def struck_at(self) -> Counter[str]:
        """How often each kind that any call can meet was struck at each service: `sqs throttled`; and how often each
        function's result was lost, so that its messages, or the stream's records, came again."""
        chosen = [(point, self.points.get(point), choice.kind) for point, choice in self.chooser.chosen.items()]
        calls = Counter(f"{call.service} {kind}" for _, call, kind in chosen if call and kind in strikes.EVERY_CALL)
        return calls + Counter(f"{point.split()[1]} {kind}" for point, _, kind in chosen if kind == mishaps.RESULT_LOST)

    # ------------------------------------------------------------------------------------------------ check

    def _on_change(self, change: Change) -> None:
        self._all_broken(records.of_change(change, self.history))
        self._all_broken(haste.claimed_as_asked(change))
        self._all_broken(haste.refused_as_asked(change))
        self._all_broken(haste.resumed_in_time(change, self._faults_end))

    def _broken(self, violation: Violation) -> None:
        if violation not in self.violations:
            self.violations.append(violation)

    def _check(self) -> None:
        cloud, history = self.world.cloud, self.history
        told, asked, ledger = Told(cloud.events), Asked(self._bodies(), cloud.move_tasks.new_ids), cloud.glacier.ledger
        word = Word({job.job_id: job for job in ledger.jobs}, history, self.workload, self.limits)
        self._all_broken(requests.every_message_ends(asked, told, history))
        self._all_broken(requests.nothing_follows_the_end(asked, told))
        self._all_broken(requests.contexts_come_back(asked, told))
        self._all_broken(requests.each_change_is_published(told, history))
        for event in told.first.values():
            self._all_broken(word.of_event(event))
        asked_for, calls = self._requests(), cloud.calls.log
        self._all_broken(telling.turns_are_told(told, history))
        self._all_broken(telling.shortage_is_told(told, calls, ledger.units, self.workload.max_units))
        self._all_broken(telling.short_is_so(told, calls, ledger.units, self.workload.max_units))
        self._all_broken(haste.served_as_fast_as_asked(asked_for, told, word.jobs, calls, self._faults_end, history))
        self._all_broken(haste.ends_are_noticed(word.jobs, self._faults_end, history))
        listed_within = timedelta(seconds=self.limits.listing_lag_seconds + 2 * self.limits.skew_seconds)
        self._all_broken(money.units_told(self._units_of_ours, told.units, ledger.units, history, listed_within))
        self._all_broken(money.untagged(ledger.jobs))
        if self.limits == WITHIN:
            self._all_broken(money.of_jobs(ledger.jobs, history, self.workload.requests))
            self._all_broken(money.unasked_for(ledger.jobs, asked_for, history.cancelled_ms()))
            self._all_broken(self._units())
            self._all_broken(money.duplicates_told(told.duplicates))
        else:
            self._all_broken(money.unasked_for(ledger.jobs, asked_for, {}))  # one may start long after it was cancelled
            sent, heard_of = self.workload.requests, history.notified
            self._all_broken(money.duplicates_noticed(ledger.jobs, history, sent, told.duplicates, heard_of))
        self._all_broken(remains.nothing_is_left(cloud, history))
        self._all_broken(remains.no_function_breaks(cloud, made_to_end=self._invocations.made_to_end))
        self._all_broken(remains.calls_are_allowed(cloud, history))

    def _all_broken(self, violations: Iterable[Violation]) -> None:
        for violation in violations:
            self._broken(violation)

    def _bodies(self) -> dict[str, str]:
        bodies = {step.name: step.body for step in self.workload.steps}
        return {message_id: bodies[step] for message_id, step in self.message_ids.items()}

    def _requests(self) -> list[tuple[datetime, Body]]:
        """What was asked for, and when."""
        start, sent = self.world.cloud.start, ((step.at_seconds, step.request) for step in self.workload.steps)
        return [(start + timedelta(seconds=at_seconds), body) for at_seconds, body in sent if body is not None]

    @property
    def _faults_end(self) -> datetime:
        """A life of the sweep has no such time, but for the outage that it was struck with."""
        planned = self.world.cloud.start + timedelta(seconds=self.workload.faults_end_seconds or 0)
        return max(planned, datetime.fromtimestamp(self._strikes.outages_end_ms / 1000, UTC))

    @property
    def _units_of_ours(self) -> list[str]:
        units = self.world.cloud.glacier.ledger.units
        return [unit.capacity_id for unit in units if unit.capacity_id not in self._units_of_others]

    def _units(self) -> Iterable[Violation]:
        expedited = {body["requestId"] for _, body in self._requests() if body["jobParameters"]["Tier"] == "Expedited"}
        drain = timedelta(minutes=self.workload.drain_within_minutes)
        units, calls = self.world.cloud.glacier.ledger.units, self.world.cloud.calls.log
        ours, max_units = self._units_of_ours, self.workload.max_units
        return money.of_units(units, ours, calls, self.history, expedited, max_units, drain)
