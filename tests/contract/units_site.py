"""Where units are sold and retrievals wait for them: the table, Glacier's seller, a clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.unit.builders import NOW, archive_request
from thaw import attempts, joining
from thaw.capacity import Capacity, Settings, Unit
from thaw.edge.glacier import Refused
from thaw.edge.table import Table
from thaw.refusals import Refusal
from thaw.retrieval import EXPEDITED_BACKLOG, Reason, Retrieval
from thaw.states import State
from thaw.work.topping_up import ToppingUp


class Seller:
    """Glacier's capacity: what was bought, and what its listing shows of it."""

    def __init__(self) -> None:
        self.there: list[Unit] = []
        self.hidden = False
        self.purchases = 0
        self.listings = 0
        self.answer: Refusal | None = None
        self.done_all_the_same = False
        self.listing_refused: Refusal | None = None
        self.meanwhile: Callable[[], None] | None = None
        """Happens while a purchase is under way."""

    def units(self) -> list[Unit]:
        self.listings += 1
        if self.listing_refused is not None:
            raise Refused(self.listing_refused, Reason(code="AccessDeniedException", message="no"))
        return [] if self.hidden else list(self.there)

    def buy(self) -> str:
        self.purchases += 1
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        if self.answer is None or self.done_all_the_same:
            self.there.append(unit_named(f"unit-{self.purchases}"))
        if self.answer is not None:
            raise Refused(self.answer, Reason(code=f"{self.answer}", message="no"))
        return f"unit-{self.purchases}"


def unit_named(name: str) -> Unit:
    start, end = (datetime.fromtimestamp(NOW / 1000 + day * 86400, UTC).isoformat() for day in (0, 31))
    return Unit(capacity_id=name, start_date=start, expiration_date=end)


class Site:
    """The table, the seller, a clock, and as many top_ups as a test wants."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.seller = Seller()
        self.now_ms = NOW
        self.resumed: list[Retrieval] = []
        self.runs = 0

    def resume_when_due(self, record: Retrieval, now_ms: int) -> bool:
        self.resumed.append(record)
        return True

    def wait(self, count: int, first: int = 0, **fields: Any) -> None:
        """So many come, due at once. Args: first: the number of the first; fields: of the requests."""
        for number in range(first, first + count):
            asked = archive_request(f"request-{number}", "Expedited", **fields)
            record = joining.opened(f"{number:032x}", 1, asked, "123456789012", False, "claim", self.now_ms)
            assert self.table.create(record) is None

    def cancel(self, number: int) -> None:
        record = self.record(number)
        ended = self.table.change(record, lambda now: joining.cancel(now, f"request-{number}", self.now_ms))
        assert ended.state is State.CANCELLED

    def refuse(self, number: int, refusal: Refusal) -> Retrieval:
        """Glacier refuses the next attempt at one that was released, when its time has come."""
        due_at = self.record(number).due_at or 0
        claimed = self.table.claim(f"{number:032x}", 1, due_at, "claim", due_at)
        assert claimed is not None
        told = Reason(code=f"{refusal}", message="no")
        return self.table.change(claimed, lambda now: attempts.refused(now, claimed.attempt, refusal, told, due_at))

    def run(self, max_units: int = 2, owner: str | None = None, drain_within_seconds: int = 3600) -> None:
        self.runs += 1
        settings = Settings(max_units=max_units, drain_within_seconds=drain_within_seconds, try_beyond_guarantee=False)
        seller: Any = self.seller
        queue: Any = self
        owner = owner or f"run-{self.runs}"
        ToppingUp(self.table, seller, queue, settings, owner, lambda: 60_000, lambda: self.now_ms).run()

    def record(self, number: int) -> Retrieval:
        record = self.table.get(f"{number:032x}")
        assert record is not None
        return record

    @property
    def capacity(self) -> Capacity:
        capacity = self.table.get_capacity()
        assert capacity is not None
        return capacity

    def waiting(self) -> int:
        return len(list(self.table.due(EXPEDITED_BACKLOG, 10**15)))
