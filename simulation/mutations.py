"""The checkers must be able to fail: deliberate faults in the functions, each of which some seed has to catch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Change = tuple[str, str, str]
"""A file of the functions, what stands in it exactly once, and what is to stand there."""


@dataclass(frozen=True)
class Mutation:
    name: str
    changes: tuple[Change, ...]

    def apply(self, code: Path) -> None:
        """Changes the code in this folder. Raises ValueError where it no longer reads as the mutation expects."""
        for file, old, new in self.changes:
            path = code / file
            text = path.read_text()
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {file} has {text.count(old)} times: {old}")
            path.write_text(text.replace(old, new))


def _one(name: str, file: str, old: str, new: str) -> Mutation:
    return Mutation(name, ((f"thaw/{file}", old, new),))


MUTATIONS = (
    _one(
        "claim without its condition",
        "edge/table.py",
        '"#state = :waiting AND generation = :generation AND dueAt = :dueAt"',
        '"(#state = :waiting OR attribute_exists(id)) AND generation = :generation'
        ' AND (dueAt = :dueAt OR attribute_exists(id))"',
    ),
    _one(
        "records written without a condition",
        "edge/table.py",
        '    return "revision = :revision AND generation = :generation", values',
        '    return "attribute_exists(id) OR (revision = :revision AND generation = :generation)", values',
    ),
    Mutation(
        "every claim has the same name",
        (("initiate.py", "(uuid4().hex for _ in itertools.count())", '("claim" for _ in itertools.count())'),),
    ),
    _one("SDK retries left on", "edge/glacier.py", "bounds.REPEATED_TRIES if repeats else 1", "bounds.REPEATED_TRIES"),
    _one(
        "StatusCode ignored",
        "job.py",
        'return self.Completed and self.StatusCode == "Succeeded"',
        "return self.Completed",
    ),
    _one(
        "the description's tag missing",
        "description.py",
        'return f"{tag} {user_description}" if user_description else tag',
        'return user_description or "of Thaw"',
    ),
    _one(
        "the attempt missing in the tag",
        "description.py",
        'tag = f"thaw:{self.retrieval_id}:{self.attempt}"',
        'tag = f"thaw:{self.retrieval_id}:1"',
    ),
    _one(
        "adoption skipped",
        "work/settling.py",
        "            if tag is not None:\n",
        "            if False:\n",
    ),
    _one(
        "the listing lag not waited for",
        "bounds.py",
        "NETWORK_SECONDS + 2 * CLOCK_SKEW_SECONDS + LISTING_LAG_SECONDS",
        "NETWORK_SECONDS + 2 * CLOCK_SKEW_SECONDS",
    ),
    _one(
        "a late effect not waited for",
        "bounds.py",
        "NETWORK_SECONDS + 2 * CLOCK_SKEW_SECONDS + LISTING_LAG_SECONDS",
        "2 * CLOCK_SKEW_SECONDS - CLAIM_SECONDS",
    ),
    _one(
        "a job not described at once taken for vanished",
        "attempts.py",
        " or now_ms < job.started_at + bounds.SETTLED_AFTER_CLAIM_SECONDS * 1000:",
        ":",
    ),
    _one("a 500 taken for a refusal", "refusals.py", "Refusal.UNKNOWN)", "Refusal.THROTTLED)"),
    _one(
        "a dropped connection taken for a refusal",
        "edge/glacier.py",
        "return Refused(Refusal.UNKNOWN, Reason(",
        "return Refused(Refusal.THROTTLED, Reason(",
    ),
    _one(
        "an unknown outcome started again at once",
        "attempts.py",
        "    return record.changed(told=True, reason=reason)\n\n\ndef unseen",
        "    return wait(record, record.due_at or 0, record.opened_at, reason=reason)\n\n\ndef unseen",
    ),
    Mutation(
        "terminal states writable",
        (
            ("thaw/states.py", "if new != old and new not in MOVES[old]:", "if new not in MOVES:"),
            (
                "thaw/attempts.py",
                "    if newest and not record.is_open:\n",
                "    if False:\n",
            ),
            (
                "thaw/endings.py",
                "    if not record.is_open:\n        return None if known",
                "    if job.JobId == record.job_id:\n        return None\n    if False:\n        return None if known",
            ),
        ),
    ),
    _one(
        "dueAt forgotten in progress",
        "attempts.py",
        'return running.model_copy(update={"due_in": shard(record.key), "due_at": due_at})',
        'return running.model_copy(update={"due_in": None, "due_at": None})',
    ),
    _one(
        "dueAt left at the end",
        "retrieval.py",
        'ENDED: dict[str, Any] = {"due_in": None, "due_at": None, **',
        "ENDED: dict[str, Any] = {**",
    ),
    _one(
        "every archive asked for at the fastest tier",
        "edge/glacier.py",
        '"ArchiveId": record.archive_id, "Tier": record.tier}',
        '"ArchiveId": record.archive_id, "Tier": "Expedited"}',
    ),
    _one("the range is no part of the key", "retrieval.py", '"range": job.RetrievalByteRange}', '"range": None}'),
    _one(
        "no two inventories share a job",
        "retrieval.py",
        '"follow": request.follow_pages}',
        '"follow": request.follow_pages, "of": request.request_id}',
    ),
    _one(
        "falls back where nobody said so",
        "attempts.py",
        "name: asker.fallback if asker.tier is Tier.EXPEDITED",
        "name: asker.fallback or Tier.BULK if asker.tier is Tier.EXPEDITED",
    ),
    _one("nothing bought", "capacity.py", "allowed = min(settings.max_units, UNITS_AT_MOST)", "allowed = 0"),
    _one(
        "a faster tier waits for the slower job",
        "attempts.py",
        "    return live is None or faster(record.wanted_tier(), live)\n",
        "    return live is None\n",
    ),
    _one("waits never resumed", "work/reconciling.py", "if resume_is_due(record, self.now_ms()):", "if False:"),
    _one(
        "told as initiated before the job is",
        "events.py",
        "return INITIATED if record.state is State.IN_PROGRESS else None",
        "return INITIATED if record.state in (State.IN_PROGRESS, State.INITIATING) else None",
    ),
    _one("a refused entry of PutEvents ignored", "work/publishing.py", "        if codes:\n", "        if False:\n"),
    _one(
        "an event does not wait for those before it",
        "work/publishing.py",
        "if change.item_id not in without:",
        "if change.item_id:",
    ),
    Mutation(
        "publish reports no failure",
        (("publish.py", "if failed is not None else []", "if failed is None else []"),),
    ),
    _one("the sequence stands still", "retrieval.py", "revision if told else self.sequence", "self.sequence"),
    _one(
        "failed messages not reported",
        "work/batches.py",
        "        self._failed.append(message_id)\n",
        "",
    ),
    _one(
        "the request's record not written",
        "work/intake.py",
        "known = self.table.remember(records.remembered(request, key, now_ms), now_ms)",
        "known = None",
    ),
    _one(
        "requests not marked done before a record is opened anew",
        "work/intake.py",
        "        for request_id in old.requests:\n            self.table.finish_request(request_id, old.key)\n",
        "",
    ),
    _one(
        "an expired output joined",
        "joining.py",
        "return left_ms >= bounds.OUTPUT_WORTH_JOINING_SECONDS * 1000",
        "return True",
    ),
    _one(
        "what has started can be cancelled",
        "joining.py",
        "    return record.state is State.WAITING and (live is None or faster(asker.tier, live))",
        "    return record.state in (State.WAITING, State.INITIATING) and (live is None or faster(asker.tier, live))",
    ),
    _one(
        "a page's end and the next page written apart",
        "work/ending.py",
        "if self.table.end_page(old, new, following):",
        "if self.table.save(old, new) is None and self.table.create(following) is None:",
    ),
    _one(
        "a notification ends a later generation",
        "work/ending.py",
        "if record is None or record.generation != tag.generation:",
        "if record is None:",
    ),
    _one(
        "the purchase's intent not written",
        "work/topping_up.py",
        "        state = self._intend(state, intent)\n",
        "",
    ),
    _one(
        "a purchase in doubt not looked out for",
        "work/topping_up.py",
        "        late = capacity.late(in_doubt, listed, state.bought)",
        "        late: list[Unit] = []",
    ),
    _one(
        "all events of a retrieval with one context",
        "events.py",
        "        archive_size_in_bytes=record.archive_size_in_bytes,\n        context=_context(asker.context),",
        "        archive_size_in_bytes=record.archive_size_in_bytes,\n"
        "        context=_context(next(iter(record.requests.values())).context),",
    ),
    _one("the lock ignored", "work/topping_up.py", "            if held:\n", "            if False:\n"),
    _one(
        "a purchase given up before the bounds",
        "capacity.py",
        "if listed_at_ms > intent.until + wait_seconds * 1000:",
        "if listed_at_ms > intent.until:",
    ),
    _one(
        "a unit counts only while it is listed",
        "capacity.py",
        "return listed + [unit for unit in bought if unit.capacity_id not in ids]",
        "return listed",
    ),
    _one(
        "units of others don't count",
        "capacity.py",
        "    serving = valid(units, now_ms)\n    if not backlog:\n",
        "    serving = valid([], now_ms)\n    if not backlog:\n",
    ),
    _one(
        "more bought than allowed", "capacity.py", "min(settings.max_units, UNITS_AT_MOST)\n    return", "2\n    return"
    ),
)
