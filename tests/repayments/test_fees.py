"""Fees: a free quota of the month, then tiers; the channel's own and the service's; shown by dated rows."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from anhuan.channels.model import UnknownChannel
from anhuan.kit import ids, terms
from anhuan.kit.money import from_text
from anhuan.kit.terms import Term
from anhuan.repayments import fee_rules, fees, payers, quotas
from anhuan.repayments.fee_rules import BadSchedule
from anhuan.repayments.model import FeeLine

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
ON = date(2026, 11, 22)
TIERS = {
    "free_quota": 500_000, "tiers": [{"up_to": 2_000_000, "rate": "0.001"}, {"rate": "0.0005"}], "floor": 10,
    "cap": 5_000, "rounding": "up",
}  # fmt: skip


def fen(yuan: str) -> int:
    return from_text(yuan)


def row(scope: str, value: Any, since: date = date(2026, 1, 1)) -> Term:
    return Term(scope, "fee", value, "schedule", since, None, "H", "user", "an operator's table", since)


def lines(
    db: Session, party: UUID, amount: int, channel: str, *, now: datetime, **more: Any
) -> tuple[FeeLine, ...]:  # fmt: skip
    return fees.lines_for(payers.of(db, party, now=now), amount, channel, now=now, **more)


def operators(value: Any = TIERS, since: date = date(2026, 1, 1)) -> terms.Terms:
    return terms.seeds().over([row("service", value, since)])


@pytest.mark.scope("S3-11")
@pytest.mark.parametrize(
    ("amount", "fee"),
    [
        ("5000", "0"),  # the whole free quota
        ("5000.01", "0.10"),  # the floor
        ("8000", "3.00"),  # a thousandth of 3,000
        ("8000.01", "3.01"),  # any part of a fen is charged as one
        ("50000", "45.00"),
    ],
)
def test_above_the_months_quota_a_channel_takes_its_rate(db: Session, user_id: UUID, amount: str, fee: str) -> None:
    (line,) = lines(db, user_id, fen(amount), "wechat", now=NOW)
    assert (line.schedule, line.fee) == ("channel:wechat", fen(fee))
    assert line.free == min(fen(amount), fen("5000"))
    assert line.version == "2018-08-01"


@pytest.mark.scope("S2-06")
@pytest.mark.parametrize(
    ("charged", "fee"),
    [
        ("0", "0"),
        ("0.01", "0.10"),  # the floor
        ("20000", "20.00"),  # the whole first tier
        ("20000.01", "20.01"),
        ("30000", "25.00"),  # 20.00 + 5.00: each rate falls on its own tier alone
        ("90000", "50.00"),  # the cap
    ],
)
def test_an_operators_table_takes_tier_by_tier(charged: str, fee: str) -> None:
    schedule = fee_rules.read("service", on=ON, held=operators())
    assert fee_rules.fee_of(fen(charged), schedule) == fen(fee)


def test_a_house_that_runs_itself_charges_nothing(db: Session, user_id: UUID) -> None:
    (line,) = lines(db, user_id, fen("50000"), "bank_transfer", now=NOW)
    assert line == FeeLine("channel:bank_transfer", 0, 0, 0, 0, "2016-01-01")
    assert not fee_rules.read("service", on=ON).charges


@pytest.mark.scope("S2-06")
def test_the_services_fee_stands_beside_the_channels_where_a_channel_can_collect_it(db: Session, user_id: UUID) -> None:
    found = lines(db, user_id, fen("6000"), "simbank", now=NOW, held=operators())
    assert [(line.schedule, line.free, line.fee) for line in found] == [
        ("channel:simbank", fen("5000"), fen("1.00")), ("service", fen("5000"), fen("1.00")),
    ]  # fmt: skip
    by_hand = lines(db, user_id, fen("6000"), "wechat", now=NOW, held=operators())
    assert [line.schedule for line in by_hand] == ["channel:wechat"]


@pytest.mark.scope("S2-06")
def test_a_price_holds_from_its_first_day(db: Session, user_id: UUID) -> None:
    held = operators(since=date(2026, 12, 1))
    before = lines(db, user_id, fen("6000"), "simbank", now=NOW, held=held)
    after = lines(db, user_id, fen("6000"), "simbank", now=NOW + timedelta(days=9), held=held)
    assert [line.schedule for line in before] == ["channel:simbank"]
    assert [(line.schedule, line.version) for line in after][1] == ("service", "2026-12-01")


def test_parts_and_other_payments_of_one_confirmation_share_the_quota(db: Session, user_id: UUID) -> None:
    spent: dict[str, int] = {}
    fees.add(spent, lines(db, user_id, fen("3000"), "wechat", now=NOW), now=NOW)
    (second,) = lines(db, user_id, fen("3000"), "wechat", now=NOW, spent=spent)
    assert (second.free, second.charged, second.fee) == (fen("2000"), fen("1000"), fen("1"))
    next_month = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)  # midnight of 1 December in China
    assert quotas.month_of(next_month) == "2026-12"
    (fresh,) = lines(db, user_id, fen("3000"), "wechat", now=next_month, spent=spent)
    assert fresh.fee == 0


def test_a_price_that_nobody_knows_is_refused(db: Session, user_id: UUID) -> None:
    with pytest.raises(UnknownChannel):
        lines(db, user_id, 100, "nobody", now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tiers": [{"up_to": 5, "rate": "0.1"}]},  # nothing above the last bound
        {"tiers": [{"rate": "0.1"}, {"rate": "0.2"}]},  # a tier that never ends, and another
        {"tiers": [{"up_to": 9, "rate": "0.1"}, {"up_to": 9, "rate": "0.1"}, {"rate": "0"}]},
        {"rate": "-0.1"},
        {"rate": "0.1", "floor": 10, "cap": 9},
        {"rate": "0.1", "rounding": "down"},
    ],
)
def test_a_table_that_makes_no_sense_charges_nobody(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSchedule):
        fee_rules.read("service", on=ON, held=operators(wrong))


def test_the_quota_is_the_payers_whoevers_card_is_paid(db: Session, user_id: UUID) -> None:
    own = lines(db, user_id, fen("1000"), "wechat", now=NOW)
    other = lines(db, ids.new_id(), fen("1000"), "wechat", now=NOW)
    assert own == other  # each begins with a full one; what pays says whose is used


def test_rates_are_exact() -> None:
    schedule = fee_rules.read("service", on=ON, held=operators())
    assert [tier.rate for tier in schedule.tiers] == [Fraction(1, 1000), Fraction(1, 2000)]
