"""What stays deployed from one module of tests to the next that wants the same: to deploy takes half a second."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Generic, TypeVar

Deployed = TypeVar("Deployed")


class Kept(Generic[Deployed]):
    """There is one cloud at a time in a process: it ends before a test that wants another one, or none."""

    def __init__(self) -> None:
        self._wish: object = None
        self._stack = ExitStack()

    def get(self, wish: object, deploy: Callable[[], AbstractContextManager[Deployed]]) -> Deployed:
        """What is there if it is what is wished, and else what is deployed now."""
        if wish != self._wish:
            self.end()
            self._deployed = self._stack.enter_context(deploy())
            self._wish = wish
        return self._deployed

    def end_unless(self, wish: object) -> None:
        """Unless that is what is there; None wishes nothing."""
        if wish is None or wish != self._wish:
            self.end()

    def end(self) -> None:
        self._wish = None
        self._stack.close()
