"""The second wall: nobody reads or writes another party's rows, whatever the first wall (the stores' keys) forgets."""

import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DataError, DBAPIError, NoResultFound
from sqlalchemy.orm import Session
from tests.conftest import TEMPLATE
from tests.house.test_tables import all_tables
from tests.identity.twins import KEYS, LIN, MEI, THINGS, Table, Twins, fill, row_of, tables_of

import anhuan
from anhuan.kit import db as database
from anhuan.kit import ids, postgres, roles, wall
from anhuan.kit.errors import Bad

# What operators' login sees of everybody: the desk searches people and ends sessions, and each look is written down.
DESK_SEES: Final = {"audit_log", "freezes", "invitations", "looks", "members", "role_grants", "sessions"}
AUDITOR_SEES: Final = {"audit_log"}  # the log alone, which keeps ids and hashes and nothing else
# What the worker meets without asking for everybody: it sweeps what ended and does what was decided about people.
WORKER_SEES: Final = {"challenges", "freezes", "invitations", "looks", "role_grants"}
CLOSED: Final = {"invitations"}  # a welcome is opened by its link, before anybody is known
LOOKING: Final = {"read", "count", "join", "lock"}
ECHOES: Final = {"anhuan.statements.store_lines.lines_only_shown_by"}  # gives back ids it was given
# Policies for everybody: the operator's own terms, and texts that are published.
OF_THE_HOUSE: Final = (  # licences, and how channels stand: about no person
    "partner_entries", "partner_words", "channel_arrivals", "channel_flags", "channel_health", "channel_breakers",
    "channel_stops", "channel_stop_words", "channel_breaker_closings",
)  # fmt: skip
PUBLISHED: Final = {
    ("terms", "everybodys"), ("documents", "everybody_reads"), *((name, "everybody_reads") for name in OF_THE_HOUSE),
}  # fmt: skip


@pytest.fixture(scope="module")
def twins(server: postgres.Access) -> Iterator[Twins]:
    """A database in which Lin and Mei have a row in every table that belongs to somebody."""
    name = f"anhuan_twins_{ids.new_id().hex[-12:]}"
    found = Twins(name, server, ())
    with psycopg.connect(Twins("postgres", server, ()).url("owner"), autocommit=True) as admin:
        roles.create_database(admin, name, template=TEMPLATE)
        with psycopg.connect(found.url("owner"), autocommit=True) as inside:
            tables = tables_of(inside)
            fill(inside, tables)
        yield Twins(name, server, tables)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def catalogue(twins: Twins) -> Iterator[psycopg.Connection]:
    """The administrator's look at the catalogue."""
    with psycopg.connect(twins.url("owner")) as admin:
        yield admin


def test_every_table_that_belongs_to_somebody_stands_behind_the_wall(
    twins: Twins, catalogue: psycopg.Connection
) -> None:
    declared = {one.name for one in all_tables() if any(key in one.columns for key in KEYS)}
    assert len(declared) > 30
    assert declared <= {table.name for table in twins.tables}
    walled = {name for (name,) in catalogue.execute("SELECT relname FROM pg_class WHERE relrowsecurity")}
    assert {table.name for table in twins.tables} - walled == set(), "ENABLE ROW LEVEL SECURITY in the migration"


def test_no_policy_is_for_everybody_but_for_what_is_published(catalogue: psycopg.Connection) -> None:
    found = set(catalogue.execute("SELECT tablename, policyname FROM pg_policies WHERE roles = '{public}'"))
    assert found == PUBLISHED
    verbs = catalogue.execute("SELECT DISTINCT cmd FROM pg_policies WHERE roles = '{public}'").fetchall()
    assert verbs == [("SELECT",)]


def test_no_login_owns_a_table_or_passes_the_wall(catalogue: psycopg.Connection) -> None:
    asked = (
        "SELECT rolname FROM pg_roles r WHERE rolname = ANY (%s) AND (rolsuper OR rolbypassrls OR rolcreaterole"
        " OR EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = r.oid)"
        " OR EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid))"
    )
    assert catalogue.execute(asked, (list(roles.LOGINS),)).fetchall() == []
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert catalogue.execute(owners).fetchall() == [("anhuan_owner",)]
    login = catalogue.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'anhuan_owner'").fetchone()
    assert login == (False,)


