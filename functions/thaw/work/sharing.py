"""The way of a request from record to record of the bytes it asks for, until one of them has it.

Each step finds itself done when it is repeated, so a crash between them is healed by the message's redelivery.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from thaw import joining
from thaw.edge.contention import Contention, tries
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.joining import Join
from thaw.records import RequestRecord
from thaw.request import RetrievalRequest
from thaw.retrieval import Retrieval, key_for
from thaw.states import State


@dataclass
class Way:
    """Of one request.

    Args:
        account: the vault's owner.
        own: the request's own record: to which record it is led.
        repeated: whether its message may have come before.
        opens: a fresh record of a key and generation, under a claim of its own.
        now_ms: the clock.
    """

    table: Table
    resume_queue: ResumeQueue
    request: RetrievalRequest
    account: str
    own: RequestRecord
    repeated: bool
    opens: Callable[[str, int], Retrieval]
    now_ms: Callable[[], int]
    tries: Iterator[int] = field(default_factory=tries)
    """Those that are left where others are faster."""
    first: Retrieval | None = None
    """The record of ordinal 0, once it was found full: it tells where to go on."""

    def to_its_end(self) -> tuple[Retrieval, bool]:
        """The record that has the request now, and whether its attempt is claimed for this invocation.

        Raises:
            Contention: others were faster too often. To find a record full is none, however many are.
        """
        next(self.tries)
        fresh, current = self._create()
        while current is not None and (current.claim is None or current.claim != fresh.claim):
            joined = joining.join(current, self.request, self.now_ms(), self.own.expires_at)
            if joined is Join.ALREADY:
                return current, False
            own = self._own_after(current)
            if own.done:
                return current, False
            if own.key != self.own.key:
                self.own = own
                fresh, current = self._create()
            elif joined is Join.FULL or (joined is Join.OVER and current.pages):
                fresh, current = self._lead_on(current)
            elif joined is Join.OVER:
                fresh, current = self._reopen(current)
            else:
                assert isinstance(joined, Retrieval)
                saved = self.table.save(current, joined)
                if saved is None:
                    resume_after(self.resume_queue, current, joined, self.now_ms())
                    return joined, False
                current = saved
                self._overtaken()
        return fresh, fresh.state is State.INITIATING and not fresh.took_over(fresh.attempt)

    def _overtaken(self) -> None:
        if next(self.tries, None) is None:
            raise Contention(self.request.request_id)

    def _create(self) -> tuple[Retrieval, Retrieval | None]:
        """A first record; and the one that is there already, if so."""
        assert self.own.key is not None
        fresh = self.opens(self.own.key, 1)
        return fresh, self.table.create(fresh)

    def _look_again(self) -> tuple[Retrieval, Retrieval | None]:
        """Others were faster, and another copy of the message may have been. To read costs less than to be refused."""
        self._overtaken()
        self.repeated = True
        assert self.own.key is not None
        current = self.table.get(self.own.key)
        return (self.opens(self.own.key, 1), current) if current is not None else self._create()

    def _own_after(self, current: Retrieval) -> RequestRecord:
        """Its own record, read after that of its bytes: another copy of the message may have led it on, or brought it
        in and seen its end. Before the bytes' record was opened anew for the first time, neither could be."""
        if not self.repeated and current.generation == 1:
            return self.own
        return self.table.get_request(self.request.request_id) or self.own

    def _lead_on(self, full: Retrieval) -> tuple[Retrieval, Retrieval | None]:
        """The record is full, or a page of somebody's listing that is over: the request's own record names a further
        one before it joins there."""
        request_id, ordinal = self.request.request_id, self._further_than(full)
        further = key_for(self.table.name, self.request, self.account, ordinal)
        if self.table.lead_request(request_id, full, further, ordinal, self.now_ms()):
            self.own = self.own.model_copy(update={"key": further, "ordinal": ordinal})
            return self._create()
        return self._look_again()

    def _further_than(self, full: Retrieval) -> int:
        """The first record tells where others went on to, so that nobody has to pass by all the full ones. From a page
        that was followed it goes to the first record of those who ask for the page by its Marker."""
        if full.pages:
            return 0
        if self.own.ordinal == 0:
            self.first = full
            return max(full.further, 1)
        ordinal = self.own.ordinal + 1
        if self.first is not None:
            noted = self.first.changed(further=ordinal)
            self.first = noted if self.table.save(self.first, noted) is None else None
        return ordinal

    def _reopen(self, old: Retrieval) -> tuple[Retrieval, Retrieval | None]:
        """Every request of the old generation is marked done before a new one takes its place."""
        for request_id in old.requests:
            self.table.finish_request(request_id, old)
        new = joining.taking_over(self.opens(old.key, old.generation + 1), old, self.now_ms())
        # Only from a full record may another copy of the message have led the request on, since its own was read.
        led_here = self.request.request_id if joining.is_full(old) else None
        return (new, None) if self.table.reopen(old, new, led_here) else self._look_again()


def resume_after(resume_queue: ResumeQueue, old: Retrieval, new: Retrieval, now_ms: int) -> None:
    """Has a retrieval resumed that waits anew."""
    if new.waiting_since is not None and new.waiting_since != old.waiting_since:
        resume_queue.resume_when_due(new, now_ms)
