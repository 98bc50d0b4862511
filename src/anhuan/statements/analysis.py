"""What the stored lines add up to: spending by month and category, and what cards cost in fees and interest.

Every movement counts once, however many files tell it; repayments and transfers are neither spending nor income; a
refund takes off the spending of its own month. Each sum names its lines, so that a page can drill down to them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.statements import service, store_lines
from anhuan.statements.changes import LineShown
from anhuan.statements.model import LineKind, Source

OTHER: Final = "other"
# Words of shops by category; the first category with a word that stands in the row wins. Data: to know a shop, add it.
CATEGORIES: Final[Mapping[str, Sequence[str]]] = {
    name: words.split()
    for name, words in {
        "food": "餐 饭 面馆 米线 火锅 咖啡 奶茶 小吃 麦当劳 肯德基 金拱门 饿了么 外卖 星巴克 瑞幸 食堂 烘焙 蛋糕 "
        "RESTAURANT CAFE COFFEE KFC MCDONALD CATERING",
        "transport": "地铁 公交 公共交通 轨道交通 滴滴 打车 出行 铁路 12306 航空 机票 加油 石油 石化 停车 高速 单车 "
        "ETC METRO TAXI SUICA AIRLINE RAILWAY",
        "groceries": "超市 便利 盒马 永辉 菜 水果 7-ELEVEN 罗森 全家 MARKET CONVENIENCE",
        "utilities": "水费 电费 燃气 电网 国网 自来水 物业 中国移动 中国联通 中国电信 话费 宽带 供电",
        "health": "医院 药房 药店 诊所 体检 牙 HOSPITAL PHARMACY CLINIC",
        "education": "学校 大学 教育 培训 书店 图书 SCHOOL UNIVERSITY",
        "leisure": "电影 影票 影城 酒店 旅行 旅游 景区 健身 游戏 音乐 视频 会员 STEAM XBOX HOTEL CINEMA NETFLIX",
        "shopping": "京东 淘宝 天猫 拼多多 旗舰店 商城 百货 苏宁 抖音电商 专营店 MALL AMAZON PINDUODUO",
        "insurance": "保险 人寿 INSURANCE",
    }.items()
}
_SPENT: Final = (LineKind.PURCHASE, LineKind.REFUND, LineKind.INSTALMENT, LineKind.OTHER)
_COSTS: Final = (LineKind.FEE, LineKind.INTEREST)
_MANY: Final = 200_000  # more lines than a person's ten years
_DRILL: Final = 200  # lines named under one sum


@dataclass(frozen=True, slots=True)
class Sum:
    """One sum in minor units of its currency, the number of lines in it, and the first of them by id."""

    name: str
    currency: str
    amount: int
    count: int
    lines: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """One month (its first day): spending by category, what the cards cost, and what came in."""

    month: date
    spending: tuple[Sum, ...]
    costs: tuple[Sum, ...]  # fees and interest
    income: tuple[Sum, ...]


@dataclass(frozen=True, slots=True)
class Months:
    """The months of a period, oldest first; lines without any date are in none of them and counted here."""

    months: tuple[Month, ...]
    undated: int


@dataclass(frozen=True, slots=True)
class Audit:
    """The fees and interest of a card: what was charged, what was given back, and the free rows that only tell so."""

    charged: tuple[LineShown, ...]
    given_back: tuple[LineShown, ...]
    waived: tuple[LineShown, ...]  # a row of 0.00, such as an annual fee that was not charged
    totals: tuple[Sum, ...]  # charged less given back, by kind and currency


def months(db: Session, user_id: UUID, *, since: date | None = None, until: date | None = None) -> Months:
    """Spending, costs and income by month and category; days inclusive."""
    rows = store_lines.counted_lines(db, user_id, where=store_lines.between(since, until), at_most=_MANY)
    groups: defaultdict[tuple[date, str, str, str], list[tuple[UUID, int]]] = defaultdict(list)
    undated = 0
    for row in rows:
        part = _part(LineKind(row.kind), Source(row.source), row.said.amount)
        if part is None or not row.said.amount:
            continue
        if row.day is None:
            undated += 1
            continue
        name = category_of(row.said.description, row.said.counterparty or "") if part == "spending" else row.kind
        amount = -row.said.amount if part == "income" else row.said.amount
        groups[row.day.replace(day=1), part, name, row.currency].append((row.id, amount))
    found = sorted({month for month, *_ in groups})
    return Months(tuple(Month(month, *(_sums(groups, month, part) for part in _PARTS)) for month in found), undated)


def fee_audit(
    db: Session,
    user_id: UUID,
    *,
    bank: str | None = None,
    card: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Audit:
    """The fees and interest on cards (of a bank, of one card by its last digits): charged, given back, waived."""
    where = [*store_lines.between(since, until), store_lines.of_costs()]
    if bank is not None:
        where.append(store_lines.of_card(bank, card))
    rows = store_lines.counted_lines(db, user_id, where=where, at_most=_MANY)
    shown = service.shown_lines(db, user_id, rows)
    charged = tuple(line for line in shown if line.amount > 0)
    given_back = tuple(line for line in shown if line.amount < 0)
    groups: defaultdict[tuple[str, str], list[LineShown]] = defaultdict(list)
    for line in (*charged, *given_back):
        groups[_cost_of(line), line.currency].append(line)
    totals = tuple(
        Sum(kind, currency, sum(line.amount for line in lines), len(lines), tuple(line.id for line in lines[:_DRILL]))
        for (kind, currency), lines in sorted(groups.items())
    )
    return Audit(charged, given_back, tuple(line for line in shown if line.amount == 0), totals)


@lru_cache(maxsize=65536)
def category_of(description: str, counterparty: str = "") -> str:
    """The category of a shop by its words, or `other`."""
    told = f"{counterparty} {description}".upper()
    return next((name for name, words in CATEGORIES.items() if any(word in told for word in words)), OTHER)


_PARTS: Final = ("spending", "costs", "income")


def _part(kind: LineKind, source: Source, amount: int) -> str | None:
    """Which part of a month a row belongs to: a repayment or transfer to none."""
    if kind in _COSTS:
        return "costs"
    if kind is LineKind.CASH_ADVANCE and source is Source.CARD:
        return "spending"
    if kind is LineKind.INCOME:
        return "income" if amount < 0 else None
    return "spending" if kind in _SPENT else None


def _sums(
    groups: Mapping[tuple[date, str, str, str], Sequence[tuple[UUID, int]]], month: date, part: str
) -> tuple[Sum, ...]:
    found = [
        Sum(name, currency, sum(amount for _, amount in rows), len(rows), tuple(line for line, _ in rows[:_DRILL]))
        for (of_month, of_part, name, currency), rows in groups.items()
        if (of_month, of_part) == (month, part)
    ]
    return tuple(sorted(found, key=lambda each: (each.currency != "CNY", each.currency, -each.amount, each.name)))


def _cost_of(line: LineShown) -> str:
    """The kind of cost; a refund linked to a fee gives back that fee."""
    return line.kind.value if line.kind in _COSTS else LineKind.FEE.value
