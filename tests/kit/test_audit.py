"""The audit log from the writer's side: what goes in, who may, what comes back."""

import ast
import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session

from anhuan.kit import audit, audit_bytes, audit_roots, clock, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import NOBODY, Actor, ActorKind, Strength

NOW = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)
LIN = UUID("01900000-0000-7000-8000-0000000000aa")
TABLES = ("audit_log", "audit_waiting", "audit_chain", "audit_head", "audit_roots")


def lin(**others: Any) -> Actor:
    return Actor(ActorKind.PERSON, person_id=LIN, party_id=LIN, strength=Strength.PASSKEY, **others)


def operator() -> Actor:
    return Actor(ActorKind.PERSON, person_id=ids.new_id(), roles=frozenset({"support"}), strength=Strength.PASSKEY)


@pytest.mark.scope("S1-32", "S2-13")
def test_a_record_is_written_in_the_callers_transaction_and_numbered(db: Session) -> None:
    wall.enter(db, party=LIN, person=LIN)
    first = audit.write(db, lin(), "session.signed_in", f"person:{LIN}", {"way": "passkey"}, now=NOW)
    inner = db.begin_nested()
    audit.write(db, lin(), "session.signed_out", f"person:{LIN}", now=NOW)
    inner.rollback()
    (record,) = audit.page_of(db)
    assert (record.number, record.act, record.facts) == (first, "session.signed_in", {"way": "passkey"})
    assert record.at == "2026-11-22T05:30:00.000000Z"
    assert record.actor == {"kind": "person", "party": str(LIN), "person": str(LIN), "strength": "passkey"}
    assert (record.sentence("zh"), record.sentence("en")) == ("登录", "signed in")
    assert record.login == "anhuan_app"
    assert not record.linked


def test_the_payload_has_one_way_to_be_written() -> None:
    actor = Actor(ActorKind.COMMAND)
    facts = {"b": 1, "a": [True, None, b"\x01\xff"], "at": NOW, "who": {"id": LIN}}
    assert audit.payload_of(actor, "setting.changed", "setting:limits.day", facts, now=NOW) == (
        '{"act":"setting.changed","actor":{"kind":"command","strength":"none"},"at":"2026-11-22T05:30:00.000000Z",'
        '"facts":{"a":[true,null,"01ff"],"at":"2026-11-22T05:30:00.000000Z","b":1,'
        '"who":{"id":"01900000-0000-7000-8000-0000000000aa"}},"subject":"setting:limits.day"}'
    )


@pytest.mark.parametrize(("facts", "why"), [
    ({"amount": 1.5}, "a float has no one way to be written"),
    ({"amount": Decimal("1.5")}, "nor has a decimal"),
    ({"name": "林小安"}, "a name"),
    ({"name": "Lin Xiaoan"}, "a name in letters: it has a blank"),
    ({"mail": "lin@example.com"}, "an address"),
    ({"phone": "13800000000"}, "a telephone number"),
    ({"phone": "138-0000-0000"}, "one with hyphens"),
    ({"phone": "tel:13800000000"}, "one behind a word"),
    ({"phone": "x.13800000000.y"}, "one between points"),
    ({"phone": 13800000000}, "one as a number"),
    ({"card": "6222020000000000000"}, "a card number"),
    ({"card": "6222-0200-0000-0000-000"}, "one in groups"),
    ({"identity": "11010119900307001X"}, "an identity number"),
    ({"deep": {"list": ["ok", "13800000000"]}}, "one inside a list"),
    ({"Key": 1}, "a key in large letters"),
    ({"note": "x" * 201}, "a long text"),
    ({"many": ["x" * 190] * 30}, "a payload too long"),
    ({"control": "a\nb"}, "a line end"),
    ({"url": "https://x/?token=abcdef123456"}, "a token in an address"),
    ({"key": "anh_live_0123456789abcdef"}, "a key of an API client"),
])  # fmt: skip
def test_what_could_tell_who_somebody_is_never_reaches_the_log(facts: dict[str, Any], why: str) -> None:
    with pytest.raises(audit.NotForTheLog):
        audit.payload_of(lin(), "person.read", f"person:{LIN}", facts, now=NOW)


@pytest.mark.parametrize("value", [
    "01900000-0000-7000-8000-123456789012",              # an id that ends in twelve digits
    f"card:{UUID(int=12345678901234567890)}",
    hashlib.sha256(b"x").hexdigest(),
    "1234567890" * 6 + "1234",                           # a hash of digits alone
    "2026-11-22T05:30:00+00:00", "****1234", "passkey", "limits.per_day", -5, 9_999_999_999, True, None, "",
])  # fmt: skip
def test_ids_hashes_codes_and_counts_pass(value: Any) -> None:
    assert audit.payload_of(lin(), "person.read", f"person:{LIN}", {"value": value}, now=NOW)


