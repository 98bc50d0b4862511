"""`anhuan bills`, run as a person runs it, on the database of the test."""

import json
from pathlib import Path

import pytest
from sqlalchemy.orm import Session
from tests.statements.fixtures_mail import cmb_2026
from tests.statements.shapes_mail import mail
from typer.testing import CliRunner, Result

from anhuan.kit.ids import LOCAL_USER
from anhuan.statements import service
from anhuan.statements.cli import app

TABLE = """招商银行信用卡对账单（个人消费卡账户 2026年10月）
交易日,记账日,交易摘要,人民币金额,卡号末四位,交易地金额
10/01,10/02,地铁,2.00,3096,2.00
10/01,10/02,地铁,2.00,3096,2.00
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bill mail and an export of a card."""
    (tmp_path / "a.eml").write_bytes(mail(cmb_2026()))
    (tmp_path / "b.csv").write_text(TABLE)
    return tmp_path


def run(*args: object) -> Result:
    """The command with these arguments, in English."""
    return CliRunner().invoke(app, [*map(str, args), *(() if "--json" in args else ("--lang", "en"))])


@pytest.mark.scope("S0-10")
def test_read_says_one_line_of_json_for_each_file_in_order(folder: Path) -> None:
    done = run("read", folder / "b.csv", folder / "missing.csv", folder / "a.eml", "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["file"] for each in told] == [str(folder / name) for name in ("b.csv", "missing.csv", "a.eml")]
    assert [each["kind"] for each in told] == ["statement", "unknown", "bill"]
    assert told[1]["problems"][0]["code"] == "file.missing"
    [bill] = told[2]["bills"]
    assert (bill["total_due"], bill["minimum_due"], bill["due_on"]) == ("1927.79", "96.39", "2026-08-26")
    assert told[0]["transactions"][0]["amount"] == "2.00"
    assert done.exit_code == 1


def test_read_ends_well_when_every_file_was_read(folder: Path) -> None:
    done = run("read", folder, "--json")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 2


def test_read_shows_people_a_table(folder: Path) -> None:
    done = run("read", folder / "a.eml")
    assert "1927.79" in done.stdout
    assert "2026-08-26" in done.stdout


def test_import_shows_asks_stores_and_is_taken_back(db: Session, folder: Path) -> None:
    only = run("import", folder, "--preview", "--agree")
    assert (only.exit_code, service.lines(db, LOCAL_USER).total) == (0, 0)
    done = run("import", folder, "--yes")
    assert done.exit_code == 0, done.output
    assert "imported 2 files" in done.stdout
    assert service.lines(db, LOCAL_USER).total > 2
    again = run("import", folder, "--yes")
    assert "nothing to import" in again.stdout
    assert "taken back" in run("undo").stdout
    assert service.lines(db, LOCAL_USER).total == 0
    assert "taken back" in run("history").stdout
    assert "cmb" in run("health").stdout


def test_import_stores_nothing_when_the_person_says_no(db: Session, folder: Path) -> None:
    done = CliRunner().invoke(app, ["import", str(folder), "--lang", "en", "--agree"], input="n\n")
    assert done.exit_code == 1
    assert service.lines(db, LOCAL_USER).total == 0


def test_columns_of_an_unknown_table_are_named_once(db: Session, tmp_path: Path) -> None:
    table = tmp_path / "konto.csv"
    table.write_text("Eins,Zwei,Drei\nx,2026-10-01,2.00\ny,2026-10-02,3.50\n")
    columns = ("-c", "traded_on=Zwei", "-c", "description=Eins", "-c", "amount=Drei", "--spending", "positive")
    run("map", table, *columns)
    done = run("import", table, "--yes", "--agree")
    assert done.exit_code == 0, done.output
    assert sorted(line.amount for line in service.lines(db, LOCAL_USER).lines) == [200, 350]
