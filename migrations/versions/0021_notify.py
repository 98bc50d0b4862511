"""Messages to people: what they were told, where their mail goes, cards that are paused, watchers and incidents.

A message is made once for its kind and key and is never edited but for what became of it. A session tells whether its
party has something to read.
"""

from alembic import op

from anhuan.kit import wall

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE notify_messages (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        kind text NOT NULL,
        key text NOT NULL,
        facts bytea NOT NULL,
        link text NOT NULL,
        urgent boolean NOT NULL,
        made_at timestamptz NOT NULL,
        acknowledged_at timestamptz,
        mail_state text NOT NULL,
        mail_tries bigint NOT NULL,
        mail_at timestamptz,
        mail_after timestamptz,
        mail_code text NOT NULL,
        CONSTRAINT pk_notify_messages PRIMARY KEY (user_id, id),
        CONSTRAINT uq_notify_messages_user_id_kind_key UNIQUE (user_id, kind, key),
        CONSTRAINT ck_notify_messages_mail_state_known
            CHECK (mail_state IN ('none', 'waiting', 'sending', 'sent', 'unclear', 'refused')),
        CONSTRAINT ck_notify_messages_waits_for_a_moment CHECK (mail_state <> 'waiting' OR mail_after IS NOT NULL)
    )""",
    """
    CREATE TABLE notify_addresses (
        user_id uuid NOT NULL,
        mail bytea,
        proved_at timestamptz,
        wanted bytea,
        asked_id uuid,
        asked_at timestamptz,
        tries bigint NOT NULL,
        lang text NOT NULL,
        CONSTRAINT pk_notify_addresses PRIMARY KEY (user_id),
        CONSTRAINT ck_notify_addresses_proved_with_its_moment CHECK ((mail IS NULL) = (proved_at IS NULL)),
        CONSTRAINT ck_notify_addresses_asked_with_its_code
            CHECK ((wanted IS NULL) = (asked_id IS NULL) AND (wanted IS NULL) = (asked_at IS NULL))
    )""",
    """
    CREATE TABLE notify_watchers (
        id uuid NOT NULL,
        started_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL,
        coming bigint NOT NULL,
        mails boolean NOT NULL,
        CONSTRAINT pk_notify_watchers PRIMARY KEY (id)
    )""",
    """
    CREATE TABLE notify_incidents (
        id uuid NOT NULL,
        kind text NOT NULL,
        since timestamptz NOT NULL,
        told_at timestamptz,
        over_at timestamptz,
        CONSTRAINT pk_notify_incidents PRIMARY KEY (id)
    )""",
    """
    CREATE TABLE repay_pauses (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        account_id uuid NOT NULL,
        why text NOT NULL,
        since timestamptz NOT NULL,
        by_person uuid,
        lifted_at timestamptz,
        lifted_by uuid,
        CONSTRAINT pk_repay_pauses PRIMARY KEY (user_id, id)
    )""",
)
INDEXES = (
    "CREATE INDEX notify_messages_of ON notify_messages (user_id, made_at)",
    "CREATE INDEX notify_messages_unread ON notify_messages (user_id) WHERE acknowledged_at IS NULL",
    "CREATE INDEX notify_messages_to_mail ON notify_messages (mail_after) WHERE mail_state IN ('waiting', 'sending')",
    "CREATE UNIQUE INDEX notify_incidents_standing ON notify_incidents (kind) WHERE over_at IS NULL",
    "CREATE INDEX repay_orders_safe_by ON repay_orders (safe_by_at)"
    " WHERE status NOT IN ('arrived', 'given_back', 'failed', 'cancelled')",
    "CREATE UNIQUE INDEX repay_pauses_standing ON repay_pauses (user_id, account_id) WHERE lifted_at IS NULL",
)
RIGHTS = {
    "notify_messages": "SELECT, INSERT, UPDATE", "notify_addresses": "SELECT, INSERT, UPDATE, DELETE",
    "repay_pauses": "SELECT, INSERT, UPDATE (lifted_at, lifted_by)",
}  # fmt: skip
HOUSES = ("notify_watchers", "notify_incidents")  # of nobody: the worker's login writes, the desk reads

SESSION = """
    CREATE FUNCTION anhuan_session(token bytea) RETURNS TABLE (
        id uuid, person_id uuid, party_id uuid, strength text, seen_at timestamptz, ends_at timestamptz,
        state text, lang text, roles text[], news boolean{more}
    ) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT s.id, s.person_id, s.party_id, s.strength, s.seen_at, s.ends_at, p.state, p.lang,
            CASE WHEN s.party_id = s.person_id
                THEN (SELECT array_agg(g.role) FROM role_grants g WHERE g.person_id = s.person_id AND g.until IS NULL
                      AND (g.ends_at IS NULL OR g.ends_at > now()))
                ELSE (SELECT array_agg(m.role) FROM members m JOIN organisations o ON o.id = m.organisation_id
                      WHERE m.person_id = s.person_id AND m.organisation_id = s.party_id AND m.until IS NULL
                      AND o.state = 'active')
            END,
            EXISTS (SELECT 1 FROM notices n WHERE n.person_id = s.person_id AND n.read_at IS NULL){asked}
        FROM sessions s JOIN people p ON p.id = s.person_id
        WHERE s.token_hash = token AND s.ended_at IS NULL
    $$"""
UNREAD = """,
            EXISTS (SELECT 1 FROM notify_messages m WHERE m.user_id = s.party_id AND m.acknowledged_at IS NULL)"""


def upgrade() -> None:
    """Make the tables behind their walls; let a session know of unread messages."""
    for statement in (*TABLES, *INDEXES):
        op.execute(statement)
    for table, rights in RIGHTS.items():
        for statement in wall.party_policy(table):
            op.execute(statement)
        op.execute(f"REVOKE ALL ON {table} FROM anhuan_app")
        op.execute(f"GRANT {rights} ON {table} TO anhuan_app")
    for table in HOUSES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM anhuan_app")
        op.execute(wall.role_policy(table, wall.WORK, "true"))
        op.execute(wall.role_policy(table, wall.DESK, "true", verb="SELECT"))
    op.execute("REVOKE SELECT ON notify_addresses FROM anhuan_desk")
    _session(more=", unread boolean", asked=UNREAD)


def downgrade() -> None:
    """Drop everything again."""
    _session(more="", asked="")
    op.execute("DROP INDEX repay_orders_safe_by")
    for table in (*HOUSES, *RIGHTS):
        op.execute(f"DROP TABLE {table}")


def _session(*, more: str, asked: str) -> None:
    """The function that every request asks first, with or without what may be read."""
    op.execute("DROP FUNCTION anhuan_session(bytea)")
    op.execute(SESSION.format(more=more, asked=asked))
    op.execute("REVOKE EXECUTE ON FUNCTION anhuan_session(bytea) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_session(bytea) TO anhuan_app, anhuan_desk")