def test_an_act_without_a_line_in_the_table_is_refused(db: Session) -> None:
    with pytest.raises(audit.UnknownAct):
        audit.write(db, lin(), "person.peeked", f"person:{LIN}", now=NOW)
    with pytest.raises(audit.NotForTheLog):
        audit.write(db, lin(), "person.read", "person:lin", now=NOW)
    with pytest.raises(audit.NotForTheLog):
        audit.write(db, lin(), "person.read", "", now=NOW)


def test_every_act_has_its_sentence_in_both_languages() -> None:
    for name, act in audit.ACTS.items():
        assert name.count(".") == 1, name
        assert act.zh, name
        assert act.en.isascii(), name
        assert not act.zh.isascii(), name


def test_a_correction_is_one_more_record(db: Session) -> None:
    wall.enter(db, party=LIN, person=LIN)
    wrong = audit.write(db, lin(), "limit.lowered", f"person:{LIN}", {"to": 5}, now=NOW)
    audit.correct(db, lin(), wrong, "wrong_amount", {"to": 6}, now=NOW)
    newer, older = audit.page_of(db)
    assert (newer.act, newer.subject, newer.facts) == ("audit.corrected", f"audit:{wrong}", {
        "reason": "wrong_amount", "to": 6,
    })  # fmt: skip
    assert older.facts == {"to": 5}


def test_a_person_sees_who_looked_at_their_data_and_nothing_of_others(db: Session) -> None:
    other = ids.new_id()
    mine = audit.write(db, operator(), "person.read", f"person:{LIN}", now=NOW)
    named = audit.write(db, operator(), "secret.read", "card:1", {"person_id": LIN}, now=NOW)
    audit.write(db, operator(), "person.read", f"person:{other}", now=NOW)
    audit.write(
        db, operator(), "decision.hidden", f"person:{LIN}", now=NOW
    )  # suspicion is not told to the one suspected
    audit.write(db, NOBODY, "session.refused", "name:3f2a", now=NOW)
    assert audit.page_of(db) == []
    wall.enter(db, party=LIN, person=LIN)
    assert [record.number for record in audit.page_of(db)] == [named, mine]
    assert [record.number for record in audit.page_of(db, before=named)] == [mine]
    assert [record.number for record in audit.page_of(db, act="secret.read", at_most=1)] == [named]


def test_operators_page_through_all_records_by_subject_and_actor(own_database: Engine) -> None:
    reader = operator()
    with database.transaction() as session:
        for count in range(5):
            audit.write(session, reader, "person.read", f"person:{LIN}", {"count": count}, now=NOW)
        audit.write(session, operator(), "decision.hidden", f"person:{LIN}", now=NOW)
    audit_roots.link_waiting()
    with database.sessions("desk")() as session:
        newest = audit.page_of(session, subject=f"person:{LIN}", actor_id=reader.person_id, at_most=2)
        assert [record.facts["count"] for record in newest] == [4, 3]
        assert all(record.linked for record in newest)
        rest = audit.page_of(session, actor_id=reader.person_id, before=newest[-1].number)
        assert [record.facts["count"] for record in rest] == [2, 1, 0]
        assert len(audit.page_of(session)) == 6
        assert [record.act for record in audit.page_of(session, act="decision.hidden")] == ["decision.hidden"]


@pytest.mark.scope("S1-32", "S2-13")
@pytest.mark.parametrize("login", ["app", "desk", "work", "audit"])
@pytest.mark.parametrize("table", TABLES)
def test_no_login_may_write_the_tables_of_the_log(own_database: Engine, login: str, table: str) -> None:
    with database.transaction() as session:
        audit.write(session, lin(), "session.signed_in", f"person:{LIN}", now=NOW)
    audit_roots.link_waiting()
    column = {"audit_log": "number", "audit_waiting": "number", "audit_chain": "place", "audit_head": "place",
              "audit_roots": "number"}[table]  # fmt: skip
    for statement in (
        f"UPDATE {table} SET {column} = 7", f"DELETE FROM {table}", f"TRUNCATE {table}",
        f"INSERT INTO {table} SELECT * FROM {table}", f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        f"DROP TABLE {table}", f"SELECT * FROM {table} FOR UPDATE",
        "SELECT setval('audit_numbers', 1)", "SELECT nextval('audit_numbers')", "SET ROLE anhuan_owner",
        "CREATE FUNCTION audit_append(payload varchar) RETURNS bigint LANGUAGE sql AS 'SELECT 1'",
    ):  # fmt: skip
        with database.sessions(login)() as session, pytest.raises(DBAPIError) as refused:
            session.execute(text(statement))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege), statement


