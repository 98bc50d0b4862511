"""The database as rooms see it."""

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from anhuan.kit import db as database
from anhuan.kit import postgres, roles


def test_the_application_logs_in_as_a_role_that_owns_nothing(db: Session) -> None:
    assert db.scalar(text("SELECT current_user")) == roles.APP


def test_nobody_enters_without_a_password(server: postgres.Access) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.app.replace(server.app.split(":")[2].split("@")[0], "wrong"))


def test_the_application_is_no_superuser_and_owns_no_table(worker_engine: Engine) -> None:
    with worker_engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        assert roles.complaints(raw) == []


def test_migrating_again_changes_nothing(worker_engine: Engine) -> None:
    assert database.version(worker_engine) == database.head()
