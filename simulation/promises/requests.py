"""What must hold of the requests and their events at the end (promises 1 and 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from local.deliveries import Event
from simulation.history import Attributes, History
from simulation.promises.said import DELAYED, INITIATED, REJECTED, SUCCEEDED, Asked, Told
from simulation.promises.violation import Promise, Violation
from thaw import bounds
from thaw.events import events, read_record
from thaw.states import OPEN, State
from thaw.tiers import faster

# ---------------------------------------------------------------------------------- 1: every message ends


def every_message_ends(asked: Asked, told: Told, history: History) -> Iterator[Violation]:
    """Exactly one end for each request; one rejection for each message that is none."""
    requests, cancels, following = asked.requests(), asked.cancels(), _following(asked)
    for name in {*requests, *cancels.values()}:
        ends = [event for event in told.terminal[name] if not (name in following and event.detail_type == SUCCEEDED)]
        if any(_code(event) == "CancelledBefore" for event in ends):  # it was told as well when nothing was known of it
            ends = [event for event in ends if _code(event) != "NotKnown"]
        kinds = [event.detail_type for event in ends]
        if len(ends) != 1 and not (not requests.get(name) and not ends):
            yield Violation(Promise.EVERY_MESSAGE_ENDS, f"request {name} ended {len(ends)} times: {kinds}")
    for message_id in asked.bad():
        count = asked.rejections(told, message_id)
        if count != 1:
            yield Violation(Promise.EVERY_MESSAGE_ENDS, f"bad message {message_id} was rejected {count} times")
    for message_id, name in cancels.items():
        if not told.terminal[name] and not asked.rejections(told, message_id):
            yield Violation(Promise.EVERY_MESSAGE_ENDS, f"the cancel of {name} had no answer")
    yield from _reused_ids(asked, told, history)
    yield from _refused_cancels(cancels, following, history)


def nothing_follows_the_end(asked: Asked, told: Told) -> Iterator[Violation]:
    """Who was told of the end hears nothing more; where an inventory is followed, a page that succeeded is no end."""
    following = _following(asked)
    ended: dict[str, str] = {}

    def is_page(name: str, event: Event) -> bool:
        return name in following and event.detail_type == SUCCEEDED

    for event in told.first.values():
        name = event.detail.get("requestId")
        if event.detail_type in (INITIATED, DELAYED) and name in ended:
            what = f"{event.detail_type} of {name} came after {ended[name]}"
            yield Violation(Promise.EVERY_MESSAGE_ENDS, what)
        elif name in told.terminal and event in told.terminal[name] and not is_page(name, event):
            ended[name] = event.detail_type


def _following(asked: Asked) -> set[str]:
    """The requests that want an inventory's further pages as well."""
    return {name for name, sent in asked.requests().items() if any(request.follow_pages for _, request in sent)}


def contexts_come_back(asked: Asked, told: Told) -> Iterator[Violation]:
    """What a user sent along is in each event of the request; only of what was not known there is none."""
    requests = asked.requests()
    for event in told.first.values():
        name = event.detail.get("requestId")
        if name is None or event.detail_type == REJECTED or _code(event) == "NotKnown":
            continue
        if event.detail["context"] not in [request.context for _, request in requests[name]]:
            what = f"{event.detail_type} of {name} has the context {event.detail['context']}"
            yield Violation(Promise.EACH_CHANGE_PUBLISHED, what)


def _code(event: Event) -> str | None:
    reason: Mapping[str, str] | None = event.detail.get("reason")
    return reason["code"] if reason else None


def _reused_ids(asked: Asked, told: Told, history: History) -> Iterator[Violation]:
    for name, messages in asked.requests().items():
        contents = history.items.get(f"request/{name}", {}).get("contents")
        for message_id, request in messages:
            other = contents is not None and request.digest() != contents
            if other != bool(asked.rejections(told, message_id)):
                what = f"{name} in message {message_id}, other contents: {other}, is rejected: {not other}"
                yield Violation(Promise.EVERY_MESSAGE_ENDS, what)


