"""People, roles, organisations with members, sessions; and the question that is asked before anybody is known."""

from alembic import op

from anhuan.kit import wall

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = (
    """
    create table people (
        id uuid primary key,
        handle_hash bytea unique,
        handle bytea,
        name bytea,
        lang text,
        state text not null constraint state_known check (state in ('active', 'frozen', 'erased')),
        made_at timestamptz not null
    )""",
    """
    create table organisations (
        id uuid primary key,
        kind text not null constraint kind_known check (kind in ('merchant', 'partner')),
        name bytea,
        state text not null constraint state_known check (state in ('active', 'frozen', 'erased')),
        made_at timestamptz not null
    )""",
    """
    create table members (
        person_id uuid not null references people (id),
        id uuid not null,
        organisation_id uuid not null references organisations (id),
        role text not null constraint role_known check (role in ('owner', 'maker', 'checker')),
        since timestamptz not null,
        until timestamptz,
        given_by uuid not null,
        primary key (person_id, id),
        unique (person_id, organisation_id, role, since)
    )""",
    """
    create table role_grants (
        person_id uuid not null references people (id),
        id uuid not null,
        role text not null,
        since timestamptz not null,
        until timestamptz,
        ends_at timestamptz,
        given_by uuid not null,
        change_id uuid,
        primary key (person_id, id),
        unique (person_id, role, since)
    )""",
    """
    create table sessions (
        person_id uuid not null references people (id),
        id uuid not null,
        token_hash bytea not null unique,
        party_id uuid not null,
        strength text not null,
        made_at timestamptz not null,
        seen_at timestamptz not null,
        proved_at timestamptz not null,
        ends_at timestamptz not null,
        ended_at timestamptz,
        ended_why text,
        device bytea,
        address bytea,
        primary key (person_id, id)
    )""",
)
SIGN_IN = (
    """
    create table passkeys (
        person_id uuid not null references people (id),
        id uuid not null,
        credential_hash bytea not null unique,
        credential bytea not null,
        public_key bytea not null,
        sign_count bigint not null,
        transports jsonb not null,
        aaguid text not null,
        synced boolean not null,
        backed_up boolean not null,
        name bytea not null,
        made_at timestamptz not null,
        used_at timestamptz,
        doubted_at timestamptz,
        primary key (person_id, id)
    )""",
    """
    create table challenges (
        id uuid primary key,
        purpose text not null constraint purpose_known check (purpose in ('register', 'sign_in', 'prove')),
        person_id uuid,
        session_id uuid,
        visitor_hash bytea,
        challenge bytea not null,
        binding bytea,
        made_at timestamptz not null,
        ends_at timestamptz not null,
        used_at timestamptz,
        constraint asked_of_somebody check ((person_id is null) <> (visitor_hash is null))
    )""",
    "create index ix_challenges_ends_at on challenges (ends_at)",
    """
    create table passwords (
        person_id uuid primary key references people (id),
        hash bytea not null,
        changed_at timestamptz not null
    )""",
    """
    create table totps (
        person_id uuid primary key references people (id),
        secret bytea not null,
        last_step bigint not null,
        made_at timestamptz not null
    )""",
    """
    create table recovery_codes (
        person_id uuid not null references people (id),
        id uuid not null,
        code_hash bytea not null unique,
        made_at timestamptz not null,
        used_at timestamptz,
        primary key (person_id, id)
    )""",
    """
    create table recoveries (
        person_id uuid not null references people (id),
        id uuid not null,
        token_hash bytea not null unique,
        how text not null constraint how_known check (how in ('code', 'installer')),
        began_at timestamptz not null,
        ready_at timestamptz not null,
        ends_at timestamptz not null,
        cancelled_at timestamptz,
        done_at timestamptz,
        primary key (person_id, id)
    )""",
    """
    create table known_devices (
        person_id uuid not null references people (id),
        id uuid not null,
        token_hash bytea not null,
        since timestamptz not null,
        seen_at timestamptz not null,
        primary key (person_id, id),
        unique (person_id, token_hash)
    )""",
    "create index ix_known_devices_token_hash on known_devices (token_hash)",
    """
    create table invitations (
        id uuid primary key,
        token_hash bytea not null unique,
        person_id uuid,
        roles jsonb not null,
        given_by uuid,
        made_at timestamptz not null,
        ends_at timestamptz not null,
        used_at timestamptz
    )""",
    """
    create table notices (
        person_id uuid not null references people (id),
        id uuid not null,
        kind text not null,
        subject_id uuid,
        made_at timestamptz not null,
        read_at timestamptz,
        primary key (person_id, id)
    )""",
)
OWN = ("passkeys", "passwords", "totps", "recovery_codes", "recoveries", "known_devices", "notices")
# An invited person takes the roles of the invitation, once; the web's own login may not write a role beyond holder.
JOIN = """
    CREATE FUNCTION anhuan_join(token bytea, who uuid, at timestamptz) RETURNS text[]
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE
        given invitations;
        taken text[];
    BEGIN
        UPDATE invitations i SET used_at = at
            WHERE i.token_hash = token AND i.used_at IS NULL AND i.ends_at > at
                AND (i.person_id IS NULL OR i.person_id = who)
            RETURNING i.* INTO given;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        SELECT coalesce(array_agg(r), '{}') INTO taken FROM jsonb_array_elements_text(given.roles) r;
        INSERT INTO role_grants (person_id, id, role, since, given_by)
            SELECT who, uuidv7(), r, at, coalesce(given.given_by, who) FROM unnest(taken) r WHERE r <> 'holder';
        RETURN taken;
    END $$"""
