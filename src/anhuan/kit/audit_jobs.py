"""What the worker does for the audit log by the clock: link what waits each minute, sign a root when a day ends."""

from anhuan.kit import audit_roots, clock, jobs


@jobs.task("audit.seal", cron=jobs.EVERY_MINUTE, retries=1)  # the next minute tries again anyway
def seal() -> None:
    """Link, sign what is due, publish; safe to run twice, at once, and after any pause."""
    audit_roots.seal_due(now=clock.now())
