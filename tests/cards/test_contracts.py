"""Terms of stored accounts: layers, changes that keep what was, cycles learned or said."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards import BillFacts, CardTerms, InterestBasis, TermUnreadable
from anhuan.cards.store import NOBODY
from anhuan.cards.tables import TermRow
from anhuan.kit.ids import new_id

NOW = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)
DAY = date(2026, 11, 8)
NEXT_YEAR = date(2027, 1, 1)


@pytest.fixture
def account_id(db: Session, user_id: UUID) -> UUID:
    return cards.add_card(db, user_id, "icbc", "7640", now=NOW).account_id


def set_term(db: Session, user_id: UUID, account_id: UUID, key: str, value: Any, **days: date) -> None:
    valid = {"valid_from": DAY, **days}
    cards.set_term(db, user_id, account_id, key, value, source="合同第九条", now=NOW, **valid)


def terms_on(db: Session, user_id: UUID, account_id: UUID, on: date = DAY, **other: int) -> CardTerms:
    return cards.terms_of(db, user_id, account_id, on=on, **other)


def test_without_a_word_of_the_user_terms_are_assumed_and_say_so(db: Session, user_id: UUID, account_id: UUID) -> None:
    found = terms_on(db, user_id, account_id)
    assert (found.interest_basis, found.layers["interest_basis"]) == (InterestBasis.UNPAID, "bank")
    assert (found.daily_rate, found.layers["daily_rate"]) == (Decimal("0.0005"), "typical")
    assert (found.grace_days, found.grace_amount, found.late_tolerance) == (0, 0, 0)


@pytest.mark.scope("S1-08")
def test_the_users_contract_wins_from_its_day_on(db: Session, user_id: UUID, account_id: UUID) -> None:
    set_term(db, user_id, account_id, "daily_rate", "0.00045")
    found = terms_on(db, user_id, account_id)
    assert (found.daily_rate, found.layers["daily_rate"]) == (Decimal("0.00045"), "contract")
    assert terms_on(db, user_id, account_id, on=date(2026, 11, 7)).layers["daily_rate"] == "typical"


def test_an_announced_change_lies_in_the_future_and_both_are_used(db: Session, user_id: UUID, account_id: UUID) -> None:
    set_term(db, user_id, account_id, "daily_rate", "0.00045")
    set_term(db, user_id, account_id, "daily_rate", "0.0004", valid_from=NEXT_YEAR)
    rates = [terms_on(db, user_id, account_id, on=on).daily_rate for on in (DAY, date(2026, 12, 31), NEXT_YEAR)]
    assert rates == [Decimal("0.00045"), Decimal("0.00045"), Decimal("0.0004")]


def test_a_change_for_some_days_leaves_the_days_around_it(db: Session, user_id: UUID, account_id: UUID) -> None:
    set_term(db, user_id, account_id, "grace_days", 3)
    set_term(db, user_id, account_id, "grace_days", 5, valid_from=date(2026, 12, 1), valid_to=NEXT_YEAR)
    days = [terms_on(db, user_id, account_id, on=on).grace_days for on in (DAY, date(2026, 12, 31), NEXT_YEAR)]
    assert days == [3, 5, 3]


def test_no_row_of_terms_is_ever_lost(db: Session, user_id: UUID, account_id: UUID) -> None:
    for rate in ("0.00045", "0.0004", "0.00035"):
        set_term(db, user_id, account_id, "daily_rate", rate)
    rows = db.query(TermRow).filter_by(user_id=user_id).all()
    assert sorted(row.value for row in rows) == ["0.00035", "0.0004", "0.00045"]
    assert sum(row.retired_by == NOBODY for row in rows) == 1


def test_the_database_holds_one_value_per_key_and_day(db: Session, user_id: UUID, account_id: UUID) -> None:
    set_term(db, user_id, account_id, "grace_days", 3)
    row = db.query(TermRow).filter_by(user_id=user_id).one()
    copy = {column.name: getattr(row, column.name) for column in TermRow.__table__.columns}
    with pytest.raises(IntegrityError, match="terms_one_a_day"):
        db.execute(insert(TermRow).values({**copy, "id": new_id(), "valid": Range(NEXT_YEAR, None)}))


@pytest.mark.parametrize(
    ("value", "total", "tolerance"),
    [
        (1000, 1000000, 1000),
        ({"rate": "0.01"}, 1000000, 10000),
        ({"amount": 1000, "rate": "0.01"}, 50000, 1000),  # the larger
        ({"amount": 1000, "rate": "0.01", "take": "min"}, 50000, 500),
        ({"rate": "0.01"}, -500, 0),
    ],
)
def test_a_tolerance_is_an_amount_or_a_share_of_the_bill(
    db: Session, user_id: UUID, account_id: UUID, value: Any, total: int, tolerance: int
) -> None:
    set_term(db, user_id, account_id, "grace_amount", value)
    assert terms_on(db, user_id, account_id, total=total).grace_amount == tolerance


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("daily_rate", "five"),
        ("daily_rate", "1.5"),
        ("grace_days", 31),
        ("statement_day", 0),
        ("interest_basis", "both"),
        ("late_fee_minimum", -1),
        ("grace_amount", {"amount": -1}),
        ("price_of_tea", 1),
        ("statement_on", "tomorrow"),
    ],
)
def test_a_value_that_does_not_fit_its_key_is_refused(
    db: Session, user_id: UUID, account_id: UUID, key: str, value: Any
) -> None:
    with pytest.raises(TermUnreadable) as why:
        set_term(db, user_id, account_id, key, value)
    assert why.value.field == key


def bill(statement_on: date, due_on: date | None) -> BillFacts:
    return BillFacts("icbc", "CNY", 800000, 80000, statement_on, due_on, ("7640",))


def expected(db: Session, user_id: UUID, account_id: UUID) -> list[tuple[date, date]]:
    found = cards.upcoming_bills(db, user_id, account_id, after=DAY, until=date(2027, 2, 28))
    return [(one.statement_on, one.due_on) for one in found]


def test_nothing_is_expected_of_an_account_nobody_knows_anything_about(
    db: Session, user_id: UUID, account_id: UUID
) -> None:
    assert not expected(db, user_id, account_id)


@pytest.mark.scope("S0-02")
def test_the_next_bills_are_expected_as_the_printed_ones_were(db: Session, user_id: UUID, account_id: UUID) -> None:
    cards.record_bill(db, user_id, bill(date(2026, 10, 31), date(2026, 11, 20)), now=NOW)
    assert expected(db, user_id, account_id) == [
        (date(2026, 11, 30), date(2026, 12, 20)),
        (date(2026, 12, 31), date(2027, 1, 20)),
        (date(2027, 1, 31), date(2027, 2, 20)),
        (date(2027, 2, 28), date(2027, 3, 20)),
    ]
    one, *_ = cards.upcoming_bills(db, user_id, account_id, after=DAY, until=date(2027, 2, 28))
    assert (round(one.sure, 2), "1 of 1" in one.why) == (0.67, True)


def test_the_users_word_about_the_cycle_beats_what_was_learned(db: Session, user_id: UUID, account_id: UUID) -> None:
    cards.record_bill(db, user_id, bill(date(2026, 10, 31), date(2026, 11, 20)), now=NOW)
    set_term(db, user_id, account_id, "statement_day", 28)
    set_term(db, user_id, account_id, "due_day", 17)
    assert expected(db, user_id, account_id)[0] == (date(2026, 11, 28), date(2026, 12, 17))


def test_a_statement_the_bank_moved_is_noted_for_its_month(db: Session, user_id: UUID, account_id: UUID) -> None:
    cards.record_bill(db, user_id, bill(date(2026, 10, 31), date(2026, 11, 20)), now=NOW)
    december = {"valid_from": date(2026, 12, 1), "valid_to": NEXT_YEAR}
    set_term(db, user_id, account_id, "statement_on", "2026-12-29", **december)
    assert (date(2026, 12, 29), date(2027, 1, 18)) in expected(db, user_id, account_id)


def test_the_sheet_of_terms_shows_each_key_once_with_its_layer(db: Session, user_id: UUID, account_id: UUID) -> None:
    set_term(db, user_id, account_id, "daily_rate", "0.00045")
    sheet = cards.terms_sheet(db, user_id, account_id, on=DAY)
    layers = {term.key: term.layer for term in sheet}
    assert len(layers) == len(sheet)
    assert (layers["daily_rate"], layers["due_offset_days"], layers["minimum_rate"]) == ("contract", "bank", "typical")
