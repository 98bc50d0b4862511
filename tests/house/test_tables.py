"""The tables: made by migrations as the code describes them, owned by users, closed to others."""

import importlib
import importlib.util
import pkgutil
import re
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import BigInteger, DateTime, Engine, Integer, Table, UniqueConstraint, inspect, text
from sqlalchemy.orm import Session

import anhuan
import anhuan.kit
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

QUEUE = "procrastinate_"  # its tables and triggers come with the package and are compared by the package's own version
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
# Where the web's own login may do less than everything: what proves something is only added to, what the desk decides
# is only read, and the queue is not seen at all.
LESS = {
    "agreement_acceptances": "SELECT INSERT", "api_client_keys": "SELECT", "api_clients": "SELECT",
    "audit_chain": "SELECT", "audit_head": "", "audit_log": "SELECT", "audit_roots": "SELECT", "audit_waiting": "",
    "channel_arrivals": "SELECT", "channel_breaker_closings": "SELECT",
    "channel_breakers": "SELECT", "channel_callbacks": "INSERT",
    "channel_card_stops": "SELECT", "channel_clearings": "SELECT",
    "channel_contradictions": "SELECT", "channel_events": "SELECT",
    "channel_evidence": "SELECT INSERT", "channel_files": "", "channel_flags": "SELECT", "channel_health": "SELECT",
    "channel_instructions": "SELECT INSERT", "channel_messages": "SELECT",
    "channel_stop_words": "SELECT", "channel_stops": "SELECT",
    "partner_entries": "SELECT", "partner_words": "SELECT", "repay_credits": "SELECT", "repay_looks": "SELECT",
    "change_requests": "SELECT INSERT", "change_signatures": "SELECT INSERT", "consent_events": "SELECT INSERT",
    "data_keys": "SELECT", "documents": "SELECT", "freezes": "SELECT", "installation": "SELECT INSERT",
    "mandate_runs": "SELECT INSERT UPDATE", "mandates": "SELECT INSERT",
    "repay_groups": "SELECT INSERT", "repay_orders": "SELECT INSERT",
    "repay_events": "SELECT INSERT", "repay_bindings": "SELECT INSERT",
    "invitations": "SELECT", "looks": "SELECT", "organisation_details": "SELECT INSERT UPDATE",
    "notify_incidents": "", "notify_messages": "SELECT INSERT UPDATE", "notify_watchers": "",
    "organisation_invitations": "SELECT INSERT UPDATE", "personal_keys": "SELECT INSERT UPDATE",
    "procrastinate_events": "", "procrastinate_jobs": "", "procrastinate_periodic_defers": "",
    "procrastinate_workers": "", "repay_plans": "SELECT INSERT UPDATE", "repay_proposals": "SELECT INSERT UPDATE",
    "repay_quotas": "SELECT INSERT", "repay_pauses": "SELECT INSERT", "role_grants": "SELECT INSERT",
}  # fmt: skip


def all_tables() -> list[Table]:
    """The tables of all rooms."""
    for room in pkgutil.iter_modules(anhuan.__path__):
        if room.ispkg and importlib.util.find_spec(f"anhuan.{room.name}.tables"):
            importlib.import_module(f"anhuan.{room.name}.tables")
    for file in pkgutil.iter_modules(anhuan.kit.__path__):  # each tool of the kit describes its own
        if file.name.startswith("store_"):
            importlib.import_module(f"anhuan.kit.{file.name}")
    return list(Base.metadata.tables.values())


