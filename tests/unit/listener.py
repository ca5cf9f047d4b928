"""What a consumer of the events may rely on, checked as they are told."""

from collections import defaultdict

from tests.unit.published import check_event
from thaw import events
from thaw.event_details import CANCELLED, DUPLICATE, FAILED, LISTED, SUCCEEDED
from thaw.events import Event
from thaw.retrieval import Retrieval

TERMINAL = {SUCCEEDED, FAILED, CANCELLED}


class Listener:
    """Hears every write of one retrieval."""

    def __init__(self) -> None:
        self.told: dict[str, Event] = {}
        """By their ids."""
        self.by_request: dict[str, list[Event]] = defaultdict(list)

    def hear(self, old: Retrieval | None, new: Retrieval) -> None:
        """The events of one write: valid, new, in order, and the same when derived again."""
        told = events.events(old, new)
        assert told == events.events(old, new)
        for event in told:
            self._take(event)
        alone = events.events(None, new)
        assert all(event in alone for event in told), "the record alone tells them once more"
        for event in alone:
            assert self.told.get(event.detail["eventId"]) == event, "whenever the record tells it, it was told before"
        if not new.is_open:
            for request_id in new.requests:
                ends = [event for event in self.by_request[request_id] if event.detail_type in TERMINAL]
                assert len(ends) == 1, "every request ends in one terminal event"

    def _take(self, event: Event) -> None:
        check_event(event)
        assert event.detail["eventId"] not in self.told, "an id is of one event"
        self.told[event.detail["eventId"]] = event
        if event.detail_type == DUPLICATE:
            return
        earlier = self.by_request[event.detail["requestId"]]
        if earlier:
            last = earlier[-1]
            together = event.detail_type == LISTED
            assert together or last.detail_type not in TERMINAL, "nothing comes after the end"
            assert together or event.detail["sequence"] > last.detail["sequence"]
        earlier.append(event)
