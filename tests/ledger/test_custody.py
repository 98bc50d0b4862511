"""No pooled money: whose money a unit counts is fixed, and client money needs a licence, a bank and two approvers."""

from uuid import UUID

import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.ledger.books import TRACKED, Books, bank, take

from anhuan import ledger
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.ledger import AccountKind, AccountName, Book, Code, Kind, Line, Result
from anhuan.ledger.rules import CHART, book_of

CUSTODY = "CNY/custody"


def refused(books: Books, statement: str) -> str:
    """The SQLSTATE with which the owner of the schema is refused."""
    books.admin.execute("SET session_replication_role = origin")
    books.admin.execute("SET ROLE anhuan_owner")
    try:
        books.admin.execute(statement.encode())
    except errors.Error as error:
        return error.sqlstate or "?"
    finally:
        books.admin.execute("RESET ROLE")
    return "done"


@pytest.mark.scope("S2-24", "S0-39")
def test_no_unit_of_client_money_opens_without_licence_bank_and_two_approvers(books: Books) -> None:
    unit = "INSERT INTO ledger.unit (code, book, scale, licence_id) VALUES ('CNY/custody', 'custody', 2, {})"
    licence = (
        "INSERT INTO ledger.licence (number, bank, valid_to, first_approver, second_approver)"
        " VALUES ({}, {}, '2027-12-31', '{}', '{}')"
    )
    one, two = ids.new_id(), ids.new_id()
    assert books.sql("SELECT count(*) FROM ledger.unit WHERE book = 'custody'") == (0,)  # off unless somebody opens it
    assert refused(books, unit.format("NULL")) == "23514"
    assert refused(books, unit.format("4711")) == "23503"  # no such licence
    assert refused(books, licence.format("'Z2009'", "'some bank'", one, one)) == "23514"  # approved twice by one
    assert refused(books, licence.format("''", "'some bank'", one, two)) == "23514"
    assert refused(books, licence.format("'Z2009'", "''", one, two)) == "23514"
    assert refused(books, licence.format("'Z2009'", "NULL", one, two)) == "23502"
    assert refused(books, licence.format("'Z2009'", "'some bank'", one, two)) == "done"
    number = books.sql("SELECT id FROM ledger.licence")[0]
    assert refused(books, unit.format(number)) == "done"
    assert books.kinds() == set()


@pytest.mark.scope("S2-24")
def test_the_application_cannot_open_one_whatever_it_says(db: Session) -> None:
    with pytest.raises(DBAPIError, match="another one"):
        ledger.open_unit(db, TRACKED, scale=2)  # the house's own unit is not a benefit
    db.rollback()
    ledger.open_unit(db, CUSTODY, scale=2)  # a name is not a book: this counts as points would
    assert db.scalar(text("SELECT book FROM ledger.unit WHERE code = :code"), {"code": CUSTODY}) == Book.BENEFIT
    for statement in (
        "INSERT INTO ledger.unit (code, book, scale) VALUES ('x', 'house', 2)",
        "UPDATE ledger.unit SET book = 'custody'",
        "INSERT INTO ledger.licence (number, bank, valid_to, first_approver, second_approver)"
        " VALUES ('1', 'b', '2027-12-31', gen_random_uuid(), gen_random_uuid())",
    ):
        with pytest.raises(DBAPIError, match="permission denied"), db.begin_nested():
            db.execute(text(statement))


@pytest.mark.scope("S0-39")
def test_no_posting_joins_two_books(books: Books) -> None:
    """The chart names one book for each code, and the database refuses accounts of two units whoever asks."""
    person = books.people[0]
    house = AccountName("CNY/house", AccountKind.FEE_INCOME)
    line = Line(Kind.POST, id=ids.new_id(), src=bank(person), dst=house, amount=5, code=Code.REPAY_TAKEN)
    with database.transaction() as db:
        wall.enter(db, party=person, person=person)
        with pytest.raises(ledger.BadLine):
            ledger.post(db, [line])
    src, dst = accounts_of_two_units(books, person)
    asked = (
        "SELECT ledger.post(3::smallint, ARRAY[%s], ARRAY[1]::smallint[], ARRAY[%s]::bigint[], ARRAY[%s]::bigint[],"
        " ARRAY[5]::bigint[], ARRAY[1]::smallint[], ARRAY[NULL]::uuid[], ARRAY[NULL]::uuid[], ARRAY[NULL]::uuid[],"
        " ARRAY[NULL]::timestamptz[], ARRAY[NULL]::timestamptz[])"
    )
    assert books.sql(asked, ids.new_id(), src, dst)[0] == [Result.UNIT_DIFFERS]
    assert {way.book for way in CHART.values()} == set(Book)
    assert {book_of(code) for code in ("CNY/tracked", "CNY/house", "CNY/custody", "points/x", "quota")} == {
        Book.TRACKED, Book.HOUSE, Book.CUSTODY, Book.BENEFIT,
    }  # fmt: skip


def accounts_of_two_units(books: Books, person: UUID) -> tuple[int, int]:
    """The person's bank, and the house's fee income, in one lane."""
    books.post(person, take(person, 5))
    house = books.sql("SELECT ledger.accounts(3::smallint, ARRAY['CNY/house'], ARRAY[13]::smallint[],"
                      " ARRAY[NULL]::uuid[], ARRAY[''])")[0][0]  # fmt: skip
    mine = books.sql("SELECT id FROM ledger.account WHERE owner = %s AND kind = 1", person)[0]
    return int(mine), int(house)
