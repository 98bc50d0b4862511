"""Who may give which evidence; what a channel says with its no; looking for proof; what arrivals credited to bills.

The web's login hears people's own words and no more: it inserts no proof, and of an instruction it changes nothing but
what taking back needs. A word of two people ends what no channel answers any more.
"""

from alembic import op

from anhuan.kit import wall

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COLUMNS = (
    "ALTER TABLE channel_instructions ADD COLUMN no_message bytea, ADD COLUMN missing_minor bytea,"
    " ADD COLUMN looks bigint NOT NULL DEFAULT 0, ADD COLUMN next_look_at timestamptz",
    "ALTER TABLE channel_instructions ALTER COLUMN looks DROP DEFAULT",
    "CREATE INDEX channel_instructions_look ON channel_instructions (next_look_at) WHERE next_look_at IS NOT NULL",
    "ALTER TABLE channel_clearings ADD COLUMN verdict text",
    "ALTER TABLE channel_clearings ADD CONSTRAINT ck_channel_clearings_verdict_known"
    " CHECK (verdict IN ('paid', 'not_paid'))",
)
VERBS = (
    "ALTER TABLE channel_messages DROP CONSTRAINT ck_channel_messages_verb_known",
    "ALTER TABLE channel_messages ADD CONSTRAINT ck_channel_messages_verb_known CHECK (verb IN ({}))",
)
# What the person whose words the web's login brings may say, and what taking an instruction back changes of it.
WORDS = (
    "CREATE POLICY web_words ON channel_evidence AS RESTRICTIVE FOR INSERT TO anhuan_app"
    " WITH CHECK (kind IN ('marked', 'unpaid', 'doubt') AND confirmed_by IS NULL)"
)
TAKING_BACK = (
    "CREATE POLICY web_makes ON channel_instructions AS RESTRICTIVE FOR INSERT TO anhuan_app"
    " WITH CHECK (state = 'created' AND stands AND sends = 0 AND asks = 0 AND num_nonnulls(sent_at, taken_at, final_at,"
    " final_code, reference, next_look_at) = 0)",
    "REVOKE UPDATE ON channel_instructions FROM anhuan_app",
    "GRANT UPDATE (state, stands, final_at, final_code, next_ask_at) ON channel_instructions TO anhuan_app",
    "CREATE POLICY web_takes_back ON channel_instructions AS RESTRICTIVE FOR UPDATE TO anhuan_app"
    " USING (true) WITH CHECK (sent_at IS NULL AND state = 'failed' AND final_code = 'withdrawn')",
)
TABLES = (
    """
    CREATE TABLE repay_looks (
        user_id uuid NOT NULL,
        page bigint NOT NULL,
        looked_at timestamptz NOT NULL,
        CONSTRAINT pk_repay_looks PRIMARY KEY (user_id)
    )""",
    """
    CREATE TABLE repay_credits (
        user_id uuid NOT NULL,
        order_id uuid NOT NULL,
        account_id uuid NOT NULL,
        credited_on date NOT NULL,
        amount_minor bytea NOT NULL,
        source_id uuid NOT NULL,
        credited_at timestamptz NOT NULL,
        CONSTRAINT pk_repay_credits PRIMARY KEY (user_id, order_id),
        CONSTRAINT fk_repay_credits_user_id_repay_orders
            FOREIGN KEY (user_id, order_id) REFERENCES repay_orders (user_id, id)
    )""",
    "CREATE INDEX repay_credits_day ON repay_credits (user_id, account_id, credited_on)",
    "CREATE INDEX repay_orders_unproved ON repay_orders (user_id) WHERE status IN ('sent', 'promised', 'in_doubt')",
)
# An operator may look at an organisation's case as at a person's; whoever acts for it reads who did.
LOOKS = (
    "ALTER TABLE looks DROP CONSTRAINT looks_person_id_fkey",
    "DROP POLICY anhuan_app_select ON looks",
    "CREATE POLICY anhuan_app_select ON looks FOR SELECT TO anhuan_app"
    " USING (person_id = (SELECT anhuan_person()) OR person_id = (SELECT anhuan_party()))",
)
OURS = ("repay_looks", "repay_credits")
# How often the intake of each party changed what stands: for whoever compares payments with what came in.
VIEW = (
    "CREATE VIEW statement_pages WITH (security_invoker = true) AS SELECT user_id, state AS page FROM statement_books"
)


def upgrade() -> None:
    """Close what was open too far, and make room for what is newly kept."""
    verbs = _verbs("'pay', 'ask', 'file', 'hand', 'postings'")
    for statement in (*COLUMNS, *verbs, WORDS, *TAKING_BACK, *LOOKS, *TABLES):
        op.execute(statement)
    for table in OURS:
        for statement in wall.party_policy(table):
            op.execute(statement)
        op.execute(f"REVOKE ALL ON {table} FROM anhuan_app")
        op.execute(f"GRANT SELECT ON {table} TO anhuan_app")
    op.execute(VIEW)
    op.execute("REVOKE ALL ON statement_pages FROM PUBLIC, anhuan_app, anhuan_desk")
    op.execute("GRANT SELECT ON statement_pages TO anhuan_work")


def downgrade() -> None:
    """Back to what was before."""
    op.execute("DROP VIEW statement_pages")
    op.execute("DROP INDEX repay_orders_unproved")
    for table in reversed(OURS):
        op.execute(f"DROP TABLE {table}")
    op.execute("DELETE FROM looks WHERE person_id NOT IN (SELECT id FROM people)")
    op.execute("ALTER TABLE looks ADD CONSTRAINT looks_person_id_fkey FOREIGN KEY (person_id) REFERENCES people (id)")
    op.execute("DROP POLICY anhuan_app_select ON looks")
    op.execute(wall.role_policy("looks", wall.WEB, "person_id = (SELECT anhuan_person())", verb="SELECT"))
    op.execute("DROP POLICY web_takes_back ON channel_instructions")
    op.execute("DROP POLICY web_makes ON channel_instructions")
    op.execute(
        "REVOKE UPDATE (state, stands, final_at, final_code, next_ask_at) ON channel_instructions FROM anhuan_app"
    )
    op.execute("GRANT UPDATE ON channel_instructions TO anhuan_app")
    op.execute("DROP POLICY web_words ON channel_evidence")
    op.execute("DELETE FROM channel_messages WHERE verb = 'postings'")
    for statement in _verbs("'pay', 'ask', 'file', 'hand'"):
        op.execute(statement)
    op.execute("ALTER TABLE channel_clearings DROP COLUMN verdict")
    op.execute(
        "ALTER TABLE channel_instructions DROP COLUMN no_message, DROP COLUMN missing_minor, DROP COLUMN looks,"
        " DROP COLUMN next_look_at"
    )


def _verbs(listed: str) -> tuple[str, ...]:
    return tuple(one.format(listed) for one in VERBS)
