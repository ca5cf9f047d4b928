"""What goes wrong elsewhere than in a call: with messages, notifications, jobs, results and clocks."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from moto.sqs.models import Message, Queue

from local.cloud import Cloud
from local.environments import Environment
from local.glacier.faults import Effect, Fault, Faults, Subject, always
from simulation.choices import Choice, Chooser
from simulation.history import History, JobEnd
from simulation.limits import Limits
from simulation.rates import Rates
from thaw.job import epoch_ms

WORK_QUEUES = ("requests", "resumes", "notifications")
_MESSAGES = {"message twice": 1.0, "message late": 1.0}
_NOTIFICATIONS = {"notification lost": 1.0, "notification doubled": 1.0, "notification delayed": 1.0}
_JOBS = {"job fails": 1.0, "job early": 1.0, "job late": 1.0}
_USUAL_SECONDS = {"Expedited": 300.0, "Standard": 5 * 3600.0, "Bulk": 12 * 3600.0}
RESULT_LOST = "result lost"
KINDS = (*_MESSAGES, *_NOTIFICATIONS, *_JOBS, RESULT_LOST, "clock ahead")


@dataclass
class Mishaps:
    cloud: Cloud
    chooser: Chooser
    rates: Rates
    limits: Limits
    history: History

    def arrange(self) -> None:
        """Puts itself where these things happen. After `Cloud.reset`."""
        self.cloud.glacier.faults = _GlacierFaults(self)
        self.cloud.on_message = self.on_message
        self.cloud.functions.lose_result = self.lose_result

    def choose(self, place: str, kinds: Mapping[str, float], rate: float) -> Choice | None:
        def draw(chance: random.Random) -> Choice | None:
            kind = self.rates.draw(kinds, rate, chance)
            return Choice(kind, self._amount(kind, chance)) if kind else None

        return self.chooser.at(place, draw)

    def _amount(self, kind: str, chance: random.Random) -> float:
        limits = self.limits
        match kind:
            case "message twice" | "message late":
                return round(limits.message_seconds * chance.random() ** 3, 3)
            case "notification delayed":
                return round(limits.notification_seconds * chance.random() ** 2, 3)
            case "job early":
                return round(chance.choice([0.0, 60.0]) * chance.random(), 3)
            case "job late":
                return round(limits.late_job_seconds * chance.random(), 3)
        return 0.0

    # ------------------------------------------------------------------------------------------------------

    def on_message(self, queue: Queue, message: Message) -> None:
        if not queue.name.endswith(WORK_QUEUES) or getattr(message, "is_copy", False):
            return
        choice = self.choose(f"message {queue.name.rpartition('-')[2]}", _MESSAGES, self.rates.messages)
        if choice is None:
            return
        if choice.kind == "message late":
            message.delayed_until = max(message.delayed_until, self.cloud.clock.now_ms()) + choice.amount * 1000
        else:
            again = copy.copy(message)
            again._old_receipt_handles, again.is_copy = [], True  # type: ignore[attr-defined]
            self.cloud.clock.after(choice.amount, partial(queue.add_message, again))

    def lose_result(self, environment: Environment) -> bool:
        place = f"result {environment.actor}"
        return self.choose(place, {RESULT_LOST: 1.0}, self.rates.results) is not None

    def clock_of(self, environment: Environment) -> None:
        """Sets the clock of a new environment: any two differ by at most the limit, and from Glacier's, too."""
        most_ms = self.limits.skew_seconds * 1000
        earliest_ms = -most_ms * self.chooser.random_at("clocks").random()

        def draw(chance: random.Random) -> Choice | None:
            if not self.rates.skewed or "clock ahead" in self.rates.off:
                return None
            skew_ms = earliest_ms + most_ms * chance.choice([0, 1, chance.random()])
            return Choice("clock ahead", round(skew_ms / 1000, 3))

        choice = self.chooser.at(f"clock {environment.actor}", draw)
        environment.skew_ms = round(choice.amount * 1000) if choice else 0


class _GlacierFaults(Faults):
    """Glacier's own misbehaviour, chosen where it can happen."""

    def __init__(self, mishaps: Mishaps) -> None:
        super().__init__()
        self._mishaps = mishaps

    def on_notification(self, message: Subject) -> Fault | None:
        history = self._mishaps.history
        ended = JobEnd(epoch_ms(message["CompletionDate"]), message["StatusCode"], message)
        history.job_ends.setdefault(message["JobId"], ended)
        choice = self._mishaps.choose("notification", _NOTIFICATIONS, self._mishaps.rates.notifications)
        if choice is None or choice.kind != "notification lost":
            history.notified.add(message["JobId"])
        effects = {"lost": Effect.DROP, "doubled": Effect.DOUBLE, "delayed": Effect.DELAY}
        if choice is None:
            return None
        return _fault(effects[choice.kind.partition(" ")[2]], seconds=choice.amount)

    def on_job(self, effect: Effect, parameters: Subject) -> Fault | None:
        asked = super().on_job(effect, parameters)
        if asked is not None:
            return asked
        kinds = {"job fails"} if effect is Effect.JOB_FAILS else {"job early", "job late"}
        place = "job's end" if effect is Effect.JOB_FAILS else "job's time"
        weights = {kind: weight for kind, weight in _JOBS.items() if kind in kinds}
        choice = self._mishaps.choose(place, weights, self._mishaps.rates.jobs)
        if choice is None:
            return None
        usual_seconds = _USUAL_SECONDS[parameters["jobParameters"].get("Tier", "Standard")]
        late = choice.kind == "job late"
        return _fault(effect, seconds=choice.amount + (usual_seconds if late else 0), message="struck")


def _fault(effect: Effect, **rest: Any) -> Fault:
    return Fault("chosen", effect, 1, always, **rest)
