"""Organisations' own words and invitations, changes that several people sign, freezes, looks, keys of programs.

What gives somebody power is written by the desk's login only where enough others have signed: the policies ask
`anhuan_change_signed`, so a mistake in the program cannot give a role that nobody approved.
"""

from alembic import op

from anhuan.kit import wall

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = (
    """
    create table organisation_details (
        user_id uuid primary key references organisations (id),
        registration bytea,
        account_bank bytea,
        account_number bytea,
        changed_at timestamptz not null,
        change_id uuid not null
    )""",
    """
    create table organisation_invitations (
        user_id uuid not null references organisations (id),
        id uuid not null,
        token_hash bytea not null,
        role text not null constraint role_known check (role in ('maker', 'checker')),
        made_by uuid not null,
        made_at timestamptz not null,
        ends_at timestamptz not null,
        used_at timestamptz,
        used_by uuid,
        taken_back_at timestamptz,
        primary key (user_id, id),
        unique (user_id, token_hash)
    )""",
    """
    create table change_requests (
        id uuid primary key,
        kind text not null,
        organisation_id uuid references organisations (id),
        subject_id uuid not null,
        asked bytea not null,
        reason bytea not null,
        shown_hash bytea not null,
        people bigint not null constraint somebody_signs check (people >= 1),
        proposed_by uuid not null,
        proposed_at timestamptz not null,
        ends_at timestamptz not null,
        status text not null
            constraint status_known check (status in ('open', 'approved', 'refused', 'withdrawn', 'lapsed')),
        decided_at timestamptz,
        unique (id, proposed_by, shown_hash),
        constraint decided_once check ((status = 'open') = (decided_at is null)),
        constraint no_role_for_oneself check (not (kind like 'role.%' and subject_id = proposed_by))
    )""",
    """
    create table change_signatures (
        change_id uuid not null,
        signed_by uuid not null,
        proposed_by uuid not null,
        shown_hash bytea not null,
        as_role text not null,
        verdict text not null constraint verdict_known check (verdict in ('approve', 'refuse')),
        signed_at timestamptz not null,
        primary key (change_id, signed_by),
        foreign key (change_id, proposed_by, shown_hash)
            references change_requests (id, proposed_by, shown_hash),
        constraint nobody_signs_the_own check (signed_by <> proposed_by)
    )""",
    """
    create table freezes (
        person_id uuid not null references people (id),
        id uuid not null,
        told bytea not null,
        since timestamptz not null,
        until timestamptz,
        change_id uuid not null,
        ended_by_change_id uuid,
        primary key (person_id, id)
    )""",
    """
    create table looks (
        person_id uuid not null references people (id),
        id uuid not null,
        operator_id uuid not null,
        session_id uuid not null,
        as_role text not null,
        field text,
        reason bytea not null,
        looked_at timestamptz not null,
        ends_at timestamptz not null,
        primary key (person_id, id)
    )""",
    """
    create table api_clients (
        id uuid primary key,
        organisation_id uuid not null references organisations (id),
        name text not null,
        scopes jsonb not null,
        quota_per_minute bigint not null constraint quota_positive check (quota_per_minute > 0),
        made_at timestamptz not null,
        ended_at timestamptz,
        change_id uuid not null
    )""",
    """
    create table api_client_keys (
        id uuid primary key,
        client_id uuid not null references api_clients (id),
        secret_hash bytea,
        made_at timestamptz not null,
        draw_by timestamptz not null,
        drawn_at timestamptz,
        drawn_by uuid,
        ends_at timestamptz not null,
        ended_at timestamptz,
        used_at timestamptz,
        change_id uuid not null unique,
        constraint drawn_with_its_secret check ((secret_hash is null) = (drawn_at is null))
    )""",
    """
    create table personal_keys (
        person_id uuid not null references people (id),
        id uuid not null,
        secret_hash bytea not null,
        label bytea not null,
        scopes jsonb not null,
        made_at timestamptz not null,
        ends_at timestamptz not null,
        ended_at timestamptz,
        used_at timestamptz,
        primary key (person_id, id)
    )""",
)
# Whether enough others signed this change; neither the proposer nor the person it is about counts.
SIGNED = """
    CREATE FUNCTION anhuan_change_signed(change uuid, kinds text[], about uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT EXISTS (
            SELECT 1 FROM change_requests c
            WHERE c.id = change AND c.kind = ANY (kinds) AND c.subject_id = about AND c.status = 'approved'
            AND c.people <= (SELECT count(*) FROM change_signatures s WHERE s.change_id = c.id
                AND s.verdict = 'approve' AND s.signed_by NOT IN (c.proposed_by, c.subject_id)))
    $$"""
FROZEN = """
    CREATE FUNCTION anhuan_frozen(who uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT EXISTS (SELECT 1 FROM freezes f WHERE f.person_id = who AND f.until IS NULL)
    $$"""
