"""Which way money went: whether a column writes spending with a plus or a minus is settled over all its rows."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from anhuan.statements import cells, kinds
from anhuan.statements.draft import Draft
from anhuan.statements.model import Problem, Source

_OUT: Final = frozenset(
    "支出 支 付 付款 出 借 借方 debit dr d d- dbit withdrawal charge out 转出 出账 支付 消费 取".split()  # noqa: SIM905
)
_IN: Final = frozenset(
    "收入 收 入 进 贷 贷方 credit cr c c+ crdt deposit refund in 转入 入账 退款 存".split()  # noqa: SIM905
)
_BOOKED: Final = {"debit": 1, "credit": -1, "dr": 1, "cr": -1, "借": 1, "贷": -1}  # a type column that only says this
_VOTE: Final = 3  # a row whose words tell its direction counts as much as three whose sign is merely common


@lru_cache(maxsize=1024)
def direction_of(word: str) -> int:
    """+1 for money that goes out, -1 for money that comes in, 0 for neither (不计收支, /)."""
    key = cells.key_of(word)
    return 1 if key in _OUT else -1 if key in _IN else 0


def settle(
    drafts: Sequence[Draft], shown: Sequence[str], source: Source, spending: str, *, unsigned: bool
) -> list[Problem]:
    """Make money that goes out positive in every draft, and say where that was an assumption."""
    for draft in drafts:
        if not draft.settled and (way := direction_of(draft.direction) or _BOOKED.get(draft.word.lower(), 0)):
            draft.amount, draft.settled = way * abs(draft.amount), True
    open_ones = [draft for draft in drafts if not draft.settled and draft.amount]
    if not open_ones:
        return []
    if unsigned:
        return _by_words(open_ones, told=True)
    if spending:
        return _turn(open_ones, negative=spending == "negative")
    if any("支出为-" in cells.key_of(cell) or "欠款为-" in cells.key_of(cell) for cell in shown):
        return _turn(open_ones, negative=True)
    return _by_column(open_ones, source)


def _by_column(drafts: Sequence[Draft], source: Source) -> list[Problem]:
    minus = sum(1 for draft in drafts if draft.amount < 0)
    if source is Source.ACCOUNT and (way := _by_balance(drafts)):
        return _turn(drafts, negative=way < 0)
    if not minus and source is Source.CARD:
        return _by_words(drafts, told=False)
    if source is Source.ACCOUNT:
        return _turn(drafts, negative=True)
    for_plus, for_minus = _votes(drafts)
    turned = _turn(drafts, negative=for_minus > for_plus)
    if max(for_plus, for_minus) < 2 * min(for_plus, for_minus) or len(drafts) < 2:
        said = "负数" if for_minus > for_plus else "正数"
        turned.append(Problem("sign.assumed", f"无法确定消费记为正数还是负数，暂按消费为{said}读取，请确认"))
    return turned


def _votes(drafts: Sequence[Draft]) -> tuple[int, int]:
    """Votes for spending with plus and with minus: most rows of a card are spending, and some rows say it in words."""
    plus = minus = 0
    for draft in drafts:
        weight, spent_up = 1, draft.amount > 0
        if kinds.is_credit(draft.words):
            weight, spent_up = _VOTE, draft.amount < 0
        elif kinds.is_charge(draft.words):
            weight = _VOTE
        plus, minus = plus + weight * spent_up, minus + weight * (not spent_up)
    return plus, minus


def _by_balance(drafts: Sequence[Draft]) -> int:
    """-1 where the running balance moves with the amount (out is negative), +1 where against it, 0 where unknown."""
    same = other = 0
    for before, after in pairwise(drafts):
        if before.balance is None or after.balance is None or before.currency != after.currency:
            continue
        moved = after.balance - before.balance
        down, up = (after.amount, moved), (before.amount, -moved)  # oldest first, or newest first
        same += down[0] == down[1] or up[0] == up[1]
        other += down[0] == -down[1] or up[0] == -up[1]
    return 0 if same == other else -1 if same > other else 1


def _by_words(drafts: Sequence[Draft], *, told: bool) -> list[Problem]:
    """No minus anywhere: the words of a row are all there is."""
    turned = 0
    for draft in drafts:
        draft.settled = True
        if kinds.is_credit(draft.words):
            draft.amount, turned = -abs(draft.amount), turned + 1
    if told or not turned:
        return []
    return [Problem("sign.by_words", f"金额没有正负号，{turned} 行按文字（还款、退款）记为贷方，请确认")]


def _turn(drafts: Sequence[Draft], *, negative: bool) -> list[Problem]:
    for draft in drafts:
        draft.settled = True
        if negative:
            draft.amount = -draft.amount
    return []