def test_views_and_functions_open_no_way_around(catalogue: psycopg.Connection) -> None:
    views = (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
        " AND NOT coalesce(reloptions @> '{security_invoker=true}', false)"
    )
    around = {name for (name,) in catalogue.execute(views).fetchall()}
    assert around == {"repay_orders_seen"}, "a view needs WITH (security_invoker = true)"
    readers = "SELECT grantee::text FROM information_schema.role_table_grants WHERE table_name = 'repay_orders_seen'"
    may = {name for (name,) in catalogue.execute(readers).fetchall()} - {"anhuan_owner"}
    assert may == {"anhuan_desk", "anhuan_work"}, "where orders stand, without money or names, is for the desk's lists"
    definers = (
        "SELECT p.proname, has_function_privilege('public', p.oid, 'EXECUTE'), p.proconfig::text FROM pg_proc p"
        " WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef ORDER BY 1"
    )
    found = catalogue.execute(definers).fetchall()
    assert {name for name, _, _ in found} >= {"anhuan_session", "anhuan_inhabitants"}
    assert [name for name, anybody, _ in found if anybody] == [], "REVOKE EXECUTE ... FROM PUBLIC"
    assert [name for name, _, settings in found if "search_path" not in (settings or "")] == []


def test_a_foreign_key_between_rows_of_parties_holds_the_party_too(twins: Twins, server: postgres.Access) -> None:
    mine = {table.name for table in twins.tables}
    asked = (
        "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text, array_agg(a.attname::text)"
        " FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)"
        " WHERE c.contype = 'f' GROUP BY c.oid, 1, 2"
    )
    whole = Twins(TEMPLATE, server, ())
    with psycopg.connect(whole.url("owner")) as admin:
        loose = {
            (child, parent)
            for child, parent, columns in admin.execute(asked)
            if child in mine and parent in mine and not set(KEYS) & set(columns)
        }
    assert loose == set(), "a row could refer to another party's row and so learn that it is there"


# --- raw SQL as each login ------------------------------------------------------------------------------------------


def tried(db: Session, statement: str, values: Mapping[str, Any]) -> int | None:
    """How many rows a statement met, None where it was not allowed at all; the transaction goes on."""
    try:
        with db.begin_nested():
            met = db.connection().exec_driver_sql(statement, values)
            return len(met.fetchall()) if met.returns_rows else met.rowcount
    except DBAPIError as error:
        match getattr(error.orig, "sqlstate", ""):
            case "42501":  # insufficient privilege, or the wall's own check
                return None
            case "23505":  # a key that is taken tells that the row is there
                return 1
        raise


def acts(table: Table) -> dict[str, str]:
    """What is tried with the rows of another party."""
    key = table.keys[0]
    told = [column for column in table.columns if column not in table.generated]
    values = ", ".join(f"%({column})s::{table.columns[column]}" for column in told)
    return {
        "read": f"SELECT 1 FROM {table.name} WHERE {key} = %(whose)s",
        "count": f"SELECT 1 FROM {table.name} GROUP BY {key} HAVING {key} = %(whose)s",
        "lock": f"SELECT 1 FROM {table.name} WHERE {key} = %(whose)s FOR UPDATE",
        "change": f"UPDATE {table.name} SET {key} = {key} WHERE {key} = %(whose)s RETURNING 1",
        "delete": f"DELETE FROM {table.name} WHERE {key} = %(whose)s RETURNING 1",
        "add": f"INSERT INTO {table.name} ({', '.join(told)}) VALUES ({values})",
        "add or see": f"INSERT INTO {table.name} ({', '.join(told)}) VALUES ({values}) ON CONFLICT DO NOTHING",
        "join": f"SELECT 1 FROM {table.name} a JOIN {table.name} b USING ({key}) WHERE a.{key} = %(whose)s",
    }


def openings(twins: Twins, login: str, who: UUID | None, whose: UUID, *, everybody: bool = False) -> set[str]:
    """`table: act` for whatever this login could do to the rows of one party behind the wall of another."""
    found = set()
    with twins.behind(login, who) as db:
        if everybody:
            wall.everybody(db)
        for table in twins.tables:
            row = {column: value for column, (_, value) in row_of(table, whose).items()}
            fresh = {column: ids.new_id() if kind == "uuid" and column not in table.keys else row.get(column)
                     for column, kind in table.columns.items()}  # fmt: skip
            for act, statement in acts(table).items():
                met = tried(db, statement, fresh | {"whose": whose})
                if met:
                    found.add(f"{table.name}: {act}")
    return found


@pytest.mark.parametrize("who", [MEI, None], ids=["another party", "nobody"])
def test_the_web_meets_no_row_of_another_party_in_any_way(twins: Twins, who: UUID | None) -> None:
    assert openings(twins, "app", who, LIN) == set()


