"""How a worker takes its next job: the library's way, without its two gaps around locks."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import structlog
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback

TRIES: Final = 5  # to take a job while other workers take those of its lock

log = structlog.get_logger(__name__)


class Manager(JobManager):
    """A manager for one worker.

    Where two workers take jobs of one lock in the same moment (a more urgent one comes in while a less urgent one is
    being taken), the database lets one of them through; the library would end the whole worker of the other.
    And where a job ends, what waited behind its lock is begun at once; the library would find it by its next poll,
    seconds later, as it would what was promised while it looked.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self._tell: NotificationCallback | None = None
        self._news = 0  # jobs promised, ended or put back so far

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Take the next job, or None; looks again where there was news meanwhile."""
        tries = TRIES
        while tries:
            before = self._news
            try:
                job = await super().fetch_job(queues, worker_id)
            except UniqueViolation:
                log.info("another worker was quicker")
                tries -= 1
                continue
            if job is not None or self._news == before:
                return job
        return None

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:  # fmt: skip
        """Hear of promised jobs, and remember whom to tell of those that end here."""

        async def heard(*, channel: str, notification: Any) -> None:
            self._news += 1
            await on_notification(channel=channel, notification=notification)

        self._tell = heard
        await super().listen_for_jobs(on_notification=heard, queues=queues)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """End a job, and look at once for one that waited behind it."""
        await super().finish_job(job, status, delete_job)
        await self._freed(job)

    async def retry_job(
        self, job: Job, retry_at: datetime | None = None, priority: int | None = None, queue: str | None = None,
        lock: str | None = None,
    ) -> None:  # fmt: skip
        """Put a job back for later, and look at once for another of its lock."""
        await super().retry_job(job, retry_at, priority, queue, lock)
        await self._freed(job)

    async def _freed(self, job: Job) -> None:
        if job.lock is not None and job.id is not None and self._tell is not None:
            await self._tell(channel="", notification={"type": "job_inserted", "job_id": job.id})
