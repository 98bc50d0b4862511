"""What the laws of the ledger ask for: a connection before which no wall stands, and a book to write journals in."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session
from tests.laws.book import Book

from anhuan.kit import postgres


@pytest.fixture
def owner_url(server: postgres.Access, own_database: Engine) -> str:
    """Where the server's superuser reaches this test's own database."""
    return make_url(server.owner).set(database=own_database.url.database).render_as_string(hide_password=False)


@pytest.fixture
def owner_connection(owner_url: str) -> Iterator[psycopg.Connection[Any]]:
    """The server's superuser in this test's own database; no wall stands before it, triggers do."""
    with psycopg.connect(owner_url) as connection:
        yield connection


@pytest.fixture
def book(db: Session) -> Book:
    """An empty journal; what is written in it is gone after the test."""
    return Book(db)
