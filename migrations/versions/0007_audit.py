"""The audit log: records, the chain over them, signed roots; written through functions of the owner alone."""

from alembic import op

from anhuan.kit.audit_bytes import GENESIS

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

TABLES = (
    """
    CREATE TABLE audit_log (
        number bigint PRIMARY KEY,
        written_at timestamptz NOT NULL,
        login text NOT NULL,
        payload text NOT NULL CONSTRAINT payload_short CHECK (octet_length(payload) <= 4096),
        act text NOT NULL,
        subject text NOT NULL,
        actor_id uuid,
        person_id uuid
    )""",
    "CREATE INDEX ix_audit_log_subject ON audit_log (subject, number)",
    "CREATE INDEX ix_audit_log_act ON audit_log (act, number)",
    "CREATE INDEX ix_audit_log_actor_id ON audit_log (actor_id, number)",
    "CREATE INDEX ix_audit_log_person_id ON audit_log (person_id, number)",
    "CREATE SEQUENCE audit_numbers OWNED BY audit_log.number",
    "CREATE TABLE audit_waiting (number bigint PRIMARY KEY, row_hash bytea NOT NULL)",
    """
    CREATE TABLE audit_chain (
        place bigint PRIMARY KEY,
        number bigint NOT NULL UNIQUE,
        linked_at timestamptz NOT NULL,
        row_hash bytea NOT NULL,
        link bytea NOT NULL
    )""",
    """
    CREATE TABLE audit_head (
        one boolean PRIMARY KEY DEFAULT true CONSTRAINT only_one CHECK (one),
        place bigint NOT NULL,
        link bytea NOT NULL,
        linked_at timestamptz NOT NULL
    )""",
    f"INSERT INTO audit_head VALUES (true, 0, decode('{GENESIS.hex()}', 'hex'), clock_timestamp())",
    """
    CREATE TABLE audit_roots (
        number bigint PRIMARY KEY,
        through_at timestamptz NOT NULL UNIQUE,
        place bigint NOT NULL,
        link bytea NOT NULL,
        links bigint NOT NULL CONSTRAINT links_counted CHECK (links >= 0),
        before bytea NOT NULL,
        signed_at timestamptz NOT NULL,
        key_id text NOT NULL,
        signature bytea NOT NULL CONSTRAINT signature_length CHECK (octet_length(signature) = 64)
    )""",
)

# The number, the moment and the login come from the server: `session_user` is who logged in, whatever was SET since.
APPEND = f"""
    CREATE FUNCTION audit_append(payload text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        said jsonb := payload::jsonb;
        number bigint := nextval('public.audit_numbers');
        written_at timestamptz := clock_timestamp();
        line text := 'anhuan-audit-row-1 ' || number || ' ' || {MOMENT.format("written_at")}
            || ' ' || session_user || ' ' || payload;
    BEGIN
        IF NOT (said ? 'act' AND said ? 'subject' AND said ? 'at' AND said ? 'actor' AND said ? 'facts') THEN
            RAISE EXCEPTION 'not a record of the audit log' USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO public.audit_log VALUES (
            number, written_at, session_user, payload, said ->> 'act', said ->> 'subject',
            (said -> 'actor' ->> 'person')::uuid, (said ->> 'person')::uuid);
        INSERT INTO public.audit_waiting VALUES (number, sha256(convert_to(line, 'UTF8')));
        RETURN number;
    END $$"""

# Takes the hash that was kept when the record was written, so a record changed or deleted since then is found.
LINK = f"""
    CREATE FUNCTION audit_link(at_most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        head public.audit_head;
        waiting public.audit_waiting;
        done integer := 0;
        moment text;
    BEGIN
        SELECT * INTO STRICT head FROM public.audit_head FOR UPDATE;
        head.linked_at := greatest(clock_timestamp(), head.linked_at);
        moment := {MOMENT.format("head.linked_at")};
        FOR waiting IN
            WITH taken AS (
                DELETE FROM public.audit_waiting w
                WHERE w.number IN (SELECT o.number FROM public.audit_waiting o ORDER BY o.number LIMIT at_most)
                RETURNING w.number, w.row_hash
            ) SELECT * FROM taken ORDER BY number
        LOOP
            done := done + 1;
            head.place := head.place + 1;
            head.link := sha256(convert_to(
                'anhuan-audit-link-1 ' || head.place || ' ' || moment || ' ' || waiting.number
                || ' ' || encode(waiting.row_hash, 'hex') || ' ' || encode(head.link, 'hex'), 'UTF8'));
            INSERT INTO public.audit_chain VALUES (
                head.place, waiting.number, head.linked_at, waiting.row_hash, head.link);
        END LOOP;
        IF done > 0 THEN
            UPDATE public.audit_head SET place = head.place, link = head.link, linked_at = head.linked_at;
        END IF;
        RETURN done;
    END $$"""

