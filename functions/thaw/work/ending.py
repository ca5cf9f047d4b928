"""A job is completed: its retrieval ends, and an inventory's next page begins."""

from collections.abc import Callable
from dataclasses import dataclass

from thaw import attempts, endings, joining
from thaw.description import Tag
from thaw.edge.contention import Contention, tries
from thaw.edge.queue import ResumeQueue
from thaw.edge.table import Table
from thaw.job import GlacierJob, read_notification
from thaw.retrieval import Retrieval
from thaw.states import State
from thaw.work.telemetry import count, logger


@dataclass(frozen=True)
class Ending:
    """Ends retrievals by completed jobs, whoever told of them."""

    table: Table
    resume_queue: ResumeQueue
    now_ms: Callable[[], int]

    def notified(self, body: str) -> None:
        """Takes in a message of the notification queue.

        Raises:
            ValueError: it is no notification of a job.
            Contention: while another attempt is under way, there is nothing to do with a message that says too little,
                or comes too late.
        """
        job = read_notification(body)
        tag = job.tag
        if tag is None:
            _ignored(job, "no tag of ours")
            return
        record = self._of_generation(tag, job, self._told_of(tag, job))
        if record is None:
            _ignored(job, "its retrieval is gone")
        elif record.job_id == job.JobId:
            _logged(record, job)
        elif is_of(record, job) and record.is_open and self._has_to_be_asked(record, job):
            # DescribeJob knows whether the inventory goes on, or the output is still there; and only reconcile asks.
            current = self.table.change(record, lambda now: endings.due_now(now, tag.attempt, job, self.now_ms()))
            if current.state is State.INITIATING:
                raise Contention(current.retrieval_id)
        else:
            self.seen(record, tag, job)

    def _told_of(self, tag: Tag, job: GlacierJob) -> Retrieval | None:
        """The current record of the job's bytes, which it has ended already in the plain case."""
        tells_all = job.tells_next_page or job.ArchiveId is not None
        too_late = endings.output_is_gone(job, self.now_ms())
        is_whole = tells_all and job.next_marker is None and endings.tier_of(job) is not None
        is_plain = job.succeeded and is_whole and not too_late
        return self.table.succeed(tag, job, self.now_ms()) if is_plain else self.table.get(tag.key)

    def _has_to_be_asked(self, record: Retrieval, job: GlacierJob) -> bool:
        """Whether a success is not to be believed as it is told: the message says too little, or comes too late."""
        if not job.succeeded or job.JobId in record.over:
            return False
        return _says_too_little(record, job) or endings.output_is_gone(job, self.now_ms())

    def _of_generation(self, tag: Tag, job: GlacierJob, current: Retrieval | None) -> Retrieval | None:
        """The record that the job was started for, or the one that has taken its place since, where that took over the
        job, too."""
        if current is None or current.generation == tag.generation:
            return current
        took_job_over = current.took_over(tag.attempt) and endings.is_of_attempt(current, tag.attempt, job)
        if took_job_over or current.tag == tag:
            return current
        return self.table.get_past(tag.key, tag.generation)

    def seen(self, record: Retrieval, tag: Tag, job: GlacierJob) -> Retrieval:
        """Brings the record up to what Glacier says of a job with its tag, in progress or completed."""
        if not is_of(record, job):
            _ignored(job, "it has our tag, but is of another archive")
            return record
        if not job.is_over:
            started = self.table.change(record, self._started(tag, job))
            upgraded = self.table.change(started, lambda now: attempts.upgraded(now, self.now_ms()))
            if upgraded is not started:
                self.resume_queue.resume_when_due(upgraded, self.now_ms())
            return upgraded
        for _ in tries():
            new = endings.ended(record, tag.attempt, job, self.now_ms())
            if new is None:
                return record
            following = joining.next_page(self.table.name, new, self.now_ms()) if new.state != record.state else None
            current = self._write(record, new, following)
            if current is None:
                _logged(new, job)
                return new
            latest = self._of_generation(tag, job, current)
            if latest is None:
                return current
            record = latest
        raise Contention(record.retrieval_id)

    def _started(self, tag: Tag, job: GlacierJob) -> Callable[[Retrieval], Retrieval | None]:
        tier = endings.tier_of(job)
        return lambda now: attempts.started(now, tag.attempt, tier or now.tier, job.JobId, self.now_ms())

    def _write(self, old: Retrieval, new: Retrieval, following: Retrieval | None) -> Retrieval | None:
        """Returns None when written, else the record as it is now."""
        if following is None:
            current = self.table.save(old, new)
            if current is None:
                self.resume_queue.resume_when_due(new, self.now_ms())
            return current
        if self.table.end_page(old, new, following):
            self.resume_queue.resume_when_due(following, self.now_ms())
            return None
        current = self.table.get(old.key)
        assert current is not None
        return current


def is_of(record: Retrieval, job: GlacierJob) -> bool:
    """Whether a job with the record's tag is of its archive: a description can be copied."""
    return job.ArchiveId in (None, record.archive_id)


def _says_too_little(record: Retrieval, job: GlacierJob) -> bool:
    """Whether it does not say if an inventory goes on."""
    return record.is_inventory and not job.tells_next_page


def _ignored(job: GlacierJob, why: str) -> None:
    count("ForeignNotification")
    logger.info("job ignored", job_id=job.loggable_id, why=why)


def _logged(record: Retrieval, job: GlacierJob) -> None:
    logger.info("job ended", retrieval_id=record.retrieval_id, job_id=job.loggable_id, state=record.state)
