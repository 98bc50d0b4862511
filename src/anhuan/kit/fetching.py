"""How a worker takes its next job: the library's way, and once more where another worker was quicker."""

from collections.abc import Iterable
from typing import Final

import structlog
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

TRIES: Final = 5  # of one look for a job; the next signal or the next poll looks again

log = structlog.get_logger(__name__)


class Fetching(JobManager):
    """A manager whose worker lives on where two workers take jobs of one lock in the same moment.

    It happens where a more urgent job of a lock comes in while a less urgent one is being taken: the database lets one
    of the two through. Whoever asks again finds the lock held; the library alone would end the whole worker.
    """

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Take the next job, or None."""
        for _ in range(TRIES):
            try:
                return await super().fetch_job(queues, worker_id)
            except UniqueViolation:
                log.info("another worker was quicker")
        return None
