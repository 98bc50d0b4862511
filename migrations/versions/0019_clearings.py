"""Clearing a contradiction takes two people: one asks and says why, another confirms exactly what was shown."""

from alembic import op

from anhuan.kit import wall

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# One row for each word: asked by one person; confirmed by another, or refused (by the first: taken back). Never edited.
TABLE = """
    CREATE TABLE channel_clearings (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        contradiction_id uuid NOT NULL,
        kind text NOT NULL,
        answers uuid,
        asked_by uuid NOT NULL,
        said_by uuid NOT NULL,
        shown_hash bytea NOT NULL,
        reason bytea NOT NULL,
        said_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_clearings PRIMARY KEY (user_id, id),
        CONSTRAINT uq_channel_clearings_user_id_answers UNIQUE (user_id, answers),
        CONSTRAINT uq_channel_clearings_asked UNIQUE (user_id, id, contradiction_id, asked_by, shown_hash),
        CONSTRAINT fk_channel_clearings_user_id_contradiction_id FOREIGN KEY (user_id, contradiction_id)
            REFERENCES channel_contradictions (user_id, id),
        CONSTRAINT fk_channel_clearings_answers
            FOREIGN KEY (user_id, answers, contradiction_id, asked_by, shown_hash)
            REFERENCES channel_clearings (user_id, id, contradiction_id, asked_by, shown_hash),
        CONSTRAINT ck_channel_clearings_kind_known CHECK (kind IN ('asked', 'confirmed', 'refused')),
        CONSTRAINT ck_channel_clearings_an_answer_names_what_was_asked CHECK ((kind = 'asked') = (answers IS NULL)),
        CONSTRAINT ck_channel_clearings_nobody_confirms_the_own
            CHECK (kind = 'refused' OR (kind = 'asked') = (said_by = asked_by))
    )"""
# Contradictions that nobody has cleared, by number alone, with who has asked to clear them and since when.
OPEN = """
    CREATE FUNCTION anhuan_channel_contradictions()
    RETURNS TABLE (party uuid, id uuid, key uuid, channel text, kind text, seen_at timestamptz,
        asked_by uuid, asked_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT c.user_id, c.id, c.key, i.channel, c.kind, c.seen_at, w.said_by, w.said_at
        FROM public.channel_contradictions c
        JOIN public.channel_instructions i ON i.user_id = c.user_id AND i.key = c.key
        LEFT JOIN LATERAL (
            SELECT a.said_by, a.said_at FROM public.channel_clearings a
            WHERE a.user_id = c.user_id AND a.contradiction_id = c.id AND a.kind = 'asked' AND NOT EXISTS (
                SELECT FROM public.channel_clearings b WHERE b.user_id = a.user_id AND b.answers = a.id)
            ORDER BY a.said_at DESC LIMIT 1
        ) w ON true
        WHERE c.cleared_at IS NULL ORDER BY c.seen_at LIMIT 1000
    $$"""
BEFORE = """
    CREATE FUNCTION anhuan_channel_contradictions()
    RETURNS TABLE (party uuid, id uuid, key uuid, channel text, kind text, seen_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT c.user_id, c.id, c.key, i.channel, c.kind, c.seen_at FROM public.channel_contradictions c
        JOIN public.channel_instructions i ON i.user_id = c.user_id AND i.key = c.key
        WHERE c.cleared_at IS NULL ORDER BY c.seen_at LIMIT 1000
    $$"""
OURS, MINE = "user_id = (SELECT anhuan_party())", "(SELECT anhuan_person())"
CONFIRMED = (
    f" AND EXISTS (SELECT FROM channel_clearings w WHERE w.user_id = channel_contradictions.user_id"
    f" AND w.contradiction_id = channel_contradictions.id AND w.kind = 'confirmed' AND w.said_by = {MINE})"
)


def upgrade() -> None:
    """Make the table behind its wall; a contradiction is cleared by whoever confirmed what somebody else asked."""
    op.execute(TABLE)
    op.execute("CREATE INDEX channel_clearings_of ON channel_clearings (user_id, contradiction_id, said_at)")
    for statement in wall.party_policy("channel_clearings"):
        op.execute(statement)
    op.execute("REVOKE ALL ON channel_clearings FROM anhuan_app")
    op.execute("GRANT SELECT ON channel_clearings TO anhuan_app")
    op.execute("REVOKE INSERT, UPDATE ON channel_clearings FROM anhuan_work")
    op.execute("GRANT INSERT ON channel_clearings TO anhuan_desk")
    op.execute(wall.role_policy("channel_clearings", wall.DESK, f"{OURS} AND said_by = {MINE}", verb="INSERT"))
    _clears(CONFIRMED)
    _open(OPEN)


def downgrade() -> None:
    """Back to one person's word."""
    _open(BEFORE)
    _clears("")
    op.execute("DROP TABLE channel_clearings")


def _clears(confirmed: str) -> None:
    op.execute("DROP POLICY anhuan_desk_clears ON channel_contradictions")
    op.execute(
        f"CREATE POLICY anhuan_desk_clears ON channel_contradictions FOR UPDATE TO anhuan_desk"
        f" USING ({OURS} AND cleared_at IS NULL) WITH CHECK ({OURS} AND cleared_by = {MINE}{confirmed})"
    )


def _open(made: str) -> None:
    op.execute("DROP FUNCTION anhuan_channel_contradictions()")
    op.execute(made)
    op.execute("REVOKE ALL ON FUNCTION anhuan_channel_contradictions() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_channel_contradictions() TO anhuan_work, anhuan_desk")
