"""Which rows tell one movement: evidence, one-to-one, and independence of the order in which rows come."""

import random
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anhuan.statements.changes import LinkKind
from anhuan.statements.matching import Match, Row, alike, match, match_orders, paid_by, root_of, wallets_in
from anhuan.statements.model import FileKind, LineKind, Source

DAY = date(2026, 10, 10)


def row(n: int, stream: str = "bill:cmb", **more: Any) -> Row:
    """A row of 45.50 on a card of 招商银行, or of a wallet where the stream says so."""
    kind, bank = stream.split(":")
    wallet = bank in ("alipay", "wechat", "jd")
    told: dict[str, Any] = {
        "id": UUID(int=n), "key": n.to_bytes(16), "occurrence": 0, "stream": stream,
        "file_kind": FileKind(kind), "source": Source.WALLET if wallet else Source.CARD, "bank": bank,
        "tail": None if wallet else "3096", "posted_on": None, "traded_on": DAY, "amount": 4550, "currency": "CNY",
        "kind": LineKind.PURCHASE, "description": "某某餐厅" if wallet else "支付宝-某某餐厅", "counterparty": None,
        "paid_with": "招商银行信用卡(3096)" if wallet else None, "reference": None,
    }  # fmt: skip
    return Row(**told | more)


def pairs(*rows: Row) -> set[tuple[str, int, int]]:
    """The links among rows: kind and the numbers of both."""
    return {(found.kind.value, found.first.id.int, found.second.id.int) for found in match(rows)}


@pytest.mark.parametrize(
    ("wallet", "linked"),
    [
        ({}, True),  # day, amount, tail, bank, wallet and shop agree
        ({"traded_on": DAY + timedelta(days=1)}, True),  # the bank posts a day later
        ({"traded_on": DAY + timedelta(days=2)}, False),
        ({"amount": 4551}, False),
        ({"paid_with": "招商银行信用卡(7190)"}, False),  # another card
        ({"paid_with": "工商银行信用卡(3096)"}, False),  # the same tail at another bank
        ({"paid_with": "零钱"}, False),  # from the wallet's own money
        ({"paid_with": "招商银行信用卡"}, True),  # the bank and the wallet's name must do
        ({"paid_with": None}, True),  # nothing said: wallet and shop are both named
        ({"paid_with": None, "description": "商品一件"}, False),  # nothing said and another shop
    ],
)
def test_a_wallet_row_is_the_card_row_only_where_the_evidence_agrees(wallet: dict[str, Any], linked: bool) -> None:
    assert pairs(row(1), row(2, "statement:alipay", **wallet)) == ({("same", 1, 2)} if linked else set())


def test_a_card_row_that_names_another_wallet_is_not_this_wallets_row() -> None:
    assert pairs(row(1, description="财付通-某某餐厅"), row(2, "statement:alipay")) == set()


def test_links_are_one_to_one_and_prefer_the_same_day() -> None:
    later: dict[str, Any] = {"traded_on": DAY + timedelta(days=1)}
    found = pairs(row(1), row(2, **later), row(3, "statement:alipay"), row(4, "statement:alipay", **later))
    assert found == {("same", 1, 3), ("same", 2, 4)}


def test_a_row_moves_along_to_make_room_for_another() -> None:
    """The second wallet row fits only the card row that the first would take; both find a place."""
    before: dict[str, Any] = {"traded_on": DAY - timedelta(days=1)}
    after: dict[str, Any] = {"traded_on": DAY + timedelta(days=1)}
    found = pairs(row(1), row(2, **before), row(3, "statement:alipay"), row(4, "statement:alipay", **after))
    assert found == {("same", 1, 4), ("same", 2, 3)}


def test_bill_export_and_daily_mail_tell_one_purchase_and_the_bill_counts() -> None:
    found = pairs(
        row(1), row(2, "statement:cmb", description="某某餐厅"), row(3, "daily:cmb", description="消费 某某餐厅")
    )
    assert found == {("same", 1, 2), ("same", 1, 3), ("same", 2, 3)}


def test_rows_of_one_stream_are_never_one_row() -> None:
    assert pairs(row(1), row(2), row(3)) == set()


def test_a_shops_wallet_and_the_wallet_that_paid_it_are_one() -> None:
    shop = row(1, "statement:jd", paid_with="微信支付", description="某某商城")
    payer = row(2, "statement:wechat", counterparty="京东", description="京东-订单", paid_with="零钱")
    assert {kind for kind, *_ in pairs(shop, payer)} == {"same"}


