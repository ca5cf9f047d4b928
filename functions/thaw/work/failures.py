"""What goes wrong with one record holds up no other, and is raised with all else at the end."""

from collections.abc import Callable
from typing import TypeVar

from thaw.edge.glacier import Refused
from thaw.edge.table import Unreadable
from thaw.work.telemetry import logger, unreadable

At = TypeVar("At")


class Failures:
    """The errors of one run."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def apart(self, do: Callable[[At], object], at: At) -> None:
        """Does it, and keeps its error. A refusal of Glacier's is raised: it says more than that one record failed.
        What has become unreadable since it was read is left aside, and told, as it is where it is read first."""
        try:
            do(at)
        except Refused:
            raise
        except Unreadable as error:
            unreadable(error.item_id, error)
        except Exception as error:  # noqa: BLE001 - raised with all others at the end of the run
            logger.error("not looked after", exc_info=error)
            self.errors.append(error)

    def raise_all(self) -> None:
        """Raises ExceptionGroup where anything went wrong."""
        if self.errors:
            raise ExceptionGroup("not all could be looked after", self.errors)
