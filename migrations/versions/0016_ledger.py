"""The books: units, accounts, postings, holds, seals, and the one function that posts.

The statements lie in migrations/ledger/, whole; a house test compares the functions that are installed with the files.
"""

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

FILES = Path(__file__).resolve().parents[1] / "ledger"
SHARDS = 16  # lanes; more may be added, none goes
BEFORE, AFTER = 1, 3  # months with partitions around today
UUIDS, BIGS, SMALLS, MOMENTS = "uuid[]", "bigint[]", "smallint[]", "timestamptz[]"
APP = (
    "accounts(smallint, text[], smallint[], uuid[], text[])", "open_unit(text, smallint, uuid)", "open_month(date)",
    "set_bounds(smallint, bigint, bigint, bigint, boolean, boolean, text, uuid, uuid)", "shard_of(uuid)",
    f"post(smallint, {UUIDS}, {SMALLS}, {BIGS}, {BIGS}, {BIGS}, {SMALLS}, {UUIDS}, {UUIDS}, {UUIDS}, {MOMENTS},"
    f" {MOMENTS})",
)  # fmt: skip
ALL = ("derive(uuid, bytea)", "as_of(smallint, bigint, timestamptz)")


def upgrade() -> None:
    """Make schema, functions, guards and walls, the lanes, the first months, and the units that every house has."""
    plain = op.get_bind().connection.driver_connection
    assert plain is not None
    for name in ("tables", "guards", "accounts", "post"):
        plain.execute((FILES / f"{name}.sql").read_text().encode())  # many statements, no parameters
    op.execute("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC")
    for function in APP:
        op.execute(f"GRANT EXECUTE ON FUNCTION ledger.{function} TO anhuan_app, anhuan_work")
    for function in ALL:
        op.execute(f"GRANT EXECUTE ON FUNCTION ledger.{function} TO anhuan_app, anhuan_work, anhuan_desk, anhuan_audit")
    op.execute(
        "DO $$ BEGIN EXECUTE (SELECT 'GRANT EXECUTE ON FUNCTION ' || oid::regprocedure || ' TO anhuan_audit'"
        " FROM pg_proc WHERE proname = 'row_bytes' AND pronamespace = 'ledger'::regnamespace); END $$"
    )
    op.execute(f"INSERT INTO ledger.shard_head (shard) SELECT generate_series(0, {SHARDS - 1})")
    op.execute(f"SELECT ledger.open_month((clock_timestamp() - interval '{BEFORE} month')::date)")
    op.execute(f"SELECT ledger.open_month((clock_timestamp() + interval '{AFTER} month')::date)")
    op.execute(
        "INSERT INTO ledger.unit (code, book, scale) VALUES ('CNY/tracked', 'tracked', 2), ('CNY/house', 'house', 2),"
        " ('quota', 'benefit', 2)"
    )


def downgrade() -> None:
    """Drop it again."""
    op.execute("DROP SCHEMA ledger CASCADE")