# Asked with the hash of a cookie, before the wall knows whom to open for: it tells about this one session alone.
ASKED_FIRST = """
    CREATE FUNCTION anhuan_session(token bytea) RETURNS TABLE (
        id uuid, person_id uuid, party_id uuid, strength text, seen_at timestamptz, ends_at timestamptz,
        state text, lang text, roles text[], news boolean
    ) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT s.id, s.person_id, s.party_id, s.strength, s.seen_at, s.ends_at, p.state, p.lang,
            CASE WHEN s.party_id = s.person_id
                THEN (SELECT array_agg(g.role) FROM role_grants g WHERE g.person_id = s.person_id AND g.until IS NULL
                      AND (g.ends_at IS NULL OR g.ends_at > now()))
                ELSE (SELECT array_agg(m.role) FROM members m JOIN organisations o ON o.id = m.organisation_id
                      WHERE m.person_id = s.person_id AND m.organisation_id = s.party_id AND m.until IS NULL
                      AND o.state = 'active')
            END,
            EXISTS (SELECT 1 FROM notices n WHERE n.person_id = s.person_id AND n.read_at IS NULL)
        FROM sessions s JOIN people p ON p.id = s.person_id
        WHERE s.token_hash = token AND s.ended_at IS NULL
    $$"""

# Asked by the command line, which acts for the only person of an installation without being told who that is.
INHABITANTS = """
    CREATE FUNCTION anhuan_inhabitants() RETURNS TABLE (mode text, people bigint, only_one uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT (SELECT i.mode FROM installation i), count(*), CASE WHEN count(*) = 1 THEN (array_agg(p.id))[1] END
        FROM (SELECT id FROM people LIMIT 2) p
    $$"""


def upgrade() -> None:
    """Make the tables, each behind its wall."""
    for table in (*TABLES, *SIGN_IN):
        op.execute(table)
    op.execute(ASKED_FIRST)
    op.execute(INHABITANTS)
    op.execute("REVOKE EXECUTE ON FUNCTION anhuan_session(bytea), anhuan_inhabitants() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_session(bytea) TO anhuan_app, anhuan_desk")
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_inhabitants() TO anhuan_app")
    for table, key in (("people", "id"), ("members", "person_id"), ("sessions", "person_id")):
        for statement in wall.person_policy(table, key=key):
            op.execute(statement)
    op.execute(wall.possession_policy("people", "handle_hash", "handle"))
    for table in ("people", "organisations", "members", "role_grants", "sessions"):
        op.execute(wall.role_policy(table, wall.DESK, "true", verb="SELECT"))
    op.execute("GRANT UPDATE (state) ON people, organisations TO anhuan_desk")
    op.execute(wall.role_policy("people", wall.DESK, "true", verb="UPDATE"))
    op.execute("GRANT UPDATE (seen_at, ended_at, ended_why) ON sessions TO anhuan_desk")
    op.execute(wall.role_policy("sessions", wall.DESK, "true", verb="UPDATE"))
    _organisations()
    _grants()
    _sign_in()


