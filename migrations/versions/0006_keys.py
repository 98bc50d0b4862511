"""Keys: the table of locked data keys, and the first of them."""

from alembic import op

from anhuan.kit import clock, keys

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = """
    create table data_keys (
        id integer primary key,
        purpose text not null constraint purpose_known check (purpose in ('data', 'index')),
        algorithm text not null,
        master text not null,
        wrapped bytea,
        seals_reserved bigint not null default 0,
        made_at timestamptz not null,
        retired_at timestamptz,
        destroyed_at timestamptz
    )"""


def upgrade() -> None:
    """Create the table; our programs read it and count what they seal, the owner alone makes and retires keys."""
    op.execute(TABLE)
    op.execute("REVOKE ALL ON data_keys FROM anhuan_app, anhuan_audit, anhuan_desk, anhuan_work")
    op.execute("GRANT SELECT, UPDATE (seals_reserved) ON data_keys TO anhuan_app, anhuan_desk, anhuan_work")
    keys.establish(op.get_bind(), now=clock.now())


def downgrade() -> None:
    """Drop the keys; whatever they sealed stays closed for ever."""
    op.execute("drop table data_keys")
