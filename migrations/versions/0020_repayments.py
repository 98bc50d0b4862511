"""Repayments: what was confirmed, orders, their timeline, bindings of accounts and cards at channels.

What tells of money is added to and never deleted; the timeline is not even edited, and of an order only what moves.
"""

from alembic import op

from anhuan.kit import wall

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

STATUSES = "'scheduled', 'placed', 'sent', 'promised', 'arrived', 'in_doubt', 'given_back', 'failed', 'cancelled'"
CLOSED = "'arrived', 'given_back', 'failed', 'cancelled'"
TABLES = (
    """
    CREATE TABLE repay_groups (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        key uuid NOT NULL,
        kind text NOT NULL,
        digest bytea NOT NULL,
        summary bytea NOT NULL,
        mandate_id uuid,
        confirmed_by uuid,
        step_up_id uuid,
        made_at timestamptz NOT NULL,
        CONSTRAINT pk_repay_groups PRIMARY KEY (user_id, id),
        CONSTRAINT uq_repay_groups_user_id_key UNIQUE (user_id, key),
        CONSTRAINT ck_repay_groups_kind_known CHECK (kind IN ('one', 'several', 'plan', 'autopay'))
    )""",
    f"""
    CREATE TABLE repay_orders (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        group_id uuid NOT NULL,
        number bigint NOT NULL,
        account_id uuid NOT NULL,
        bill_id uuid,
        bank text NOT NULL,
        source_id uuid NOT NULL,
        channel text NOT NULL,
        rule text NOT NULL,
        amount_minor bytea NOT NULL,
        fee_minor bytea NOT NULL,
        fees bytea NOT NULL,
        status text NOT NULL,
        wait text,
        due_on date,
        start_at timestamptz NOT NULL,
        expected_at timestamptz,
        safe_by_at timestamptz,
        by_hand_at timestamptz,
        placed_at timestamptz NOT NULL,
        key uuid,
        sent_at timestamptz,
        taken_at timestamptz,
        arrived_on date,
        arrived_minor bytea,
        closed_at timestamptz,
        final_code text,
        resets_at timestamptz,
        retry_of uuid,
        mandate_id uuid,
        run_id uuid,
        next_at timestamptz,
        alerted_at timestamptz,
        CONSTRAINT pk_repay_orders PRIMARY KEY (user_id, id),
        CONSTRAINT fk_repay_orders_user_id_repay_groups
            FOREIGN KEY (user_id, group_id) REFERENCES repay_groups (user_id, id),
        CONSTRAINT uq_repay_orders_user_id_group_id_number UNIQUE (user_id, group_id, number),
        CONSTRAINT uq_repay_orders_user_id_retry_of UNIQUE (user_id, retry_of),
        CONSTRAINT ck_repay_orders_status_known CHECK (status IN ({STATUSES})),
        CONSTRAINT ck_repay_orders_rule_known CHECK (rule IN ('full', 'minimum', 'custom', 'planned')),
        CONSTRAINT ck_repay_orders_closed_with_its_moment CHECK ((status IN ({CLOSED})) = (closed_at IS NOT NULL)),
        CONSTRAINT ck_repay_orders_arrived_with_its_day CHECK (status <> 'arrived' OR arrived_on IS NOT NULL),
        CONSTRAINT ck_repay_orders_failed_with_its_code CHECK (status <> 'failed' OR final_code IS NOT NULL),
        CONSTRAINT ck_repay_orders_nothing_went_out
            CHECK (status NOT IN ('scheduled', 'cancelled') OR sent_at IS NULL)
    )""",
    """
    CREATE TABLE repay_events (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        order_id uuid NOT NULL,
        at timestamptz NOT NULL,
        kind text NOT NULL,
        code text NOT NULL,
        facts bytea NOT NULL,
        CONSTRAINT pk_repay_events PRIMARY KEY (user_id, id),
        CONSTRAINT fk_repay_events_user_id_repay_orders
            FOREIGN KEY (user_id, order_id) REFERENCES repay_orders (user_id, id)
    )""",
    """
    CREATE TABLE repay_bindings (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        kind text NOT NULL,
        subject_id uuid NOT NULL,
        channel text NOT NULL,
        ref bytea NOT NULL,
        name bytea NOT NULL,
        funding_kind text,
        proved_how text NOT NULL,
        state text NOT NULL,
        proved_at timestamptz NOT NULL,
        removed_at timestamptz,
        CONSTRAINT pk_repay_bindings PRIMARY KEY (user_id, id),
        CONSTRAINT ck_repay_bindings_kind_known CHECK (kind IN ('source', 'card')),
        CONSTRAINT ck_repay_bindings_state_known CHECK (state IN ('proved', 'doubtful', 'removed')),
        CONSTRAINT ck_repay_bindings_own_money_alone
            CHECK (kind <> 'source' OR funding_kind IN ('own_debit', 'own_wallet')),
        CONSTRAINT ck_repay_bindings_removed_with_its_moment CHECK ((state = 'removed') = (removed_at IS NOT NULL))
    )""",
)
INDEXES = (
    "CREATE INDEX repay_orders_of_account ON repay_orders (user_id, account_id, status)",
    "CREATE UNIQUE INDEX repay_orders_key ON repay_orders (user_id, key) WHERE key IS NOT NULL",
    "CREATE INDEX repay_orders_due ON repay_orders (next_at) WHERE next_at IS NOT NULL",
    f"CREATE INDEX repay_orders_by_hand ON repay_orders (by_hand_at) WHERE status NOT IN ({CLOSED})",
    "CREATE INDEX repay_events_of ON repay_events (user_id, order_id, at)",
    "CREATE UNIQUE INDEX repay_bindings_standing ON repay_bindings (user_id, kind, subject_id, channel)"
    " WHERE state <> 'removed'",
)
RIGHTS = {
    "repay_groups": "SELECT, INSERT", "repay_events": "SELECT, INSERT",
    "repay_orders": "SELECT, INSERT, UPDATE (status, wait, key, final_code, resets_at, closed_at, next_at)",
    "repay_bindings": "SELECT, INSERT, UPDATE (state, removed_at)",
}  # fmt: skip
# What the web's login may make of orders: place what a person confirmed, take it back before anything goes out. What
# goes out, arrives, fails or comes back is written by the worker alone; so is what follows from a mandate.
TAKEN_BACK = (
    "status = 'cancelled' AND (key IS NULL OR EXISTS (SELECT FROM channel_instructions i WHERE"
    " i.user_id = repay_orders.user_id AND i.key = repay_orders.key AND i.final_code = 'withdrawn'))"
)
WEB = (
    "CREATE POLICY web_confirms ON repay_groups AS RESTRICTIVE FOR INSERT TO anhuan_app"
    " WITH CHECK (kind <> 'autopay' AND mandate_id IS NULL)",
    "CREATE POLICY web_places ON repay_orders AS RESTRICTIVE FOR INSERT TO anhuan_app WITH CHECK (status = 'scheduled'"
    " AND key IS NULL AND mandate_id IS NULL AND run_id IS NULL AND num_nonnulls(sent_at, taken_at, arrived_on,"
    " arrived_minor, closed_at, final_code) = 0)",
    "CREATE POLICY web_takes_back ON repay_orders AS RESTRICTIVE FOR UPDATE TO anhuan_app USING (true)"
    " WITH CHECK (sent_at IS NULL AND taken_at IS NULL AND (status = 'scheduled' OR status = 'placed'"
    f" OR (status = 'failed' AND key IS NULL) OR ({TAKEN_BACK})))",
)


def upgrade() -> None:
    """Make the tables behind their walls."""
    for statement in (*TABLES, *INDEXES):
        op.execute(statement)
    for table, rights in RIGHTS.items():
        for statement in wall.party_policy(table):
            op.execute(statement)
        op.execute(f"REVOKE ALL ON {table} FROM anhuan_app")
        op.execute(f"GRANT {rights} ON {table} TO anhuan_app")
    for statement in WEB:
        op.execute(statement)
    op.execute("REVOKE UPDATE ON repay_groups, repay_events FROM anhuan_work")


def downgrade() -> None:
    """Drop everything again."""
    for table in ("repay_bindings", "repay_events", "repay_orders", "repay_groups"):
        op.execute(f"DROP TABLE {table}")
