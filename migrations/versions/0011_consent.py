"""Consents and acceptances that are only added to, published texts, and requests about one's own data."""

from alembic import op

from anhuan.kit import wall

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE consent_events (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        purpose text NOT NULL,
        partner text NOT NULL,
        step bigint NOT NULL,
        event text NOT NULL CONSTRAINT ck_consent_events_event_known CHECK (event IN ('given', 'withdrawn')),
        person_id uuid,
        document_version bigint NOT NULL,
        document_sha256 bytea NOT NULL,
        rendered_sha256 bytea NOT NULL,
        data_types jsonb NOT NULL,
        mode text NOT NULL CONSTRAINT ck_consent_events_mode_known
            CHECK (mode IN ('view', 'store', 'query', 'stream')),
        periodic boolean NOT NULL,
        channel text NOT NULL CONSTRAINT ck_consent_events_channel_known
            CHECK (channel IN ('page', 'api', 'command', 'paper')),
        session_id uuid,
        at timestamptz NOT NULL,
        expires_at timestamptz,
        CONSTRAINT pk_consent_events PRIMARY KEY (user_id, id),
        CONSTRAINT uq_consent_events_user_id_purpose_partner_step UNIQUE (user_id, purpose, partner, step),
        CONSTRAINT ck_consent_events_a_yes_ends CHECK ((event = 'given') = (expires_at IS NOT NULL)),
        CONSTRAINT ck_consent_events_sharing_names_a_partner CHECK ((purpose = 'sharing') = (partner <> ''))
    )""",
    """
    CREATE TABLE agreement_acceptances (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        person_id uuid,
        kind text NOT NULL,
        version bigint NOT NULL,
        document_sha256 bytea NOT NULL,
        rendered_sha256 bytea NOT NULL,
        channel text NOT NULL,
        session_id uuid,
        at timestamptz NOT NULL,
        CONSTRAINT pk_agreement_acceptances PRIMARY KEY (user_id, id),
        CONSTRAINT uq_agreement_acceptances_user_id_kind_version UNIQUE (user_id, kind, version)
    )""",
    """
    CREATE TABLE documents (
        kind text NOT NULL,
        version bigint NOT NULL,
        zh text NOT NULL,
        en text NOT NULL,
        sha256 bytea NOT NULL,
        made_on date NOT NULL,
        in_force_on date NOT NULL,
        anew boolean NOT NULL,
        published_at timestamptz NOT NULL,
        proposed_by uuid NOT NULL,
        approved_by uuid NOT NULL,
        change_id uuid,
        CONSTRAINT pk_documents PRIMARY KEY (kind, version),
        CONSTRAINT ck_documents_two_people CHECK (approved_by <> proposed_by)
    )""",
    """
    CREATE TABLE data_requests (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        person_id uuid,
        kind text NOT NULL CONSTRAINT ck_data_requests_kind_known CHECK (kind IN ('export', 'erasure')),
        state text NOT NULL CONSTRAINT ck_data_requests_state_known
            CHECK (state IN ('waiting', 'cooling', 'running', 'done', 'cancelled', 'gone')),
        percent bigint NOT NULL CONSTRAINT ck_data_requests_percent_of_a_whole CHECK (percent BETWEEN 0 AND 100),
        doing text NOT NULL,
        lang text NOT NULL,
        asked_at timestamptz NOT NULL,
        acts_at timestamptz NOT NULL,
        done_at timestamptz,
        expires_at timestamptz,
        fetched_at timestamptz,
        file_name text,
        file_bytes bigint,
        receipt_hash bytea,
        report jsonb NOT NULL,
        CONSTRAINT pk_data_requests PRIMARY KEY (user_id, id)
    )""",
    "CREATE INDEX ix_data_requests_receipt_hash ON data_requests (receipt_hash)",
    # One request of a kind at a time, whatever two taps at once would like.
    """
    CREATE UNIQUE INDEX data_requests_one_open ON data_requests (user_id, kind)
        WHERE state IN ('waiting', 'cooling', 'running')""",
)
# Nobody may delete proof but by the clock: of people erased, after the last day that their receipt names.
FORGET = """
    CREATE FUNCTION anhuan_forget(day date) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        one record;
        gone bigint := 0;
    BEGIN
        FOR one IN
            SELECT r.user_id, r.report -> 'stays' AS stays FROM public.data_requests r
            WHERE r.kind = 'erasure' AND r.state = 'done' AND day <= current_date
        LOOP
            IF (one.stays -> 'consent_events' ->> 'until')::date < day THEN
                DELETE FROM public.consent_events c WHERE c.user_id = one.user_id;
                gone := gone + found::int;
            END IF;
            IF (one.stays -> 'agreement_acceptances' ->> 'until')::date < day THEN
                DELETE FROM public.agreement_acceptances a WHERE a.user_id = one.user_id;
            END IF;
        END LOOP;
        RETURN gone;
    END $$"""
# How much waits, for the first page of the desk, which may not read whose requests they are.
WAITING = """
    CREATE FUNCTION anhuan_data_waiting() RETURNS TABLE (exports bigint, erasures bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT count(*) FILTER (WHERE kind = 'export'), count(*) FILTER (WHERE kind = 'erasure')
        FROM data_requests WHERE state IN ('waiting', 'cooling', 'running')
    $$"""
# What a partner's program is called, for whoever is asked to share with it; programs that ended are unknown.
PARTNER = """
    CREATE FUNCTION anhuan_partner(client text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT c.name FROM public.api_clients c WHERE c.id::text = client AND c.ended_at IS NULL
    $$"""
ONLY_ADDED_TO = ("consent_events", "agreement_acceptances", "documents")


def upgrade() -> None:
    """Create the tables behind the wall; what proves a consent can be added to and read, never changed or deleted."""
    for statement in TABLES:
        op.execute(statement)
    for table in ("consent_events", "agreement_acceptances", "data_requests"):
        for statement in wall.party_policy(table):
            op.execute(statement)
    op.execute(wall.possession_policy("data_requests", "receipt_hash", "receipt"))
    for table in ONLY_ADDED_TO:
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM anhuan_app, anhuan_desk, anhuan_work")
    op.execute(WAITING)
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_data_waiting() TO anhuan_desk")
    op.execute(PARTNER)
    op.execute("REVOKE ALL ON FUNCTION anhuan_partner(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_partner(text) TO anhuan_app, anhuan_desk, anhuan_work")
    op.execute(FORGET)
    op.execute("REVOKE ALL ON FUNCTION anhuan_forget(date) FROM PUBLIC, anhuan_app, anhuan_desk")
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_forget(date) TO anhuan_work")
    op.execute("REVOKE INSERT ON documents FROM anhuan_app, anhuan_work")
    op.execute("GRANT SELECT, INSERT ON documents TO anhuan_desk")
    op.execute("ALTER TABLE documents ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY everybody_reads ON documents FOR SELECT USING (true)")
    op.execute(wall.role_policy("documents", wall.DESK, "true", verb="INSERT"))
