"""What stays deployed from one module of tests to the next that wants the same: to deploy takes half a second."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

Deployed = TypeVar("Deployed")


class Kept:
    """There is one cloud at a time in a process: it ends before a module that wants another one, or none.

    Modules of one folder that name the same `SETTINGS` want the same, if they have the fixture `kept`.
    """

    def __init__(self) -> None:
        self._wish: object = None
        self._stack = ExitStack()
        self._deployed: Any = None

    def get(self, request: pytest.FixtureRequest, deploy: Callable[[], AbstractContextManager[Deployed]]) -> Deployed:
        """What is there if a module's fixture wants just that, and else what is deployed now."""
        wish = _wish(request.path, request.node.getparent(pytest.Module))
        if wish != self._wish:
            self.end()
            self._deployed = self._stack.enter_context(deploy())
            self._wish = wish
        deployed: Deployed = self._deployed
        return deployed

    def end_before(self, item: pytest.Item) -> None:
        wants_any = isinstance(item, pytest.Function) and "kept" in item.fixturenames
        wish = _wish(item.path, item.getparent(pytest.Module)) if wants_any else None
        if wish != self._wish:
            self.end()

    def end(self) -> None:
        self._wish = None
        self._stack.close()


def _wish(path: Path, module: pytest.Module | None) -> object:
    return path.parent, getattr(module and module.obj, "SETTINGS", {})
