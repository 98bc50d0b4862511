"""Stops of channels and banks by operators: one tap closes, two people open again; and what operators see of orders.

A stop is never edited but for who lifted it and when, and that only by whoever confirmed what somebody else had asked.
"""

from alembic import op

from anhuan.kit import wall

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE channel_stops (
        id uuid NOT NULL,
        scope text NOT NULL,
        name text NOT NULL,
        reason text NOT NULL,
        stopped_by uuid NOT NULL,
        from_at timestamptz NOT NULL,
        until_at timestamptz,
        lifted_at timestamptz,
        lifted_by uuid,
        CONSTRAINT pk_channel_stops PRIMARY KEY (id),
        CONSTRAINT ck_channel_stops_scope_known CHECK (scope IN ('channel', 'bank', 'everything')),
        CONSTRAINT ck_channel_stops_named_unless_everything CHECK ((scope = 'everything') = (name = '')),
        CONSTRAINT ck_channel_stops_ends_after_it_began CHECK (until_at IS NULL OR until_at > from_at),
        CONSTRAINT ck_channel_stops_lifted_by_somebody CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
    )""",
    """
    CREATE TABLE channel_stop_words (
        id uuid NOT NULL,
        stop_id uuid NOT NULL,
        kind text NOT NULL,
        answers uuid,
        asked_by uuid NOT NULL,
        said_by uuid NOT NULL,
        shown_hash bytea NOT NULL,
        reason text NOT NULL,
        said_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_stop_words PRIMARY KEY (id),
        CONSTRAINT uq_channel_stop_words_answers UNIQUE (answers),
        CONSTRAINT uq_channel_stop_words_id_stop_id_asked_by_shown_hash UNIQUE (id, stop_id, asked_by, shown_hash),
        CONSTRAINT fk_channel_stop_words_stop_id FOREIGN KEY (stop_id) REFERENCES channel_stops (id),
        CONSTRAINT fk_channel_stop_words_answers FOREIGN KEY (answers, stop_id, asked_by, shown_hash)
            REFERENCES channel_stop_words (id, stop_id, asked_by, shown_hash),
        CONSTRAINT ck_channel_stop_words_kind_known CHECK (kind IN ('asked', 'confirmed', 'refused')),
        CONSTRAINT ck_channel_stop_words_an_answer_names_what_was_asked CHECK ((kind = 'asked') = (answers IS NULL)),
        CONSTRAINT ck_channel_stop_words_nobody_confirms_the_own
            CHECK (kind = 'refused' OR (kind = 'asked') = (said_by = asked_by))
    )""",
    """
    CREATE TABLE channel_breaker_closings (
        id uuid NOT NULL,
        channel text NOT NULL,
        was_open_until_at timestamptz NOT NULL,
        failures bigint NOT NULL,
        reason text NOT NULL,
        closed_by uuid NOT NULL,
        closed_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_breaker_closings PRIMARY KEY (id)
    )""",
)
NAMES = ("channel_stops", "channel_stop_words", "channel_breaker_closings")
INDEXES = (
    "CREATE INDEX channel_stops_standing ON channel_stops (from_at) WHERE lifted_at IS NULL",
    "CREATE INDEX channel_stop_words_of ON channel_stop_words (stop_id, said_at)",
    "CREATE INDEX repay_orders_ended ON repay_orders (closed_at) WHERE closed_at IS NOT NULL",
)
ME = "(SELECT anhuan_person())"
OURS = "user_id = (SELECT anhuan_party())"
CONFIRMED = (
    f"EXISTS (SELECT FROM channel_stop_words w WHERE w.stop_id = channel_stops.id AND w.kind = 'confirmed'"
    f" AND w.said_by = {ME})"
)
# What waits unsent, by channel and bank of the card; whose it is and how much it is, nobody learns here.
BEHIND = """
    CREATE FUNCTION anhuan_unsent()
    RETURNS TABLE (channel text, bank text, count bigint, oldest_at timestamptz, safe_by_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT i.channel, i.bank, count(*), min(i.made_at),
            min(coalesce(o.safe_by_at, o.by_hand_at, o.due_on::timestamp AT TIME ZONE 'Asia/Shanghai'))
        FROM public.channel_instructions i
        LEFT JOIN public.repay_orders o ON o.user_id = i.user_id AND o.key = i.key
        WHERE i.stands AND i.state = 'created' AND i.sent_at IS NULL GROUP BY i.channel, i.bank ORDER BY 1, 2
    $$"""
# Cards that the breaker of one card stopped, by number alone, with what waits behind each.
CARDS = """
    CREATE FUNCTION anhuan_card_stops(asked timestamptz)
    RETURNS TABLE (party uuid, channel text, card_key bytea, code text, since_at timestamptz, until_at timestamptz,
        waiting bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT s.user_id, s.channel, s.card_key, s.code, s.since_at, s.until_at,
            (SELECT count(*) FROM public.channel_instructions i WHERE i.user_id = s.user_id AND i.channel = s.channel
                AND i.card_key = s.card_key AND i.stands AND i.state = 'created' AND i.sent_at IS NULL)
        FROM public.channel_card_stops s WHERE s.until_at > asked ORDER BY s.since_at LIMIT 500
    $$"""
# Orders as operators see them in lists: where each stands and by when it must have arrived (where the last safe moment
# is not known, the beginning of the due day); nothing of the money.
SEEN = """
    CREATE VIEW repay_orders_seen WITH (security_barrier = true) AS
        SELECT user_id, id, status, wait, channel, bank, due_on, start_at, expected_at, safe_by_at, by_hand_at,
               placed_at,
            sent_at, closed_at, final_code, mandate_id IS NOT NULL AS by_mandate,
            coalesce(safe_by_at, by_hand_at, due_on::timestamp AT TIME ZONE 'Asia/Shanghai') AS latest_at
        FROM repay_orders"""
FUNCTIONS = ("anhuan_unsent()", "anhuan_card_stops(timestamptz)")


def upgrade() -> None:
    """Everybody reads stops; operators make them in the own name, and lift what somebody else asked to lift."""
    for statement in (*TABLES, *INDEXES):
        op.execute(statement)
    for table in NAMES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everybody_reads ON {table} FOR SELECT USING (true)")
        op.execute(f"REVOKE ALL ON {table} FROM anhuan_app")
        op.execute(f"GRANT SELECT ON {table} TO anhuan_app")
        op.execute(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM anhuan_work")
        op.execute(f"GRANT INSERT ON {table} TO anhuan_desk")
    op.execute(wall.role_policy("channel_stops", wall.DESK, f"stopped_by = {ME} AND lifted_at IS NULL", verb="INSERT"))
    op.execute(wall.role_policy("channel_stop_words", wall.DESK, f"said_by = {ME}", verb="INSERT"))
    op.execute(wall.role_policy("channel_breaker_closings", wall.DESK, f"closed_by = {ME}", verb="INSERT"))
    op.execute("GRANT UPDATE (lifted_at, lifted_by) ON channel_stops TO anhuan_desk")
    op.execute(
        f"CREATE POLICY anhuan_desk_lifts ON channel_stops FOR UPDATE TO anhuan_desk"
        f" USING (lifted_at IS NULL) WITH CHECK (lifted_by = {ME} AND {CONFIRMED})"
    )
    _breakers()
    for statement in (BEHIND, CARDS, SEEN):
        op.execute(statement)
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO anhuan_work, anhuan_desk")
    op.execute("REVOKE ALL ON repay_orders_seen FROM PUBLIC, anhuan_app, anhuan_audit, anhuan_work")
    op.execute("GRANT SELECT ON repay_orders_seen TO anhuan_desk, anhuan_work")


def _breakers() -> None:
    """An operator may close what opened by itself, and cannot open it: a channel's breaker, the stop of one card."""
    op.execute("GRANT UPDATE (failures, first_failed_at, trips, open_until_at, why) ON channel_breakers TO anhuan_desk")
    op.execute(
        "CREATE POLICY anhuan_desk_closes ON channel_breakers FOR UPDATE TO anhuan_desk"
        " USING (true) WITH CHECK (open_until_at IS NULL)"
    )
    op.execute("GRANT DELETE ON channel_card_stops TO anhuan_desk")
    op.execute(wall.role_policy("channel_card_stops", wall.DESK, OURS, verb="DELETE"))


def downgrade() -> None:
    """Drop everything again."""
    op.execute("DROP VIEW repay_orders_seen")
    op.execute("DROP INDEX repay_orders_ended")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP POLICY anhuan_desk_delete ON channel_card_stops")
    op.execute("REVOKE DELETE ON channel_card_stops FROM anhuan_desk")
    op.execute("DROP POLICY anhuan_desk_closes ON channel_breakers")
    op.execute(
        "REVOKE UPDATE (failures, first_failed_at, trips, open_until_at, why) ON channel_breakers FROM anhuan_desk"
    )
    for table in reversed(NAMES):
        op.execute(f"DROP TABLE {table}")
