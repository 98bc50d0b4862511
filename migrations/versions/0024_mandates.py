"""Mandates and their runs: what a payer allowed with a proof, and one row for each debit that follows from it.

Bills that just came are found by the moment at which they became known.
"""

from alembic import op

from anhuan.kit import wall

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE mandates (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        account_id uuid NOT NULL,
        source_id uuid NOT NULL,
        channel text,
        rule text NOT NULL,
        amount_minor bytea,
        cap_minor bytea NOT NULL,
        above_cap text NOT NULL,
        timing text NOT NULL,
        days_before integer,
        day_of_month integer,
        on_date date,
        holiday text NOT NULL,
        notice_hours integer NOT NULL,
        retries integer NOT NULL,
        retry_when text NOT NULL,
        valid_from date,
        valid_to date,
        document bytea NOT NULL,
        document_sha256 bytea NOT NULL,
        step_up_id uuid NOT NULL,
        given_by uuid NOT NULL,
        given_at timestamptz NOT NULL,
        replaces uuid,
        narrowed_at timestamptz,
        off_at timestamptz,
        revoked_at timestamptz,
        revoked_by uuid,
        next_at timestamptz,
        plan_digest bytea,
        CONSTRAINT pk_mandates PRIMARY KEY (user_id, id),
        CONSTRAINT ck_mandates_rule_known CHECK (rule IN ('full', 'minimum', 'custom', 'planned')),
        CONSTRAINT ck_mandates_fixed_with_its_amount CHECK ((rule = 'custom') = (amount_minor IS NOT NULL)),
        CONSTRAINT ck_mandates_plan_says_both CHECK ((rule = 'planned') = (timing = 'planned')),
        CONSTRAINT ck_mandates_above_cap_known CHECK (above_cap IN ('skip', 'up_to_cap')),
        CONSTRAINT ck_mandates_timing_known CHECK (timing IN ('before_due', 'monthly', 'once', 'planned')),
        CONSTRAINT ck_mandates_timed CHECK (
            (timing = 'monthly') = (day_of_month IS NOT NULL) AND (timing = 'once') = (on_date IS NOT NULL)
            AND (timing = 'before_due' OR days_before IS NULL)),
        CONSTRAINT ck_mandates_day_known CHECK (day_of_month BETWEEN 1 AND 31),
        CONSTRAINT ck_mandates_holiday_known CHECK (holiday IN ('earlier', 'later', 'same')),
        CONSTRAINT ck_mandates_retry_known CHECK (retry_when IN ('next_day', 'limit_reset', 'income')),
        CONSTRAINT ck_mandates_revoked_by_somebody CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
    )""",
    """
    CREATE TABLE mandate_runs (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        mandate_id uuid NOT NULL,
        account_id uuid NOT NULL,
        lane integer NOT NULL,
        statement_on date,
        occurrence_on date,
        stage text NOT NULL,
        why text,
        leg_minor bytea,
        amount_minor bytea,
        notice_at timestamptz NOT NULL,
        pay_at timestamptz NOT NULL,
        safe_by_at timestamptz,
        deadline_at timestamptz NOT NULL,
        shortened boolean NOT NULL,
        late boolean NOT NULL,
        provisional boolean NOT NULL,
        tries integer NOT NULL,
        group_id uuid,
        order_id uuid,
        retry_of uuid,
        blocked text,
        next_at timestamptz,
        made_at timestamptz NOT NULL,
        noticed_at timestamptz,
        ordered_at timestamptz,
        closed_at timestamptz,
        CONSTRAINT pk_mandate_runs PRIMARY KEY (user_id, id),
        CONSTRAINT fk_mandate_runs_user_id_mandates
            FOREIGN KEY (user_id, mandate_id) REFERENCES mandates (user_id, id),
        CONSTRAINT uq_mandate_runs_user_id_mandate_id_statement_on UNIQUE (user_id, mandate_id, statement_on),
        CONSTRAINT uq_mandate_runs_user_id_mandate_id_occurrence_on UNIQUE (user_id, mandate_id, occurrence_on),
        CONSTRAINT ck_mandate_runs_stage_known
            CHECK (stage IN ('planned', 'noticed', 'ordered', 'done', 'skipped', 'failed')),
        CONSTRAINT ck_mandate_runs_bill_or_day CHECK ((statement_on IS NULL) <> (occurrence_on IS NULL)),
        CONSTRAINT ck_mandate_runs_over_with_its_moment
            CHECK ((stage IN ('done', 'skipped', 'failed')) = (closed_at IS NOT NULL)),
        CONSTRAINT ck_mandate_runs_not_paid_with_its_reason
            CHECK (stage NOT IN ('skipped', 'failed') OR why IS NOT NULL),
        CONSTRAINT ck_mandate_runs_ordered_with_its_order CHECK (stage <> 'ordered' OR group_id IS NOT NULL)
    )""",
)
INDEXES = (
    "CREATE UNIQUE INDEX mandates_one_for_a_card ON mandates (user_id, account_id)"
    " WHERE revoked_at IS NULL AND timing IN ('before_due', 'planned')",
    "CREATE INDEX mandates_due ON mandates (next_at) WHERE next_at IS NOT NULL",
    "CREATE INDEX mandate_runs_due ON mandate_runs (deadline_at, lane) WHERE next_at IS NOT NULL",
    "CREATE INDEX mandate_runs_of_group ON mandate_runs (user_id, group_id)",
    "CREATE INDEX bills_known ON bills (known_at)",
)
# What bills there are, for the rooms above that look for new ones in bulk; the wall of the table holds for it too.
VIEW = """
    CREATE VIEW bills_standing WITH (security_invoker = true) AS
    SELECT bill.user_id, bill.account_id, bill.id AS bill_id, bill.currency, bill.statement_on, bill.due_on,
           bill.known_at, account.bank
    FROM bills AS bill JOIN card_accounts AS account ON account.user_id = bill.user_id AND account.id = bill.account_id
    WHERE bill.superseded_by IS NULL AND bill.taken_back_at IS NULL AND account.removed_at IS NULL"""

# Of a mandate the web's login narrows, ends and wakes what stands; accounts, rule and proof are never written twice.
CHANGES = "cap_minor, valid_to, narrowed_at, off_at, revoked_at, revoked_by, next_at, plan_digest"
RIGHTS = {"mandates": f"SELECT, INSERT, UPDATE ({CHANGES})", "mandate_runs": "SELECT, INSERT, UPDATE"}
OWN_WORD = (
    "CREATE POLICY web_gives ON mandates AS RESTRICTIVE FOR INSERT TO anhuan_app"
    " WITH CHECK (given_by = (SELECT anhuan_person()) AND revoked_at IS NULL AND EXISTS (SELECT FROM step_ups s"
    " WHERE s.person_id = (SELECT anhuan_person()) AND s.id = step_up_id AND s.kind = 'mandate'"
    " AND s.used_at IS NOT NULL))"
)


def upgrade() -> None:
    """Make the tables behind their walls."""
    for statement in (*TABLES, *INDEXES, VIEW, "GRANT SELECT ON bills_standing TO anhuan_app, anhuan_work"):
        op.execute(statement)
    for table, rights in RIGHTS.items():
        for statement in wall.party_policy(table):
            op.execute(statement)
        op.execute(f"REVOKE ALL ON {table} FROM anhuan_app")
        op.execute(f"GRANT {rights} ON {table} TO anhuan_app")
    op.execute(OWN_WORD)


def downgrade() -> None:
    """Drop everything again."""
    op.execute("DROP VIEW bills_standing")
    op.execute("DROP INDEX bills_known")
    op.execute("DROP TABLE mandate_runs")
    op.execute("DROP TABLE mandates")
