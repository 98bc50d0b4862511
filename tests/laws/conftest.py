"""What the laws of the ledger ask for: a connection before which no wall stands, and a book to write journals in."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from tests.laws.book import Book

from anhuan.kit import db, ids, postgres, roles


@pytest.fixture
def owner_url(server: postgres.Access, own_database: Engine) -> str:
    """Where the server's superuser reaches this test's own database."""
    return make_url(server.owner).set(database=own_database.url.database).render_as_string(hide_password=False)


@pytest.fixture
def owner_connection(owner_url: str) -> Iterator[psycopg.Connection[Any]]:
    """The server's superuser in this test's own database; no wall stands before it, triggers do."""
    with psycopg.connect(owner_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def lawful(server: postgres.Access) -> Iterator[URL]:
    """A database for all tests of one file, each of which undoes what it did; where the superuser reaches it."""
    name = f"anhuan_laws_{ids.new_id().hex[-12:]}"
    where = make_url(server.owner).set(database=name)
    with psycopg.connect(address(where.set(database="postgres")), autocommit=True) as admin:
        roles.create_database(admin, name, template="anhuan_template")
        yield where
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def address(url: URL) -> str:
    """An address as the driver reads it."""
    return url.render_as_string(hide_password=False)


@pytest.fixture
def book(lawful: URL) -> Iterator[Book]:
    """An empty journal, kept by the owner, who sees the accounts of the house too; it is gone after the test."""
    engine = create_engine(db.driver_url(address(lawful)), poolclass=NullPool)
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield Book(session)
        outer.rollback()
