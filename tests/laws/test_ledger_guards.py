"""Law 10 and the second half of 11: what is written stays, and whoever gets past every guard is found out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url
from tests.laws import ledger_doors as doors
from tests.laws.ledger_chain import faults
from tests.laws.ledger_laws import laws_hold
from tests.laws.ledger_lines import Road
from tests.laws.ledger_pair import World, build_world, roads_of
from tests.laws.plain_ledger import Ask

from anhuan.kit import ids, postgres
from anhuan.ledger.model import Kind, Result
from anhuan.ledger.rules import Code

NO_RIGHT: Final = "42501"
LOGINS: Final = ("app", "desk", "work", "audit")
TABLES: Final = (
    "account", "posting", "hold", "shard_head", "seal", "month", "span", "owner", "account_change", "root", "unit",
    "licence",
)  # fmt: skip


@pytest.fixture(scope="module")
def world(lawful: URL) -> World:
    """One lane with three batches in it: two postings, a hold, its capture."""
    with psycopg.connect(address(lawful)) as owner:
        made = build_world(owner, 3)
        road = way(made)
        src, dst = road.sources[0], road.targets[0]
        hold = Ask(Kind.HOLD, id=ids.new_id(), src=src, dst=dst, amount=50, code=road.code)
        posts = [Ask(Kind.POST, id=ids.new_id(), src=src, dst=dst, amount=n, code=road.code) for n in (100, 7)]
        doors.bound(owner, made.lane, dst, None, 1000)
        for batch in (posts, [hold], [Ask(Kind.CAPTURE, parent=hold.id)]):
            assert set(doors.post(owner, made.lane, batch)) == {Result.OK}
    return made


@pytest.fixture
def owner(lawful: URL, world: World) -> Iterator[psycopg.Connection[Any]]:
    """The superuser in the database of this file; what a test does is rolled back."""
    with psycopg.connect(address(lawful)) as connection:
        assert faults(connection) == []
        yield connection
        connection.rollback()


@pytest.fixture
def thief(owner: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Somebody with the superuser's password who has switched every trigger off."""
    owner.execute("SET session_replication_role = replica")
    return owner


