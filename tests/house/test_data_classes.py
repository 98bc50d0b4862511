"""Data classes: every column says what it holds, and what is personal lies sealed, hashed, or in clear for a reason."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, text

from anhuan.cli.keys import import_tables
from anhuan.kit.classes import DataClass
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

# Tables of a library, of the migrations, and of what kind of installation this is: they hold nobody's data.
FOREIGN = re.compile(r"alembic_version|installation|procrastinate_\w+")


def columns() -> list[Column[Any]]:
    """Every column of every room's tables."""
    import_tables()
    found = [column for table in Base.metadata.sorted_tables for column in table.columns]
    assert len(found) > 150, "the tables were not found"
    return found


def reason(column: Column[Any]) -> str:
    """Why a column is not sealed, where it says so."""
    return str(column.info.get("clear") or column.info.get("hashed") or "")


@pytest.mark.scope("S0-47", "S2-13")
def test_every_column_states_its_class() -> None:
    assert [str(column) for column in columns() if not isinstance(column.info.get("data_class"), DataClass)] == []


@pytest.mark.scope("S0-47")
def test_what_is_personal_is_sealed_or_says_why_not() -> None:
    personal = [column for column in columns() if column.info.get("data_class") in (DataClass.C2, DataClass.C3)]
    assert [str(one) for one in personal if not isinstance(one.type, Sealed) and len(reason(one)) < 10] == []


def test_what_is_sealed_is_declared_as_personal_and_makes_no_excuse() -> None:
    sealed = [column for column in columns() if isinstance(column.type, Sealed)]
    wrong = [str(one) for one in sealed if one.info.get("data_class") == DataClass.C1 or reason(one)]
    assert wrong == []
    assert [str(one) for one in sealed if one.type.place != str(one)] == [], "sealed for another place"  # type: ignore[attr-defined]


@pytest.mark.parametrize("word", ["password", "secret", "token", "code_hash"])
def test_what_lets_somebody_in_is_never_called_harmless(word: str) -> None:
    named = [column for column in columns() if word in column.name or word in str(column.table.name)]
    harmless = [one for one in named if one.info["data_class"] == DataClass.C1 and word in one.name]
    assert [str(one) for one in harmless] == []


def test_names_amounts_and_addresses_are_never_called_harmless() -> None:
    telling = re.compile(
        r"(^|_)(label|description|phone|email|mail|address|balance|handle|amount|total|limit)(_minor)?$"
    )
    harmless = [one for one in columns() if telling.search(one.name) and one.info["data_class"] == DataClass.C1]
    assert [str(one) for one in harmless] == []


def test_there_is_no_place_for_the_security_code_of_a_card() -> None:
    forbidden = re.compile(r"(^|_)(cvv2?|cvc2?|cvn2?|card_pin|track_?[12]?|magnetic|security_code)(_|$)", re.I)
    assert [str(one) for one in columns() if forbidden.search(one.name)] == []


def test_the_database_has_no_table_or_column_that_no_room_declares(worker_engine: Engine) -> None:
    declared = {(column.table.name, column.name) for column in columns()}
    asked = text(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = CAST('public' AS regnamespace) AND c.relkind IN ('r', 'p')"
        " AND a.attnum > 0 AND NOT a.attisdropped"
    )
    with worker_engine.connect() as connection:
        found = {(table, column) for table, column in connection.execute(asked) if not FOREIGN.fullmatch(table)}
    assert sorted(found - declared) == []


def test_the_page_on_data_lists_every_column_and_every_exception(top: Path) -> None:
    page = (top / "docs" / "DATA.md").read_text()
    missing = [str(column) for column in columns() if f"| `{column}` | {column.info['data_class']} |" not in page]
    assert missing == [], "run `make docs`"
    exceptions = page.partition("## Room")[0]
    assert [str(column) for column in columns() if reason(column) and f"`{column}`" not in exceptions] == []
