"""The chart: which code may join which kinds of accounts (ledger.md, sections 2 and 9). Values in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from anhuan.ledger.model import AccountKind as A
from anhuan.ledger.model import BadLine, Book, Kind


class Code(IntEnum):
    """摘要: why money moves. Numbers are stored and never reused; a reversal carries the code of what it reverses."""

    REPAY_TAKEN = 1
    REPAY_ARRIVED = 2
    REPAY_GIVEN_BACK = 3
    REPAY_FEE_OUTSIDE = 4
    QUOTA_GRANTED = 5
    QUOTA_SPENT = 6
    QUOTA_LAPSED = 7
    SERVICE_FEE = 10
    CHANNEL_COST = 11
    CHANNEL_PAID_OUT = 12
    BREAK_COST = 13
    BREAK_GAIN = 14
    PROMOTION = 15
    MERCHANT_PAID_OUT = 16
    MERCHANT_FEE = 17
    OPENING = 18
    SUSPENSE_FROM_BANK = 20
    SUSPENSE_TO_CARD = 21
    LOAN_DRAWN = 30
    LOAN_INTEREST = 31
    LOAN_FEE = 32
    LOAN_PENALTY = 33
    REPAID_PRINCIPAL = 34
    REPAID_INTEREST = 35
    REPAID_FEE = 36
    REPAID_PENALTY = 37
    WRITTEN_OFF = 38
    RECOVERED = 39
    POINTS_AWARDED = 50
    POINTS_SPENT = 51
    POINTS_EXCHANGED = 52
    POINTS_LAPSED = 53
    EXCHANGE_VALUE = 54
    COUPON_GIVEN = 55
    COUPON_USED = 56
    COUPON_LAPSED = 57
    CUSTODY_PAID_IN = 70
    CUSTODY_TAKEN = 71
    CUSTODY_ARRIVED = 72
    CUSTODY_FEE = 73
    CUSTODY_PAID_OUT = 74


@dataclass(frozen=True, slots=True)
class Way:
    """One row of the chart: in which book, from which kind to which, and what people call it."""

    book: Book
    src: A
    dst: A
    zh: str
    en: str


CHART: Final[Mapping[Code, Way]] = {
    Code.REPAY_TAKEN: Way(Book.TRACKED, A.BANK, A.TRANSIT, "还款扣款", "repayment taken"),
    Code.REPAY_ARRIVED: Way(Book.TRACKED, A.TRANSIT, A.CARD, "还款到账", "repayment arrived"),
    Code.REPAY_GIVEN_BACK: Way(Book.TRACKED, A.TRANSIT, A.BANK, "还款退回", "repayment given back"),
    Code.REPAY_FEE_OUTSIDE: Way(Book.TRACKED, A.TRANSIT, A.OUTSIDE_FEE, "渠道内扣手续费", "fee kept on the way"),
    Code.QUOTA_GRANTED: Way(Book.BENEFIT, A.QUOTA_SOURCE, A.QUOTA, "免费额度发放", "free quota granted"),
    Code.QUOTA_SPENT: Way(Book.BENEFIT, A.QUOTA, A.QUOTA_USED, "免费额度使用", "free quota used"),
    Code.QUOTA_LAPSED: Way(Book.BENEFIT, A.QUOTA, A.EXPIRED, "免费额度过期", "free quota lapsed"),
    Code.SERVICE_FEE: Way(Book.HOUSE, A.CHANNEL_DUE, A.FEE_INCOME, "服务费收入", "service fee earned"),
    Code.CHANNEL_COST: Way(Book.HOUSE, A.CHANNEL_COST, A.CHANNEL_DUE, "渠道成本", "channel's cost"),
    Code.CHANNEL_PAID_OUT: Way(Book.HOUSE, A.OPERATING_BANK, A.CHANNEL_DUE, "渠道结算入账", "channel paid out"),
    Code.BREAK_COST: Way(Book.HOUSE, A.BREAK_COST, A.CHANNEL_DUE, "差错损失", "break closed at our cost"),
    Code.BREAK_GAIN: Way(Book.HOUSE, A.CHANNEL_DUE, A.BREAK_GAIN, "差错收益", "break closed at our gain"),
    Code.PROMOTION: Way(Book.HOUSE, A.PROMOTION_COST, A.CHANNEL_DUE, "活动费用", "promotion"),
    Code.MERCHANT_PAID_OUT: Way(Book.HOUSE, A.MERCHANT_DUE, A.OPERATING_BANK, "商户结算", "merchant paid out"),
    Code.MERCHANT_FEE: Way(Book.HOUSE, A.MERCHANT_DUE, A.FEE_INCOME, "商户服务费", "merchant's fee"),
    Code.OPENING: Way(Book.HOUSE, A.OPERATING_BANK, A.OPENING, "期初", "opening balance"),
    Code.SUSPENSE_FROM_BANK: Way(Book.TRACKED, A.BANK, A.SUSPENSE, "待查扣款", "unexplained debit"),
    Code.SUSPENSE_TO_CARD: Way(Book.TRACKED, A.SUSPENSE, A.CARD, "待查入账", "unexplained credit"),
    Code.LOAN_DRAWN: Way(Book.CREDIT, A.LINE_PRINCIPAL, A.LENDER_BANK, "借款", "loan drawn"),
    Code.LOAN_INTEREST: Way(Book.CREDIT, A.LOAN_INTEREST, A.INTEREST_INCOME, "借款利息", "loan interest"),
    Code.LOAN_FEE: Way(Book.CREDIT, A.LOAN_FEE, A.LOAN_FEE_INCOME, "借款费用", "loan fee"),
    Code.LOAN_PENALTY: Way(Book.CREDIT, A.LOAN_PENALTY, A.PENALTY_INCOME, "借款罚息", "loan penalty"),
    Code.REPAID_PRINCIPAL: Way(Book.CREDIT, A.LENDER_BANK, A.LINE_PRINCIPAL, "归还本金", "principal repaid"),
    Code.REPAID_INTEREST: Way(Book.CREDIT, A.LENDER_BANK, A.LOAN_INTEREST, "归还利息", "interest repaid"),
    Code.REPAID_FEE: Way(Book.CREDIT, A.LENDER_BANK, A.LOAN_FEE, "归还费用", "fee repaid"),
    Code.REPAID_PENALTY: Way(Book.CREDIT, A.LENDER_BANK, A.LOAN_PENALTY, "归还罚息", "penalty repaid"),
    Code.WRITTEN_OFF: Way(Book.CREDIT, A.WRITE_OFF_COST, A.LINE_PRINCIPAL, "坏账核销", "written off"),
    Code.RECOVERED: Way(Book.CREDIT, A.LENDER_BANK, A.RECOVERY_INCOME, "核销后收回", "recovered after write-off"),
    Code.POINTS_AWARDED: Way(Book.BENEFIT, A.ISSUER, A.POINTS, "积分奖励", "points awarded"),
    Code.POINTS_SPENT: Way(Book.BENEFIT, A.POINTS, A.ISSUER, "积分使用", "points spent"),
    Code.POINTS_EXCHANGED: Way(Book.BENEFIT, A.POINTS, A.POINTS_EXCHANGE, "积分兑换", "points exchanged"),
    Code.POINTS_LAPSED: Way(Book.BENEFIT, A.POINTS, A.EXPIRED, "积分过期", "points lapsed"),
    Code.EXCHANGE_VALUE: Way(Book.HOUSE, A.EXCHANGE, A.FEE_INCOME, "积分抵费", "points against a fee"),
    Code.COUPON_GIVEN: Way(Book.BENEFIT, A.ISSUER, A.COUPON, "卡券发放", "coupon given"),
    Code.COUPON_USED: Way(Book.BENEFIT, A.COUPON, A.USED, "卡券核销", "coupon used"),
    Code.COUPON_LAPSED: Way(Book.BENEFIT, A.COUPON, A.EXPIRED, "卡券过期", "coupon lapsed"),
    Code.CUSTODY_PAID_IN: Way(Book.CUSTODY, A.CUSTODY_BANK, A.WALLET, "托管入金", "paid into custody"),
    Code.CUSTODY_TAKEN: Way(Book.CUSTODY, A.WALLET, A.CUSTODY_TRANSIT, "托管扣款", "taken from the wallet"),
    Code.CUSTODY_ARRIVED: Way(Book.CUSTODY, A.CUSTODY_TRANSIT, A.CUSTODY_BANK, "托管出金", "left custody, arrived"),
    Code.CUSTODY_FEE: Way(Book.CUSTODY, A.WALLET, A.FEE_PAYABLE, "托管服务费", "fee from the wallet"),
    Code.CUSTODY_PAID_OUT: Way(Book.CUSTODY, A.WALLET, A.CUSTODY_BANK, "托管退回", "paid back from custody"),
}

# Kinds whose balance is money we or others own: stored negative, shown with the sign turned.
ASSETS: Final = frozenset({
    A.BANK, A.OPERATING_BANK, A.CHANNEL_DUE, A.CHANNEL_COST, A.PROMOTION_COST, A.BREAK_COST, A.LINE_PRINCIPAL,
    A.LOAN_INTEREST, A.LOAN_FEE, A.LOAN_PENALTY, A.LENDER_BANK, A.WRITE_OFF_COST, A.ISSUER, A.QUOTA_SOURCE,
    A.CUSTODY_BANK, A.EXCHANGE,
})  # fmt: skip
# Whose accounts exist once per lane and belong to nobody.
OF_THE_HOUSE: Final = frozenset(A) - {
    A.BANK, A.CARD, A.OUTSIDE_FEE, A.MERCHANT_DUE, A.LINE_PRINCIPAL, A.LOAN_INTEREST, A.LOAN_FEE, A.LOAN_PENALTY,
    A.POINTS, A.COUPON, A.QUOTA, A.WALLET,
}  # fmt: skip


def book_of(unit: str) -> Book:
    """The book that a unit code counts in: `CNY/<book>[/issuer]`; points, coupons and the quota are benefits."""
    head, _, rest = unit.partition("/")
    if head in ("points", "coupon", "quota"):
        return Book.BENEFIT
    return Book(rest.partition("/")[0])


def check(kind: Kind, code: int | None, unit: str, src: A, dst: A) -> Code:
    """The code of a post or hold, if the chart allows it between these kinds; raises `BadLine`."""
    try:
        known = Code(code if code is not None else 0)
        way = CHART[known]
    except ValueError:
        raise BadLine(f"no code {code} in the chart", field="code") from None
    if (way.src, way.dst) != (src, dst) or book_of(unit) is not way.book:
        said = f"{known.name.lower()} goes from {way.src.name.lower()} to {way.dst.name.lower()} in {way.book}"
        raise BadLine(f"{said}, not from {src.name.lower()} to {dst.name.lower()} in {unit}", field="code")
    assert kind in (Kind.POST, Kind.HOLD)
    return known