@contextmanager
def logged_in(lawful: URL, server: postgres.Access, login: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of one of our own logins."""
    with psycopg.connect(address(make_url(getattr(server, login)).set(database=lawful.database))) as connection:
        yield connection


def way(world: World) -> Road:
    """From her account to what is in transit."""
    return next(road for road in roads_of(world) if road.code == Code.REPAY_TAKEN)


def address(url: URL) -> str:
    """An address as the driver reads it."""
    return url.render_as_string(hide_password=False)


def refused(connection: psycopg.Connection[Any], statement: str) -> str:
    """The SQLSTATE with which the statement fails; the transaction goes on as if it had not been tried."""
    try:
        with connection.transaction():
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return str(error.sqlstate)
    return "done"


@pytest.mark.scope("S2-24")
@pytest.mark.parametrize("login", LOGINS)
def test_no_login_can_change_a_table_of_the_ledger(lawful: URL, server: postgres.Access, login: str) -> None:
    with logged_in(lawful, server, login) as connection:
        for table in (*TABLES, *months(connection)):
            for statement in (
                f"INSERT INTO ledger.{table} DEFAULT VALUES",
                f"UPDATE ledger.{table} SET {first_column(connection, table)} = DEFAULT",
                f"DELETE FROM ledger.{table}",
                f"TRUNCATE ledger.{table}",
                f"DROP TABLE ledger.{table}",
                f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL",
                f"ALTER TABLE ledger.{table} DISABLE ROW LEVEL SECURITY",
                f"CREATE TRIGGER mine BEFORE INSERT ON ledger.{table} EXECUTE FUNCTION ledger.stays()",
                f"LOCK TABLE ledger.{table} IN EXCLUSIVE MODE",
            ):
                assert refused(connection, statement) == NO_RIGHT, statement


@pytest.mark.parametrize("login", LOGINS)
def test_no_login_can_become_who_could(lawful: URL, server: postgres.Access, login: str) -> None:
    with logged_in(lawful, server, login) as connection:
        for statement in (
            "SET ROLE anhuan_owner",
            "SET SESSION AUTHORIZATION anhuan_owner",
            "SET session_replication_role = replica",
            "CREATE TABLE ledger.mine (x int)",
            "CREATE FUNCTION ledger.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP SCHEMA ledger CASCADE",
        ):
            assert refused(connection, statement) == NO_RIGHT, statement


@pytest.mark.parametrize("login", ["desk", "audit"])
def test_who_only_reads_cannot_post(lawful: URL, server: postgres.Access, world: World, login: str) -> None:
    road = way(world)
    line = Ask(Kind.POST, id=ids.new_id(), src=road.sources[0], dst=road.targets[0], amount=1, code=road.code)
    with logged_in(lawful, server, login) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        doors.post(connection, world.lane, [line])


def test_the_owner_of_the_tables_is_stopped_by_triggers(owner: psycopg.Connection[Any], world: World) -> None:
    owner.execute("SET ROLE anhuan_owner")
    parts = [str(name) for (name,) in owner.execute(
        "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'ledger.posting'::regclass"
    ).fetchall()]  # fmt: skip
    assert len(parts) >= 4
    tried = [
        *(f"TRUNCATE {part}" for part in parts),
        "TRUNCATE ledger.posting", "TRUNCATE ledger.seal", "TRUNCATE ledger.account CASCADE",
        "TRUNCATE ledger.unit CASCADE", "TRUNCATE ledger.account_change",
        "UPDATE ledger.posting SET amount = amount + 1", "DELETE FROM ledger.posting",
        "UPDATE ledger.seal SET hash = prev", "DELETE FROM ledger.seal",
        "DELETE FROM ledger.account_change", "UPDATE ledger.account_change SET reason = 'another'",
        "UPDATE ledger.account SET posted = posted + 1 WHERE seq > 0",
        "UPDATE ledger.account SET held = held + 1 WHERE seq > 0",
        "UPDATE ledger.account SET posted = posted - 1, held_in = 0, seq = seq - 1 WHERE seq > 1",
        "DELETE FROM ledger.account",
    ]  # fmt: skip
    for part in parts:
        month = [f"UPDATE {part} SET ref = id", f"DELETE FROM {part}"]
        if owner.execute(f"SELECT 1 FROM {part}".encode()).fetchone():
            tried += month
    for statement in tried:
        assert refused(owner, statement) == NO_RIGHT, statement
    owner.execute("RESET ROLE")
    assert faults(owner) == []
    assert laws_hold(owner) == 4


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("UPDATE ledger.account SET floor = posted + 1, seq = seq + 1", "23514"),
        ("INSERT INTO ledger.posting SELECT * FROM ledger.posting LIMIT 1", "23505"),  # the same id
        ("INSERT INTO ledger.hold SELECT shard, id, src, dst, unit, 0 FROM ledger.posting LIMIT 1", "23514"),
        ("INSERT INTO ledger.unit (code, book, scale) VALUES ('CNY/custody', 'custody', 2)", "23514"),
        ("INSERT INTO ledger.licence (number, bank, valid_to, first_approver, second_approver)"
         " VALUES ('1', 'A', '2030-01-01', '01900000-0000-7000-8000-000000000001',"
         " '01900000-0000-7000-8000-000000000001')", "23514"),
    ],
)  # fmt: skip
def test_the_tables_themselves_refuse_what_breaks_a_bound_or_happens_twice(
    owner: psycopg.Connection[Any], world: World, statement: str, state: str
) -> None:
    owner.execute("SET ROLE anhuan_owner")
    assert refused(owner, statement) == state


def test_a_second_entry_with_a_number_that_is_taken_is_refused(owner: psycopg.Connection[Any], world: World) -> None:
    for end in ("src", "dst"):
        statement = f"""INSERT INTO ledger.posting
            SELECT src, dst, amount, {"src_seq" if end == "src" else "src_seq + 90"},
                   {"dst_seq" if end == "dst" else "dst_seq + 90"}, src_bal, dst_bal, 9, ts, event_at, unit,
                   shard, line, kind, code, ledger.derive(id, 'again'::bytea), parent_id, group_id, ref
            FROM ledger.posting LIMIT 1"""
        assert refused(owner, statement) == "23505"


COLUMNS: Final = (
    "src", "dst", "amount", "src_seq", "dst_seq", "src_bal", "dst_bal", "line", "kind", "code", "unit", "ts",
    "event_at", "id", "parent_id", "group_id", "ref",
)  # fmt: skip


@pytest.mark.scope("S1-32")
@pytest.mark.parametrize("column", COLUMNS)
def test_one_changed_field_of_one_posting_breaks_the_chain_at_its_batch(
    thief: psycopg.Connection[Any], column: str
) -> None:
    other = {
        "ts": "ts + interval '1 microsecond'", "event_at": "'2026-01-01'", "id": "ledger.derive(id, 'x'::bytea)",
        "parent_id": "ledger.derive(id, 'x'::bytea)", "group_id": "id", "ref": "id",
    }.get(column, f"{column} + 30")  # fmt: skip
    thief.execute(f"UPDATE ledger.posting SET {column} = {other} WHERE batch_no = 2".encode())
    assert [(fault.shard, fault.batch_no) for fault in faults(thief)] == [(3, 2)]


TAMPERINGS: Final = {
    "a posting is gone": "DELETE FROM ledger.posting WHERE batch_no = 1 AND line = 2",
    "a batch is gone, seal and all": """
        WITH gone AS (DELETE FROM ledger.seal WHERE batch_no = 2) DELETE FROM ledger.posting WHERE batch_no = 2""",
    "the tail is gone, the head left": """
        WITH gone AS (DELETE FROM ledger.seal WHERE batch_no = 3) DELETE FROM ledger.posting WHERE batch_no = 3""",
    "two batches have changed places": """
        WITH seals AS (UPDATE ledger.seal SET batch_no = batch_no + 10 WHERE batch_no IN (1, 2))
        UPDATE ledger.posting SET batch_no = 3 - batch_no WHERE batch_no IN (1, 2)""",
    "a posting was slipped in": """
        INSERT INTO ledger.posting SELECT src, dst, amount, src_seq + 9, dst_seq + 9, src_bal, dst_bal, batch_no, ts,
            event_at, unit, shard, 9, kind, code, ledger.derive(id, 'x'::bytea), parent_id, group_id, ref
        FROM ledger.posting WHERE batch_no = 1 AND line = 1""",
    "a posting without a seal": """
        INSERT INTO ledger.posting SELECT src, dst, amount, src_seq + 9, dst_seq + 9, src_bal, dst_bal, 4, ts,
            event_at, unit, shard, 1, kind, code, ledger.derive(id, 'x'::bytea), parent_id, group_id, ref
        FROM ledger.posting WHERE batch_no = 1 AND line = 1""",
    "a seal says another time": "UPDATE ledger.seal SET ts = ts - interval '1 second' WHERE batch_no = 1",
    "the head points back": """
        UPDATE ledger.shard_head h SET batch_no = 2, hash = s.hash FROM ledger.seal s
        WHERE (s.shard, s.batch_no) = (h.shard, 2)""",
    "one byte of a hash": "UPDATE ledger.seal SET hash = set_byte(hash, 7, get_byte(hash, 7) # 1) WHERE batch_no = 3",
}


@pytest.mark.scope("S1-32")
@pytest.mark.parametrize("deed", TAMPERINGS)
def test_whoever_gets_past_every_guard_is_found_by_the_chain(thief: psycopg.Connection[Any], deed: str) -> None:
    thief.execute(TAMPERINGS[deed].encode())
    assert {fault.shard for fault in faults(thief)} == {3}


def test_a_balance_changed_past_right_and_trigger_is_found_by_law_2_and_by_nothing_in_post(
    owner: psycopg.Connection[Any], world: World
) -> None:
    road = way(world)
    src, dst = road.sources[0], road.targets[0]
    owner.execute("UPDATE ledger.account SET posted = posted - 5, seq = seq + 1 WHERE id = %s", (src,))
    owner.execute("UPDATE ledger.account SET posted = posted + 5, seq = seq + 1 WHERE id = %s", (dst,))
    line = Ask(Kind.POST, id=ids.new_id(), src=src, dst=dst, amount=1, code=road.code)
    assert doors.post(owner, world.lane, [line]) == [Result.OK]
    assert faults(owner) == [], "the chain tells of rows, not of balances"
    with pytest.raises(AssertionError, match="law 2"):
        laws_hold(owner)


@pytest.mark.parametrize(
    ("deed", "law"),
    [
        ("UPDATE ledger.account SET posted = posted + 1 WHERE id = (SELECT min(id) FROM ledger.account)", "law 1"),
        ("UPDATE ledger.account SET held = held + 1 WHERE id = (SELECT min(id) FROM ledger.account)", "law 3"),
        ("UPDATE ledger.account SET seq = seq + 1 WHERE id = (SELECT min(id) FROM ledger.account)", "law 2"),
        (
            "ALTER TABLE ledger.account DROP CONSTRAINT floor_holds;"
            "UPDATE ledger.account SET floor = 0 WHERE posted < 0 AND kind = 1",
            "law 4",
        ),
        ("UPDATE ledger.account SET over = true WHERE posted < 0 AND kind = 1", "law 4"),
        ("UPDATE ledger.posting SET src_bal = src_bal + 1 WHERE batch_no = 1 AND line = 1", "law 2"),
        ("UPDATE ledger.posting SET parent_id = NULL WHERE kind = 3", "law 3"),
        ("UPDATE ledger.posting SET amount = 60 WHERE kind = 3", "law 2"),
        ("UPDATE ledger.posting SET kind = 5 WHERE kind = 3", "law 2"),
        ("UPDATE ledger.posting SET code = 99 WHERE batch_no = 1 AND line = 1", "outside the chart"),
        ("UPDATE ledger.posting SET unit = unit + 1 WHERE batch_no = 1 AND line = 1", "law 1"),
        ("DELETE FROM ledger.seal WHERE batch_no = 2", "law 8"),
        ("UPDATE ledger.shard_head SET hash = decode(repeat('11', 32), 'hex') WHERE batch_no = 3", "law 10"),
        (
            "INSERT INTO ledger.hold SELECT shard, id, src, dst, unit, amount FROM ledger.posting WHERE kind = 2",
            "law 3",
        ),
    ],
)
def test_every_law_finds_what_breaks_it(thief: psycopg.Connection[Any], deed: str, law: str) -> None:
    thief.execute(deed.encode())
    with pytest.raises(AssertionError, match=law):
        laws_hold(thief)


def months(connection: psycopg.Connection[Any]) -> list[str]:
    """The names of the partitions of `posting`."""
    asked = """SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'ledger.posting'::regclass ORDER BY 1"""
    return [str(name) for (name,) in connection.execute(asked).fetchall()]


def first_column(connection: psycopg.Connection[Any], table: str) -> str:
    """The name of a table's first column."""
    [(name,)] = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", (f"ledger.{table}",)
    ).fetchall()
    return sql.quote(name).strip("'")
