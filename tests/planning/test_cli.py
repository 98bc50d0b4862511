"""`anhuan plan` as programs and people use it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.planning.example import EXAMPLE
from typer.testing import CliRunner

from anhuan.planning.cli import app

KEYS = {"status", "cost", "lower_bound", "payments", "instalments", "draws", "line_repayments", "breakdown"}


@pytest.fixture
def good(tmp_path: Path) -> str:
    return write(tmp_path / "good.json", EXAMPLE)


@pytest.fixture
def short(tmp_path: Path) -> str:
    """Not enough for the first minimum, nobody who lends, and a channel without a fee."""
    asked = {**EXAMPLE, "accounts": [{"id": "debit", "balance": 30_000}], "credit_lines": []}
    asked["cards"] = [EXAMPLE["cards"][0] | {"instalment_offers": []}]
    asked["channels"] = [EXAMPLE["channels"][0] | {"fee_rate": "0"}]
    return write(tmp_path / "short.json", asked)


def write(place: Path, asked: Any) -> str:
    place.write_text(json.dumps(asked))
    return str(place)


def run(*args: str, stdin: str | None = None) -> tuple[int, list[Any], str]:
    """Exit code, the lines of stdout as JSON, and stderr."""
    done = CliRunner().invoke(app, list(args), input=stdin)
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_each_file_gets_one_line_in_order_and_bad_ones_stop_nothing(good: str, short: str, tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.json", EXAMPLE | {"horizon_days": -1})
    code, lines, _ = run(good, bad, str(tmp_path / "none.json"), str(tmp_path), short, "--json")
    assert code == 1
    assert [set(line) >= KEYS for line in lines] == [True, False, False, False, True]
    assert lines[1] == {"error": lines[1]["error"]}
    assert (lines[1]["error"]["code"], lines[1]["error"]["field"]) == ("plan.bad_request", "horizon_days")
    assert {line["error"]["code"] for line in lines[2:4]} == {"plan.unreadable"}


def test_the_answer_holds_everything_and_adds_up(good: str) -> None:
    code, (answer,), _ = run(good, "--json")
    assert code == 0
    assert answer["cost"] == sum(answer["breakdown"].values())
    assert set(answer["breakdown"]) == {
        "interest", "late_fees", "instalment_fees", "channel_fees", "line_interest", "missed_minimums", "terminal",
    }  # fmt: skip
    assert set(answer["payments"][0]) == {"date", "account", "channel", "card", "amount", "fee", "credited"}
    assert len(answer["explanation"]["payments"]) == len(answer["payments"])
    assert set(run(good, "--json", "--no-explain")[1][0]) == KEYS | {"warnings"}


def test_a_shortage_names_what_falls_and_what_would_save_it(short: str) -> None:
    _, (answer,), _ = run(short, "--json")
    assert answer["status"] == "shortfall"
    first = answer["missed"][0]
    assert (first["card"], first["due_date"], first["minimum"], first["paid"]) == ("a", "2026-11-28", 80_000, 40_000)
    assert (first["more"], first["by"]) == (40_000, "2026-12-01"), (
        "three days of grace; 300.00 in hand, 100.00 paid before"
    )


def test_requests_come_from_standard_input_too() -> None:
    code, (answer,), _ = run("-", "--json", stdin=json.dumps(EXAMPLE))
    assert (code, answer["cost"]) == (0, 0)


def test_slips_of_the_pen_are_told_with_the_answer(tmp_path: Path) -> None:
    asked = json.loads(json.dumps(EXAMPLE | {"horizont_days": 3}))
    asked["cards"][0]["statements"][1]["minimum"] = 7
    asked["channels"][0]["workdays_only"] = True
    _, (answer,), _ = run(write(tmp_path / "slip.json", asked), "--json", "--lang", "en")
    said = {warning["code"]: warning["message"] for warning in answer["warnings"]}
    assert set(said) == {"unknown_field", "minimum_unused", "provisional"}
    assert "horizont_days" in said["unknown_field"]
    assert "cards[0].statements[1].minimum" in said["minimum_unused"]
    assert "2027" in said["provisional"]


@pytest.mark.parametrize(("lang", "words"), [("zh", ("已证明最省", "只还最低")), ("en", ("proved", "minimum only"))])
def test_people_get_a_table_in_their_language(good: str, lang: str, words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [good, "--lang", lang])
    assert done.exit_code == 0
    assert all(word in done.stdout for word in words)
    assert "4,890.00" in done.stdout


def test_a_shortage_stands_out_in_the_table(short: str) -> None:
    done = CliRunner().invoke(app, [short, "--lang", "en"])
    assert "400.00 more by" in " ".join(done.stdout.split())


def test_a_bad_request_is_one_line_on_stderr_for_people(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.json", EXAMPLE | {"horizon_days": -1})
    done = CliRunner().invoke(app, [bad])
    assert done.exit_code == 1
    assert "horizon_days" in done.stderr
    assert done.stdout == ""


def test_without_a_file_it_says_what_it_wants() -> None:
    assert CliRunner().invoke(app, []).exit_code == 2


def test_planning_a_file_needs_no_database(good: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "anhuan.cli", "plan", good, "--json"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "msgspec" in imported, "the list of imports was not read"
    assert imported.isdisjoint({"sqlalchemy", "fastapi", "psycopg", "typst"})