MAY_CALL = {
    "audit_append('{}')": {"app", "desk", "work"},
    "audit_link(1)": {"app", "desk", "work"},
    "audit_root_due(now())": {"work"},
    "audit_root_keep(NULL)": {"work"},
}


@pytest.mark.parametrize("login", ["app", "desk", "work", "audit"])
def test_each_login_may_call_its_functions_alone(own_database: Engine, login: str) -> None:
    for call, logins in MAY_CALL.items():
        with database.sessions(login)() as session:
            try:
                session.execute(text(f"SELECT {call}"))
                allowed = True
            except DBAPIError as error:
                allowed = not isinstance(error.orig, psycopg.errors.InsufficientPrivilege)
        assert allowed == (login in logins), call


def test_a_stolen_login_cannot_choose_number_moment_or_name_of_a_record(own_database: Engine) -> None:
    payload = audit.payload_of(lin(), "session.signed_in", f"person:{LIN}", {}, now=datetime(2020, 1, 1, tzinfo=UTC))
    before = clock.now()
    with database.sessions("desk").begin() as session:
        # No login may make tables of its own, so no trap can stand in front; what it may set stays outside.
        session.execute(text("SET LOCAL search_path = pg_temp, public"))
        session.execute(text("SET LOCAL timezone = 'Asia/Shanghai'"))
        session.execute(text("SET LOCAL DateStyle = 'German'"))
        session.execute(text("SELECT public.audit_append(:payload)"), {"payload": payload})
    with database.sessions("desk")() as session:
        (record,) = audit.page_of(session)
    assert record.login == "anhuan_desk"
    assert before <= record.written_at <= clock.now()
    assert record.at == "2020-01-01T00:00:00.000000Z"  # what the program claims stays a claim


def test_what_is_no_record_is_refused_by_the_database_too(own_database: Engine) -> None:
    for payload in ("", "[]", "{}", '{"act":"x"}', "x" * 5000):
        with database.sessions("app")() as session, pytest.raises(DBAPIError):
            session.execute(text("SELECT audit_append(:payload)"), {"payload": payload})


@pytest.mark.scope("S1-32", "S2-13")
def test_the_auditor_reads_the_log_and_nothing_of_people(own_database: Engine) -> None:
    with own_database.connect() as owner_view:
        names = owner_view.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    assert len(names) > 20
    readable = set()
    for name in names:
        with database.sessions("audit")() as session, suppress(ProgrammingError):
            session.execute(text(f"SELECT * FROM {name}"))
            readable.add(name)
    queue = {name for name in names if name.startswith("procrastinate_")}  # which jobs ran: ids, nothing else
    assert readable - queue == {*TABLES, "alembic_version"}


def test_rolled_back_records_leave_no_gap_in_the_chain(own_database: Engine) -> None:
    for keep in (True, False, True):
        with database.sessions()() as session:
            audit.write(session, lin(), "session.signed_in", f"person:{LIN}", now=NOW)
            if keep:
                session.commit()
    assert audit_roots.link_waiting() == 2
    with database.sessions("audit")() as session:
        assert session.execute(text("SELECT place, number FROM audit_chain ORDER BY place")).all() == [(1, 1), (2, 3)]


def test_the_database_and_the_program_reckon_the_same_bytes(own_database: Engine) -> None:
    with database.transaction() as session:
        audit.write(session, lin(), "session.signed_in", f"person:{LIN}", now=NOW)
    audit_roots.link_waiting()
    with database.sessions("audit")() as session:
        number, at, login, payload = session.execute(
            text("SELECT number, written_at, login, payload FROM audit_log")
        ).one()
        place, linked_at, row_hash, link = session.execute(
            text("SELECT place, linked_at, row_hash, link FROM audit_chain")
        ).one()
    row = audit_bytes.digest(audit_bytes.row_line(number, audit_bytes.moment(at), login, payload))
    assert row == row_hash
    line = audit_bytes.link_line(place, audit_bytes.moment(linked_at), number, row.hex(), audit_bytes.GENESIS.hex())
    assert audit_bytes.digest(line) == link


def test_every_act_that_code_names_has_its_line() -> None:
    package = Path(audit.__file__).resolve().parents[1]
    named = {
        (file.name, call.args[2].value)
        for file in package.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "audit.write"
        and len(call.args) > 2
        and isinstance(call.args[2], ast.Constant)
    }
    assert len(named) > 5
    assert {one for one in named if one[1] not in audit.ACTS} == set()