def test_the_migrations_make_what_the_code_describes(worker_engine: Engine) -> None:
    assert all_tables()
    with worker_engine.connect() as connection:
        options = {"compare_type": True, "include_schemas": True, "include_object": not_a_partition}
        context = MigrationContext.configure(connection, opts=options)
        temporal = set(connection.scalars(text("SELECT conname FROM pg_constraint WHERE conperiod")))
        found = compare_metadata(context, Base.metadata)
    # WITHOUT OVERLAPS has no word in SQLAlchemy, so the migration alone states it.
    differences = [one for one in found if not (isinstance(one, tuple) and getattr(one[1], "name", None) in temporal)]
    # A name that PostgreSQL gave and one that our convention gives may differ; table and columns may not.
    removed = {described[1:] for one in differences if (described := describe(one))[0] == "remove_constraint"}
    added = {described[1:] for one in differences if (described := describe(one))[0] == "add_constraint"}
    others = [describe(one) for one in differences if describe(one)[0] not in ("remove_constraint", "add_constraint")]
    assert [one for one in (*others, *(removed ^ added)) if QUEUE not in " ".join(one)] == []


def not_a_partition(_: Any, name: str | None, kind: str, reflected: bool, __: Any) -> bool:
    """The ledger's months hang under one table, which is described."""
    return not (kind == "table" and reflected and re.fullmatch(r"posting_\d{6}", name or ""))


def describe(difference: Any) -> tuple[str, ...]:
    """What differs, in which table, on which columns."""
    if isinstance(difference, list):
        return describe(difference[0])
    what, *things = difference
    subject = next((thing for thing in things if hasattr(thing, "name")), None)
    if subject is None:
        return (what, *map(str, things))
    table = getattr(subject, "table", None)
    columns = [column.name for column in getattr(subject, "columns", [])]
    return (what, str(subject.name if table is None else table.name), *(columns or [str(subject.name)]))


def test_rows_of_users_are_keyed_by_their_user() -> None:
    wrong = [
        table.name
        for table in all_tables()
        if "user_id" in table.columns and next(column.name for column in table.primary_key.columns) != "user_id"
    ]
    assert wrong == []


def test_what_is_unique_is_unique_within_a_user(worker_engine: Engine) -> None:
    wrong: list[str] = []
    looked = inspect(worker_engine)
    for table in all_tables():
        if "user_id" not in table.columns:
            continue
        uniques = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
        names = [{column.name for column in one.columns} for one in uniques]
        names += [set(map(str, index["column_names"])) for index in looked.get_indexes(table.name) if index["unique"]]
        wrong += [f"{table.name}: {sorted(columns)}" for columns in names if "user_id" not in columns]
    assert wrong == []


def test_money_is_bigint_and_moments_know_their_zone() -> None:
    columns = [column for table in all_tables() for column in table.columns]
    money = [column for column in columns if column.name.endswith("_minor")]
    wrong = [
        str(one)
        for one in money
        if not isinstance(one.type, BigInteger) and not (isinstance(one.type, Sealed) and one.type.kind is int)
    ]
    wrong += [str(c) for c in columns if isinstance(c.type, DateTime) and not c.type.timezone]
    wrong += [str(c) for c in columns if c.name.endswith("_at") and isinstance(c.type, Integer)]
    assert wrong == []


def test_there_are_no_triggers_and_no_rights_for_strangers(worker_engine: Engine) -> None:
    with worker_engine.connect() as connection:
        ours = "NOT tgisinternal AND tgrelid::regclass::text NOT LIKE :queue"
        triggers = text(f"SELECT tgname FROM pg_trigger WHERE {ours} AND tgfoid <> 'ledger.stays'::regproc")
        assert connection.execute(triggers, {"queue": f"{QUEUE}%"}).all() == []
        strangers = text(
            "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a"
            " WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = 0"
        )
        assert connection.execute(strangers).all() == []


def test_the_application_owns_no_table_and_writes_where_its_acts_do(db: Session) -> None:
    rights = (
        "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    asked, found = text("SELECT has_table_privilege(:name, :right)"), {}
    for name, owner in db.execute(text(rights)).all():
        assert owner == "anhuan_owner", name
        held = [right for right in RIGHTS if db.scalar(asked, {"name": name, "right": right})]
        found[name] = " ".join(held)
    assert {name: held for name, held in found.items() if held != " ".join(RIGHTS)} == LESS