# Asked with the number and the hash of a key, before anybody is known; `known` alone tells that the number is right.
KEY = """
    CREATE FUNCTION anhuan_key(key uuid, secret bytea, at timestamptz) RETURNS TABLE (
        right_secret boolean, client_id uuid, organisation_id uuid, person_id uuid, scopes jsonb,
        quota_per_minute bigint, state text, alive boolean, used_at timestamptz, roles text[]
    ) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT k.secret_hash = secret, c.id, c.organisation_id, NULL::uuid, c.scopes, c.quota_per_minute, o.state,
            k.ended_at IS NULL AND at < k.ends_at AND c.ended_at IS NULL, k.used_at, ARRAY['partner']
        FROM api_client_keys k JOIN api_clients c ON c.id = k.client_id JOIN organisations o ON o.id = c.organisation_id
        WHERE k.id = key AND k.secret_hash IS NOT NULL
        UNION ALL
        SELECT k.secret_hash = secret, k.id, NULL, k.person_id, k.scopes, NULL, p.state,
            k.ended_at IS NULL AND at < k.ends_at, k.used_at,
            (SELECT array_agg(g.role) FROM role_grants g WHERE g.person_id = k.person_id AND g.until IS NULL
                AND (g.ends_at IS NULL OR g.ends_at > at))
        FROM personal_keys k JOIN people p ON p.id = k.person_id WHERE k.id = key
    $$"""


def upgrade() -> None:
    """Make the tables, each behind its wall."""
    for statement in (*TABLES, SIGNED, FROZEN, KEY):
        op.execute(statement)
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_change_signed(uuid, text[], uuid), anhuan_frozen(uuid) TO anhuan_desk")
    op.execute("GRANT EXECUTE ON FUNCTION anhuan_key(uuid, bytea, timestamptz) TO anhuan_app, anhuan_desk")
    _organisations()
    _changes()
    _roles()
    _freezes_and_looks()
    _clients()


def _organisations() -> None:
    """Nobody enters an organisation but by acting for it or holding its invitation."""
    for table in ("organisation_details", "organisation_invitations"):
        for statement in wall.party_policy(table):
            op.execute(statement)
    op.execute(wall.possession_policy("organisation_invitations", "token_hash", "organisation_invitation"))
    op.execute("REVOKE DELETE ON organisation_details, organisation_invitations FROM anhuan_app")
    op.execute("DROP POLICY own ON members")
    own = "person_id = (SELECT anhuan_person())"
    op.execute(f"CREATE POLICY own ON members FOR SELECT TO anhuan_app, anhuan_work USING ({own})")
    ours = "m.organisation_id = (SELECT anhuan_party()) AND m.until IS NULL"
    colleagues = f"id IN (SELECT m.person_id FROM members m WHERE {ours})"
    op.execute(f"CREATE POLICY colleagues ON people FOR SELECT TO anhuan_app USING ({colleagues})")
    op.execute("GRANT INSERT ON organisations TO anhuan_desk")
    op.execute(wall.role_policy("organisations", wall.DESK, "kind = 'partner'", verb="INSERT"))


def _changes() -> None:
    """An organisation sees and signs its own changes, the desk those of the house; everybody in the own name alone."""
    ours, house = "organisation_id = (SELECT anhuan_party())", "organisation_id IS NULL"
    mine = "proposed_by = (SELECT anhuan_person())"
    signer = "signed_by = (SELECT anhuan_person())"
    known = "EXISTS (SELECT 1 FROM change_requests c WHERE c.id = change_id)"  # seen through that table's own wall
    op.execute("ALTER TABLE change_requests ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE change_signatures ENABLE ROW LEVEL SECURITY")
    op.execute("REVOKE UPDATE, DELETE ON change_requests FROM anhuan_app")
    op.execute("GRANT INSERT ON change_requests, change_signatures TO anhuan_desk")
    op.execute("GRANT UPDATE (status, decided_at) ON change_requests TO anhuan_app, anhuan_desk")
    op.execute("REVOKE UPDATE, DELETE ON change_signatures FROM anhuan_app")
    for role, theirs, seen in ((wall.WEB, ours, ours), (wall.DESK, house, "true")):
        op.execute(wall.role_policy("change_requests", role, seen, verb="SELECT"))
        op.execute(wall.role_policy("change_requests", role, f"{theirs} AND {mine}", verb="INSERT"))
        op.execute(wall.role_policy("change_requests", role, theirs, verb="UPDATE"))
        op.execute(wall.role_policy("change_signatures", role, known, verb="SELECT"))
        op.execute(wall.role_policy("change_signatures", role, f"{known} AND {signer}", verb="INSERT"))
    op.execute(wall.role_policy("change_requests", wall.WORK, "true"))
    op.execute(wall.role_policy("change_signatures", wall.WORK, "true", verb="SELECT"))


