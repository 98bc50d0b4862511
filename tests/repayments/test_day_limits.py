"""Limits: the day's by tier, one payment's, the payer's own; and parts only where a limit asks for them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from tests.channels.bank import RECORD
from tests.people import as_party
from tests.repayments.orders import kept

from anhuan.identity import limits
from anhuan.identity.limits import LimitKind, OverOwnLimit, Which
from anhuan.kit import db as database
from anhuan.kit import ids
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.money import from_text
from anhuan.repayments import day_limits, payers
from anhuan.repayments.day_limits import DayLimits, DayPart, OverSingleLimit, check, split
from anhuan.repayments.model import OrderStatus, OverDayLimit

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # ten o'clock in China
WIDE = replace(RECORD, per_payment_min=1, per_payment_max=None, per_day_max=None)
HOUSE = DayLimits("basic", 5_000_000, 20_000_000, 0)


def fen(yuan: str) -> int:
    return from_text(yuan)


@pytest.mark.scope("S3-13")
def test_every_tier_has_its_day_limit_and_everybody_is_basic_today() -> None:
    on = NOW.date()
    assert [day_limits.per_day_max(tier, on) for tier in ("basic", "verified", "trusted")] == [
        fen("200000"), fen("500000"), fen("1000000"),
    ]  # fmt: skip
    assert day_limits.per_payment_max(on) == fen("50000")


@pytest.mark.scope("S3-13")
def test_above_the_day_limit_the_refusal_says_what_is_left_today() -> None:
    with pytest.raises(OverDayLimit) as why:
        check(replace(HOUSE, used=fen("180000")), fen("20000.01"), single=fen("20000.01"))
    assert "今天还可以还 ¥20,000.00" in why.value.message
    assert why.value.facts["left"] == fen("20000")
    check(replace(HOUSE, used=fen("180000")), fen("20000"), single=fen("20000"))


@pytest.mark.scope("S3-12")
def test_one_payment_is_fifty_thousand_at_most() -> None:
    check(HOUSE, fen("50000"), single=fen("50000"))
    with pytest.raises(OverSingleLimit):
        check(HOUSE, fen("50000.01"), single=fen("50000.01"))


@pytest.mark.scope("S3-20", "S0-43")
@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"own_per_payment": 100_000}, "单笔限额 ¥1,000.00"),
        ({"own_per_card": 50_000}, "这张卡的限额 ¥500.00"),
        ({"own_per_day": 150_000, "used": 60_000}, "单日限额 ¥1,500.00；今天还可以还 ¥900.00"),
    ],
)
def test_the_payers_own_limits_bind_before_those_of_the_house(own: dict[str, int], said: str) -> None:
    with pytest.raises(OverOwnLimit) as why:
        check(replace(HOUSE, **own), 100_001, single=100_001)  # type: ignore[arg-type]
    assert said in why.value.message


@pytest.fixture
def work(db: Session, user_id: UUID) -> Iterator[Session]:
    """The worker's login with this person's rows: orders come to their ends by its hand alone."""
    with database.sessions("work")() as session:
        as_party(session, user_id)
        yield session
        session.rollback()


def test_what_was_used_today_is_what_starts_today_and_did_not_fail(work: Session, user_id: UUID) -> None:
    today, tomorrow = NOW, datetime(2026, 11, 22, 16, 0, tzinfo=UTC)  # midnight in China
    for amount, at, status in (
        (100, today, OrderStatus.SENT), (20, today, OrderStatus.FAILED), (3, today, OrderStatus.SCHEDULED),
        (4, tomorrow, OrderStatus.SCHEDULED), (50, today, OrderStatus.CANCELLED), (6, today, OrderStatus.ARRIVED),
    ):  # fmt: skip
        kept(work, user_id, amount=amount, start_at=at, status=status)
    payer = payers.of(work, user_id, now=NOW)
    assert day_limits.used_on(payer, date(2026, 11, 22)) == 109
    assert day_limits.used_on(payer, date(2026, 11, 23)) == 4
    assert day_limits.used_on(payers.of(work, user_id, now=tomorrow), date(2026, 11, 23)) == 4


def test_the_stored_limits_and_the_days_orders_are_what_counts(work: Session, user_id: UUID) -> None:
    who = Actor(ActorKind.PERSON, person_id=user_id, party_id=user_id)
    account = ids.new_id()
    limits.set_limit(work, who, Which(LimitKind.PER_DAY), 100_000, now=NOW)
    one = kept(work, user_id, amount=80_000, start_at=NOW, status=OrderStatus.PLACED)
    this: dict[str, Any] = {"account_id": account, "now": NOW, "channel": "simbank"}
    payer = payers.of(work, user_id, now=NOW)
    day_limits.insist(payer, 20_000, **this)
    with pytest.raises(OverOwnLimit):
        day_limits.insist(payer, 20_001, **this)
    day_limits.insist(payer, 100_000, **this, leaving_out=[one])
    day_limits.insist(payer, 90_000_000, **this | {"channel": "bank_app"})  # paid in the own bank's app


@pytest.mark.scope("S3-12")
@pytest.mark.parametrize(
    ("amount", "used", "parts"),
    [
        ("50000", "0", [("50000", 0)]),  # no limit asks for parts
        ("50000.01", "0", [("25000.01", 0), ("25000", 0)]),  # one payment's limit
        ("120000", "90000", [("40000", 0), ("40000", 0), ("40000", 1)]),  # today takes two of three
        ("30000", "190000", [("30000", 1)]),  # whole tomorrow: never cut for its own sake
    ],
)
def test_parts_follow_limits_and_nothing_else(amount: str, used: str, parts: list[tuple[str, int]]) -> None:
    made = split(fen(amount), WIDE, replace(HOUSE, used=fen(used)))
    assert made == [DayPart(fen(one), later) for one, later in parts]


@pytest.mark.scope("S0-43")
def test_a_limit_that_the_payer_set_for_one_payment_is_not_gone_around_in_parts() -> None:
    own = replace(HOUSE, own_per_payment=fen("1000"), own_per_card=fen("500"))
    assert split(fen("2000"), WIDE, own) == [DayPart(fen("2000"), 0)]
    with pytest.raises(OverOwnLimit):
        check(own, fen("2000"), single=fen("2000"))
    day = replace(HOUSE, own_per_day=fen("1500"))
    assert split(fen("2000"), WIDE, day) == [DayPart(fen("1000"), 0), DayPart(fen("1000"), 1)]


def test_what_would_come_too_late_in_one_piece_begins_today() -> None:
    held = replace(HOUSE, used=fen("190000"))
    assert split(fen("30000"), WIDE, held, last_day=0) == [DayPart(fen("30000"), 1)]  # parts would be late as well
    cap = replace(HOUSE, used=fen("170000"))
    assert split(fen("90000"), WIDE, cap, last_day=1) == [DayPart(fen("45000"), 1), DayPart(fen("45000"), 1)]
    tight = replace(HOUSE, per_day=fen("50000"), used=fen("10000"))
    assert split(fen("80000"), WIDE, tight, last_day=1) == [DayPart(fen("40000"), 0), DayPart(fen("40000"), 1)]
    small = replace(HOUSE, per_day=fen("50000"), used=fen("20000"))
    assert [part.days_later for part in split(fen("80000"), WIDE, small)] == [1, 2]
    assert split(fen("80000"), WIDE, small, last_day=1) == [DayPart(fen("30000"), 0), DayPart(fen("50000"), 1)]


@settings(deadline=None)
@given(
    amount=st.integers(1, 50_000), least=st.integers(1, 300), single=st.integers(90, 5_000), day=st.integers(90, 9_000),
    used=st.integers(0, 9_000), last=st.none() | st.integers(0, 9),
)  # fmt: skip
def test_parts_add_up_and_stay_within_every_limit(
    amount: int, least: int, single: int, day: int, used: int, last: int | None
) -> None:
    record = replace(WIDE, per_payment_min=least, per_payment_max=single)
    held = DayLimits("basic", 10_000, day, used)
    made = split(amount, record, held, last_day=last)
    if not made:
        assert amount < least or min(single, day) < 2 * least  # some part would fall below the smallest payment
        return
    assert sum(part.amount for part in made) == amount
    assert all(least <= part.amount <= min(single, day) for part in made)
    days = Counter[int]()
    for part in made:
        days[part.days_later] += part.amount
    assert all(total <= (held.left if later == 0 else day) for later, total in days.items())
    assert [part.days_later for part in made] == sorted(part.days_later for part in made)
    if last is None:
        assert len(made) == -(-amount // min(single, day))  # as few as can be
