"""A network that breaks while a command waits."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cli import waiting
from cli.reading import Reader


class Gap:
    """The table can't be reached so many times after so many reads; what waits for it does so for a short time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int, times: int) -> None:
        self.error = EndpointConnectionError(endpoint_url="http://table")
        self._after = after
        self.times = times
        self._read = Reader._read
        gap = self

        def read(reader: Reader, *given: Any) -> Any:
            return gap.read(reader, *given)

        monkeypatch.setattr(Reader, "_read", read)
        monkeypatch.setattr(waiting, "SHORTEST_PAUSE_SECONDS", 0.02)

    def read(self, *given: Any) -> Any:
        self._after -= 1
        if self._after < 0 and self.times > 0:
            self.times -= 1
            raise self.error
        return self._read(*given)