def _organisations() -> None:
    """An organisation is open to its members; its members' rows to whoever acts for it."""
    op.execute("ALTER TABLE organisations ENABLE ROW LEVEL SECURITY")
    mine = (
        "id = (SELECT anhuan_party()) OR id IN"
        " (SELECT organisation_id FROM members WHERE person_id = (SELECT anhuan_person()) AND until IS NULL)"
    )
    op.execute(f"CREATE POLICY own ON organisations TO anhuan_app USING ({mine}) WITH CHECK ({mine})")
    op.execute(wall.role_policy("organisations", wall.WORK, "true"))
    acted_for = "organisation_id = (SELECT anhuan_party())"
    op.execute(f"CREATE POLICY colleagues ON members TO anhuan_app USING ({acted_for}) WITH CHECK ({acted_for})")


def _grants() -> None:
    """A person reads the own roles and can give himself none but holder; operators' roles are given at the desk."""
    own = "person_id = (SELECT anhuan_person())"
    op.execute("ALTER TABLE role_grants ENABLE ROW LEVEL SECURITY")
    op.execute("REVOKE UPDATE, DELETE ON role_grants FROM anhuan_app")
    op.execute("GRANT INSERT, UPDATE ON role_grants TO anhuan_desk")
    op.execute(wall.role_policy("role_grants", wall.WEB, own, verb="SELECT"))
    op.execute(wall.role_policy("role_grants", wall.WEB, f"{own} AND role = 'holder'", verb="INSERT"))
    op.execute(wall.role_policy("role_grants", wall.DESK, "true", verb="INSERT"))
    op.execute(wall.role_policy("role_grants", wall.DESK, "true", verb="UPDATE"))
    op.execute(wall.role_policy("role_grants", wall.WORK, "true"))


def _sign_in() -> None:
    """What proves who somebody is: the person's own, or found by a secret that was presented."""
    for table in OWN:
        for statement in wall.person_policy(table):
            op.execute(statement)
    for table in ("totps", "passwords", "passkeys", "recovery_codes"):
        op.execute(f"DROP POLICY desk_reads ON {table}")
    op.execute("REVOKE ALL ON totps, passwords, passkeys, recovery_codes, challenges FROM anhuan_desk")
    for table, column, kind in (
        ("passkeys", "credential_hash", "credential"),
        ("recovery_codes", "code_hash", "recovery_code"),
        ("recoveries", "token_hash", "recovery"),
        ("known_devices", "token_hash", "device"),
    ):
        op.execute(wall.possession_policy(table, column, kind))
    # The password and the codes of whoever owns the sign-in name that was typed: to look at, not to change.
    named = "person_id = (SELECT p.id FROM people p WHERE p.handle_hash = (SELECT anhuan_presented('handle')))"
    for table in ("passwords", "totps", "recovery_codes"):
        op.execute(f"CREATE POLICY named ON {table} FOR SELECT TO anhuan_app USING ({named})")
    _challenges()
    _invitations()


def _challenges() -> None:
    """A question is seen by the person or by the browser it was put to."""
    asked = "person_id = (SELECT anhuan_person()) OR visitor_hash = (SELECT anhuan_presented('visitor'))"
    op.execute("ALTER TABLE challenges ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY asked ON challenges TO anhuan_app USING ({asked}) WITH CHECK ({asked})")
    op.execute(wall.role_policy("challenges", wall.WORK, "true"))


def _invitations() -> None:
    """Written by operators and the installer alone; whoever holds the link sees it."""
    op.execute("REVOKE INSERT, UPDATE, DELETE ON invitations FROM anhuan_app")
    op.execute("GRANT INSERT, UPDATE ON invitations TO anhuan_desk")
    op.execute("ALTER TABLE invitations ENABLE ROW LEVEL SECURITY")
    held = "token_hash = (SELECT anhuan_presented('invitation'))"
    op.execute(wall.role_policy("invitations", wall.WEB, held, verb="SELECT"))
    op.execute(wall.role_policy("invitations", wall.DESK, "roles <@ '[\"holder\"]'"))  # other roles take two people
    op.execute(wall.role_policy("invitations", wall.WORK, "true"))
    op.execute(JOIN)
    op.execute("REVOKE EXECUTE ON FUNCTION anhuan_join(bytea, uuid, timestamptz) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_join(bytea, uuid, timestamptz) TO anhuan_app")