def test_the_web_meets_its_own_rows(twins: Twins) -> None:
    seen = {one for one in openings(twins, "app", LIN, LIN) if one.endswith(": read")}
    closed = {table.name for table in twins.tables} - {one.partition(":")[0] for one in seen}
    assert len(seen) > 30, "the wall would hold for a closed house too"
    assert closed == CLOSED, "rows that the person they are about cannot see"


@pytest.mark.parametrize("who", [MEI, None], ids=["another party", "nobody"])
def test_the_worker_meets_rows_of_others_only_when_it_asks_for_everybody(twins: Twins, who: UUID | None) -> None:
    usual = openings(twins, "work", who, LIN)
    assert {one.partition(":")[0] for one in usual} == WORKER_SEES
    asked = openings(twins, "work", who, LIN, everybody=True)
    assert len({one for one in asked if one.endswith(": read")}) > 25


def test_everybody_is_a_word_that_no_other_login_may_say(twins: Twins) -> None:
    assert openings(twins, "app", MEI, LIN, everybody=True) == set()
    assert openings(twins, "desk", MEI, LIN, everybody=True) == openings(twins, "desk", MEI, LIN)


@pytest.mark.parametrize(("login", "may_see"), [("desk", DESK_SEES), ("audit", AUDITOR_SEES)])
def test_operators_and_auditors_see_of_others_what_their_work_needs(
    twins: Twins, login: str, may_see: set[str]
) -> None:
    for who in (MEI, None):
        found = {tuple(one.split(": ")) for one in openings(twins, login, who, LIN)}
        assert {table for table, _ in found} == may_see
        assert {act for _, act in found} <= LOOKING


