"""Making Glacier misbehave on purpose, a given number of times, for tests and the demo.

    service.faults.fail("InitiateJob", "ThrottlingException", times=3, when=about_an_archive)
    service.faults.lose_reply("InitiateJob")          done, but the caller sees its connection close
    service.faults.drop_notification()

`when` looks at what is about to happen: a call's parameters, by botocore's names (a job's under
`jobParameters`), or a notification's message, as DescribeJob would give it. Of the faults that match, the one
that was asked for first is used; each is used up by the occasions it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

Subject = Mapping[str, Any]
Condition = Callable[[Subject], bool]

ANY_OPERATION = "*"
_NOTIFICATION = "notification"
_JOB = "job"


class Effect(Enum):
    REFUSE = "an error, and nothing done"
    LOSE_REQUEST = "the connection closes, and nothing done"
    LOSE_REPLY = "done, and then an error or a closed connection"
    DROP = "a notification is not sent"
    DOUBLE = "a notification is sent twice"
    DELAY = "a notification is sent later"
    JOB_FAILS = "a job ends as Failed"
    JOB_TAKES = "a job takes so long"


@dataclass
class Fault:
    """One kind of misbehaviour and how often it is still to happen.

    `code` is the error's (None: a closed connection), `seconds` the delay of a notification or the duration
    of a job, `message` the StatusMessage of a job that fails.
    """

    where: str
    effect: Effect
    times: int
    when: Condition
    code: str | None = None
    seconds: float = 0.0
    message: str = ""


def always(subject: Subject) -> bool:
    return True


def about_an_archive(parameters: Subject) -> bool:
    return bool(parameters["jobParameters"].get("Type") == "archive-retrieval")


def about_an_inventory(parameters: Subject) -> bool:
    return bool(parameters["jobParameters"].get("Type") == "inventory-retrieval")


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def fail(self, operation: str, code: str, times: int = 1, when: Condition = always) -> None:
        """The next matching calls are refused with this error; nothing is done."""
        self._add(operation, Effect.REFUSE, times, when, code=code)

    def lose_request(self, operation: str, times: int = 1, when: Condition = always) -> None:
        """The next matching calls end in a closed connection; nothing is done."""
        self._add(operation, Effect.LOSE_REQUEST, times, when)

    def lose_reply(self, operation: str, times: int = 1, when: Condition = always, code: str | None = None) -> None:
        """The next matching calls are done, but end in a closed connection, or in this error if given."""
        self._add(operation, Effect.LOSE_REPLY, times, when, code=code)

    def drop_notification(self, times: int = 1, when: Condition = always) -> None:
        self._add(_NOTIFICATION, Effect.DROP, times, when)

    def double_notification(self, times: int = 1, when: Condition = always) -> None:
        self._add(_NOTIFICATION, Effect.DOUBLE, times, when)

    def delay_notification(self, seconds: float, times: int = 1, when: Condition = always) -> None:
        self._add(_NOTIFICATION, Effect.DELAY, times, when, seconds=seconds)

    def job_fails(
        self, times: int = 1, when: Condition = always, message: str = "The job could not be completed"
    ) -> None:
        """The next matching jobs that are initiated end as Failed, at their usual time."""
        self._add(_JOB, Effect.JOB_FAILS, times, when, message=message)

    def job_takes(self, seconds: float, times: int = 1, when: Condition = always) -> None:
        """The next matching jobs that are initiated take exactly so long, whatever tier and speed."""
        self._add(_JOB, Effect.JOB_TAKES, times, when, seconds=seconds)

    def clear(self) -> None:
        self._faults.clear()

    @property
    def pending(self) -> list[Fault]:
        """What is still to happen: a test may end by looking that nothing is."""
        return list(self._faults)

    def on_call(self, operation: str, parameters: Subject) -> Fault | None:
        return self._take(parameters, lambda fault: fault.where in (operation, ANY_OPERATION))

    def on_notification(self, message: Subject) -> Fault | None:
        return self._take(message, lambda fault: fault.where == _NOTIFICATION)

    def on_job(self, effect: Effect, parameters: Subject) -> Fault | None:
        return self._take(parameters, lambda fault: fault.where == _JOB and fault.effect is effect)

    def _add(self, where: str, effect: Effect, times: int, when: Condition, **rest: Any) -> None:
        self._faults.append(Fault(where, effect, times, when, **rest))

    def _take(self, subject: Subject, concerns: Callable[[Fault], bool]) -> Fault | None:
        for fault in self._faults:
            if concerns(fault) and fault.when(subject):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None
