"""The wall: rows of one party at a time, roles for operators and the worker, and what kind of installation this is."""

from alembic import op

from anhuan.kit import wall

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PARTY_TABLES = (
    "credit_lines", "card_accounts", "cards", "bills", "bill_charges", "card_payments", "own_accounts", "terms",
    "statement_books", "statement_imports", "statement_files", "statement_bills", "statement_fields",
    "statement_lines", "statement_sightings", "statement_links", "statement_mappings", "statement_readings",
    "plan_flows", "plan_channels", "plan_spending", "plan_settings",
)  # fmt: skip
EVERYBODYS = "00000000-0000-0000-0000-000000000000"  # terms of the operator hold for everybody


def upgrade() -> None:
    """Put up the wall around what stands; each later table brings its own."""
    roles = "anhuan_app, anhuan_desk, anhuan_work, anhuan_audit"
    for function in wall.FUNCTIONS:
        op.execute(function)
    op.execute(f"GRANT EXECUTE ON FUNCTION anhuan_party(), anhuan_person(), anhuan_everybody() TO {roles}")
    op.execute(f"GRANT EXECUTE ON FUNCTION anhuan_presented(text) TO {roles}")
    op.execute("GRANT USAGE ON SCHEMA public TO anhuan_desk, anhuan_work")
    everything = "SELECT, INSERT, UPDATE, DELETE"
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {everything} ON TABLES TO anhuan_work")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO anhuan_work")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anhuan_desk")
    op.execute("GRANT SELECT ON alembic_version TO anhuan_desk, anhuan_work")
    for table in PARTY_TABLES:
        op.execute(f"GRANT {everything} ON {table} TO anhuan_work")
        op.execute(f"GRANT SELECT ON {table} TO anhuan_desk")
        for statement in wall.party_policy(table):
            op.execute(statement)
    op.execute(f"CREATE POLICY everybodys ON terms FOR SELECT USING (user_id = '{EVERYBODYS}')")
    op.execute("""
        CREATE TABLE installation (
            one boolean PRIMARY KEY DEFAULT true CONSTRAINT only_one CHECK (one),
            mode text NOT NULL CONSTRAINT mode_known CHECK (mode IN ('real', 'demonstration')),
            made_at timestamptz NOT NULL
        )""")
    op.execute("REVOKE UPDATE, DELETE ON installation FROM anhuan_app, anhuan_work")  # said once, for ever
