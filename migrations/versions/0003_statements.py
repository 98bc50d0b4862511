"""Statements: batches, files, bills as read, lines and which file shows them, links, column mappings, parser health."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    """
    create table statement_books (
        user_id uuid not null,
        id uuid not null,
        state bigint not null,
        primary key (user_id, id),
        unique (user_id)
    )""",
    """
    create table statement_imports (
        user_id uuid not null,
        id uuid not null,
        state text not null
            constraint state_known check (state in ('previewed', 'committed', 'taken_back')),
        book bigint not null,
        made_at timestamptz not null,
        committed_at timestamptz,
        taken_back_at timestamptz,
        change_set bytea,
        counts jsonb not null,
        primary key (user_id, id)
    )""",
    """
    create table statement_files (
        user_id uuid not null,
        id uuid not null,
        import_id uuid not null,
        position integer not null,
        name text not null,
        sha256 text not null,
        size bigint not null,
        kind text not null,
        bank text,
        source text not null,
        account text,
        reader text not null,
        template text not null,
        complete boolean not null,
        problems jsonb not null,
        read_at timestamptz not null,
        standing boolean not null,
        primary key (user_id, id),
        foreign key (user_id, import_id) references statement_imports (user_id, id)
    )""",
    "create unique index statement_files_hash on statement_files (user_id, sha256) where standing",
    "create index statement_files_import on statement_files (user_id, import_id)",
    """
    create table statement_bills (
        user_id uuid not null,
        id uuid not null,
        file_id uuid not null,
        position integer not null,
        bill_id uuid,
        effect text not null,
        bank text,
        currency text not null,
        cards text[] not null,
        level text not null,
        statement_on date,
        total_minor bigint,
        explained boolean not null,
        facts bytea,
        superseded_by uuid,
        primary key (user_id, id),
        foreign key (user_id, file_id) references statement_files (user_id, id)
    )""",
    "create index statement_bills_file on statement_bills (user_id, file_id)",
    "create index statement_bills_day on statement_bills (user_id, bank, statement_on)",
    "create index statement_bills_bill on statement_bills (user_id, bill_id)",
    """
    create table statement_fields (
        user_id uuid not null,
        id uuid not null,
        read_bill_id uuid not null,
        name text not null,
        value text,
        confidence double precision,
        span text,
        inferred boolean not null,
        primary key (user_id, id),
        unique (user_id, read_bill_id, name)
    )""",
    """
    create table statement_lines (
        user_id uuid not null,
        id uuid not null,
        row_key uuid not null,
        occurrence integer not null,
        stream text not null,
        file_kind text not null,
        source text not null,
        bank text,
        card text,
        account text,
        day date,
        posted_on date,
        traded_on date,
        description text not null,
        amount_minor bigint not null,
        currency text not null,
        kind text not null,
        reference text,
        order_root text,
        counterparty text,
        paid_with text,
        original_minor bigint,
        original_currency text,
        share integer,
        shares integer,
        balance_minor bigint,
        standing boolean not null,
        primary key (user_id, id),
        unique (user_id, row_key, occurrence)
    )""",
    "create index statement_lines_amount on statement_lines (user_id, currency, abs(amount_minor))",
    "create index statement_lines_day on statement_lines (user_id, day)",
    "create index statement_lines_order on statement_lines (user_id, order_root) where order_root is not null",
    """
    create table statement_sightings (
        user_id uuid not null,
        id uuid not null,
        file_id uuid not null,
        line_id uuid not null,
        read_bill_id uuid,
        position integer not null,
        span text not null,
        standing boolean not null,
        primary key (user_id, id)
    )""",
    "create index statement_sightings_line on statement_sightings (user_id, line_id)",
    "create index statement_sightings_file on statement_sightings (user_id, file_id)",
    """
    create table statement_links (
        user_id uuid not null,
        id uuid not null,
        kind text not null,
        first_id uuid not null,
        second_id uuid not null,
        score integer not null,
        reason text not null,
        primary key (user_id, id),
        unique (user_id, kind, first_id, second_id),
        constraint two_lines check (first_id <> second_id)
    )""",
    "create index statement_links_second on statement_links (user_id, second_id)",
    """
    create table statement_mappings (
        user_id uuid not null,
        id uuid not null,
        fingerprint text not null,
        headings text[] not null,
        mapping jsonb not null,
        saved_at timestamptz not null,
        primary key (user_id, id),
        unique (user_id, fingerprint)
    )""",
    """
    create table statement_readings (
        user_id uuid not null,
        id uuid not null,
        reader text not null,
        template text not null,
        bank text,
        kind text not null,
        outcome text not null,
        problem text,
        met_at timestamptz not null,
        primary key (user_id, id)
    )""",
    "create index statement_readings_reader on statement_readings (user_id, reader, template)",
)


def upgrade() -> None:
    """Make the tables."""
    for each in TABLES:
        op.execute(each)


def downgrade() -> None:
    """Drop them again."""
    for name in (
        "readings", "mappings", "links", "sightings", "lines", "fields", "bills", "files", "imports", "books",
    ):  # fmt: skip
        op.execute(f"drop table statement_{name}")
