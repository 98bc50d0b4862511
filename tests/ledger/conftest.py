"""What tests of the ledger's proof ask for: books in a database of their own, signed once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.pool import NullPool
from tests.conftest import TEMPLATE, _admin, _on, other_logins
from tests.ledger.books import Books, in_lane

from anhuan.kit import db as database
from anhuan.kit import ids, postgres, roles


@contextmanager
def entered(server: postgres.Access, name: str) -> Iterator[Engine]:
    """All logins of this process work on the database with this name."""
    engine = create_engine(database.driver_url(_on(server.app, name)), poolclass=NullPool)
    before = database.use(engine)
    with other_logins(server, name):
        yield engine
    database.use(before)
    engine.dispose()


@pytest.fixture(scope="session")
def kept_books(server: postgres.Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Three people's postings in lanes 3 and 7, a signed root, more postings behind it; one for all tests."""
    name = f"anhuan_books_{ids.new_id().hex[-12:]}"
    with _admin(server) as admin:
        roles.create_database(admin, name, template=TEMPLATE)
    with psycopg.connect(_on(server.owner, name), autocommit=True) as superuser:
        books = Books(superuser, tmp_path_factory.mktemp("house"))
        with entered(server, name) as engine:
            books.people = [in_lane(engine, 3), in_lane(engine, 3), in_lane(engine, 7)]
            for person in books.people:
                books.live(person)
            books.sign()
            for person in books.people:
                books.live(person)
        books.keep()
        yield books
    with _admin(server) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def books(server: postgres.Access, kept_books: Books) -> Iterator[Books]:
    """The books of this run; whatever a test does to them is undone."""
    with entered(server, kept_books.admin.info.dbname):
        yield kept_books
    kept_books.put_back()


@pytest.fixture
def own_books(own_database: Engine, server: postgres.Access, tmp_path: Path) -> Iterator[Books]:
    """Empty books of this test alone."""
    url = make_url(server.owner).set(database=own_database.url.database).render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as admin:
        yield Books(admin, tmp_path, [in_lane(own_database, 3), in_lane(own_database, 7)])
