"""What all wallet exports share: three directions, orders never paid, and counts in the preface to compare with.

Money that leaves the pocket it was paid from is positive, so a withdrawal to the bank, a purchase of a fund and the
repayment of a card are positive too; their kind says that they are moves between own pockets.
"""

import re
from functools import lru_cache
from typing import Final

from anhuan.kit import money
from anhuan.statements import signs
from anhuan.statements.draft import Draft, Table
from anhuan.statements.model import LineKind, Problem

_NEVER_PAID: Final = re.compile(
    r"等待付款|待付款|待支付|未支付|支付失败|付款失败|已取消|交易失败|还款失败|提现失败|充值失败"
)
_OWN_POCKETS: Final = re.compile("提现|转入零钱通|零钱通转出|余额宝")
_COUNT: Final = re.compile(r"共[:：]?\s*(\d+)\s*笔")
_SUM: Final = re.compile(
    r"(收入|支出|不计收支|中性交易)[:：]\s*(\d+)\s*笔(?:\([^()]*\)|（[^（）]*）)?[\s,，]*([\d,]+(?:\.\d+)?)\s*元?"
)


def settle(draft: Draft, way: int, kind: LineKind) -> None:
    """Give the row its direction (+1 out, -1 in) and its kind."""
    draft.amount, draft.settled, draft.kind = way * abs(draft.amount), True, kind


def void(draft: Draft) -> None:
    """An order that moved no money: kept with its amount as the original one, counting nothing."""
    draft.original = (abs(draft.amount), draft.currency or "CNY")
    draft.amount, draft.settled, draft.kind = 0, True, LineKind.OTHER


def unpaid(draft: Draft) -> bool:
    """Void the row where its status says that it was never paid, and say so."""
    closed = "关闭" in draft.status and not draft.paid_with
    if closed or _says_unpaid(draft.status):
        void(draft)
        return True
    return False


@lru_cache(maxsize=1024)
def _says_unpaid(status: str) -> bool:
    return _NEVER_PAID.search(status) is not None


def is_neutral(draft: Draft) -> bool:
    """True for 不计收支, 中性交易 and `/`: neither income nor spending."""
    return signs.direction_of(draft.direction) == 0


def by_direction(draft: Draft) -> None:
    """支出 is a purchase unless its words say otherwise, 收入 is income."""
    if signs.direction_of(draft.direction) > 0:
        settle(draft, 1, LineKind.TRANSFER if _is_transfer(draft) else LineKind.PURCHASE)
    else:
        settle(draft, -1, LineKind.INCOME)


def check_counts(table: Table) -> list[Problem]:
    """Compare the counts and sums of the preface with the rows: a file cut short must not pass as whole."""
    problems = []
    rows = len(table.drafts)
    if (found := _COUNT.search(table.preface)) and int(found[1]) != rows:
        problems.append(_disagree(f"文件头写明共 {found[1]} 笔，实际读到 {rows} 笔"))
    for name, count, total in _SUM.findall(table.preface):
        mine = [draft for draft in table.drafts if _side(draft) == _SIDE[name]]
        if int(count) != len(mine):
            problems.append(_disagree(f"文件头写明{name} {count} 笔，实际读到 {len(mine)} 笔"))
        elif name in ("收入", "支出") and (said := money.from_text(total)) != (counted := _net(mine)):
            text = f"文件头写明{name} {money.to_text(said)} 元，各行相加为 {money.to_text(counted)} 元"
            problems.append(Problem("file.sums_differ", text))
    return problems


_SIDE: Final = {"收入": -1, "支出": 1, "不计收支": 0, "中性交易": 0}


def _side(draft: Draft) -> int:
    return signs.direction_of(draft.direction)


def _net(drafts: list[Draft]) -> int:
    """What the wallet itself adds up: amounts without the parts given back."""
    return sum(abs(draft.amount) - draft.refunded for draft in drafts)


def _disagree(said: str) -> Problem:
    return Problem("file.totals_disagree", f"{said}，明细可能不完整")


def _is_transfer(draft: Draft) -> bool:
    """转账 to a person is a payment; 提现 and 充值 are moves between own pockets."""
    return _OWN_POCKETS.search(draft.word) is not None
