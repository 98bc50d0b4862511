"""Counters of tries, shared by all processes; a row tells only a keyed hash and a moment."""

from alembic import op

from anhuan.kit import wall

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with room for its rows to be renewed in place; only the web counts."""
    op.execute("""
        create table rate_counters (
            key_hash bytea primary key constraint hash_whole check (octet_length(key_hash) = 16),
            busy_until timestamptz not null
        ) with (fillfactor = 70)""")
    op.execute("alter table rate_counters enable row level security")
    op.execute(wall.role_policy("rate_counters", wall.WEB, "true"))


def downgrade() -> None:
    """Drop it again."""
    op.execute("drop table rate_counters")