_STARTED, _ENDED = "AlreadyStarted", "AlreadyEnded"


def _refused_cancels(cancels: Mapping[str, str], following: Collection[str], history: History) -> Iterator[Violation]:
    """What has not started is taken back: a refusal is right only where, while it was decided, a job ran that is as
    fast as the request asks, or was being started; or all was over, or went on with an inventory's next page."""
    for change in history.changes:
        code, name = (change.new or {}).get("code"), cancels.get(change.id.removeprefix("message/"))
        if change.old is not None or name is None or code not in (_STARTED, _ENDED):
            continue
        key = history.items.get(f"request/{name}", {}).get("key")
        since_ms = change.at_ms - bounds.FUNCTION_TIMEOUT_SECONDS * 1000
        follows = name in following
        if not any(_bears_out(code, name, follows, was) for was in history.was(f"retrieval/{key}", since_ms, change)):
            yield Violation(Promise.EVERY_MESSAGE_ENDS, f"the cancel of {name} was refused as {code}, and it was not")


def _bears_out(code: str, request_id: str, follows: bool, record: Attributes) -> bool:
    asker, state = record["requests"].get(request_id), State(record["state"])
    if asker is None:  # of a later generation
        return code == _ENDED or follows
    goes_on = state is State.SUCCEEDED and follows and record.get("nextMarker") is not None
    if state not in OPEN:
        return code == (_STARTED if goes_on else _ENDED)
    tiers = [job["tier"] for job in record.get("jobs", {}).values()]
    is_fast = state is not State.WAITING or any(not faster(asker["tier"], tier) for tier in tiers)
    return code == _STARTED and is_fast


# ---------------------------------------------------------------------------------- 5: each change is told


def each_change_is_published(told: Told, history: History) -> Iterator[Violation]:
    """Every event that follows from a write is on the bus, after it; and nothing else is."""
    written: dict[str, int] = {}
    for change in history.changes:
        if change.new is not None:
            for event in events(read_record(change.old), read_record(change.new)):
                written.setdefault(event.detail["eventId"], change.at_ms)
                if event.detail["eventId"] not in told.first:
                    what = f"{event.detail_type} of {event.detail.get('requestId')} was never told"
                    yield Violation(Promise.EACH_CHANGE_PUBLISHED, what)
    for event_id, first in told.first.items():
        if event_id not in written:
            yield Violation(Promise.EACH_CHANGE_PUBLISHED, f"{first.detail_type} was told, and never was so")
        elif written[event_id] > first.at_ms:
            yield Violation(Promise.EACH_CHANGE_PUBLISHED, f"{first.detail_type} was told before it was so")
    yield from _in_order(told)
    yield from _same_from_the_table(told, history)


def _same_from_the_table(told: Told, history: History) -> Iterator[Violation]:
    """What the table tells, whenever it is asked, was told before, to the letter: a consumer can drop it."""
    for change in history.changes:
        for event in events(None, read_record(change.new)):
            before = told.first.get(event.detail["eventId"])
            if before is None or before.detail != event.detail:
                what = f"{event.detail_type} {event.detail['eventId']} is another when the table tells it again"
                yield Violation(Promise.EACH_CHANGE_PUBLISHED, what)


def _in_order(told: Told) -> Iterator[Violation]:
    newest: dict[str, int] = defaultdict(int)
    for event in told.bus:
        detail = event.detail
        if detail != told.first[detail["eventId"]].detail:
            yield Violation(Promise.EACH_CHANGE_PUBLISHED, f"two events have the id {detail['eventId']}")
        retrieval = detail.get("retrievalId")
        if retrieval is None or event is not told.first[detail["eventId"]]:
            continue
        if detail["sequence"] < newest[retrieval]:
            what = f"{event.detail_type} {detail['sequence']} of {retrieval} came after {newest[retrieval]}"
            yield Violation(Promise.EACH_CHANGE_PUBLISHED, what)
        newest[retrieval] = max(newest[retrieval], detail["sequence"])
