"""The guard of the books: whole in a fresh house; weak as soon as a login that serves people could change them."""

import psycopg
import pytest
from sqlalchemy import make_url
from tests.ledger.books import Books

from anhuan.cli import checks
from anhuan.kit import db as database
from anhuan.kit import postgres
from anhuan.kit.errors import Broken
from anhuan.ledger import guard


def complaints(server: postgres.Access, books: Books, login: str) -> list[str]:
    """What is said of one login in the database of these books."""
    url = make_url(getattr(server, login)).set(database=books.admin.info.dbname)
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        return guard.complaints([connection])


@pytest.mark.parametrize("login", ["app", "desk", "work", "audit"])
def test_no_login_could_change_the_books(server: postgres.Access, books: Books, login: str) -> None:
    assert complaints(server, books, login) == []


WEAK = {
    "GRANT UPDATE ON ledger.account TO anhuan_app": "anhuan_app could change account",
    "GRANT DELETE ON ledger.posting TO anhuan_app": "anhuan_app could change posting",
    "GRANT TRUNCATE ON ledger.posting_202611 TO anhuan_app": "anhuan_app could change posting_202611",
    "GRANT CREATE ON SCHEMA ledger TO anhuan_app": "anhuan_app could change the schema itself",
    "ALTER TABLE ledger.seal OWNER TO anhuan_app": "anhuan_app could change seal",
    "ALTER FUNCTION ledger.derive(uuid, bytea) OWNER TO anhuan_app": "anhuan_app could change derive",
    "ALTER TABLE ledger.posting_202611 DISABLE TRIGGER stays": "no trigger guards posting_202611",
    "ALTER TABLE ledger.account DISABLE TRIGGER balances_move_by_postings": "no trigger guards account",
    "DROP TRIGGER stays_whole ON ledger.root": "no trigger guards root",
}


@pytest.mark.parametrize("statement", WEAK)
def test_a_hole_in_the_guard_is_told(server: postgres.Access, books: Books, statement: str) -> None:
    with books.admin.transaction():  # what it did is undone, and seen by the same connection alone
        books.admin.execute(statement.encode())
        books.admin.execute("SET LOCAL ROLE anhuan_app")
        (said, *_) = guard.complaints([books.admin])
        raised = said.partition(" could change ")
        assert WEAK[statement].partition(" could change ")[2] in raised[2] or said == WEAK[statement]
        raise psycopg.Rollback


def test_the_selfcheck_says_weak(books: Books, server: postgres.Access, monkeypatch: pytest.MonkeyPatch) -> None:
    name = books.admin.info.dbname
    addresses = {
        login: make_url(getattr(server, login)).set(database=name).render_as_string(hide_password=False)
        for login in ("app", "audit", "desk", "work", "owner")
    }
    monkeypatch.setattr(database, "access", lambda: postgres.Access(**addresses, found="a test"))
    assert checks.check_books().startswith("ledger guard: whole")
    assert checks.check_roots() == f"root 1, {root_of(books)}"  # what is behind it is seconds old
    books.sql("GRANT UPDATE ON ledger.account TO anhuan_desk")
    try:
        with pytest.raises(Broken, match="ledger guard: weak \\(anhuan_desk could change account\\)"):
            checks.check_books()
    finally:
        books.sql("REVOKE UPDATE ON ledger.account FROM anhuan_desk")
    books.sql("UPDATE ledger.seal SET ts = ts - interval '1 hour' WHERE shard = 3 AND batch_no > 14")
    with pytest.raises(checks.Worry, match="unsigned since"):
        checks.check_roots()


def root_of(books: Books) -> str:
    """The short hash of the newest root."""
    return bytes(books.sql("SELECT hash FROM ledger.root ORDER BY no DESC LIMIT 1")[0]).hex()[:16]
