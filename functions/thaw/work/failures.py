"""What goes wrong with one record holds up no other, and is raised with all else at the end."""

from collections.abc import Callable
from typing import TypeVar

from thaw.edge.glacier import Refused
from thaw.work.telemetry import logger

At = TypeVar("At")


class Failures:
    """The errors of one run."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def apart(self, do: Callable[[At], object], at: At) -> None:
        """Does it, and keeps its error. A refusal of Glacier's is raised: it says more than that one record failed."""
        try:
            do(at)
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001 - raised with all others at the end of the run
            logger.error("not looked after", exc_info=error)
            self.errors.append(error)

    def raise_all(self) -> None:
        """Raises ExceptionGroup where anything went wrong."""
        if self.errors:
            raise ExceptionGroup("not all could be looked after", self.errors)
