"""Free quotas and re-planning."""

from alembic import op

from anhuan.kit import wall

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE repay_quotas (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        month text NOT NULL,
        schedule text NOT NULL,
        version text NOT NULL,
        granted_at timestamptz NOT NULL,
        CONSTRAINT pk_repay_quotas PRIMARY KEY (user_id, id),
        CONSTRAINT uq_repay_quotas_user_id_month_schedule UNIQUE (user_id, month, schedule)
    )""",
    """
    CREATE TABLE repay_plans (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        group_id uuid NOT NULL,
        fingerprint bytea NOT NULL,
        horizon_on date NOT NULL,
        summary bytea NOT NULL,
        made_at timestamptz NOT NULL,
        looked_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT pk_repay_plans PRIMARY KEY (user_id, id),
        CONSTRAINT fk_repay_plans_user_id_repay_groups
            FOREIGN KEY (user_id, group_id) REFERENCES repay_groups (user_id, id)
    )""",
    """
    CREATE TABLE repay_proposals (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        plan_id uuid NOT NULL,
        fingerprint bytea NOT NULL,
        why text NOT NULL,
        facts bytea NOT NULL,
        state text NOT NULL,
        made_at timestamptz NOT NULL,
        decided_at timestamptz,
        decided_by uuid,
        CONSTRAINT pk_repay_proposals PRIMARY KEY (user_id, id),
        CONSTRAINT fk_repay_proposals_user_id_repay_plans
            FOREIGN KEY (user_id, plan_id) REFERENCES repay_plans (user_id, id),
        CONSTRAINT ck_repay_proposals_state_known CHECK (state IN ('open', 'accepted', 'dismissed', 'overtaken')),
        CONSTRAINT ck_repay_proposals_decided_with_its_moment CHECK ((state = 'open') = (decided_at IS NULL))
    )""",
)
INDEXES = (
    "CREATE UNIQUE INDEX repay_plans_standing ON repay_plans (user_id) WHERE ended_at IS NULL",
    "CREATE UNIQUE INDEX repay_proposals_open ON repay_proposals (user_id) WHERE state = 'open'",
)
RIGHTS = {
    "repay_quotas": "SELECT, INSERT", "repay_plans": "SELECT, INSERT, UPDATE",
    "repay_proposals": "SELECT, INSERT, UPDATE",
}  # fmt: skip


def upgrade() -> None:
    """Make the tables behind their walls."""
    for statement in (*TABLES, *INDEXES):
        op.execute(statement)
    for table, rights in RIGHTS.items():
        for statement in wall.party_policy(table):
            op.execute(statement)
        op.execute(f"REVOKE ALL ON {table} FROM anhuan_app")
        op.execute(f"GRANT {rights} ON {table} TO anhuan_app")
    op.execute("REVOKE UPDATE ON repay_quotas FROM anhuan_work")


def downgrade() -> None:
    """Drop everything again."""
    for table in ("repay_proposals", "repay_plans", "repay_quotas"):
        op.execute(f"DROP TABLE {table}")