# Two steps of one transaction: lock the head and tell what to sign; keep what was signed, if it is still that.
ROOT_DUE = """
    CREATE FUNCTION audit_root_due(through timestamptz,
        OUT number bigint, OUT place bigint, OUT link bytea, OUT links bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        head public.audit_head;
        last public.audit_roots;
    BEGIN
        SELECT * INTO STRICT head FROM public.audit_head FOR UPDATE;
        SELECT * INTO last FROM public.audit_roots r ORDER BY r.number DESC LIMIT 1;
        IF through > clock_timestamp() OR through <= last.through_at THEN
            RAISE EXCEPTION 'a root covers time that has passed, after the root before'
                USING ERRCODE = 'check_violation';
        END IF;
        UPDATE public.audit_head SET linked_at = greatest(linked_at, through);
        SELECT c.place, c.link INTO place, link FROM public.audit_chain c
            WHERE c.linked_at < through ORDER BY c.place DESC LIMIT 1;
        number := coalesce(last.number, 0) + 1;
        place := coalesce(place, 0);
        link := coalesce(link, decode('GENESIS', 'hex'));
        links := place - coalesce(last.place, 0);
    END $$""".replace("GENESIS", GENESIS.hex())

ROOT_KEEP = """
    CREATE FUNCTION audit_root_keep(given public.audit_roots) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        due record;
    BEGIN
        SELECT * INTO STRICT due FROM public.audit_root_due(given.through_at);
        IF (due.number, due.place, due.link, due.links)
            IS DISTINCT FROM (given.number, given.place, given.link, given.links) THEN
            RAISE EXCEPTION 'this is not the end of the chain at that moment' USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO public.audit_roots SELECT given.*;
    END $$"""

NAMES = ("audit_log", "audit_waiting", "audit_chain", "audit_head", "audit_roots")
WRITERS = "anhuan_app, anhuan_desk, anhuan_work"
READERS = "anhuan_desk, anhuan_audit"


def upgrade() -> None:
    """Create tables and functions, take back what default privileges gave, and let each role do its one thing.

    The auditor looks at the log and at nothing else: what migration 0001 gave on all tables is taken back.
    """
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM anhuan_audit")
    op.execute("REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM anhuan_audit")
    op.execute("GRANT SELECT ON alembic_version TO anhuan_audit")
    for statement in TABLES:
        op.execute(statement)
    everybody = f"PUBLIC, {WRITERS}, anhuan_audit"
    for name in NAMES:
        op.execute(f"REVOKE ALL ON {name} FROM {everybody}")
        op.execute(f"GRANT SELECT ON {name} TO {READERS}")
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY readers ON {name} FOR SELECT TO {READERS} USING (true)")
    op.execute(f"REVOKE ALL ON SEQUENCE audit_numbers FROM {everybody}")
    op.execute("GRANT SELECT ON audit_log, audit_chain, audit_roots TO anhuan_app")
    op.execute("CREATE POLICY own ON audit_log FOR SELECT TO anhuan_app USING (person_id = (SELECT anhuan_person()))")
    op.execute("CREATE POLICY linked ON audit_chain FOR SELECT TO anhuan_app, anhuan_work USING (true)")
    op.execute("CREATE POLICY signed ON audit_roots FOR SELECT TO anhuan_app, anhuan_work USING (true)")
    op.execute("GRANT SELECT ON audit_chain, audit_roots TO anhuan_work")
    for function in (APPEND, LINK, ROOT_DUE, ROOT_KEEP):
        op.execute(function)
    op.execute("REVOKE ALL ON FUNCTION audit_append(text), audit_link(integer) FROM PUBLIC")
    op.execute("REVOKE ALL ON FUNCTION audit_root_due(timestamptz), audit_root_keep(audit_roots) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION audit_append(text), audit_link(integer) TO {WRITERS}")
    op.execute("GRANT EXECUTE ON FUNCTION audit_root_due(timestamptz), audit_root_keep(audit_roots) TO anhuan_work")
