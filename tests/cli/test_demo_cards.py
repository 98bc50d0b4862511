"""The cards of a demonstration that truly pay: good on any day of any year, and what is said where no bank comes up."""

from datetime import date, timedelta

import pytest

from anhuan.cli import beside, demo_bank, demo_cards
from anhuan.kit import settings
from anhuan.simbank import terms as theirs

EVERY_DAY = [date(2026, 11, 22) + timedelta(days=n) for n in range(800)]


@pytest.mark.parametrize("held", demo_cards.CARDS, ids=lambda held: held.bank)
def test_on_every_day_a_bill_is_out_and_due_in_some_days_and_the_one_before_is_over(held: demo_cards.Held) -> None:
    for today in EVERY_DAY:
        bills = demo_cards.bills_of(held, today)
        due = bills.last + timedelta(days=held.due_after)
        assert bills.last < today, "the bill was sent"
        assert held.due_from <= (due - today).days <= held.due_from + 8
        assert bills.first < bills.last < bills.first + timedelta(days=32)
        assert bills.first_due < today or bills.first_due - timedelta(days=4) < today


def test_what_the_cards_are_is_what_their_banks_offer() -> None:
    for held in demo_cards.CARDS:
        bank = theirs.bank(held.bank)
        assert held.number.startswith(bank.prefix)
        assert held.statement_days == bank.statement_days
        assert theirs.terms_on(held.bank, EVERY_DAY[0]).due_offset_days == held.due_after


def test_two_months_of_purchases_stay_within_the_free_quota_so_that_the_first_tap_costs_nothing() -> None:
    monthly = sum(fen for held in demo_cards.CARDS for _, _, fen in held.buys)
    assert 2 * monthly < 500_000


def test_the_worker_starts_without_a_bank_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(*command: str, heard: bool = False) -> None:
        raise OSError("no such program")

    monkeypatch.setattr(beside, "started", nobody)
    monkeypatch.delenv(demo_bank.URL, raising=False)
    one = demo_bank.Beside(with_worker=False)
    one.ready()
    one.run()
    assert "模拟银行没有就绪" in capsys.readouterr().err
    assert settings.read().simbank_url is None
