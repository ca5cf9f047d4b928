"""Time and what is due in it.

A clock holds timers in the order of their times. The virtual clock is the whole process's idea of time (time-
machine sets `time.time` and `datetime.now`) and jumps from one timer to the next; the real clock waits for
them. All times are whole milliseconds since the epoch.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import time_machine

Action = Callable[[], None]
_LOOK_SECONDS = 0.02
_VISITS_SECONDS = 0.05
"""So long visitors are let in between two timers that are due."""


@dataclass(eq=False)
class Timer:
    """Something to be done at a time. Background timers (schedules, sweeps) go on for ever and don't count as work."""

    when_ms: int
    action: Action
    background: bool = False
    done: bool = False


class Clock:
    """Timers, on whatever `time.time` says the time is."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, float, int, Timer]] = []
        """The timers after what orders them: their times, the tie-break, and which was set first."""
        self._count = count()
        self.waiting = 0
        """How many timers that are not in the background are still to come."""
        self.tie_break: Callable[[], float] = lambda: 0.0
        """Orders timers of the same millisecond; the constant keeps them in the order in which they were set."""
        self.wake: Action = lambda: None
        """Called when a timer was set that is now the first."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def now(self) -> datetime:
        return datetime.now(UTC)

    def at_ms(self, when_ms: int, action: Action, *, background: bool = False) -> Timer:
        """Sets a timer; a time that has passed means as soon as possible."""
        return self._set(Timer(max(when_ms, self.now_ms()), action, background))

    def _set(self, timer: Timer) -> Timer:
        heapq.heappush(self._heap, (timer.when_ms, self.tie_break(), next(self._count), timer))
        self.waiting += not timer.background
        if self._heap[0][-1] is timer:
            self.wake()
        return timer

    def after(self, seconds: float, action: Action, *, background: bool = False) -> Timer:
        return self._set(Timer(self.now_ms() + max(0, round(seconds * 1000)), action, background))

    def cancel(self, timer: Timer | None) -> None:
        if timer is not None and not timer.done:
            timer.done = True
            self.waiting -= not timer.background

    def next_ms(self) -> int | None:
        """When the next timer is due, or None."""
        while self._heap and self._heap[0][-1].done:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def clear(self) -> None:
        self._heap.clear()
        self.waiting = 0

    def _fire(self) -> None:
        timer = heapq.heappop(self._heap)[-1]
        timer.done = True
        self.waiting -= not timer.background
        timer.action()


class VirtualClock(Clock):
    """A clock that stands still but when it is run, and then jumps. One at a time in a process."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self._travel = time_machine.travel(start, tick=False)
        self._traveller: time_machine.Traveller | None = None
        self._now_ms = 0

    def __enter__(self) -> VirtualClock:
        self._traveller = self._travel.start()
        self._now_ms = super().now_ms()
        return self

    def __exit__(self, *_: object) -> None:
        self._travel.stop()
        self._traveller = None

    def now_ms(self) -> int:
        """Without asking time-machine, which takes long: it is asked for some fifty times between two calls."""
        return super().now_ms() if self._traveller is None else self._now_ms

    def move_to_ms(self, when_ms: int) -> None:
        """Sets the time without firing anything."""
        assert self._traveller is not None, "the virtual clock has not been started"
        self._traveller.shift(timedelta(milliseconds=when_ms - self._now_ms))
        self._now_ms = when_ms

    def run_until(self, reached: Callable[[], object], limit_ms: int) -> bool:
        """Fires timers until `reached` gives something true (it is asked after each); False if all due by the limit
        have fired before."""
        while not reached():
            when_ms = self.next_ms()
            if when_ms is None or when_ms > limit_ms:
                self.move_to_ms(max(limit_ms, self.now_ms()))
                return bool(reached())
            if when_ms > self.now_ms():
                self.move_to_ms(when_ms)
            self._fire()
        return True


class RealClock(Clock):
    """A clock that waits. `run` owns the thread that it is called in; others touch the clock only under `lock`.

    While one timer is due after the other, `run` hardly lets go of the lock: who wants to be let in between two of
    them enters `visit`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.RLock()
        self._visitors = 0
        self._visitors_lock = threading.Lock()
        self._changed = threading.Condition(self.lock)
        self._stopped = False
        self.wake = self._wake

    def run(self) -> None:
        """Fires timers as they fall due, until `stop`."""
        with self.lock:
            while not self._stopped:
                when_ms = self.next_ms()
                if when_ms is not None and when_ms <= self.now_ms():
                    self._fire()
                    self._let_visitors_in()
                    continue
                wait_seconds = None if when_ms is None else (when_ms - self.now_ms()) / 1000
                self._changed.wait(wait_seconds)

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Holds the lock, which is had after the timer that fires now, at the latest."""
        self._count_visitor(1)
        with self.lock:
            self._count_visitor(-1)
            try:
                yield
            finally:
                self._changed.notify_all()

    def _count_visitor(self, more: int) -> None:
        with self._visitors_lock:
            self._visitors += more

    def _let_visitors_in(self) -> None:
        """For a while, so that they and the timers both come along."""
        end = time.monotonic() + _VISITS_SECONDS
        while self._visitors and (left := end - time.monotonic()) > 0:
            self._changed.wait(left)

    def let_others(self, wait: Action) -> None:
        """Waits for something without the lock, which the caller has."""
        self.lock.release()
        try:
            wait()
        finally:
            self.lock.acquire()

    def wait_until(self, reached: Callable[[], object]) -> None:
        """Waits, without the lock that the caller has, until what is done at some timer has brought it about."""
        while not reached():
            self._changed.wait(_LOOK_SECONDS)

    def stop(self) -> None:
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        with self.lock:
            self._changed.notify_all()
