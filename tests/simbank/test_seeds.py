"""What Anhuan knows of the simulated banks is what they charge: names, dated card terms, days to the due day."""

from datetime import date
from typing import Any

import pytest

from anhuan.cards import contracts
from anhuan.cards.model import CardTerms
from anhuan.kit import terms
from anhuan.simbank import terms as theirs

DAYS = (date(2020, 1, 1), date(2025, 6, 30), date(2025, 7, 1), date(2026, 11, 22), date(2030, 2, 28))
TOTALS = (0, 1, 99, 12_350, 99_950, 1_234_567)
BANKS = theirs.bank_ids()


def ours(bank: str, on: date, total: int = 0) -> CardTerms:
    return contracts.read_terms(terms.seeds(), terms.layers(bank=bank), on=on, total=total, minimum=total // 10)


def known(bank: str, key: str, on: date) -> Any:
    found = terms.seeds().find(key, on=on, scopes=terms.layers(bank=bank))
    return None if found is None else found.value


@pytest.mark.parametrize("bank", BANKS)
def test_our_terms_of_a_simulated_bank_are_the_ones_it_charges_by(bank: str) -> None:
    for on in DAYS:
        it, we = theirs.terms_on(bank, on), ours(bank, on)
        assert we.interest_basis.value == it.interest_basis.value
        assert (we.daily_rate, we.minimum_rate, we.late_fee_rate) == (
            it.daily_rate, it.minimum_rate, it.late_fee_rate,
        )  # fmt: skip
        assert (we.late_fee_minimum, we.grace_days, we.late_tolerance) == (
            it.late_fee_minimum, it.grace_days, it.late_tolerance,
        )  # fmt: skip
        assert set(we.layers.values()) <= {"bank", "typical"}


@pytest.mark.parametrize("bank", BANKS)
def test_what_may_stay_open_of_a_bill_is_the_same_to_the_fen(bank: str) -> None:
    it = theirs.terms_on(bank, DAYS[-1])
    for total in TOTALS:
        allowed = max(it.tolerance, int(total * it.tolerance_share))
        assert ours(bank, DAYS[-1], total).grace_amount == allowed


@pytest.mark.parametrize("bank", BANKS)
def test_the_days_to_the_due_day_and_what_only_some_banks_have_are_the_same(bank: str) -> None:
    it, on = theirs.terms_on(bank, DAYS[-1]), DAYS[-1]
    if it.due_day is None:
        assert known(bank, "due_offset_days", on) == it.due_offset_days
    assert known(bank, "due_day", on) == it.due_day
    again = it.late_fee_rate if it.late_fee_rate_again is None else it.late_fee_rate_again
    assert str(known(bank, "late_fee_rate_again", on)) == str(again)
    assert known(bank, "bill_level", on) == "card"


def test_a_simulated_bank_has_its_name_with_the_word_simulated_and_is_offered_in_a_demonstration_alone() -> None:
    for bank in BANKS:
        assert terms.bank(bank).zh == f"{theirs.bank(bank).zh}（模拟）"
        assert terms.bank(bank).en == f"{theirs.bank(bank).en} (simulated)"
    assert not {one.id for one in terms.banks_to_choose(demonstration=False)} & set(BANKS)
    assert {one.id for one in terms.banks_to_choose(demonstration=True)} >= set(BANKS)
