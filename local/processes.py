"""Function code runs in greenlets: many invocations are under way in one thread, and one place decides who goes on.

A process runs until it pauses (a sleep, or a scheduler that lets another go first) or ends. Whoever resumed it
then goes on: usually the clock's loop, and for a task of an executor the process that submitted it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor as AnyExecutor
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any
from unittest import mock

from greenlet import getcurrent, greenlet

from local.clock import Clock


class Died(BaseException):
    """Raised where a process stands when its environment dies; no `except Exception` of its code may catch it."""


class Process(greenlet):  # type: ignore[misc]
    """One strand of a function's code.

    `surroundings` (modules, variables, output) is entered whenever the process goes on and left whenever it stops.
    """

    def __init__(
        self,
        clock: Clock,
        body: Callable[[], None],
        surroundings: Callable[[], AbstractContextManager[object]] = nullcontext,
        owner: object = None,
    ) -> None:
        super().__init__(self._run)
        self.clock = clock
        self.owner = owner
        """Whose code it runs; a child's is its parent's."""
        self.killed = False
        self._children: list[Process] = []
        self._body = body
        self._surroundings = surroundings

    def _run(self) -> None:
        with suppress(Died):
            self._body()

    def resume(self) -> None:
        """Goes on with the process; returns when it pauses or ends."""
        if self.dead or self.killed:
            return
        self.parent = getcurrent()
        with self._surroundings():
            self.switch()

    def pause(self, seconds: float = 0) -> None:
        """Lets others go on for so long; called by the process itself."""
        self.clock.after(seconds, self.resume)
        self.wait()

    def wait(self) -> None:
        """Stops until somebody resumes the process; called by the process itself."""
        self.check_alive()
        assert self.parent is not None
        self.parent.switch()
        self.check_alive()

    def check_alive(self) -> None:
        if self.killed:
            raise Died

    def child(self, body: Callable[[], None]) -> Process:
        """A process of the same code, which dies with this one. It has not been started."""
        child = Process(self.clock, body, self._surroundings, self.owner)
        child.killed = self.killed
        self._children = [other for other in self._children if not other.dead] + [child]
        return child

    def kill(self) -> None:
        """Ends the process and its children where they stand, as when their environment is shut down.

        If one of them is what runs, it goes on to its next AWS call or pause, where it dies.
        """
        self._mark_killed()
        if self._is_running():
            self.clock.after(0, self._unwind)
        else:
            self._unwind()

    def _mark_killed(self) -> None:
        self.killed = True
        for child in self._children:
            child._mark_killed()

    def _is_running(self) -> bool:
        return getcurrent() is self or any(child._is_running() for child in self._children)

    def _unwind(self) -> None:
        if self and not self.dead:
            self.parent = getcurrent()
            with self._surroundings():
                self.throw(Died)
        for child in self._children:
            child._unwind()


def current() -> Process | None:
    """The process that is running, or None outside of any function."""
    running = getcurrent()
    return running if isinstance(running, Process) else None


_real_sleep = time.sleep


def _sleep(seconds: float) -> None:
    process = current()
    if process is None:
        _real_sleep(seconds)
    else:
        process.pause(seconds)


def sleeping_on_the_clock() -> AbstractContextManager[object]:
    """While entered, `time.sleep` of function code (and of botocore's retries in it) waits on the process's clock."""
    return mock.patch("time.sleep", _sleep)


class _Result(Future[Any]):
    """A future whose waiting lets other processes go on."""

    def wait(self) -> None:
        process = current()
        while not self.done():
            assert process is not None, "only a process can wait for a task"
            self.add_done_callback(lambda _: process.clock.after(0, process.resume))
            process.wait()

    def result(self, timeout: float | None = None) -> Any:
        self.wait()
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self.wait()
        return super().exception(0)


class Executor(AnyExecutor):
    """`concurrent.futures.ThreadPoolExecutor` as far as function code needs it; each task is a child process."""

    def __init__(self, max_workers: int | None = None, **_: object) -> None:
        submitter = current()
        assert submitter is not None, "an executor of processes works inside of a process"
        self._submitter = submitter
        self._max_workers = max_workers or 32
        self._running = 0
        self._queued: deque[tuple[_Result, Callable[[], Any]]] = deque()
        self._results: list[_Result] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        result = _Result()
        self._results.append(result)
        self._queued.append((result, lambda: fn(*args, **kwargs)))
        self._start_next()
        return result

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for result in self._results if wait else ():
            result.wait()

    def _start_next(self) -> None:
        while self._queued and self._running < self._max_workers:
            result, task = self._queued.popleft()
            self._running += 1
            process = self._submitter.child(partial(self._work, result, task))
            if current() is self._submitter:
                process.resume()
                self._submitter.check_alive()
            else:
                process.clock.after(0, process.resume)

    def _work(self, result: _Result, task: Callable[[], Any]) -> None:
        try:
            result.set_result(task())
        except Died:
            raise
        except BaseException as error:  # noqa: BLE001  the submitter decides what it means, as with threads
            result.set_exception(error)
        finally:
            self._running -= 1
            self._start_next()
