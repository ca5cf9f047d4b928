"""Starting a claimed attempt's job: one call that is never repeated, and the record of what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from thaw import attempts
from thaw.description import split_retrieval_id
from thaw.edge.glacier import JobStarter, Refused
from thaw.edge.queue import ResumeQueue, read_resume
from thaw.edge.table import Table
from thaw.refusals import Refusal
from thaw.retrieval import Retrieval
from thaw.states import State
from thaw.work.telemetry import count, logger


@dataclass(frozen=True)
class Starting:
    """Starts jobs.

    Args:
        time_left_ms: of the function.
        now_ms: the clock.
    """

    table: Table
    glacier: JobStarter
    resume_queue: ResumeQueue
    time_left_ms: Callable[[], int]
    now_ms: Callable[[], int]

    def start(self, claimed: Retrieval) -> None:
        """Calls InitiateJob for an attempt that this invocation has claimed, and records what is known afterwards.

        Should the function die in between, or a write of the table's fail, the claim runs out and reconcile settles it.
        """
        record = self.table.change(claimed, self._call(claimed))
        if record.state is State.IN_PROGRESS:
            record = self.table.change(record, lambda now: attempts.upgraded(now, self.now_ms()))
        self.resume_queue.resume_when_due(record, self.now_ms())
        logger.info(
            "attempt",
            retrieval_id=record.retrieval_id,
            attempt=claimed.attempt,
            state=record.state,
            tier=claimed.tier,
        )

    def resume(self, body: str, claim: str) -> Retrieval | None:
        """Claims the attempt that a message of the resume queue is about; None where that wait is over already.

        Raises:
            ValueError, KeyError: it is no such message.
        """
        retrieval_id, due_at = read_resume(body)
        key, generation = split_retrieval_id(retrieval_id)
        return self.table.claim(key, generation, due_at, claim, self.now_ms())

    def _call(self, claimed: Retrieval) -> Callable[[Retrieval], Retrieval | None]:
        """Makes the call, and returns how the record changes by what came of it."""
        attempt = claimed.attempt
        if not attempts.may_call(claimed, self.now_ms(), self.time_left_ms()):
            return lambda now: attempts.given_back(now, attempt, self.now_ms())
        try:
            job_id = self.glacier.initiate(claimed)
        except Refused as refused:
            return self._after(refused, attempt)
        count("JobInitiated")
        return lambda now: attempts.started(now, attempt, claimed.tier, job_id, self.now_ms())

    def _after(self, refused: Refused, attempt: int) -> Callable[[Retrieval], Retrieval | None]:
        refusal, reason = refused.refusal, refused.reason
        logger.warning("job not started", code=reason.code, refusal=refusal, attempt=attempt)
        if refusal is Refusal.UNKNOWN:
            count("JobOutcomeUnknown")
            return lambda now: attempts.unknown(now, attempt, reason)
        count("PermissionDenied" if refusal is Refusal.DENIED else "JobRefused")
        return lambda now: attempts.refused(now, attempt, refusal, reason, self.now_ms())
