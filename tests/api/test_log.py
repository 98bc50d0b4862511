"""What people own never reaches the log: a trace is printed without the values of its variables."""

from collections.abc import Iterator

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import sessionmaker
from starlette.routing import Mount

from anhuan import app
from anhuan.kit import terminal

BALANCE = 918273645


@pytest.fixture
def log_kept() -> Iterator[None]:
    """The log is set up in the test, and afterwards as it was."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def fail() -> None:
    """Meet what nobody foresaw while a variable holds somebody's money."""
    balance = BALANCE
    raise ZeroDivisionError("nobody foresaw this" if balance else "")


@pytest.mark.usefixtures("log_kept")
@pytest.mark.parametrize("path", ["/fail", "/api/v1/fail"])
def test_a_fault_is_logged_with_its_trace_but_without_the_values_of_variables(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.log_to_stderr(verbose=True)
    house = app.create(sessionmaker())  # the database is never asked
    house.add_api_route("/fail", fail)
    json = next(route.app for route in house.routes if isinstance(route, Mount))
    assert isinstance(json, FastAPI)
    json.add_api_route("/fail", fail)
    answer = TestClient(house, base_url="http://localhost:8000").get(path)
    said = capsys.readouterr().err
    assert answer.status_code == 500
    assert "ZeroDivisionError: nobody foresaw this" in said, "the trace is what helps to mend the fault"
    assert str(BALANCE) not in said
    assert str(BALANCE) not in answer.text
