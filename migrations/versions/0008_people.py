"""People, their roles, organisations with members, sessions; and the one question that is asked before anybody is known."""

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
        primary key (person_id, id),
        unique (person_id, id)
    )""",
)
# Asked with the hash of a cookie, before the wall knows whom to open for: it tells about this one session alone.
ASKED_FIRST = """
    CREATE FUNCTION anhuan_session(token bytea) RETURNS TABLE (
        id uuid, person_id uuid, party_id uuid, strength text, seen_at timestamptz, ends_at timestamptz,
        state text, lang text, roles text[]
    ) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT s.id, s.person_id, s.party_id, s.strength, s.seen_at, s.ends_at, p.state, p.lang,
            CASE WHEN s.party_id = s.person_id
                THEN (SELECT array_agg(g.role) FROM role_grants g WHERE g.person_id = s.person_id AND g.until IS NULL)
                ELSE (SELECT array_agg(m.role) FROM members m JOIN organisations o ON o.id = m.organisation_id
                      WHERE m.person_id = s.person_id AND m.organisation_id = s.party_id AND m.until IS NULL
                      AND o.state = 'active')
            END
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
    for table in TABLES:
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
