"""The free quota in the books: granted once a month, held, used, released, given back; never below nothing."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from anhuan import ledger
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.kit.money import from_text
from anhuan.ledger import BelowFloor
from anhuan.repayments import fees, payers, quotas
from anhuan.repayments.model import FeeLine

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
QUOTA = 500_000


def fen(yuan: str) -> int:
    return from_text(yuan)


def quoted(db: Session, party: UUID, yuan: str) -> tuple[FeeLine, ...]:
    return fees.lines_for(payers.of(db, party, now=NOW), fen(yuan), "wechat", now=NOW)


def placed(db: Session, party: UUID, lines: Sequence[FeeLine]) -> UUID:
    """An order's holds, as a placement would post them."""
    order = ids.new_id()
    ledger.post(db, quotas.lines(db, order, party, lines, now=NOW, group=ids.new_id())).insist()
    return order


def left(db: Session, party: UUID) -> tuple[int, int]:
    """What is granted and not used, and what of it is held."""
    held = ledger.balance(db, quotas.account(party, "channel:wechat", NOW))
    assert held is not None
    return held.posted, held.held


@pytest.mark.scope("S3-11")
def test_the_first_use_grants_the_month_and_holds_the_free_part(db: Session, user_id: UUID) -> None:
    lines = quoted(db, user_id, "2000")
    placed(db, user_id, lines)
    assert left(db, user_id) == (QUOTA, fen("2000"))
    assert lines[0].free_left == fen("3000")
    (after,) = quoted(db, user_id, "4000")
    assert (after.free, after.charged, after.fee) == (fen("3000"), fen("1000"), fen("1"))


def test_taken_is_used_once_however_often_it_is_told(db: Session, user_id: UUID) -> None:
    lines = quoted(db, user_id, "2000")
    order = placed(db, user_id, lines)
    for _ in range(2):
        quotas.take(db, order, lines)
    quotas.release(db, order, lines)  # too late: it was used
    assert left(db, user_id) == (fen("3000"), 0)


def test_a_final_no_makes_it_free_again(db: Session, user_id: UUID) -> None:
    lines = quoted(db, user_id, "2000")
    order = placed(db, user_id, lines)
    for _ in range(2):
        quotas.release(db, order, lines)
    quotas.take(db, order, lines)  # a bank that changes its mind does not cost the payer the quota
    assert left(db, user_id) == (QUOTA, 0)
    quotas.release(db, ids.new_id(), lines)  # never placed: nothing to release


def test_money_that_comes_back_brings_its_quota(db: Session, user_id: UUID) -> None:
    lines = quoted(db, user_id, "2000")
    order = placed(db, user_id, lines)
    quotas.take(db, order, lines)
    for _ in range(2):
        quotas.give_back(db, order, lines)
    assert left(db, user_id) == (QUOTA, 0)
    other = placed(db, user_id, lines)
    quotas.give_back(db, other, lines)  # came back before anybody said that it was taken
    quotas.give_back(db, other, lines)
    assert left(db, user_id) == (QUOTA, 0)


def test_what_somebody_used_meanwhile_is_not_used_twice(db: Session, user_id: UUID) -> None:
    before = quoted(db, user_id, "4000")
    placed(db, user_id, before)
    with pytest.raises(BelowFloor):  # quoted with 4,000 free, of which 1,000 are left
        placed(db, user_id, before)
    assert left(db, user_id) == (QUOTA, fen("4000"))


def test_each_month_has_its_own(db: Session, user_id: UUID) -> None:
    placed(db, user_id, quoted(db, user_id, "5000"))
    december = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    (line,) = fees.lines_for(payers.of(db, user_id, now=NOW), fen("5000"), "wechat", now=december)
    assert line.free == QUOTA
    ledger.post(db, quotas.lines(db, ids.new_id(), user_id, (line,), now=december, group=ids.new_id())).insist()
    assert quoted(db, user_id, "1")[0].free == 0


def test_what_costs_nothing_uses_no_quota(db: Session, user_id: UUID) -> None:
    lines = fees.lines_for(payers.of(db, user_id, now=NOW), fen("5000"), "bank_transfer", now=NOW)
    assert quotas.lines(db, ids.new_id(), user_id, lines, now=NOW, group=ids.new_id()) == []


def test_two_first_payments_at_once_are_granted_one_quota(own_database: Engine) -> None:
    party, met, failed = ids.new_id(), threading.Barrier(2), []

    def pay() -> None:
        try:
            with database.transaction() as db:
                wall.enter(db, party=party, person=party)
                lines = quoted(db, party, "3000")
                met.wait(5)
                placed(db, party, lines)
        except BelowFloor as below:
            failed.append(below)

    both = [threading.Thread(target=pay) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    with database.transaction() as db:
        wall.enter(db, party=party, person=party)
        assert left(db, party) == (QUOTA, fen("3000"))
    assert len(failed) == 1
