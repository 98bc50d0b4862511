"""`anhuan cards` as people call it, on a real database."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from anhuan import cards
from anhuan.cards import BillFacts, Charge
from anhuan.cards.cli import Unclear, app
from anhuan.kit import calendar, clock
from anhuan.kit.errors import Bad
from anhuan.kit.ids import LOCAL_USER

Run = Callable[..., str]
NOW = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)
STATEMENT, DUE = date(2026, 4, 5), date(2026, 4, 25)


@pytest.fixture
def run(db: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Call a command and get what it prints; bad news comes out as it was raised."""
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")

    def call(*args: str, lang: str = "en") -> str:
        db.flush()
        done = CliRunner().invoke(app, [*args, "--lang", lang] if lang else list(args))
        if isinstance(done.exception, Bad):
            raise done.exception
        assert done.exit_code == 0, done.output + repr(done.exception)
        db.expire_all()
        return done.output

    yield call
    calendar._held.clear()


@pytest.fixture
def bill(db: Session) -> BillFacts:
    """One bill of 10,000.00, all of it posted on 10 March."""
    charges = (Charge(date(2026, 3, 10), 1000000),)
    facts = BillFacts("cgb", "CNY", 1000000, 100000, STATEMENT, DUE, ("6736",), charges=charges, known_complete=True)
    cards.record_bill(db, LOCAL_USER, facts, now=NOW)
    return facts


@pytest.mark.scope("S0-23")
def test_the_board_prints_what_is_due_in_both_languages(run: Run, bill: BillFacts) -> None:
    chinese, english = run("board", "--on", "2026-04-20", lang="zh"), run("board", "--on", "2026-04-20")
    assert "七天内" in chinese
    assert "广发银行 尾号 6736" in chinese
    assert "Within a week" in english
    assert "¥10,000.00" in english


def test_without_a_command_the_board_is_shown(run: Run) -> None:
    assert "还没有账单" in CliRunner().invoke(app, ["--lang", "zh"]).output


def test_a_card_is_added_named_grouped_and_removed(run: Run) -> None:
    assert "6222" not in run("add", "boc", "6222000000000000004", "--label", "旅行", "--group", "家")
    listed = run("edit", "0004", "--label", "travel")
    assert "travel" in listed
    assert "家" in listed
    assert "0004" not in run("remove", "0004")


def test_digits_that_name_two_cards_ask_for_the_bank(run: Run) -> None:
    for bank in ("boc", "ccb"):
        run("add", bank, "2010")
    with pytest.raises(Unclear, match="--bank"):
        run("remove", "2010")
    run("remove", "2010", "--bank", "boc")
    assert "CCB 2010" in run("list")


def test_an_unknown_bank_is_refused_with_the_list(run: Run) -> None:
    with pytest.raises(Unclear, match="cmb"):
        run("add", "nobody", "2010")


def test_a_repayment_lowers_what_is_open(run: Run, bill: BillFacts, db: Session) -> None:
    run("paid", "6736", "9000.00", "--on", "2026-04-10")
    entry, *_ = cards.due_board(db, LOCAL_USER, on=DUE).entries
    assert entry.open == 100000


@pytest.mark.scope("S0-19", "S0-03")
def test_the_cost_of_each_choice_is_worked_out(run: Run, bill: BillFacts) -> None:
    shown = run("cost", "6736", "--pay", "9900", lang="zh")
    assert "230.50" in shown
    assert "全额计息" in shown
    assert "330.00" in shown
    assert "¥275.00" in run("cost", "6736", "--no-steps")


def test_the_cost_of_being_late(run: Run, bill: BillFacts) -> None:
    assert "235.00" in run("cost", "6736", "--late", "1")


def test_terms_are_shown_with_their_layer_and_set_from_a_day_on(run: Run, bill: BillFacts, db: Session) -> None:
    assert "assumed" in run("terms", "show", "6736", "--on", "2026-04-05")
    shown = run(
        "terms", "set", "6736", "late_fee_minimum", "20", "--from", "2026-04-01", "--source", "contract, art. 9"
    )
    assert "¥20.00" in shown
    assert "assumed" not in shown
    account_id = cards.accounts(db, LOCAL_USER)[0].account_id
    assert cards.terms_of(db, LOCAL_USER, account_id, on=STATEMENT).late_fee_minimum == 2000


@pytest.mark.parametrize(
    ("key", "typed", "kept"),
    [("daily_rate", "0.045%", "0.00045"), ("grace_days", "3", 3), ("grace_amount", "1%", {"rate": "0.01"})],
)
def test_terms_are_typed_as_people_write_them(
    run: Run, bill: BillFacts, db: Session, key: str, typed: str, kept: object
) -> None:
    run("terms", "set", "6736", key, typed, "--from", "2026-04-01")
    sheet = cards.terms_sheet(db, LOCAL_USER, cards.accounts(db, LOCAL_USER)[0].account_id, on=STATEMENT)
    assert next(term.value for term in sheet if term.key == key) == kept


def test_own_accounts_are_set_and_listed(run: Run) -> None:
    run("account", "set", "ccb", "6666", "--balance", "12000", "--reserve", "500", "--label", "wages")
    shown = run("account", "list")
    assert "¥12,000.00" in shown
    assert "¥500.00" in shown


def test_a_shared_limit_is_set(run: Run, bill: BillFacts, db: Session) -> None:
    cards.record_bill(db, LOCAL_USER, replace(bill, cards=("6737",)), now=NOW)
    run("share", "总额度", "6736", "6737", "--limit", "60000")
    line, *others = cards.due_board(db, LOCAL_USER, on=DUE).lines
    assert not others
    assert (line.limit, line.owed) == (6000000, 2000000)


def test_the_page_of_a_card_shows_expected_bills_and_safe_moments(run: Run, db: Session) -> None:
    today = clock.today()
    facts = BillFacts("cgb", "CNY", 1000000, 100000, today - timedelta(days=5), today + timedelta(days=15), ("6736",))
    cards.record_bill(db, LOCAL_USER, facts, now=NOW)
    shown = run("show", "6736")
    assert "Expected bills" in shown
    assert "WeChat Pay" in shown


def test_the_true_rate_of_an_instalment(run: Run) -> None:
    shown = run("instalment", "12000", "12", "0.6%")
    assert "13.03%" in shown
    assert "¥864.00" in shown


def test_an_operator_loads_the_calendar_of_a_year(run: Run, tmp_path: Path) -> None:
    table = {
        "year": 2027,
        "closed": ["01-01"],
        "working": ["01-03"],
        "source": "a notice",
        "published_on": "2026-11-30",
    }
    path = tmp_path / "table.json"
    path.write_text(json.dumps(table), "utf-8")
    assert "provisional" in run("calendar", "show", "--on", "2027-01-03", lang="")
    run("calendar", "load", str(path), lang="")
    calendar._held.clear()  # another process reads the folder
    assert "official" in run("calendar", "show", "--on", "2027-01-03", lang="")
