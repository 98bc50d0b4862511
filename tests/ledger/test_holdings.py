"""What the ledger holds about somebody is in the export, counted for an erasure, and never goes."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.ledger.books import Books, arrive, bank, take
from tests.people import as_party

from anhuan import ledger
from anhuan.identity import holdings as identity_holdings
from anhuan.kit import ids, jobs, wall
from anhuan.ledger import Kind, store_statement


def live(db: Session, person: UUID) -> None:
    """A few postings, a hold and a bound."""
    ledger.post(db, [take(person, 100), arrive(person, 40), take(person, 7, kind=Kind.HOLD)]).insist()
    ledger.set_bounds(db, bank(person), floor=-1000, ceil=None, reason="a test", decision_id=ids.new_id(),
                      approver=ids.new_id())  # fmt: skip


@pytest.mark.scope("S2-14")
def test_the_export_has_ones_own_rows_and_nobody_elses(db: Session, user_id: UUID) -> None:
    other = ids.new_id()
    as_party(db, other)
    live(db, other)
    db.info.clear()  # another transaction would not remember the lane
    as_party(db, user_id)
    live(db, user_id)
    assert ledger.held(db, user_id) == {"account": 2, "posting": 3, "hold": 1, "account_change": 1}
    sheets = {sheet.table: (sheet.columns, list(sheet.rows)) for sheet in ledger.export(db, user_id)}
    columns, rows = sheets["posting"]
    assert [row[columns.index("delta")] for row in rows] == [-100, 0, 40]
    assert "other" not in columns  # whose account is on the other side is not theirs to have
    assert ledger.held(db, other) == {}
    assert [list(sheet.rows) for sheet in ledger.export(db, other)] == [[], [], [], []]


def test_the_worker_who_makes_the_export_sees_the_party_it_opened_and_no_other(books: Books) -> None:
    mine, other, _ = books.people
    with jobs.transaction() as db:
        wall.enter(db, party=mine)
        held = ledger.held(db, mine)
        rows = {sheet.table: len(list(sheet.rows)) for sheet in ledger.export(db, mine)}
        assert rows == {"account": 2, "posting": 26, "hold": 2, "account_change": 0}
        assert held == {table: count for table, count in rows.items() if count}
        assert ledger.held(db, other) == {}


def test_an_erasure_takes_nothing_out_of_the_books(db: Session, user_id: UUID) -> None:
    live(db, user_id)
    before = ledger.held(db, user_id)
    assert ledger.erase(db, user_id) == {}
    assert ledger.held(db, user_id) == before
    for one in ledger.HOLDINGS:
        assert one.kept in identity_holdings.KEEPING
        assert one.table in identity_holdings.STAYING
    assert set(store_statement.HELD) == {one.table for one in ledger.HOLDINGS}


def test_every_table_of_the_ledger_that_belongs_to_somebody_is_held_or_says_nothing(db: Session) -> None:
    silent = {"owner"}  # a number of a lane
    owned = set(db.scalars(text(
        "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'ledger'"
        " AND column_name IN ('owner', 'src', 'account', 'user_id', 'person_id') AND table_name IN"
        " (SELECT relname FROM pg_class WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition)"
    )))  # fmt: skip
    assert owned - silent == {one.table for one in ledger.HOLDINGS}
