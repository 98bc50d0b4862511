"""Channels: the partner register, instructions, messages of the outside world, events, evidence, learned arrivals.

What tells of money is added to and never edited: messages and events not at all, an instruction by its state alone. The
register is written by the desk's login, a word on an entry in the own name; nobody has a right to delete.
"""

from alembic import op

from anhuan.kit import wall

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE channel_arrivals (
        channel text NOT NULL,
        bank text NOT NULL,
        funding_kind text NOT NULL,
        season text NOT NULL,
        computed_on date NOT NULL,
        unit text NOT NULL,
        n bigint NOT NULL,
        under_way bigint NOT NULL,
        p50 bigint NOT NULL,
        p99 bigint NOT NULL,
        maximum bigint NOT NULL,
        trusted boolean NOT NULL,
        shifted boolean NOT NULL,
        CONSTRAINT pk_channel_arrivals PRIMARY KEY (channel, bank, funding_kind, season, computed_on),
        CONSTRAINT ck_channel_arrivals_unit_known CHECK (unit IN ('minutes', 'workdays')),
        CONSTRAINT ck_channel_arrivals_season_known CHECK (season IN ('usual', 'break')),
        CONSTRAINT ck_channel_arrivals_figures_in_order CHECK (n >= 1 AND p50 <= p99)
    )""",
    """
    CREATE TABLE channel_breakers (
        channel text NOT NULL,
        failures bigint NOT NULL,
        first_failed_at timestamptz,
        trips bigint NOT NULL,
        open_until_at timestamptz,
        why text NOT NULL,
        CONSTRAINT pk_channel_breakers PRIMARY KEY (channel)
    )""",
    """
    CREATE TABLE channel_callbacks (
        id uuid NOT NULL,
        channel text NOT NULL,
        verdict text NOT NULL,
        event_id text,
        key uuid,
        headers bytea NOT NULL,
        content bytea NOT NULL,
        sha256 bytea NOT NULL,
        heard_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_callbacks PRIMARY KEY (id),
        CONSTRAINT ck_channel_callbacks_verdict_known CHECK (verdict IN ('hint', 'replay', 'forged', 'stale')),
        CONSTRAINT ck_channel_callbacks_a_hint_names_its_key
            CHECK (verdict NOT IN ('hint', 'replay') OR (event_id IS NOT NULL AND key IS NOT NULL))
    )""",
    """
    CREATE TABLE channel_card_stops (
        user_id uuid NOT NULL,
        channel text NOT NULL,
        card_key bytea NOT NULL,
        code text NOT NULL,
        since_at timestamptz NOT NULL,
        until_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_card_stops PRIMARY KEY (user_id, channel, card_key)
    )""",
    """
    CREATE TABLE channel_files (
        id uuid NOT NULL,
        channel text NOT NULL,
        day date NOT NULL,
        kind text NOT NULL,
        name text NOT NULL,
        sha256 text NOT NULL,
        version bigint NOT NULL,
        content bytea NOT NULL,
        fetched_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_files PRIMARY KEY (id),
        CONSTRAINT uq_channel_files_channel_day_kind_sha256 UNIQUE (channel, day, kind, sha256),
        CONSTRAINT uq_channel_files_channel_day_kind_version UNIQUE (channel, day, kind, version),
        CONSTRAINT ck_channel_files_counted_from_one CHECK (version >= 1)
    )""",
    """
    CREATE TABLE channel_flags (
        channel text NOT NULL,
        bank text NOT NULL,
        field text NOT NULL,
        ours text NOT NULL,
        theirs text NOT NULL,
        seen_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_flags PRIMARY KEY (channel, bank, field)
    )""",
    """
    CREATE TABLE channel_health (
        channel text NOT NULL,
        checked_at timestamptz NOT NULL,
        state text NOT NULL,
        took_ms bigint,
        until_at timestamptz,
        detail text NOT NULL,
        CONSTRAINT pk_channel_health PRIMARY KEY (channel, checked_at)
    )""",
    """
    CREATE TABLE channel_instructions (
        user_id uuid NOT NULL,
        key uuid NOT NULL,
        order_id uuid NOT NULL,
        part bigint NOT NULL,
        attempt bigint NOT NULL,
        channel text NOT NULL,
        bank text NOT NULL,
        funding_kind text NOT NULL,
        funding_ref bytea NOT NULL,
        card_ref bytea NOT NULL,
        card_key bytea NOT NULL,
        amount_minor bytea NOT NULL,
        currency text NOT NULL,
        expires_at timestamptz NOT NULL,
        body bytea NOT NULL,
        body_hash bytea NOT NULL,
        made_at timestamptz NOT NULL,
        state text NOT NULL,
        why text,
        stands boolean NOT NULL,
        untaken boolean NOT NULL,
        record jsonb NOT NULL,
        stopped_at timestamptz,
        sent_at timestamptz,
        last_sent_at timestamptz,
        sends bigint NOT NULL,
        asked_at timestamptz,
        asks bigint NOT NULL,
        next_ask_at timestamptz,
        final_at timestamptz,
        final_code text,
        resets_at timestamptz,
        reference bytea,
        taken_at timestamptz,
        fee_kept_minor bytea,
        CONSTRAINT pk_channel_instructions PRIMARY KEY (user_id, key),
        CONSTRAINT uq_channel_instructions_user_id_order_id_part_attempt UNIQUE (user_id, order_id, part, attempt),
        CONSTRAINT ck_channel_instructions_state_known
            CHECK (state IN ('created', 'accepted', 'processing', 'success', 'failed', 'unknown')),
        CONSTRAINT ck_channel_instructions_counted_from_one CHECK (part >= 1 AND attempt >= 1),
        CONSTRAINT ck_channel_instructions_final_with_its_moment
            CHECK ((state IN ('success', 'failed')) = (final_at IS NOT NULL)),
        CONSTRAINT ck_channel_instructions_failed_with_its_code
            CHECK ((state = 'failed') = (final_code IS NOT NULL)),
        CONSTRAINT ck_channel_instructions_stands_while_open CHECK (stands OR state IN ('success', 'failed')),
        CONSTRAINT ck_channel_instructions_sent_with_its_moment CHECK ((sent_at IS NULL) = (sends = 0)),
        CONSTRAINT ck_channel_instructions_nothing_known_of_what_was_kept
            CHECK (state IN ('created', 'failed') OR sent_at IS NOT NULL)
    )""",
    """
    CREATE TABLE partner_entries (
        id uuid NOT NULL,
        partner text NOT NULL,
        licence_kind text NOT NULL,
        licence_number text NOT NULL,
        holder text NOT NULL,
        verbs jsonb NOT NULL,
        channels jsonb NOT NULL,
        products jsonb NOT NULL,
        valid_from date NOT NULL,
        valid_to date,
        custody_bank text NOT NULL,
        document_hash bytea NOT NULL,
        reason text NOT NULL,
        entered_by uuid NOT NULL,
        entered_at timestamptz NOT NULL,
        shown_hash bytea NOT NULL,
        CONSTRAINT pk_partner_entries PRIMARY KEY (id),
        CONSTRAINT uq_partner_entries_id_entered_by_shown_hash UNIQUE (id, entered_by, shown_hash),
        CONSTRAINT ck_partner_entries_days_in_order CHECK (valid_to IS NULL OR valid_to > valid_from),
        CONSTRAINT ck_partner_entries_document_hash_whole CHECK (octet_length(document_hash) = 32),
        CONSTRAINT ck_partner_entries_scope_not_empty
            CHECK (jsonb_array_length(channels) > 0 AND jsonb_array_length(verbs) > 0)
    )""",
    """
    CREATE TABLE channel_contradictions (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        key uuid NOT NULL,
        kind text NOT NULL,
        state text NOT NULL,
        said bytea NOT NULL,
        seen_at timestamptz NOT NULL,
        cleared_at timestamptz,
        cleared_by uuid,
        cleared_why bytea,
        CONSTRAINT pk_channel_contradictions PRIMARY KEY (user_id, id),
        CONSTRAINT fk_channel_contradictions_user_id_key FOREIGN KEY(user_id, key)
            REFERENCES channel_instructions (user_id, key),
        CONSTRAINT ck_channel_contradictions_cleared_by_somebody CHECK ((cleared_at IS NULL) = (cleared_by IS NULL))
    )""",
    """
    CREATE TABLE channel_events (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        key uuid NOT NULL,
        kind text NOT NULL,
        happened_at timestamptz NOT NULL,
        amount_minor bytea NOT NULL,
        reason bytea NOT NULL,
        seen_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_events PRIMARY KEY (user_id, id),
        CONSTRAINT fk_channel_events_user_id_key FOREIGN KEY(user_id, key)
            REFERENCES channel_instructions (user_id, key),
        CONSTRAINT uq_channel_events_user_id_key_kind_happened_at UNIQUE (user_id, key, kind, happened_at),
        CONSTRAINT ck_channel_events_kind_known CHECK (kind IN ('returned', 'reversed'))
    )""",
    """
    CREATE TABLE channel_evidence (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        key uuid NOT NULL,
        kind text NOT NULL,
        posted_on date,
        posted_at timestamptz,
        amount_minor bytea,
        source bytea NOT NULL,
        source_key bytea NOT NULL,
        receipt_sha256 bytea,
        note bytea NOT NULL,
        about_id uuid,
        given_by uuid,
        confirmed_by uuid,
        given_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_evidence PRIMARY KEY (user_id, id),
        CONSTRAINT fk_channel_evidence_user_id_key FOREIGN KEY(user_id, key)
            REFERENCES channel_instructions (user_id, key),
        CONSTRAINT uq_channel_evidence_user_id_key_kind_source_key UNIQUE (user_id, key, kind, source_key),
        CONSTRAINT ck_channel_evidence_kind_known
            CHECK (kind IN ('marked', 'unpaid', 'statement', 'bank_file', 'bank_notice', 'receipt', 'doubt')),
        CONSTRAINT ck_channel_evidence_proof_has_its_day
            CHECK (kind IN ('marked', 'unpaid', 'doubt') OR posted_on IS NOT NULL),
        CONSTRAINT ck_channel_evidence_checked_by_a_name
            CHECK (kind NOT IN ('receipt', 'bank_notice') OR confirmed_by IS NOT NULL),
        CONSTRAINT ck_channel_evidence_receipt_with_its_hash
            CHECK (kind <> 'receipt' OR receipt_sha256 IS NOT NULL),
        CONSTRAINT ck_channel_evidence_doubt_is_about_something CHECK ((kind = 'doubt') = (about_id IS NOT NULL))
    )""",
    """
    CREATE TABLE channel_messages (
        user_id uuid NOT NULL,
        id uuid NOT NULL,
        key uuid NOT NULL,
        channel text NOT NULL,
        verb text NOT NULL,
        status bigint NOT NULL,
        content bytea NOT NULL,
        sha256 bytea NOT NULL,
        seen_at timestamptz NOT NULL,
        CONSTRAINT pk_channel_messages PRIMARY KEY (user_id, id),
        CONSTRAINT fk_channel_messages_user_id_key FOREIGN KEY(user_id, key)
            REFERENCES channel_instructions (user_id, key),
        CONSTRAINT ck_channel_messages_verb_known CHECK (verb IN ('pay', 'ask', 'file', 'hand'))
    )""",
    """
    CREATE TABLE partner_words (
        entry_id uuid NOT NULL,
        kind text NOT NULL,
        entered_by uuid NOT NULL,
        shown_hash bytea NOT NULL,
        from_day date NOT NULL,
        reason text NOT NULL,
        said_by uuid NOT NULL,
        said_at timestamptz NOT NULL,
        CONSTRAINT pk_partner_words PRIMARY KEY (entry_id, kind),
        CONSTRAINT fk_partner_words_entry_id_entered_by_shown_hash FOREIGN KEY(entry_id, entered_by, shown_hash)
            REFERENCES partner_entries (id, entered_by, shown_hash),
        CONSTRAINT ck_partner_words_kind_known CHECK (kind IN ('approved', 'refused', 'suspended')),
        CONSTRAINT ck_partner_words_nobody_approves_the_own CHECK (kind = 'suspended' OR said_by <> entered_by)
    )""",
)
INDEXES = (
    "CREATE UNIQUE INDEX channel_callbacks_event ON channel_callbacks (channel, event_id) WHERE verdict = 'hint'",
    "CREATE INDEX channel_callbacks_heard ON channel_callbacks (channel, heard_at)",
    "CREATE INDEX channel_instructions_due ON channel_instructions (next_ask_at) WHERE next_ask_at IS NOT NULL",
    "CREATE INDEX channel_instructions_key ON channel_instructions (key)",
    "CREATE UNIQUE INDEX channel_instructions_standing ON channel_instructions (user_id, order_id, part) WHERE stands",
    "CREATE UNIQUE INDEX channel_contradictions_open ON channel_contradictions (user_id, key, kind)"
    " WHERE cleared_at IS NULL",
    "CREATE INDEX channel_messages_of ON channel_messages (user_id, key, seen_at)",
)
PARTYS = (
    "channel_instructions", "channel_messages", "channel_events", "channel_contradictions", "channel_evidence",
    "channel_card_stops",
)  # fmt: skip
HOUSES = (
    "partner_entries", "partner_words", "channel_callbacks", "channel_files", "channel_breakers", "channel_health",
    "channel_arrivals", "channel_flags",
)  # fmt: skip
# What the web's own login may do; the rest is taken from it. It hears callbacks and may not read them.
WEB_MAY = {
    "channel_instructions": "SELECT, INSERT, UPDATE", "channel_messages": "SELECT", "channel_events": "SELECT",
    "channel_contradictions": "SELECT", "channel_evidence": "SELECT, INSERT", "channel_card_stops": "SELECT",
    "partner_entries": "SELECT", "partner_words": "SELECT", "channel_callbacks": "INSERT", "channel_files": "",
    "channel_breakers": "SELECT", "channel_health": "SELECT", "channel_arrivals": "SELECT", "channel_flags": "SELECT",
}  # fmt: skip
# How many instructions stand in which state, for pages of operators, who may not read whose they are.
COUNTS = """
    CREATE FUNCTION anhuan_channel_counts()
    RETURNS TABLE (channel text, state text, count bigint, oldest_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT i.channel, i.state, count(*), min(i.made_at) FROM public.channel_instructions i
        WHERE i.stands AND i.state <> 'success' GROUP BY i.channel, i.state ORDER BY 1, 2
    $$"""
# Contradictions and stopped instructions that nobody has cleared, by number alone; whose they are is asked one by one.
OPEN = """
    CREATE FUNCTION anhuan_channel_contradictions()
    RETURNS TABLE (party uuid, id uuid, key uuid, channel text, kind text, seen_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT c.user_id, c.id, c.key, i.channel, c.kind, c.seen_at FROM public.channel_contradictions c
        JOIN public.channel_instructions i ON i.user_id = c.user_id AND i.key = c.key
        WHERE c.cleared_at IS NULL ORDER BY c.seen_at LIMIT 1000
    $$"""
# Whether this event was heard before: asked by the login that hears and may not read what it heard.
HEARD = """
    CREATE FUNCTION anhuan_heard(asked text, event text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT EXISTS (SELECT 1 FROM public.channel_callbacks c
            WHERE c.channel = asked AND c.event_id = event AND c.verdict = 'hint')
    $$"""


def upgrade() -> None:
    """Make the tables, each behind its wall."""
    for statement in (*TABLES, *INDEXES):
        op.execute(statement)
    for table in PARTYS:
        for statement in wall.party_policy(table):
            op.execute(statement)
    for table in HOUSES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for table, rights in WEB_MAY.items():
        op.execute(f"REVOKE ALL ON {table} FROM anhuan_app")
        if rights:
            op.execute(f"GRANT {rights} ON {table} TO anhuan_app")
    _messages()
    _desk()
    _house()
    for statement in (COUNTS, OPEN, HEARD):
        op.execute(statement)
    functions = ("anhuan_channel_counts()", "anhuan_channel_contradictions()", "anhuan_heard(text, text)")
    for function in functions:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO anhuan_work")
    for function in functions[:2]:
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO anhuan_desk")
    op.execute(f"GRANT EXECUTE ON FUNCTION {functions[2]} TO anhuan_app")


def _messages() -> None:
    """What was heard is never edited; the worker deletes it with the party's rows when the last duty has ended."""
    for table in ("channel_messages", "channel_events", "channel_evidence"):
        op.execute(f"REVOKE UPDATE ON {table} FROM anhuan_work")


def _desk() -> None:
    """An operator who has one party's rows open confirms a proof in the own name, or clears a contradiction."""
    ours, mine = "user_id = (SELECT anhuan_party())", "(SELECT anhuan_person())"
    op.execute("GRANT INSERT ON channel_evidence TO anhuan_desk")
    op.execute(wall.role_policy("channel_evidence", wall.DESK, f"{ours} AND confirmed_by = {mine}", verb="INSERT"))
    op.execute("GRANT UPDATE (cleared_at, cleared_by, cleared_why) ON channel_contradictions TO anhuan_desk")
    op.execute(
        f"CREATE POLICY anhuan_desk_clears ON channel_contradictions FOR UPDATE TO anhuan_desk"
        f" USING ({ours} AND cleared_at IS NULL) WITH CHECK ({ours} AND cleared_by = {mine})"
    )


def _house() -> None:
    """Everybody may read what is known of a channel; the worker writes it, the desk writes the register."""
    for table in ("partner_entries", "partner_words", "channel_breakers", "channel_health", "channel_arrivals",
                  "channel_flags"):  # fmt: skip
        op.execute(f"CREATE POLICY everybody_reads ON {table} FOR SELECT USING (true)")
    for table in ("channel_files", "channel_breakers", "channel_health", "channel_arrivals", "channel_flags"):
        op.execute(wall.role_policy(table, wall.WORK, "true"))
    op.execute("REVOKE UPDATE, DELETE ON channel_files FROM anhuan_work")
    op.execute("REVOKE ALL ON channel_files, channel_callbacks FROM anhuan_desk")
    op.execute("REVOKE UPDATE ON channel_callbacks FROM anhuan_work")
    op.execute(wall.role_policy("channel_callbacks", wall.WEB, "true", verb="INSERT"))
    op.execute(wall.role_policy("channel_callbacks", wall.WORK, "true"))
    op.execute("REVOKE INSERT, UPDATE, DELETE ON partner_entries, partner_words FROM anhuan_work")
    op.execute("GRANT INSERT ON partner_entries, partner_words TO anhuan_desk")
    mine = "(SELECT anhuan_person())"
    op.execute(wall.role_policy("partner_entries", wall.DESK, f"entered_by = {mine}", verb="INSERT"))
    op.execute(wall.role_policy("partner_words", wall.DESK, f"said_by = {mine}", verb="INSERT"))
    op.execute("GRANT DELETE ON channel_flags TO anhuan_desk")
    op.execute(wall.role_policy("channel_flags", wall.DESK, "true", verb="DELETE"))


def downgrade() -> None:
    """Drop everything again."""
    for function in ("anhuan_channel_counts()", "anhuan_channel_contradictions()", "anhuan_heard(text, text)"):
        op.execute(f"DROP FUNCTION {function}")
    for table in (*PARTYS[1:], PARTYS[0], "partner_words", *(one for one in HOUSES if one != "partner_words")):
        op.execute(f"DROP TABLE {table}")