def test_money_that_leaves_an_account_is_the_repayment_that_arrives() -> None:
    out = row(1, "statement:icbc", source=Source.ACCOUNT, tail="6666", kind=LineKind.REPAYMENT,
              description="信用卡还款 招商银行")  # fmt: skip
    back = row(2, amount=-4550, kind=LineKind.REPAYMENT, traded_on=DAY + timedelta(days=2), description="跨行还款")
    assert pairs(out, back) == {("repayment", 1, 2)}
    assert pairs(out, back._replace(traded_on=DAY - timedelta(days=2))) == set()


def test_a_full_refund_is_linked_where_one_purchase_can_be_meant() -> None:
    back = row(9, amount=-4550, kind=LineKind.REFUND, traded_on=DAY + timedelta(days=5))
    assert pairs(row(1), back) == {("refund", 1, 9)}
    assert pairs(row(1), row(2, description="支付宝-某某餐厅二店"), back) == set()  # which of the two?
    assert pairs(row(1, description="某某加油站"), back) == set()
    assert pairs(row(1, traded_on=DAY + timedelta(days=6)), back) == set()  # bought after it was given back


def test_a_part_is_given_back_under_the_number_of_its_order() -> None:
    bought = row(1, "statement:alipay", reference="20261010220014")
    back = row(2, "statement:alipay", reference="20261010220014_1", amount=-1000, kind=LineKind.REFUND)
    [found] = match_orders([bought, back])
    assert (found.kind, found.first.id.int, found.second.id.int) == (LinkKind.REFUND, 1, 2)
    twice = row(3, "statement:alipay", reference="20261010220014")
    assert list(match_orders([bought, twice, back])) == []  # two purchases bear the number: not clear


@pytest.mark.parametrize(
    ("text", "tail", "bank"),
    [
        ("中国银行信用卡(1875)", "1875", "boc"),
        ("招商银行储蓄卡（6666）", "6666", "cmb"),
        ("尾号7190", "7190", None),
        ("余额宝", None, None),
        ("", None, None),
    ],
)
def test_a_wallet_says_with_which_card_it_paid(text: str, tail: str | None, bank: str | None) -> None:
    assert paid_by(text) == (tail, bank)


def test_words_are_compared_without_the_wallets_name_and_the_companys_form() -> None:
    assert alike("支付宝-金拱门(中国)有限公司", "金拱门（中国）")
    assert alike("财付通-拼多多平台商户", "拼多多")
    assert not alike("支付宝-某某书店", "某某加油站甲乙丙")
    assert wallets_in("网银在线-京东商城业务CHN") == {"jd"}
    assert wallets_in("JDSPORTS") == set()
    assert root_of("2026-1_2*3") == "2026-1"


ROWS = st.lists(
    st.builds(
        lambda stream, day, amount, shop, tail: (stream, DAY + timedelta(days=day), amount, shop, tail),
        st.sampled_from(["bill:cmb", "statement:cmb", "daily:cmb", "statement:alipay", "statement:wechat"]),
        st.integers(0, 3), st.sampled_from([200, 300]), st.sampled_from(["支付宝-地铁", "财付通-地铁", "地铁"]),
        st.sampled_from(["3096", "7190"]),
    ),
    max_size=24,
)  # fmt: skip


@given(ROWS, st.randoms(use_true_random=False))
def test_the_links_do_not_depend_on_the_order_of_the_rows(told: list[Any], dice: random.Random) -> None:
    rows = [built(n, *each) for n, each in enumerate(told)]
    mixed = list(rows)
    dice.shuffle(mixed)
    assert pairs(*mixed) == pairs(*rows)


@given(ROWS)
def test_no_row_has_two_partners_in_one_stream(told: list[Any]) -> None:
    found: list[Match] = list(match([built(n, *each) for n, each in enumerate(told)]))
    ends = [(link.first.id, link.second.stream) for link in found if link.kind is LinkKind.SAME]
    ends += [(link.second.id, link.first.stream) for link in found if link.kind is LinkKind.SAME]
    assert len(ends) == len(set(ends))


def built(n: int, stream: str, day: date, amount: int, shop: str, tail: str) -> Row:
    """One drawn row."""
    wallet = stream.endswith(("alipay", "wechat"))
    more = {"paid_with": f"招商银行信用卡({tail})"} if wallet else {"tail": tail}
    return row(n, stream, traded_on=day, amount=amount, description=shop, **more)