def test_rows_in_bulk_do_not_pass_the_wall(twins: Twins) -> None:
    with psycopg.connect(twins.url("app")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('anhuan.party', %s, true)", (str(MEI),))
        with cursor.copy("COPY (SELECT user_id FROM cards) TO STDOUT") as rows:
            assert b"".join(bytes(part) for part in rows) == f"{MEI}\n".encode()
        with pytest.raises(psycopg.errors.FeatureNotSupported), cursor.copy("COPY cards (user_id, id) FROM STDIN"):
            pass


# --- settings end with their transaction ----------------------------------------------------------------------------


def whose_cards(db: Session) -> list[UUID]:
    return list(db.scalars(text("SELECT user_id FROM cards")))


def test_a_setting_ends_with_its_transaction_also_on_a_connection_that_is_used_again(twins: Twins) -> None:
    engine = create_engine(database.driver_url(twins.url("app")), pool_size=1, max_overflow=0)
    with Session(engine) as db:
        wall.enter(db, party=LIN, person=LIN)
        wall.present(db, "token", b"secret")
        first = db.scalar(text("SELECT pg_backend_pid()"))
        assert whose_cards(db) == [LIN]
        db.commit()
        assert db.scalar(text("SELECT pg_backend_pid()")) == first, "the same connection again"
        assert whose_cards(db) == []
        assert db.scalar(text("SELECT anhuan_presented('token')")) is None
        db.rollback()
        wall.enter(db, party=LIN, person=LIN)
        db.rollback()
        assert whose_cards(db) == []
    engine.dispose()


def test_a_wall_entered_in_a_savepoint_falls_back_with_it(twins: Twins) -> None:
    with twins.behind("app", LIN) as db:
        inner = db.begin_nested()
        wall.enter(db, party=MEI, person=MEI)
        assert whose_cards(db) == [MEI]
        inner.rollback()
        assert whose_cards(db) == [LIN]
        with db.begin_nested():
            wall.enter(db, party=None)
        assert whose_cards(db) == []


@pytest.mark.parametrize("text_of_it", ["' or true --", "{}", "01900000", "00000000-0000-0000-0000-000000000000"])
def test_a_setting_that_is_no_party_opens_nothing(twins: Twins, text_of_it: str) -> None:
    with twins.behind("app", None) as db:
        db.execute(text("SELECT set_config('anhuan.party', :it, true)"), {"it": text_of_it})
        with suppress(DataError):  # no uuid: the question is refused as a whole
            assert whose_cards(db) == []


# --- the stores of every room ---------------------------------------------------------------------------------------

WHOSE: Final = ("user_id", "person_id", "party", "party_id", "organisation_id", "user")
SIMPLE: Final[dict[Any, Any]] = {
    int: 100, bool: True, float: 1.0, str: "x", bytes: b"x", date: date(2026, 11, 22),
    datetime: datetime(2026, 11, 22, 1, tzinfo=UTC),
}  # fmt: skip


class CannotMake(Exception):
    """The walk has no value for a parameter of this type."""


def questions() -> list[tuple[str, Callable[..., Any]]]:
    """Every public function of every room's stores that names whose rows it is about."""
    found: list[tuple[str, Callable[..., Any]]] = []
    for room in pkgutil.iter_modules(anhuan.__path__):
        if not room.ispkg:
            continue
        inside = importlib.import_module(f"anhuan.{room.name}")
        for module in pkgutil.iter_modules(inside.__path__):
            if module.name == "store" or module.name.startswith("store_"):
                store = importlib.import_module(f"anhuan.{room.name}.{module.name}")
                found += [
                    (f"{store.__name__}.{name}", ask)
                    for name, ask in inspect.getmembers(store, inspect.isfunction)
                    if ask.__module__ == store.__name__ and not name.startswith("_") and names_somebody(ask)
                ]
    return found


def names_somebody(ask: Callable[..., Any]) -> bool:
    asked = list(inspect.signature(ask).parameters)
    return bool(asked) and asked[0] in ("db", "session") and any(name in WHOSE for name in asked)


def made(kind: Any, name: str, whose: UUID) -> Any:
    """A value for a parameter: the party, its things by their one id, or something plain."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if name in WHOSE:
        return whose
    if kind is UUID:
        return THINGS[whose]
    if kind in SIMPLE:
        return SIMPLE[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if origin in (typing.Union, types.UnionType):
        return made(next(one for one in inner if one is not type(None)), name, whose)
    if origin is tuple:
        return tuple(made(one, name, whose) for one in inner if one is not Ellipsis)
    if origin is not None and issubclass(origin, Mapping):
        return {made(inner[0], "", whose): made(inner[1], "", whose)}
    if origin in (list, set, frozenset) or (origin is not None and hasattr(origin, "__iter__")):
        one = made(inner[0], "", whose)
        return {one} if origin in (set, frozenset) else [one]
    raise CannotMake(f"{name}: {kind}")


def arguments(ask: Callable[..., Any], whose: UUID) -> tuple[list[Any], dict[str, Any]]:
    """Values for all parameters but the first, the transaction."""
    hints = typing.get_type_hints(ask)
    plain: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(ask).parameters.items())[1:]:
        if parameter.default is not inspect.Parameter.empty and name not in WHOSE:
            continue
        value = made(hints[name], name, whose)
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            named[name] = value
        else:
            plain.append(value)
    return plain, named


def holds_rows(answer: Any) -> bool:
    """Whether an answer tells of anything at all."""
    if answer is None or isinstance(answer, int | float | str | bytes):
        return bool(answer)
    if isinstance(answer, Mapping):
        return any(map(holds_rows, answer.values()))
    if isinstance(answer, tuple | list | set | frozenset):
        return any(map(holds_rows, answer))
    if hasattr(answer, "__next__"):
        return any(map(holds_rows, answer))
    return True


def asked_for(db: Session, ask: Callable[..., Any], whose: UUID) -> bool:
    """Whether the question about somebody's rows brings any; a refusal brings none, a row of nonsense is a row."""
    plain, named = arguments(ask, whose)
    try:
        with db.begin_nested():
            found = holds_rows(ask(db, *plain, **named))
            db.flush()
            return found
    except (NoResultFound, Bad) as error:
        return isinstance(error, Bad) and error.code.startswith("vault.")  # a row was there to be opened
    except DBAPIError as error:
        return getattr(error.orig, "sqlstate", "") != "42501"


def test_no_store_gives_or_takes_rows_of_another_party_to_whoever_names_it(twins: Twins) -> None:
    before, unmade, gave = twins.marks(LIN), [], []
    engine = twins.engine("app")
    kept = database.use(engine)  # where the vault looks for its keys
    for name, ask in questions():
        with Session(engine) as db:
            wall.enter(db, party=MEI, person=MEI)
            try:
                if asked_for(db, ask, LIN):
                    gave.append(name)
            except CannotMake as gap:
                unmade.append(f"{name}: {gap}")
            db.expunge_all()
            db.commit()
    database.use(kept)
    engine.dispose()
    assert set(gave) - ECHOES == set()
    assert twins.marks(LIN) == before, "a store wrote through the wall"
    assert len(unmade) < len(questions()) / 5, unmade


def test_the_same_questions_find_the_rows_of_ones_own(twins: Twins) -> None:
    found = set()
    for name, ask in questions():
        with twins.behind("app", LIN) as db:
            try:
                if asked_for(db, ask, LIN):
                    found.add(name)
            except (CannotMake, Exception):  # a row of nonsense may break a function: it came through
                continue
    assert len(found) > 30, "the walk would pass with an empty database too"
