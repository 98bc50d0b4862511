"""What kind a row of an export is, by the words in it: the tables below are data, the code only looks them up."""

import re
from functools import lru_cache
from typing import Final

from anhuan.statements.model import LineKind, Source


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


BALANCE_WORDS: Final = _any(
    r"previous (statement )?balance", r"balance previous statement", r"last month'?s balance", r"previous statement",
    r"(opening|closing|beginning|ending|starting) balance", r"balance (brought|carried) forward", r"^balance [bc]/?f\b",
    r"^[bc]/?f balance", "^上期(账单|应还|余额|结余)", "^(期初|期末|承前|结转)余额", "^承前(页|期)?$",
)  # fmt: skip
TOTAL_WORDS: Final = _any(
    r"^(sub|grand)?\s*-?total\b", r"^total (amount )?due", "合计", "^总计", "^小计", "^共计", r"^record count", "^汇总"
)
_REPAYMENT: Final = _any(
    "信用卡还款", "还款", "自扣", r"\bpayments?\b.*(thank|received|internet|giro|auto|online|by\b|-|–)", r"^payment$",
    r"payment received", r"incoming payment", r"\bautopay\b", r"\brepayment\b", r"\bgiro pay", r"direct debit payment",
    r"thank you",
)  # fmt: skip
_REFUND: Final = _any(
    "退款|退货|退回|撤销|冲正|返还|返现|奖励", r"\brefund", r"\brebate", r"\bcash\s?back", r"\breversal", r"^return\b",
    r"\bcredit voucher",
)  # fmt: skip
_FEE: Final = _any(
    "年费|手续费|违约金|滞纳金|服务费|会员费|工本费|短信费", r"\bfees?\b", r"\blate charge", r"\bannual charge"
)
_INTEREST: Final = _any("利息", "结息", r"\binterest\b", r"\bfinance charge")
_COST: Final = re.compile("年费|手续费|违约金|滞纳金|会员费|工本费|利息|[Ff]ee|FEE|[Ii]nterest|INTEREST")
_CASH: Final = _any("取现", "预借现金", r"\bcash advance", r"atm.{0,3}取款", r"\batm withdrawal", r"\bcash withdrawal")
_INSTALMENT: Final = _any("分期", r"\binstal?lment", r"\bIPP\b")
_TRANSFER: Final = _any(
    "转账|转帐|汇款|汇入|汇出|网转|转入|转出|提现|充值|转存|取款|存现", "理财|基金|申购|赎回|零钱通|余额宝|定期",
    "存款(?!利息)", r"\btransfers?\b", r"\btfr\b", r"e-?tfr\b", r"\bwithdrawal\b",
)  # fmt: skip
_INCOME: Final = _any("工资", "代发", "薪", "奖金", "公积金", "结息", r"\bsalary\b", r"\bpayroll\b", r"\bdividend")
_OF_FEE_BACK: Final = _any("年费.*(返还|退回|冲销|减免)", "减免.*年费")
_PERSON: Final = re.compile(r"[\u4e00-\u9fff*]{2,3}")  # a credit that names only a person is a transfer to the card
_DIGITS: Final = re.compile(r"\d+")  # numbers tell no kind: without them one merchant's rows are one question
_SHARE: Final = re.compile(r"(?<!\d)(\d{1,2})\s*/\s*(\d{1,2})\s*期|第(\d{1,2})期.{0,3}共(\d{1,2})期")


@lru_cache(maxsize=65536)
def kind_of(words: str, *, spent: bool, source: Source) -> LineKind:
    """The kind of a row from its words and its direction (`spent`: money went out of the person's pocket)."""
    return _kind_of(_DIGITS.sub("0", words), spent, source)


@lru_cache(maxsize=65536)
def _kind_of(words: str, spent: bool, source: Source) -> LineKind:
    if BALANCE_WORDS.search(words):
        return LineKind.BALANCE
    return _on_card(words, spent) if source is Source.CARD else _on_account(words, spent)


@lru_cache(maxsize=65536)
def is_credit(words: str) -> bool:
    """True when the words alone say that money came back to a card: a repayment or a refund."""
    return _is_credit(_DIGITS.sub("0", words))


@lru_cache(maxsize=65536)
def _is_credit(words: str) -> bool:
    return bool(_REPAYMENT.search(words) or _REFUND.search(words)) and not BALANCE_WORDS.search(words)


@lru_cache(maxsize=65536)
def is_charge(words: str) -> bool:
    """True when the words alone say that a card was charged: a fee, interest, cash, or a debt brought forward."""
    return _is_charge(_DIGITS.sub("0", words))


@lru_cache(maxsize=65536)
def _is_charge(words: str) -> bool:
    return bool(_FEE.search(words) or _CASH.search(words) or BALANCE_WORDS.search(words)) and not is_credit(words)


@lru_cache(maxsize=65536)
def is_account_word(words: str) -> bool:
    """True for words that stand on statements of accounts and hardly ever on those of cards."""
    return bool(_INCOME.search(words))


def tells_cost(words: str, kind: LineKind, amount: int, source: Source) -> bool:
    """Whether a row tells what a card cost: a fee, interest, what was refunded of them, a free row about a fee."""
    if source is not Source.CARD:
        return False
    if kind in (LineKind.FEE, LineKind.INTEREST):
        return True
    return (kind is LineKind.REFUND or amount == 0) and _names_cost(words)


@lru_cache(maxsize=4096)
def _names_cost(words: str) -> bool:
    return bool(_COST.search(words))


def share_of(words: str) -> tuple[int, int] | None:
    """(10, 12) from `10/12期`: the tenth of twelve shares of an instalment plan."""
    found = _SHARE.search(words) if "期" in words else None
    if found is None:
        return None
    which, of = (int(part) for part in found.groups() if part)
    return (which, of) if 0 < which <= of else None


def _on_card(words: str, spent: bool) -> LineKind:
    if not spent:
        if _INTEREST.search(words):
            return LineKind.INTEREST
        if _OF_FEE_BACK.search(words):
            return LineKind.REFUND
        repaid = _REPAYMENT.search(words) or (_PERSON.fullmatch(words) and not _REFUND.search(words))
        return LineKind.REPAYMENT if repaid else LineKind.REFUND
    if _CASH.search(words):
        return LineKind.CASH_ADVANCE
    if _INSTALMENT.search(words):
        return LineKind.INSTALMENT
    if _INTEREST.search(words):
        return LineKind.INTEREST
    return LineKind.FEE if _FEE.search(words) else LineKind.PURCHASE


def _on_account(words: str, spent: bool) -> LineKind:
    if _REPAYMENT.search(words) and spent:
        return LineKind.REPAYMENT
    if not spent and _INCOME.search(words):
        return LineKind.INCOME
    if not spent and _REFUND.search(words):
        return LineKind.REFUND
    if _TRANSFER.search(words) or _CASH.search(words):
        return LineKind.TRANSFER
    if spent and _FEE.search(words):
        return LineKind.FEE
    if _INTEREST.search(words):
        return LineKind.INTEREST if spent else LineKind.INCOME
    return LineKind.PURCHASE if spent else LineKind.INCOME
