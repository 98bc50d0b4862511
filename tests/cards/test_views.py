"""The due board and the page of an account."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from anhuan import cards, channels
from anhuan.cards import BillFacts, Charge, Payment, Urgency
from anhuan.kit.clock import CHINA

NOW = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 21)
STATEMENT = date(2026, 11, 1)


def bill(tail: str, due_on: date, **other: object) -> BillFacts:
    usual = BillFacts("icbc", "CNY", 800000, 80000, STATEMENT, due_on, (tail,))
    return replace(usual, **other)  # type: ignore[arg-type]


@contextmanager
def questions(db: Session) -> Iterator[list[str]]:
    """The statements sent to the database meanwhile."""
    asked: list[str] = []
    connection = db.connection()

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            asked.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield asked
    event.remove(connection, "before_cursor_execute", note)


@pytest.mark.scope("S0-23")
def test_bills_stand_in_the_order_of_their_urgency(db: Session, user_id: UUID) -> None:
    paid_minimum = (Payment(date(2026, 11, 10), 80000),)
    paid_all = (Payment(date(2026, 11, 10), 800000),)
    for facts in (
        bill("0001", TODAY - timedelta(days=1)),
        bill("0002", TODAY),
        bill("0003", TODAY + timedelta(days=7)),
        bill("0004", TODAY + timedelta(days=8)),
        bill("0005", TODAY - timedelta(days=1), payments=paid_minimum),
        bill("0006", TODAY + timedelta(days=1), payments=paid_all),
    ):
        cards.record_bill(db, user_id, facts, now=NOW)
    board = cards.due_board(db, user_id, on=TODAY)
    tails = {urgency: [entry.account.cards[0].last_digits for entry in group] for urgency, group in board.groups}
    assert list(tails) == list(Urgency)
    assert list(tails.values()) == [["0001"], ["0002"], ["0003"], ["0004"], ["0005"], ["0006"]]


def test_totals_count_what_is_open_and_what_is_soon(db: Session, user_id: UUID) -> None:
    cards.record_bill(db, user_id, bill("0001", TODAY - timedelta(days=1)), now=NOW)
    cards.record_bill(db, user_id, bill("0002", TODAY, payments=(Payment(STATEMENT, 50000),)), now=NOW)
    cards.record_bill(db, user_id, bill("0003", TODAY + timedelta(days=31)), now=NOW)
    total, *_ = cards.due_board(db, user_id, on=TODAY).totals
    assert (total.open, total.minimum_open, total.overdue, total.next_30_days) == (2350000, 190000, 800000, 750000)


def test_only_the_newest_bill_of_an_account_is_due(db: Session, user_id: UUID) -> None:
    old = date(2026, 10, 1)
    cards.record_bill(db, user_id, bill("0001", date(2026, 10, 21), statement_on=old), now=NOW)
    cards.record_bill(db, user_id, bill("0001", TODAY, total_due=900000), now=NOW)
    entry, *others = cards.due_board(db, user_id, on=TODAY).entries
    assert not others
    assert entry.open == 900000
    earlier, *_ = cards.due_board(db, user_id, on=date(2026, 10, 15)).entries
    assert earlier.bill.statement_on == old, "on an earlier day the board shows what was due then"


@pytest.mark.scope("S0-02")
def test_each_line_says_until_when_it_is_safe_to_pay(db: Session, user_id: UUID) -> None:
    cards.record_bill(db, user_id, bill("0001", date(2026, 11, 28)), now=NOW)
    entry, *_ = cards.due_board(db, user_id, on=TODAY).entries
    assert entry.safe_pay_by == datetime(2026, 11, 27, 13, 0, tzinfo=CHINA), "17:00, a day by hand, two transfers"
    moments = cards.safe_moments(entry.bill, on=TODAY)
    assert moments[0].start_by < moments[-1].start_by
    assert {moment.channel for moment in moments} >= {"wechat", "large_value"}


@pytest.mark.scope("S3-15")
def test_a_channel_that_was_seen_to_be_slow_must_start_earlier(db: Session, user_id: UUID) -> None:
    cards.record_bill(db, user_id, bill("0001", date(2026, 11, 28)), now=NOW)
    entry, *_ = cards.due_board(db, user_id, on=TODAY).entries
    slow = channels.Learned(channels.arrival_rules.Unit.MINUTES, 400, 0, 30, 600, 700, True)
    key = ("bank_transfer", entry.account.bank, channels.arrival_rules.Season.USUAL)
    book = channels.arrivals.Book(TODAY, {key: slow})
    usual, learned = cards.safe_moments(entry.bill, on=TODAY), cards.safe_moments(entry.bill, on=TODAY, learned=book)
    moved = {
        one.channel: one.start_by - other.start_by for one, other in zip(by_name(usual), by_name(learned), strict=True)
    }
    # Ten hours instead of two, for the first attempt and for the retry; the other channels stay as they were.
    assert moved.pop("bank_transfer") == timedelta(hours=16)
    assert set(moved.values()) == {timedelta()}


def by_name(moments: tuple[cards.SafePayBy, ...]) -> list[cards.SafePayBy]:
    return sorted(moments, key=lambda moment: moment.channel)


def test_an_account_without_a_bill_waits(db: Session, user_id: UUID) -> None:
    card = cards.add_card(db, user_id, "boc", "2010", now=NOW)
    board = cards.due_board(db, user_id, on=TODAY)
    assert [face.account_id for face in board.waiting] == [card.account_id]
    assert not board.entries


def test_sixty_cards_are_three_questions(db: Session, user_id: UUID) -> None:
    for at in range(60):
        cards.record_bill(db, user_id, bill(f"{at:04d}", TODAY + timedelta(days=at % 40)), now=NOW)
    db.expire_all()
    with questions(db) as asked:
        board = cards.due_board(db, user_id, on=TODAY)
    assert len(board.entries) == 60
    assert len(asked) == 3  # bills, accounts with cards, learned arrivals


def test_all_current_bills_with_their_rows_are_four_questions(db: Session, user_id: UUID) -> None:
    charges = (Charge(date(2026, 10, 20), 800000),)
    paid = (Payment(date(2026, 11, 5), 100),)
    for at in range(10):
        facts = bill(f"{at:04d}", TODAY, charges=charges, payments=paid, known_complete=True)
        cards.record_bill(db, user_id, facts, now=NOW)
    db.expire_all()
    with questions(db) as asked:
        views = cards.current_bills(db, user_id, on=TODAY)
    assert {(view.charges, view.payments, view.paid) for view in views} == {(charges, paid, 100)}
    assert len(asked) == 4


def test_the_page_of_an_account_shows_bills_terms_and_what_comes(db: Session, user_id: UUID) -> None:
    kept = cards.record_bill(db, user_id, bill("0001", date(2026, 11, 21)), now=NOW)
    page = cards.account_page(db, user_id, kept.account_id, on=TODAY)
    assert [view.bill_id for view in page.bills] == [kept.bill_id]
    assert [one.statement_on for one in page.upcoming] == [
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
        date(2027, 3, 1),
    ]
    assert page.terms.layers["interest_basis"] == "bank"
    assert page.account.cards[0].last_digits == "0001"
