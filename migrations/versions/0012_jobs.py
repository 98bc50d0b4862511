"""The queue: Procrastinate's tables by its own SQL files up to a version; a door to promise jobs, a room to do them."""

from importlib import resources
from typing import Any

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# A newer package brings newer files; each step of them is one more migration of ours, never an edit of this one.
UP_TO = "03.04.00_50"
TABLES = ("procrastinate_jobs", "procrastinate_events", "procrastinate_workers", "procrastinate_periodic_defers")
DEFER = "procrastinate_defer_jobs_v1(procrastinate_job_to_defer_v1[])"


def upgrade() -> None:
    """Install the queue; the web and the desk may promise a job and nothing more, the worker does them."""
    raw: Any = op.get_bind().connection.driver_connection
    for name, statements in files(UP_TO):
        try:
            raw.execute(statements.encode())
        except Exception as error:
            raise RuntimeError(f"{name} of procrastinate did not apply") from error
    everybody = "PUBLIC, anhuan_app, anhuan_desk, anhuan_audit, anhuan_work"
    functions = op.get_bind().exec_driver_sql(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND starts_with(proname, 'procrastinate_')"
    )
    for function in functions.scalars().all():
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM {everybody}")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO anhuan_work")
    for table in TABLES:
        op.execute(f"REVOKE ALL ON {table} FROM {everybody}")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO anhuan_work")
        op.execute(f"GRANT SELECT ON {table} TO anhuan_audit")
    # ANALYZE from the sweep: without statistics each fetch walks the whole queue (stack.md section 4).
    op.execute("GRANT MAINTAIN ON procrastinate_jobs TO anhuan_work")
    # Nobody but the worker touches the tables; a promise goes in through this one function, as its owner.
    op.execute(f"ALTER FUNCTION {DEFER} SECURITY DEFINER SET search_path = public, pg_temp")
    op.execute(f"GRANT EXECUTE ON FUNCTION {DEFER} TO anhuan_app, anhuan_desk")
    op.execute(
        "ALTER TABLE procrastinate_jobs SET (autovacuum_vacuum_scale_factor = 0.02,"
        " autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 200)"
    )
    op.execute("ANALYZE procrastinate_jobs")


def files(up_to: str) -> list[tuple[str, str]]:
    """Procrastinate's migrations up to a version, in order."""
    folder = resources.files("procrastinate.sql") / "migrations"
    named = sorted((one.name, one) for one in folder.iterdir() if one.name.endswith(".sql"))
    return [(name, one.read_text(encoding="utf-8")) for name, one in named if name[: len(up_to)] <= up_to]
