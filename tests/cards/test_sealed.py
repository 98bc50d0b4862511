"""What lay in clear before version 0014 is sealed by the migration: nothing lost, nothing left behind in the file."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, create_engine, make_url, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from anhuan.cards import store
from anhuan.cards.tables import BillRow, CardRow, ChargeRow, LineRow, OwnAccountRow, PaymentRow, TermRow
from anhuan.kit import db as database
from anhuan.kit import ids, postgres, roles, vault, wall
from anhuan.kit.ids import LOCAL_USER, new_id
from anhuan.planning.tables import FlowRow, SpendingRow

ACCOUNT, BILL, LINE = new_id(), new_id(), new_id()
PLANTED = "万柳书院三号楼"  # a name that occurs nowhere else
CHARGES = 4_321  # more than two batches

FILL = (
    f"insert into credit_lines values (:u, '{LINE}', '{PLANTED}', 'CNY', 5000000)",
    f"insert into card_accounts (user_id, id, bank, level, label, credit_line_id, added_at)"
    f" values (:u, '{ACCOUNT}', 'icbc', 'account', '{PLANTED}', '{LINE}', now())",
    f"insert into cards (user_id, id, account_id, last_digits, label, groups, added_at)"
    f" values (:u, '{new_id()}', '{ACCOUNT}', '7640', '{PLANTED}', '{{家用,{PLANTED}}}', now())",
    f"insert into bills (user_id, id, account_id, currency, statement_on, version, total_minor, minimum_minor, due_on,"
    f" limit_minor, level, cards, inferred, confidence, spans, known_complete, fingerprint, known_at) values (:u,"
    f" '{BILL}', '{ACCOUNT}', 'CNY', '2026-11-08', 1, 800000, 80000, '2026-11-28', null, 'account', '{{7640}}',"
    f" '{{}}', '{{\"total_due\": 0.95}}', '{{\"total_due\": \"{PLANTED}\"}}', true, 'abcdef0123456789abcdef01', now())",
    f"insert into bill_charges select :u, '{BILL}', n, '2026-10-20', n, false from generate_series(0, {CHARGES - 1}) n",
    f"insert into card_payments (user_id, id, account_id, currency, amount_minor, credited_on, entered_on, added_at)"
    f" values (:u, '{new_id()}', '{ACCOUNT}', 'CNY', 7000, '2026-11-20', '2026-11-20', now())",
    f"insert into own_accounts values (:u, '{new_id()}', 'cmb', '4321', '{PLANTED}', 'CNY', -5, null, 300)",
    f"insert into terms (user_id, id, scope, key, value, unit, valid, confidence, basis, source, checked_on,"
    f" entered_by, entered_at) values (:u, '{new_id()}', 'contract:{ACCOUNT}', 'daily_rate', '\"0.00045\"', 'rate',"
    f" '[2026-01-01,)', 'H', 'user', '{PLANTED}', '2026-01-01', :u, now())",
    f"insert into plan_flows (user_id, id, account_id, label, amount_minor, day_of_month)"
    f" values (:u, '{new_id()}', '{ACCOUNT}', '{PLANTED}', -120000, 5)",
    f"insert into plan_spending values (:u, '{new_id()}', '{ACCOUNT}', 250000)",
)  # fmt: skip


@pytest.fixture
def old(server: postgres.Access) -> Iterator[tuple[Engine, Engine]]:
    """A database as version 0013 left it, with rows in every table of cards and planning: as its owner, as the app."""
    name = f"anhuan_old_{ids.new_id().hex[-12:]}"
    admin = create_engine(database.driver_url(server.owner), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        roles.create_database(connection.connection.driver_connection, name)  # type: ignore[arg-type]
    owner, app = (
        create_engine(make_url(database.driver_url(url)).set(database=name), poolclass=NullPool)
        for url in (server.owner, server.app)
    )
    with owner.begin() as connection:
        roles.open_schema(connection.connection.driver_connection)  # type: ignore[arg-type]
    with owner.begin() as connection:
        database._become_owner(connection)
        command.upgrade(database._migrations(connection), "0013")
    with owner.begin() as connection:
        for statement in FILL:
            connection.execute(text(statement.replace(":u", f"'{LOCAL_USER}'").replace(": ", "\\: ")))
    before = database.use(app)
    yield owner, app
    database.use(before)
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


def to_0014(owner: Engine) -> None:
    with owner.begin() as connection:
        database._become_owner(connection)
        command.upgrade(database._migrations(connection), "0014")


def test_every_row_reads_as_before_once_it_is_sealed(old: tuple[Engine, Engine]) -> None:
    owner, app = old
    to_0014(owner)
    with Session(app) as db, db.begin():
        wall.enter(db, party=LOCAL_USER)
        line, card = db.scalars(select(LineRow)).one(), db.scalars(select(CardRow)).one()
        assert (line.label, line.limit_minor) == (PLANTED, 5000000)
        assert (card.label, card.groups) == (PLANTED, ["家用", PLANTED])
        bill = db.scalars(select(BillRow)).one()
        assert (bill.total_minor, bill.minimum_minor, bill.limit_minor) == (800000, 80000, None)
        assert (bill.spans, bill.confidence) == ({"total_due": PLANTED}, {"total_due": 0.95})
        assert bill.fingerprint == store.sum_of(LOCAL_USER, "abcdef0123456789abcdef01")
        amounts = db.scalars(select(ChargeRow.amount_minor).order_by(ChargeRow.seq)).all()
        assert amounts == list(range(CHARGES))
        assert db.scalars(select(PaymentRow.amount_minor)).all() == [7000]
        own, term = db.scalars(select(OwnAccountRow)).one(), db.scalars(select(TermRow)).one()
        assert (own.label, own.balance_minor, own.reserve_minor) == (PLANTED, -5, 300)
        assert (term.value, term.basis, term.source) == ("0.00045", "user", PLANTED)
        flow, spent = db.scalars(select(FlowRow)).one(), db.scalars(select(SpendingRow)).one()
        assert (flow.label, flow.amount_minor, spent.amount_minor) == (PLANTED, -120000, 250000)
        assert store.one_bill(db, LOCAL_USER, BILL).paid == 7000  # type: ignore[union-attr]


def test_no_clear_value_is_left_in_the_files_of_the_tables(
    old: tuple[Engine, Engine], server: postgres.Access, pytestconfig: pytest.Config
) -> None:
    owner, _ = old
    tables = ("credit_lines", "card_accounts", "cards", "bills", "own_accounts", "terms", "plan_flows")
    before = bytes_on_disk(owner, tables)
    assert before.count(PLANTED.encode()) >= len(tables), "the test looks at the wrong files"
    to_0014(owner)
    assert PLANTED.encode() not in bytes_on_disk(owner, tables)


def test_the_laws_that_the_database_upheld_are_upheld_by_the_rows() -> None:
    for made in (
        lambda: PaymentRow(amount_minor=0),
        lambda: PaymentRow(amount_minor=-1),
        lambda: LineRow(limit_minor=-1),
        lambda: SpendingRow(amount_minor=-1),
    ):
        with pytest.raises(vault.LawBroken):
            made()
    assert LineRow(limit_minor=None).limit_minor is None


@pytest.mark.parametrize("asked", [
    lambda: PaymentRow.amount_minor > 5,
    lambda: PaymentRow.amount_minor == 5,
    lambda: LineRow.label.like("%a%"),
    lambda: select(LineRow).order_by(LineRow.label.desc()),
])  # fmt: skip
def test_a_question_that_the_database_cannot_answer_is_a_mistake_at_once(asked: Any) -> None:
    with pytest.raises(TypeError, match="is sealed"):
        asked()


def test_what_is_written_over_and_over_again_reads_right(db: Session, user_id: UUID) -> None:
    row = OwnAccountRow(user_id=user_id, id=new_id(), bank="cmb", last_digits="4321", currency="CNY", label="",
                        balance_minor=1, balance_on=date(2026, 1, 1), reserve_minor=0)  # fmt: skip
    db.add(row)
    for balance in (2**40, -7, 0):
        row.balance_minor = balance
        db.flush()
        db.expire(row)
        assert row.balance_minor == balance


def bytes_on_disk(owner: Engine, tables: tuple[str, ...]) -> bytes:
    """What the server's files of these tables hold, everything written out."""
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        folder = Path(connection.scalar(text("SHOW data_directory")) or "")
        return b"".join(whole(connection, folder, table) for table in tables)


def whole(connection: Connection, folder: Path, table: str) -> bytes:
    found = connection.execute(
        text("SELECT pg_relation_filepath(oid), reltoastrelid FROM pg_class WHERE relname = :name"), {"name": table}
    ).one()
    toast = connection.scalar(text("SELECT pg_relation_filepath(CAST(:oid AS regclass))"), {"oid": found[1]})
    return b"".join((folder / place).read_bytes() for place in (found[0], toast) if place)
