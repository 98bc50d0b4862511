"""Planning: expected money, channels chosen, expected spending, settings of a user's plans."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    """
    create table plan_flows (
        user_id uuid not null,
        id uuid not null,
        account_id uuid not null,
        label text not null,
        amount_minor bigint not null,
        day_of_month integer constraint day_known check (day_of_month between 1 and 31),
        on_date date,
        from_on date,
        until_on date,
        primary key (user_id, id),
        constraint monthly_or_once check ((day_of_month is null) <> (on_date is null))
    )""",
    """
    create table plan_channels (
        user_id uuid not null,
        id uuid not null,
        channel_id text not null,
        chosen boolean not null,
        account_ids uuid[] not null,
        primary key (user_id, id),
        unique (user_id, channel_id)
    )""",
    """
    create table plan_spending (
        user_id uuid not null,
        id uuid not null,
        account_id uuid not null,
        amount_minor bigint not null constraint amount_not_negative check (amount_minor >= 0),
        primary key (user_id, id),
        unique (user_id, account_id)
    )""",
    """
    create table plan_settings (
        user_id uuid not null,
        id uuid not null,
        horizon_days integer not null constraint horizon_sane check (horizon_days between 1 and 366),
        rely_on_grace boolean not null,
        primary key (user_id, id),
        unique (user_id)
    )""",
)


def upgrade() -> None:
    """Create the tables of room planning."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again."""
    for table in ("plan_settings", "plan_spending", "plan_channels", "plan_flows"):
        op.execute(f"drop table {table}")
