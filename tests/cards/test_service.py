"""The acts of room cards, on a real database: bills and their versions, payments, cards, shared lines, own accounts."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards import BillFacts, Charge, NotABill, NotACard, Outcome, Payment, Urgency
from anhuan.kit.ids import new_id

NOW = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 21)


def bill(**other: Any) -> BillFacts:
    usual: dict[str, Any] = {
        "bank": "icbc",
        "currency": "CNY",
        "total_due": 800000,
        "minimum_due": 80000,
        "statement_on": date(2026, 11, 8),
        "due_on": date(2026, 11, 28),
        "cards": ("7640",),
    }
    return BillFacts(**{**usual, **other})


def record(db: Session, user_id: UUID, **other: Any) -> cards.RecordedBill:
    return cards.record_bill(db, user_id, bill(**other), now=NOW)


@pytest.mark.scope("S0-10")
def test_a_bill_is_kept_and_stands_on_the_board(db: Session, user_id: UUID) -> None:
    kept = record(db, user_id)
    assert kept.outcome == Outcome.NEW
    entry, *others = cards.due_board(db, user_id, on=TODAY).entries
    assert not others
    assert (entry.bill.bill_id, entry.open, entry.days_left) == (kept.bill_id, 800000, 7)
    assert (entry.account.name(), entry.account.name("en")) == ("工商银行 尾号 7640", "ICBC 7640")


def test_the_same_bill_twice_changes_nothing(db: Session, user_id: UUID) -> None:
    first = record(db, user_id)
    again = record(db, user_id, source_id=new_id())
    assert (again.outcome, again.bill_id) == (Outcome.SAME, first.bill_id)


def test_a_corrected_bill_supersedes_and_the_old_one_stays_in_history(db: Session, user_id: UUID) -> None:
    first = record(db, user_id)
    second = record(db, user_id, total_due=790000)
    assert (second.outcome, second.superseded_id) == (Outcome.SUPERSEDED, first.bill_id)
    assert [version.total_due for version in cards.history_of(db, user_id, second.bill_id)] == [790000, 800000]
    assert [view.total_due for view in cards.bills_of(db, user_id, second.account_id)] == [790000]


def test_an_old_version_sent_again_does_not_undo_the_correction(db: Session, user_id: UUID) -> None:
    record(db, user_id)
    corrected = record(db, user_id, total_due=790000)
    assert record(db, user_id) == replace(corrected, outcome=Outcome.SAME, superseded_id=None)


def test_a_summary_after_the_full_bill_loses_no_charges(db: Session, user_id: UUID) -> None:
    charges = (Charge(date(2026, 10, 20), 500000), Charge(date(2026, 10, 21), 300000))
    first = record(db, user_id, charges=charges, known_complete=True)
    assert record(db, user_id).outcome == Outcome.SAME
    richer = record(db, user_id, credit_limit=5000000)
    view, *_ = cards.bills_of(db, user_id, first.account_id)
    assert (richer.outcome, view.charges, view.credit_limit) == (Outcome.SUPERSEDED, charges, 5000000)
    assert view.known_complete


def test_what_is_not_printed_is_filled_by_rule_and_marked(db: Session, user_id: UUID) -> None:
    kept = record(db, user_id, due_on=None, minimum_due=None)
    view, *_ = cards.bills_of(db, user_id, kept.account_id)
    assert view.due_on == date(2026, 12, 3), "25 days are usual at this bank"
    assert view.minimum_due == 80000
    assert view.inferred == ("due_on", "minimum_due")


def test_a_printed_due_day_replaces_the_guess(db: Session, user_id: UUID) -> None:
    guessed = record(db, user_id, due_on=None)
    printed = record(db, user_id)
    view, *_ = cards.bills_of(db, user_id, guessed.account_id)
    assert printed.outcome == Outcome.SUPERSEDED
    assert (view.due_on, view.inferred) == (date(2026, 11, 28), ())


def test_the_due_day_is_learned_from_earlier_bills(db: Session, user_id: UUID) -> None:
    record(db, user_id, statement_on=date(2026, 9, 8), due_on=date(2026, 9, 30))
    kept = record(db, user_id, statement_on=date(2026, 10, 8), due_on=date(2026, 10, 30))
    record(db, user_id, due_on=None)
    view, *_ = cards.bills_of(db, user_id, kept.account_id)
    assert view.due_on == date(2026, 11, 30), "22 days after both, and the 30th in both"


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"due_on": date(2026, 11, 8)}, "due_on"),
        ({"due_on": date(2026, 10, 28)}, "due_on"),
        ({"minimum_due": 800001}, "minimum_due"),
        ({"cycle_from": date(2026, 11, 8), "cycle_to": date(2026, 10, 9)}, "cycle_to"),
        ({"cards": ("6222020200112233",)}, "cards"),
        ({"currency": "yuan"}, "currency"),
        ({"payments": (Payment(date(2026, 11, 9), -5),)}, "payments"),
    ],
)
def test_a_bill_that_contradicts_itself_is_refused(
    db: Session, user_id: UUID, other: dict[str, Any], field: str
) -> None:
    with pytest.raises(NotABill) as why:
        record(db, user_id, **other)
    assert why.value.field == field
    assert not cards.accounts(db, user_id)


def test_an_account_bill_and_a_card_bill_of_one_day_are_never_mixed(db: Session, user_id: UUID) -> None:
    record(db, user_id, bank="cmb", level="account", cards=("3096", "7190"))
    with pytest.raises(NotABill) as why:
        record(db, user_id, bank="cmb", level="card", cards=("3096",), total_due=100000)
    assert why.value.field == "level"


def test_an_overpaid_bill_is_kept_and_settled(db: Session, user_id: UUID) -> None:
    record(db, user_id, total_due=-350, minimum_due=None, due_on=None)
    entry, *_ = cards.due_board(db, user_id, on=TODAY).entries
    assert (entry.urgency, entry.open, entry.bill.inferred) == (Urgency.SETTLED, 0, ())


@pytest.mark.scope("S3-05")
def test_repayments_since_the_statement_count_and_earlier_ones_do_not(db: Session, user_id: UUID) -> None:
    before, on_the_day, later = (Payment(date(2026, 11, day), 10000) for day in (7, 8, 15))
    kept = record(db, user_id, payments=(before, on_the_day, later))
    view, *_ = cards.bills_of(db, user_id, kept.account_id)
    assert (view.paid, view.open, view.minimum_open) == (20000, 780000, 60000)
    assert view.payments == (on_the_day, later)


def test_a_payment_counts_for_the_bill_whose_days_it_falls_into(db: Session, user_id: UUID) -> None:
    first = record(db, user_id, statement_on=date(2026, 10, 8), due_on=date(2026, 10, 28))
    second = record(db, user_id, payments=(Payment(date(2026, 11, 7), 5000), Payment(date(2026, 11, 8), 7000)))
    newest, older = cards.bills_of(db, user_id, first.account_id)
    assert (newest.bill_id, newest.paid, older.paid) == (second.bill_id, 7000, 5000)


def test_a_payment_typed_by_hand_and_the_banks_row_of_it_are_one(db: Session, user_id: UUID) -> None:
    kept = record(db, user_id)
    cards.record_payment(db, user_id, kept.bill_id, 50000, date(2026, 11, 12), now=NOW)
    told = [Payment(date(2026, 11, 13), 50000)]
    source = new_id()
    assert cards.credit_payments(db, user_id, kept.account_id, "CNY", told, source_id=source, now=NOW) == 0
    view, *_ = cards.bills_of(db, user_id, kept.account_id)
    assert view.payments == (Payment(date(2026, 11, 13), 50000),), "the bank's day beats the user's"
    cards.take_back(db, user_id, source, now=NOW)
    view, *_ = cards.bills_of(db, user_id, kept.account_id)
    assert view.payments == (Payment(date(2026, 11, 12), 50000),), "without the bank's row the user's word stands"


def test_two_equal_payments_on_one_day_are_two_however_often_they_are_told(db: Session, user_id: UUID) -> None:
    kept = record(db, user_id)
    told = [Payment(date(2026, 11, 12), 50000)] * 2
    for _ in range(3):
        cards.credit_payments(db, user_id, kept.account_id, "CNY", told, source_id=new_id(), now=NOW)
    view, *_ = cards.bills_of(db, user_id, kept.account_id)
    assert view.paid == 100000


def test_a_payment_before_the_statement_is_refused(db: Session, user_id: UUID) -> None:
    kept = record(db, user_id)
    with pytest.raises(NotABill):
        cards.record_payment(db, user_id, kept.bill_id, 100, date(2026, 11, 7), now=NOW)


def test_an_import_taken_back_leaves_nothing(db: Session, user_id: UUID) -> None:
    source = new_id()
    record(db, user_id, source_id=source, payments=(Payment(date(2026, 11, 9), 100),))
    assert cards.take_back(db, user_id, source, now=NOW) == 1
    assert not cards.due_board(db, user_id, on=TODAY).entries
    assert not cards.accounts(db, user_id)
    assert cards.take_back(db, user_id, source, now=NOW) == 0


def test_an_import_taken_back_lets_the_version_before_stand_again(db: Session, user_id: UUID) -> None:
    first = record(db, user_id)
    source = new_id()
    record(db, user_id, total_due=790000, source_id=source)
    cards.take_back(db, user_id, source, now=NOW)
    entry, *_ = cards.due_board(db, user_id, on=TODAY).entries
    assert (entry.bill.bill_id, entry.open) == (first.bill_id, 800000)


def test_a_version_between_two_can_be_taken_back(db: Session, user_id: UUID) -> None:
    first, second, third = (record(db, user_id, total_due=total) for total in (800000, 790000, 780000))
    cards.take_back_bill(db, user_id, second.bill_id, now=NOW)
    cards.take_back_bill(db, user_id, third.bill_id, now=NOW)
    entry, *_ = cards.due_board(db, user_id, on=TODAY).entries
    assert entry.bill.bill_id == first.bill_id


def test_a_bill_taken_back_may_come_again(db: Session, user_id: UUID) -> None:
    source = new_id()
    record(db, user_id, source_id=source)
    cards.take_back(db, user_id, source, now=NOW)
    assert record(db, user_id, source_id=new_id()).outcome == Outcome.NEW
    assert [card.last_digits for card in cards.accounts(db, user_id)[0].cards] == ["7640"]


def test_one_account_holds_all_cards_of_a_bank_that_bills_by_account(db: Session, user_id: UUID) -> None:
    one = cards.add_card(db, user_id, "cmb", "3096", now=NOW)
    other = cards.add_card(db, user_id, "cmb", "7190", now=NOW)
    kept = record(db, user_id, bank="cmb", level="account", cards=("7190", "0000"))
    assert one.account_id == other.account_id == kept.account_id
    assert len(cards.accounts(db, user_id)) == 1


def test_a_bill_without_card_numbers_finds_the_banks_account(db: Session, user_id: UUID) -> None:
    known = cards.add_card(db, user_id, "spdb", "1234", now=NOW)
    assert record(db, user_id, bank="spdb", level="account", cards=()).account_id == known.account_id


def test_cards_billed_one_by_one_have_accounts_of_their_own(db: Session, user_id: UUID) -> None:
    kept = {record(db, user_id, cards=(tail,)).account_id for tail in ("7640", "7641")}
    assert len(kept) == 2


def test_three_printed_digits_and_four_are_one_card(db: Session, user_id: UUID) -> None:
    whole = record(db, user_id, bank="citic", cards=("8855",))
    assert (
        record(db, user_id, bank="citic", cards=("855",), statement_on=date(2026, 10, 8)).account_id == whole.account_id
    )
    assert [card.last_digits for card in cards.accounts(db, user_id)[0].cards] == ["8855"]


def test_bills_of_two_currencies_stand_side_by_side(db: Session, user_id: UUID) -> None:
    record(db, user_id)
    record(db, user_id, currency="USD", total_due=12300, minimum_due=1230)
    board = cards.due_board(db, user_id, on=TODAY)
    assert [(total.currency, total.open) for total in board.totals] == [("CNY", 800000), ("USD", 12300)]


@pytest.mark.scope("S3-04", "S0-04")
def test_a_whole_card_number_is_checked_and_only_its_tail_is_kept(db: Session, user_id: UUID) -> None:
    card = cards.add_card(db, user_id, "boc", "6222 0000 0000 0000 004", now=NOW)
    assert card.last_digits == "0004"
    with pytest.raises(NotACard):
        cards.add_card(db, user_id, "boc", "6222000000000000005", now=NOW)


def test_the_same_card_added_twice_is_one(db: Session, user_id: UUID) -> None:
    assert cards.add_card(db, user_id, "boc", "2010", now=NOW) == cards.add_card(db, user_id, "boc", "2010", now=NOW)


@pytest.mark.scope("S3-25")
def test_labels_and_groups_are_the_users(db: Session, user_id: UUID) -> None:
    card = cards.add_card(db, user_id, "boc", "2010", now=NOW, label="旅行卡", groups=["家"])
    edited = cards.edit_card(db, user_id, card.card_id, groups=["出差", "家", "家"], supplementary=True)
    assert (edited.label, edited.groups, edited.supplementary) == ("旅行卡", ("出差", "家"), True)
    assert cards.find_cards(db, user_id, bank="boc", last_digits="010") == (edited,)


def test_a_removed_card_leaves_the_board_and_its_bills_stay(db: Session, user_id: UUID) -> None:
    kept = record(db, user_id)
    card = cards.accounts(db, user_id)[0].cards[0]
    cards.remove_card(db, user_id, card.card_id, now=NOW)
    assert not cards.due_board(db, user_id, on=TODAY).entries
    assert len(cards.bills_of(db, user_id, kept.account_id)) == 1


def test_a_card_without_bills_is_removed_without_a_trace(db: Session, user_id: UUID) -> None:
    card = cards.add_card(db, user_id, "boc", "2010", now=NOW)
    cards.remove_card(db, user_id, card.card_id, now=NOW)
    assert not cards.accounts(db, user_id)


def test_nobody_reaches_the_cards_of_another_person(db: Session, user_id: UUID) -> None:
    kept = record(db, user_id)
    stranger = new_id()
    assert not cards.due_board(db, stranger, on=TODAY).entries
    for act in (cards.account_page, cards.terms_of):
        with pytest.raises(cards.NoSuchCard):
            act(db, stranger, kept.account_id, on=TODAY)
    with pytest.raises(cards.NoSuchCard):
        cards.record_payment(db, stranger, kept.bill_id, 100, TODAY, now=NOW)


@pytest.mark.scope("S0-23")
def test_a_shared_limit_is_counted_once(db: Session, user_id: UUID) -> None:
    both = [record(db, user_id, cards=(tail,), credit_limit=5000000).account_id for tail in ("7640", "7641")]
    line_id = cards.share_line(db, user_id, both, label="工行总额度", limit=6000000)
    line, *others = cards.due_board(db, user_id, on=TODAY).lines
    assert not others
    assert (line.limit, line.owed, line.available) == (6000000, 1600000, 4400000)
    cards.unshare_line(db, user_id, line_id)
    assert len(cards.due_board(db, user_id, on=TODAY).lines) == 2


def test_own_accounts_keep_their_newest_balance(db: Session, user_id: UUID) -> None:
    account = cards.set_account(db, user_id, "ccb", "6666", label="工资卡", reserve=50000)
    cards.record_balance(db, user_id, account.account_id, 1200000, balance_on=TODAY)
    cards.record_balance(db, user_id, account.account_id, 5, balance_on=date(2026, 11, 1))
    held, *_ = cards.own_accounts(db, user_id)
    assert (held.balance, held.balance_on, held.reserve, held.label) == (1200000, TODAY, 50000, "工资卡")
    assert cards.set_account(db, user_id, "ccb", "6666").reserve == 50000
    cards.remove_account(db, user_id, account.account_id)
    assert not cards.own_accounts(db, user_id)
