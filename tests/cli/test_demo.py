"""The demo household: read by the true readers, the same however often it is filled, and good for a plan."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from anhuan import cards, planning
from anhuan.cli import demo, demo_mail


@pytest.mark.parametrize("now", [
    datetime(2026, 11, 22, 3, tzinfo=UTC),
    datetime(2026, 12, 31, 20, tzinfo=UTC),   # already the new year in China
    datetime(2027, 3, 1, 3, tzinfo=UTC),      # after the short month
    datetime(2028, 2, 29, 3, tzinfo=UTC),
])  # fmt: skip
def test_a_household_of_six_cards_at_five_banks_can_be_planned_for_on_any_day(
    db: Session, user_id: UUID, now: datetime
) -> None:
    assert demo.fill(db, user_id, now=now)
    today = now.date() if now.hour < 16 else date.fromordinal(now.date().toordinal() + 1)
    accounts = cards.accounts(db, user_id)
    assert len({account.bank for account in accounts}) == 5
    assert sum(len(account.cards) for account in accounts) == 6
    for account in accounts:
        assert len({bill.statement_on for bill in cards.bills_of(db, user_id, account.account_id)}) == demo_mail.MONTHS

    board = cards.due_board(db, user_id, on=today)
    assert not [group for urgency, group in board.groups if urgency == cards.Urgency.OVERDUE]
    planned = planning.plan_mine(db, user_id, as_of=today)
    assert planned.plan.legs.payments
    assert planned.plan.missed == ()


def test_filling_twice_changes_nothing(db: Session, user_id: UUID) -> None:
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert demo.fill(db, user_id, now=now)
    before = cards.due_board(db, user_id, on=now.date())
    assert not demo.fill(db, user_id, now=now)
    assert cards.due_board(db, user_id, on=now.date()) == before
