"""What the lines add up to: each movement once, transfers never, costs by what was charged and given back."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from tests.statements.world import export, line, on, paid, take, wallet

from anhuan import statements
from anhuan.statements.analysis import category_of
from anhuan.statements.model import LineKind, Source


@pytest.mark.scope("S0-30")
def test_spending_is_summed_by_month_and_category_and_names_its_lines(db: Session, user_id: UUID) -> None:
    take(db, user_id, export(
        line(1, 300, "地铁"), line(2, 4550, "支付宝-某某餐厅"), line(3, -100, "地铁 退款", kind=LineKind.REFUND),
        line(4, -9000, "还款", kind=LineKind.REPAYMENT), line(5, 700, "某某餐厅", month=11),
    ))  # fmt: skip
    take(db, user_id, wallet(paid(1, 4550), paid(6, 1200, paid_with="零钱")))
    october, november = statements.months(db, user_id).months
    assert october.month == date(2026, 10, 1)
    assert {each.name: each.amount for each in october.spending} == {"food": 5750, "transport": 200}
    assert [each.amount for each in november.spending] == [700]
    [food] = [each for each in october.spending if each.name == "food"]
    assert (food.count, len(food.lines)) == (
        2,
        2,
    )  # the card's row and the small change, never both tellings
    assert statements.months(db, user_id, since=on(1, 11)).months == (november,)


def test_income_of_an_account_is_income_and_transfers_are_nothing(db: Session, user_id: UUID) -> None:
    rows = (
        line(1, -500000, "工资", card=None, kind=LineKind.INCOME),
        line(2, 100000, "转账", card=None, kind=LineKind.TRANSFER),
    )
    take(db, user_id, export(*rows, source=Source.ACCOUNT, account="****6666"))
    [month] = statements.months(db, user_id).months
    assert ([each.amount for each in month.income], month.spending, month.costs) == ([500000], (), ())


@pytest.mark.scope("S1-08")
def test_the_audit_finds_what_a_card_costs_and_does_not_count_what_was_waived(db: Session, user_id: UUID) -> None:
    take(db, user_id, export(
        line(1, 30000, "年费", kind=LineKind.FEE), line(2, -30000, "年费返还", kind=LineKind.REFUND),
        line(3, 0, "消费6次免年费300元", kind=LineKind.OTHER), line(4, 1234, "循环利息", kind=LineKind.INTEREST),
        line(5, 9900, "某某超市"), line(6, 500, "取现手续费", kind=LineKind.FEE, card="7190"),
    ))  # fmt: skip
    audit = statements.fee_audit(db, user_id, bank="cmb", card="3096")
    assert [each.description for each in audit.charged] == ["年费", "循环利息"]
    assert [each.description for each in audit.given_back] == ["年费返还"]
    assert [each.description for each in audit.waived] == ["消费6次免年费300元"]
    assert {each.name: each.amount for each in audit.totals} == {"fee": 0, "interest": 1234}
    assert {each.name: each.amount for each in statements.fee_audit(db, user_id).totals} == {
        "fee": 500,
        "interest": 1234,
    }


@pytest.mark.parametrize(
    ("words", "category"),
    [
        ("支付宝-金拱门(中国)有限公司", "food"),
        ("滴滴出行", "transport"),
        ("京东商城业务", "shopping"),
        ("张三", "other"),
    ],
)
def test_a_shop_is_known_by_its_words(words: str, category: str) -> None:
    assert category_of(words) == category
