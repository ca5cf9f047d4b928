"""The way of a request from record to record of the bytes it asks for, until one of them has it.

Each step finds itself done when it is repeated, so a crash between them is healed by the message's redelivery.
"""

from collections.abc import Callable
from dataclasses import dataclass

from thaw import joining
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import TRIES_AT_MOST, Contention, Table
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
    first: Retrieval | None = None
    """The record of ordinal 0, once it was found full: it tells where to go on."""

    def to_its_end(self) -> tuple[Retrieval, bool]:
        """The record that has the request now, and whether its attempt is claimed for this invocation.

        Raises:
            Contention: others were faster too often. To go on from a full record is none, however far it leads.
        """
        tries = 0
        fresh, current = self._create()
        while current is not None and (current.claim is None or current.claim != fresh.claim):
            joined = joining.join(current, self.request, self.now_ms(), self.own.expires_at)
            if joined is Join.ALREADY or self._was_done(current):
                return current, False
            if joined is Join.FULL:
                self._lead_on(current)
                fresh, current = self._create()
                continue
            if tries == TRIES_AT_MOST:
                raise Contention(self.request.request_id)
            tries += 1
            if joined is Join.OVER:
                fresh, current = self._reopen(current)
            else:
                assert isinstance(joined, Retrieval)
                saved = self.table.save(current, joined)
                if saved is None:
                    resume_after(self.resume_queue, current, joined, self.now_ms())
                    return joined, False
                current = saved
        return fresh, fresh.state is State.INITIATING

    @property
    def _key(self) -> str:
        assert self.own.key is not None
        return self.own.key

    def _create(self) -> tuple[Retrieval, Retrieval | None]:
        """A first record; and the one that is there already, if so."""
        fresh = self.opens(self._key, 1)
        return fresh, self.table.create(fresh)

    def _was_done(self, current: Retrieval) -> bool:
        if not self.repeated and current.generation == 1:
            return False
        known = self.table.get_request(self.request.request_id)
        return known is not None and known.done

    def _lead_on(self, full: Retrieval) -> None:
        """The record is full: the request's own record names a further one before it joins there."""
        ordinal = self._further_than(full)
        further = key_for(self.table.name, self.request, self.account, ordinal)
        self.table.lead_request(self.request.request_id, self._key, further, ordinal)
        self.own = self.own.model_copy(update={"key": further, "ordinal": ordinal})

    def _further_than(self, full: Retrieval) -> int:
        """The first record tells where others went on to, so that nobody has to pass by all the full ones."""
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
        new = self.opens(old.key, old.generation + 1)
        return new, None if self.table.reopen(old, new) else self.table.get(old.key)


def resume_after(resume_queue: ResumeQueue, old: Retrieval, new: Retrieval, now_ms: int) -> None:
    """Has a retrieval resumed that waits anew."""
    if new.waiting_since is not None and new.waiting_since != old.waiting_since:
        resume_queue.resume_when_due(new, now_ms)
