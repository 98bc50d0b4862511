"""The whole house as one application: what is in force once it stands."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.orm import sessionmaker

from anhuan import app
from anhuan.kit import calendar
from anhuan.kit.calendar import YearTable


@pytest.fixture
def own_calendar() -> Iterator[None]:
    """Give the process back the shipped calendar after the test."""
    yield
    calendar._held.clear()


def test_the_operators_years_are_in_force_once_the_application_stands(
    own_calendar: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not calendar.current().is_known(date(2041, 5, 6)), "the year must be one that is not shipped"
    table = YearTable(2041, frozenset({date(2041, 5, 6)}), frozenset(), "a notice", date(2040, 11, 30))
    folder = tmp_path / "calendar"
    folder.mkdir()
    (folder / "2041.json").write_text(json.dumps(table.as_json()), "utf-8")
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))
    app.create(sessionmaker())
    assert not calendar.is_open(date(2041, 5, 6))
    assert calendar.is_open(date(2041, 5, 7))


def test_an_installation_without_such_years_starts_too(
    own_calendar: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))
    before = calendar.current().version
    app.create(sessionmaker())
    assert calendar.current().version == before
