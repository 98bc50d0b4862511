"""Step-ups bound to one act, a party's own limits as a dated series, and pauses of everything."""

from alembic import op

from anhuan.kit import wall

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = (
    """
    create table step_ups (
        person_id uuid not null references people (id),
        id uuid not null,
        session_id uuid not null,
        kind text not null,
        binding bytea not null,
        shown_hash bytea not null,
        challenge_id uuid,
        made_at timestamptz not null,
        ends_at timestamptz not null,
        used_at timestamptz,
        used_how text,
        primary key (person_id, id)
    )""",
    """
    create table own_limits (
        user_id uuid not null,
        id uuid not null,
        kind text not null constraint kind_known check (kind in ('per_payment', 'per_day', 'per_card')),
        account_id uuid,
        amount_minor bytea,
        asked_at timestamptz not null,
        from_at timestamptz not null,
        asked_by uuid not null,
        step_up_id uuid,
        withdrawn_at timestamptz,
        primary key (user_id, id),
        constraint card_named check ((kind = 'per_card') = (account_id is not null)),
        constraint not_before_asked check (from_at >= asked_at),
        constraint later_needs_step_up check (from_at = asked_at or step_up_id is not null)
    )""",
    """
    create table pauses (
        user_id uuid not null,
        id uuid not null,
        from_at timestamptz not null,
        paused_by uuid not null,
        lifted_at timestamptz,
        lifted_by uuid,
        step_up_id uuid,
        primary key (user_id, id),
        constraint lifted_by_somebody check ((lifted_at is null) = (lifted_by is null))
    )""",
    "create unique index pauses_one_standing on pauses (user_id) where lifted_at is null",
)


def upgrade() -> None:
    """Make the tables, each behind its wall."""
    for table in TABLES:
        op.execute(table)
    for statement in (*wall.person_policy("step_ups"), *wall.party_policy("own_limits"), *wall.party_policy("pauses")):
        op.execute(statement)
