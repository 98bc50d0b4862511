"""What the payer hears while a payment goes its way: the day and the proof of its arrival, and what is missing."""

from datetime import date

import pytest
from tests.repayments.conftest import Home, clean, home, house

from anhuan import notify
from anhuan.channels import evidence
from anhuan.channels.evidence_rules import Kind
from anhuan.channels.service import WORKER
from anhuan.repayments.model import AmountRule, OrderStatus

__all__ = ["clean", "home", "house"]
pytestmark = pytest.mark.scope("S3-26", "S3-02")


def told(home: Home, kind: str) -> list[notify.Message]:
    with home.rows() as db:
        return [one for one in notify.messages(db, home.party, lang="zh", now=home.clock()) if one.kind == kind]


def test_arrival_is_told_with_its_day_and_its_proof(home: Home) -> None:
    (order,) = home.tap()
    home.deliver(order)
    assert told(home, "repay_arrived") == [], "a channel's word is no arrival"
    home.prove(order, on=date(2026, 11, 22))
    (message,) = told(home, "repay_arrived")
    assert message.title == "还款到账了"
    assert "¥1,000.00 已于 11月22日 周日 到账,凭证:银行文件" in message.text
    assert not message.urgent


def test_less_than_was_sent_is_told_with_what_is_missing_of_the_minimum(home: Home) -> None:
    """Scenario 26: the channel took its fee from the amount, and the minimum is not met."""
    (order,) = home.tap(rule=AmountRule.CUSTOM, amount=10_000)
    home.deliver(order)
    home.prove(order, amount=9_950)
    (message,) = told(home, "repay_short_of_minimum")
    assert "付了 ¥100.00,到账 ¥99.50" in message.text
    assert "离最低还款额还差 ¥0.50" in message.text
    assert message.urgent


def test_less_than_was_sent_but_above_the_minimum_is_no_alarm(home: Home) -> None:
    (order,) = home.tap()
    home.deliver(order)
    home.prove(order, amount=99_950)
    assert [one.urgent for one in told(home, "repay_short")] == [False]
    assert told(home, "repay_short_of_minimum") == []


def test_a_proof_that_is_taken_back_is_told_with_what_not_to_do(home: Home) -> None:
    """Scenario 32: posted to the wrong bill, then corrected."""
    (order,) = home.tap()
    home.deliver(order)
    home.prove(order)
    assert order.key is not None
    with home.worker() as db:
        (proof,) = [one for one in evidence.of(db, home.party, order.key).rows if one.kind == Kind.BANK_FILE]
        evidence.doubt(db, WORKER, home.party, order.key, proof.id, reason="记到了别的账单", now=home.clock())
        evidence.weigh(db, home.party, order.key, now=home.clock())
    assert home.found(order).status is OrderStatus.IN_DOUBT
    (doubt,) = told(home, "repay_in_doubt")
    assert "请先不要重复还款" in doubt.text
    assert doubt.acknowledged_at is None
