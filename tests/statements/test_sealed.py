"""Statements lie sealed: rows of before are turned without loss, and what is sealed is found by keyed hashes alone."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, func, make_url, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from tests.cards.test_sealed import bytes_on_disk
from tests.people import as_party
from tests.statements.world import bill, export, line, paid, take, wallet

from anhuan.kit import db as database
from anhuan.kit import ids, postgres, roles, vault, wall
from anhuan.kit.ids import LOCAL_USER, new_id
from anhuan.statements import analysis, service, store, store_lines
from anhuan.statements.keyed import Keyed
from anhuan.statements.model import LineKind
from anhuan.statements.tables import FieldRow, FileRow, ImportRow, LineRow, ReadBillRow, Said, SightingRow

IMPORT, FILE, READ, FIRST, KEY = new_id(), new_id(), new_id(), new_id(), new_id()
PLANTED = "万柳书院三号楼"  # a name that occurs nowhere else
SHA = "5f" * 32
MORE = 4_321  # lines beside the first one: more than two batches

FILL = (
    f"insert into statement_imports values (:u, '{IMPORT}', 'committed', 0, now(), now(), null, null,"
    f' \'{{"files"\\: 1, "lines"\\: {MORE + 1}, "balances"\\: [["{PLANTED}", 77, "2026-10-01", null, null]]}}\')',
    f"insert into statement_files values (:u, '{FILE}', '{IMPORT}', 0, '{PLANTED}.eml', '{SHA}', 9, 'bill', 'cmb',"
    f" 'card', '{PLANTED}', 'cmb', '2026', true, '[{{\"code\"\\: \"x\", \"message\"\\: \"{PLANTED}\"}}]', now(), true)",
    f"insert into statement_bills values (:u, '{READ}', '{FILE}', 0, null, 'open', 'cmb', 'CNY', '{{3096}}', 'account',"
    f" '2026-10-08', 765432, true, '\\x{PLANTED.encode().hex()}', null)",
    f"insert into statement_fields values (:u, '{new_id()}', '{READ}', 'total_due', '{PLANTED}', 0.95, '{PLANTED}',"
    " false)",
    f"insert into statement_lines values (:u, '{FIRST}', '{KEY}', 0, 'bill:cmb:cmb:2026', 'bill', 'card', 'cmb', null,"
    f" '3096', '2026-10-02', '2026-10-03', '2026-10-02', '{PLANTED} 年费减免', 0, 'CNY', 'other', 'A1_back', 'A1',"
    f" '{PLANTED}', '{PLANTED}', 500, 'USD', 3, 12, -8, true)",
    f"insert into statement_lines select :u, gen_random_uuid(), gen_random_uuid(), 0, 'statement:alipay:alipay:csv',"
    f" 'statement', 'wallet', 'alipay', null, '{PLANTED}', '2026-09-01', '2026-09-01', null, 'n' || n, -n, 'CNY',"
    f" 'purchase', null, null, null, null, null, null, null, null, null, true from generate_series(1, {MORE}) n",
    f"insert into statement_sightings select :u, gen_random_uuid(), '{FILE}', id, null, 1,"
    f" CASE WHEN id = '{FIRST}' THEN 'row 7\\: {PLANTED}' ELSE 'row 8' END, true from statement_lines",
)  # fmt: skip
TABLES = tuple(f"statement_{name}" for name in ("imports", "files", "bills", "fields", "lines", "sightings"))


@pytest.fixture
def old(server: postgres.Access) -> Iterator[tuple[Engine, Engine]]:
    """A database as version 0014 left it, with rows in every table that is sealed: as its owner, as the app."""
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
    to(owner, "0014")
    with owner.begin() as connection:
        for statement in FILL:
            connection.execute(text(statement.replace(":u", f"'{LOCAL_USER}'")))
    before = database.use(app)
    yield owner, app
    database.use(before)
    owner.dispose()
    app.dispose()
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


def to(owner: Engine, version: str) -> None:
    with owner.begin() as connection:
        database._become_owner(connection)
        command.upgrade(database._migrations(connection), version)


def test_rows_of_before_are_sealed_without_loss_and_without_a_trace(old: tuple[Engine, Engine]) -> None:
    owner, app = old
    before = bytes_on_disk(owner, TABLES)
    assert before.count(PLANTED.encode()) >= len(TABLES), "the test looks at the wrong files"
    to(owner, "0015")
    assert PLANTED.encode() not in bytes_on_disk(owner, TABLES)
    with Session(app) as db, db.begin():
        wall.enter(db, party=LOCAL_USER)
        all_reads_as_before(db)
        all_is_found_as_before(db)


def all_reads_as_before(db: Session) -> None:
    row = db.scalars(select(ImportRow)).one()
    assert row.balances == [[PLANTED, 77, "2026-10-01", None, None]]
    assert row.counts == {"files": 1, "lines": MORE + 1}
    file = db.scalars(select(FileRow)).one()
    assert (file.name, file.sha256, file.account) == (f"{PLANTED}.eml", SHA, PLANTED)
    assert file.problems == [{"code": "x", "message": PLANTED}]
    read, field = db.scalars(select(ReadBillRow)).one(), db.scalars(select(FieldRow)).one()
    assert (read.total_minor, read.facts, field.value, field.span) == (765432, PLANTED.encode(), PLANTED, PLANTED)
    first = db.get_one(LineRow, (LOCAL_USER, FIRST))
    assert first.said == Said(
        KEY.bytes, 0, f"{PLANTED} 年费减免", "A1_back", PLANTED, PLANTED, (500, "USD"), (3, 12), -8, "3096"
    )
    assert (first.account_tail, first.tells_cost, first.amount_key) == ("3096", True, None)
    seen = db.scalars(select(SightingRow).where(SightingRow.quote.is_not(None))).one()
    assert (seen.line_id, seen.place, seen.quote) == (FIRST, "row 7", f"row 7: {PLANTED}")
    assert db.scalar(select(func.count()).select_from(SightingRow).where(SightingRow.place == "row 8")) == MORE


def all_is_found_as_before(db: Session) -> None:
    assert store.names_by_hash(db, LOCAL_USER, [SHA]) == {SHA: f"{PLANTED}.eml"}
    assert store_lines.lines_by_key(db, LOCAL_USER, [KEY.bytes]) == {(KEY.bytes, 0): FIRST}
    assert [row.id for row in store_lines.rows_by_order(db, LOCAL_USER, ["A1"])] == [FIRST]
    found = store_lines.rows_by_amount(db, LOCAL_USER, [("CNY", 4000), ("USD", 1)])
    assert [(row.amount, row.description, row.tail) for row in found] == [(-4000, "n4000", PLANTED)]
    told = service.lines_of_card(db, LOCAL_USER, bank="cmb", card="3096").lines
    assert [(each.id, each.account, each.amount) for each in told] == [(FIRST, "3096", 0)]
    assert [each.id for each in analysis.fee_audit(db, LOCAL_USER).waived] == [FIRST]
    assert service.lines(db, LOCAL_USER).total == MORE + 1


def test_no_raw_row_shows_what_a_person_bought(db: Session, user_id: UUID) -> None:
    told = bill(765432, line(2, 765432, PLANTED, reference="万柳0001", counterparty=PLANTED))
    take(db, user_id, told, wallet(paid(3, 765432, PLANTED)), name=f"{PLANTED}.eml")
    raw = "".join(
        str(row) for table in TABLES for row in db.execute(text(f"select t::text, row_to_json(t)::text from {table} t"))
    )
    for shape in (PLANTED, PLANTED.encode().hex(), "765432", "7654.32", "万柳0001"):
        assert shape not in raw


def test_two_people_with_the_same_rows_have_no_value_in_common(db: Session) -> None:
    seen = []
    for user in (new_id(), new_id()):
        take(db, user, export(line(1, 200, "地铁", reference="A1")), name="same")
        as_party(db, user)
        one, file = db.scalars(select(LineRow)).one(), db.scalars(select(FileRow)).one()
        seen.append({one.row_key, one.amount_key, one.order_key, file.content_key})
    assert seen[0].isdisjoint(seen[1])
    assert all(len(values) == 4 for values in seen)


def test_a_number_that_only_looks_like_a_wanted_amount_is_not_taken(
    db: Session, user_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keyed, "amount", lambda self, currency, size: b"12345678")  # all amounts collide
    take(db, user_id, export(line(1, 200), line(2, 300)))
    assert [row.amount for row in store_lines.rows_by_amount(db, user_id, [("CNY", 300)])] == [300]


def test_a_line_moved_into_another_column_does_not_open(db: Session, user_id: UUID) -> None:
    take(db, user_id, export(line(1, 200)))
    db.execute(text("update statement_files set name = (select said from statement_lines)"))
    db.expire_all()
    with pytest.raises(vault.CannotOpen):
        db.scalars(select(FileRow.name)).all()


@pytest.mark.parametrize("words", ["", "a", "字" * 5, "é" * 1000, "\xc1" * 16])
@pytest.mark.parametrize("account", [None, "", "z***@example.com", "\xc1"])
def test_the_filling_of_a_sealed_line_is_never_taken_for_its_words(
    db: Session, user_id: UUID, words: str, account: str | None
) -> None:
    said = Said(b"\xc1" * 16, -193, words, None, words, None, None, (1, 12), 0, account)
    row = LineRow(
        user_id=user_id, id=new_id(), row_key=new_id(), occurrence=0, stream="", file_kind="statement", source="card",
        day=date(2026, 1, 1), currency="CNY", kind=LineKind.OTHER, tells_cost=False, standing=True, said=said,
    )  # fmt: skip
    db.add(row)
    db.flush()
    db.expire(row)
    assert row.said == said