def _roles() -> None:
    """A role at the desk is given by a change that was signed; an operator's invitation gives none."""
    op.execute("DROP POLICY anhuan_desk_insert ON role_grants")
    signed = "anhuan_change_signed(change_id, ARRAY['role.grant', 'role.grant_guard'], person_id)"
    op.execute(wall.role_policy("role_grants", wall.DESK, signed, verb="INSERT"))
    op.execute("DROP POLICY anhuan_desk_all ON invitations")
    holder = "roles <@ '[\"holder\"]'::jsonb"
    op.execute(f"CREATE POLICY anhuan_desk_all ON invitations TO anhuan_desk USING (true) WITH CHECK ({holder})")
    op.execute("REVOKE UPDATE ON role_grants FROM anhuan_desk")
    op.execute("GRANT UPDATE (until) ON role_grants TO anhuan_desk")


def _freezes_and_looks() -> None:
    """Freezes are written by signed changes; looks by the operator who looks; the person reads both."""
    own = "person_id = (SELECT anhuan_person())"
    for table in ("freezes", "looks"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM anhuan_app, anhuan_work")
        op.execute(f"GRANT INSERT ON {table} TO anhuan_desk")
        op.execute(wall.role_policy(table, wall.WEB, own, verb="SELECT"))
        op.execute(wall.role_policy(table, wall.WORK, "true", verb="SELECT"))
        op.execute(wall.role_policy(table, wall.DESK, "true", verb="SELECT"))
    op.execute("GRANT UPDATE (until, ended_by_change_id) ON freezes TO anhuan_desk")
    begun = "anhuan_change_signed(change_id, ARRAY['person.freeze'], person_id)"
    ended = "anhuan_change_signed(ended_by_change_id, ARRAY['person.unfreeze'], person_id)"
    op.execute(wall.role_policy("freezes", wall.DESK, begun, verb="INSERT"))
    op.execute(
        f"CREATE POLICY anhuan_desk_update ON freezes FOR UPDATE TO anhuan_desk USING (true) WITH CHECK ({ended})"
    )
    op.execute(wall.role_policy("looks", wall.DESK, "operator_id = (SELECT anhuan_person())", verb="INSERT"))
    op.execute("DROP POLICY anhuan_desk_update ON people")
    frozen = "(state = 'frozen') = anhuan_frozen(id) AND state <> 'erased'"
    op.execute(
        f"CREATE POLICY anhuan_desk_update ON people FOR UPDATE TO anhuan_desk USING (true) WITH CHECK ({frozen})"
    )


def _clients() -> None:
    """Clients and their keys are written at the desk as far as others signed it; a key in use notes when."""
    for table in ("api_clients", "api_client_keys"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM anhuan_app, anhuan_work")
        op.execute(f"GRANT INSERT ON {table} TO anhuan_desk")
        op.execute(wall.role_policy(table, wall.DESK, "true", verb="SELECT"))
        op.execute(wall.role_policy(table, wall.WORK, "true", verb="SELECT"))
    op.execute("GRANT UPDATE (scopes, quota_per_minute, change_id, ended_at) ON api_clients TO anhuan_desk")
    op.execute("GRANT UPDATE (secret_hash, drawn_at, drawn_by, ends_at, ended_at) ON api_client_keys TO anhuan_desk")
    allowed = "anhuan_change_signed(change_id, ARRAY['client.open', 'client.scopes'], id)"
    op.execute(wall.role_policy("api_clients", wall.DESK, allowed, verb="INSERT"))
    op.execute(
        wall.role_policy("api_clients", wall.DESK, allowed, verb="UPDATE").replace(f"USING ({allowed})", "USING (true)")
    )
    allowed = "anhuan_change_signed(change_id, ARRAY['client.open', 'client.key'], client_id)"
    op.execute(wall.role_policy("api_client_keys", wall.DESK, allowed, verb="INSERT"))
    op.execute(wall.role_policy("api_client_keys", wall.DESK, "true", verb="UPDATE"))
    own = "organisation_id = (SELECT anhuan_party())"
    op.execute(wall.role_policy("api_clients", wall.WEB, own, verb="SELECT"))
    ours = "EXISTS (SELECT 1 FROM api_clients c WHERE c.id = client_id)"
    op.execute(wall.role_policy("api_client_keys", wall.WEB, ours, verb="SELECT"))
    op.execute("GRANT UPDATE (used_at) ON api_client_keys TO anhuan_app")
    op.execute(wall.role_policy("api_client_keys", wall.WEB, ours, verb="UPDATE"))
    for statement in wall.person_policy("personal_keys"):
        op.execute(statement)
    op.execute("REVOKE DELETE ON personal_keys FROM anhuan_app")


def _updating(table: str, check: str) -> str:
    """The desk may change every row of the table into one that fulfils the check."""
    return f"CREATE POLICY anhuan_desk_update ON {table} FOR UPDATE TO anhuan_desk USING (true) WITH CHECK ({check})"
