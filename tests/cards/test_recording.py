"""A batch of bills through one recorder: the same as one by one, with few questions, and nothing of what is refused."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.orm import Session
from tests.people import as_party

from anhuan import cards
from anhuan.cards import BillFacts, Charge, NotABill, Outcome, Payment
from anhuan.cards.rules import KnownPayment, new_payments
from anhuan.kit.ids import new_id

NOW = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 21)
BILL = BillFacts("icbc", "CNY", 800000, 80000, date(2026, 11, 8), date(2026, 12, 3), ("7640",))


def test_a_refused_bill_leaves_nothing_and_the_others_are_kept(db: Session, user_id: UUID) -> None:
    with cards.recording(db, user_id, now=NOW) as recorder:
        recorder.record(BILL)
        for refused in (
            replace(BILL, due_on=date(2026, 11, 1), cards=("7641",)),
            replace(BILL, level="account", total_due=5, cards=("7640", "7642"), payments=(Payment(TODAY, 5),)),
        ):
            with pytest.raises(NotABill):
                recorder.record(refused)
    account, *others = cards.accounts(db, user_id)
    assert not others
    assert [card.last_digits for card in account.cards] == ["7640"]
    assert [view.paid for view in cards.bills_of(db, user_id, account.account_id)] == [0]


def test_a_bill_and_its_correction_may_come_in_one_batch(db: Session, user_id: UUID) -> None:
    charges = (Charge(date(2026, 10, 20), 800000),)
    with cards.recording(db, user_id, now=NOW) as recorder:
        told = [
            recorder.record(facts).outcome
            for facts in (
                replace(BILL, charges=charges, known_complete=True),
                BILL,
                replace(BILL, credit_limit=5000000),
                replace(BILL, total_due=790000),
            )
        ]
    assert told == [Outcome.NEW, Outcome.SAME, Outcome.SUPERSEDED, Outcome.SUPERSEDED]
    account, *_ = cards.accounts(db, user_id)
    newest, *_ = cards.bills_of(db, user_id, account.account_id)
    assert [(view.total_due, view.version) for view in cards.history_of(db, user_id, newest.bill_id)] == [
        (790000, 3),
        (800000, 2),
        (800000, 1),
    ]


def test_bills_that_name_no_card_share_one_account_beside_named_ones(db: Session, user_id: UUID) -> None:
    months = [date(2026, month, 8) for month in (9, 10, 11)]
    with cards.recording(db, user_id, now=NOW) as recorder:
        for tail in ("7640", "7641"):
            recorder.record(replace(BILL, cards=(tail,)))
        nameless = {recorder.record(replace(BILL, cards=("0000",), statement_on=on)).account_id for on in months}
    assert len(nameless) == 1
    assert len(cards.accounts(db, user_id)) == 3


def test_a_batch_asks_few_questions(db: Session, user_id: UUID) -> None:
    asked: list[str] = []
    connection = db.connection()
    event.listen(connection, "before_cursor_execute", lambda *told: asked.append(told[2]))
    with cards.recording(db, user_id, now=NOW) as recorder:
        for month in range(1, 12):
            for tail in ("7640", "7641", "7642", "7643", "7644"):
                on = date(2026, month, 8)
                charges = tuple(Charge(on, 100) for _ in range(12))
                paid = (Payment(on, 500),)
                recorder.record(replace(BILL, statement_on=on, cards=(tail,), charges=charges, payments=paid))
    assert len(asked) <= 30, "55 bills: what is known, five new accounts, then all rows at once"


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([700000, 800000]), st.booleans()), max_size=8))
def test_a_batch_does_what_single_records_do(db: Session, told: list[tuple[int, int, bool]]) -> None:
    bills = [
        replace(
            BILL,
            statement_on=date(2026, 8 + month, 8),
            due_on=None if guess else date(2026, 9 + month, 1),
            total_due=total,
        )
        for month, total, guess in told
    ]
    together, alone = new_id(), new_id()
    with cards.recording(db, as_party(db, together), now=NOW) as recorder:
        batch = [recorder.record(facts).outcome for facts in bills]
    as_party(db, alone)
    single = [cards.record_bill(db, alone, facts, now=NOW).outcome for facts in bills]
    assert batch == single
    boards = [cards.due_board(db, as_party(db, user), on=TODAY) for user in (together, alone)]
    shown = [
        [(entry.bill.total_due, entry.bill.due_on, entry.bill.version) for entry in board.entries] for board in boards
    ]
    assert shown[0] == shown[1]


MOVES = st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 1, 12)), st.integers(1, 3)), max_size=12)
DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 12))
HELD = st.lists(st.builds(KnownPayment, DAYS, st.integers(1, 3), st.booleans()))


@given(MOVES, HELD)
def test_each_known_payment_answers_for_one_told_payment_at_most(
    told: list[tuple[date, int]], held: list[KnownPayment]
) -> None:
    paired = new_payments(told, held)
    used = [at for _, _, at in paired if at is not None]
    assert [(day, amount) for day, amount, _ in paired] == told
    assert len(used) == len(set(used))
    assert all(held[at].amount == amount for _, amount, at in paired if at is not None)


@given(MOVES)
def test_payments_told_again_are_all_known(told: list[tuple[date, int]]) -> None:
    held = [KnownPayment(day, amount) for day, amount in told]
    assert all(at is not None for _, _, at in new_payments(told, held))


def test_equal_payments_on_two_days_in_bank_data_are_two() -> None:
    fifth, seventh = date(2026, 11, 5), date(2026, 11, 7)
    assert new_payments([(seventh, 500)], [KnownPayment(fifth, 500)]) == [(seventh, 500, None)]
    assert new_payments([(seventh, 500)], [KnownPayment(fifth, 500, typed=True)]) == [(seventh, 500, 0)]
