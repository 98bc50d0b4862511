"""Cards: accounts, cards, shared lines, bills with charges, payments, own accounts, and the user's own terms."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    """
    create table credit_lines (
        user_id uuid not null,
        id uuid not null,
        label text not null,
        currency text not null,
        limit_minor bigint check (limit_minor >= 0),
        primary key (user_id, id)
    )""",
    """
    create table card_accounts (
        user_id uuid not null,
        id uuid not null,
        bank text not null,
        level text not null constraint level_known check (level in ('account', 'card')),
        label text not null default '',
        product text,
        credit_line_id uuid,
        source_id uuid,
        added_at timestamptz not null,
        removed_at timestamptz,
        primary key (user_id, id),
        foreign key (user_id, credit_line_id) references credit_lines (user_id, id)
    )""",
    "create index card_accounts_bank on card_accounts (user_id, bank)",
    """
    create table cards (
        user_id uuid not null,
        id uuid not null,
        account_id uuid not null,
        last_digits text not null constraint last_digits_only check (last_digits ~ '^[0-9]{3,4}$'),
        label text not null default '',
        groups text[] not null default '{}',
        supplementary boolean not null default false,
        source_id uuid,
        added_at timestamptz not null,
        primary key (user_id, id),
        constraint uq_cards_user_id_account_id_last_digits unique (user_id, account_id, last_digits),
        foreign key (user_id, account_id) references card_accounts (user_id, id)
    )""",
    """
    create table bills (
        user_id uuid not null,
        id uuid not null,
        account_id uuid not null,
        currency text not null,
        statement_on date not null,
        version integer not null,
        total_minor bigint not null,
        minimum_minor bigint,
        due_on date constraint due_after_statement check (due_on > statement_on),
        limit_minor bigint,
        level text not null,
        cycle_from date,
        cycle_to date,
        cards text[] not null,
        inferred text[] not null,
        confidence jsonb not null,
        spans jsonb not null,
        known_complete boolean not null,
        fingerprint text not null,
        source_id uuid,
        known_at timestamptz not null,
        superseded_by uuid,
        taken_back_at timestamptz,
        primary key (user_id, id),
        constraint uq_bills_user_id_account_id_currency_statement_on_version
            unique (user_id, account_id, currency, statement_on, version),
        foreign key (user_id, account_id) references card_accounts (user_id, id)
    )""",
    """
    create unique index bills_one_standing on bills (user_id, account_id, currency, statement_on)
        where superseded_by is null and taken_back_at is null""",
    "create index bills_source on bills (user_id, source_id) where source_id is not null",
    """
    create table bill_charges (
        user_id uuid not null,
        bill_id uuid not null,
        seq integer not null,
        posted_on date not null,
        amount_minor bigint not null,
        instalment boolean not null,
        primary key (user_id, bill_id, seq),
        foreign key (user_id, bill_id) references bills (user_id, id) on delete cascade
    )""",
    """
    create table card_payments (
        user_id uuid not null,
        id uuid not null,
        account_id uuid not null,
        currency text not null,
        amount_minor bigint not null constraint amount_positive check (amount_minor > 0),
        credited_on date not null,
        entered_on date,
        posted_on date,
        source_ids uuid[] not null default '{}',
        added_at timestamptz not null,
        primary key (user_id, id),
        constraint day_known check (entered_on is not null or posted_on is not null),
        foreign key (user_id, account_id) references card_accounts (user_id, id)
    )""",
    "create index card_payments_account on card_payments (user_id, account_id, currency, credited_on)",
    """
    create table own_accounts (
        user_id uuid not null,
        id uuid not null,
        bank text not null,
        last_digits text not null,
        label text not null default '',
        currency text not null,
        balance_minor bigint not null,
        balance_on date,
        reserve_minor bigint not null,
        primary key (user_id, id),
        constraint uq_own_accounts_user_id_bank_last_digits_currency
            unique (user_id, bank, last_digits, currency)
    )""",
    # equality of uuid and text inside a GiST index needs this extension; a trusted one, so no superuser is needed
    "create extension if not exists btree_gist",
    """
    create table terms (
        user_id uuid not null,
        id uuid not null,
        scope text not null,
        key text not null,
        value jsonb not null,
        unit text not null,
        valid daterange not null check (not isempty(valid)),
        confidence text not null check (confidence in ('H', 'M', 'L')),
        basis text not null,
        source text not null,
        checked_on date not null,
        supersedes uuid,
        retired_by uuid not null default '00000000-0000-0000-0000-000000000000',
        entered_by uuid not null,
        approved_by uuid,
        entered_at timestamptz not null,
        primary key (user_id, id),
        constraint terms_one_a_day unique (user_id, scope, key, retired_by, valid without overlaps)
    )""",
)


def upgrade() -> None:
    """Create the tables of room cards."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again, children first; the extension stays, others may use it."""
    for table in ("terms", "own_accounts", "card_payments", "bill_charges", "bills", "cards", "card_accounts"):
        op.execute(f"drop table {table}")
    op.execute("drop table credit_lines")
