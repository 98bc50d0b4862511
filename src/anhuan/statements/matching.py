"""Which rows tell one movement: wallet and card, bill and export, refund and purchase, repayment and card.

A match links two lines and never removes one. The links are a function of the set of lines alone: whatever the order in
which files came, the same lines give the same links, and taking a file back gives back the links that stood before it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations
from typing import Final, NamedTuple
from uuid import UUID

from anhuan.statements.changes import LinkKind
from anhuan.statements.model import FileKind, LineKind, Source

# How wallets call themselves in the rows of cards and accounts (read in the public samples of statement exports).
WALLET_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "alipay": ("支付宝", "ALIPAY", "蚂蚁"),
    "wechat": ("财付通", "微信", "TENPAY", "WECHAT", "WEIXIN"),
    "jd": ("京东", "网银在线", "JD"),
    "meituan": ("美团", "钱袋宝", "大众点评"),
    "unionpay": ("云闪付", "银联"),
    "douyin": ("抖音", "合众易宝"),
}
# How wallets name the banks they pay with. Longer names first where one holds another.
BANK_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "cmb": ("招商银行", "招行"), "icbc": ("工商银行", "工行"), "ccb": ("建设银行", "建行"), "boc": ("中国银行", "中行"),
    "abc": ("农业银行", "农行"), "bocom": ("交通银行", "交行"), "citic": ("中信银行", "中信"),
    "spdb": ("浦发银行", "浦东发展银行", "浦发"), "ceb": ("光大银行",), "cmbc": ("民生银行",), "pab": ("平安银行",),
    "cgb": ("广发银行",), "cib": ("兴业银行",), "psbc": ("邮储银行", "邮政储蓄"), "hxb": ("华夏银行",),
    "bob": ("北京银行",), "njcb": ("南京银行",), "hnb": ("湖南银行", "华融湘江"), "hsbc": ("汇丰",),
}  # fmt: skip

_TAIL: Final = re.compile(r"[(\uff08\[]\s*(\d{3,4})\s*[)\uff09\]]|尾号\s*(\d{4})")
_BRANCH: Final = re.compile(r"[_*#]")
_NOISE: Final = re.compile(r"[\W_]+|有限公司|有限责任公司|平台商户|外部商户|消费|快捷支付|CHN|CN\b")
_DAY: Final = timedelta(days=1)
# A refund this much later than its purchase is no longer taken for it without an order number.
_REFUND_DAYS: Final = 180
# A transfer between banks shows on the card at once or a few days later, never earlier than the day before.
_REPAYMENT_DAYS: Final = range(-1, 4)
ORDER: Final = "order"  # the reason of links that an order number proves
# Points of evidence, in thousandths: amount and day alone (500) never make a link.
_ENOUGH: Final = 600
_AMOUNT_AND_DAY, _TAIL_SAME, _BANK_SAME, _WALLET_NAMED, _MERCHANT_ALIKE, _NEXT_DAY = 500, 300, 100, 100, 150, -40
_FILE_RANK: Final = {FileKind.BILL: 0, FileKind.STATEMENT: 1, FileKind.DAILY: 2, FileKind.UNKNOWN: 3}


class Row(NamedTuple):
    """What matching needs of a line; (`key`, `occurrence`) names it the same way on every machine and in any order."""

    id: UUID
    key: bytes
    occurrence: int
    stream: str
    file_kind: FileKind
    source: Source
    bank: str | None
    tail: str | None
    posted_on: date | None
    traded_on: date | None
    amount: int
    currency: str
    kind: LineKind
    description: str
    counterparty: str | None
    paid_with: str | None
    reference: str | None


class Match(NamedTuple):
    """Two rows that belong together; of SAME the first one counts, of REFUND and REPAYMENT the first is the payment."""

    kind: LinkKind
    first: Row
    second: Row
    score: int  # points in thousandths; the best possible pair has some more than 1000
    reason: str


def root_of(reference: str | None) -> str | None:
    """The order number that a refund's number is built on: wallets add a mark and a number to the purchase's own."""
    if not reference:
        return None
    return (_BRANCH.split(reference, maxsplit=1)[0] if _BRANCH.search(reference) else reference).strip() or None


def match(rows: Iterable[Row]) -> Iterator[Match]:
    """All links among the rows by amount: rows of one amount in one currency, all of which must be given."""
    buckets: defaultdict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        if row.amount and row.kind is not LineKind.BALANCE:
            buckets[row.currency, abs(row.amount)].append(row)
    for bucket in buckets.values():
        if len(bucket) > 1:
            yield from _same_and_repaid(bucket)
            yield from _refunds_by_words(bucket)


def match_orders(rows: Iterable[Row]) -> Iterator[Match]:
    """Refunds linked to purchases by order number, all rows of these order numbers being given; amounts may differ."""
    told = [row for row in rows if row.reference]
    refunded = {root_of(row.reference) for row in told if row.kind is LineKind.REFUND and row.amount < 0}
    orders: defaultdict[tuple[str | None, str], list[Row]] = defaultdict(list)
    for row in told if refunded else ():
        if (root := root_of(row.reference)) and root in refunded:
            orders[row.bank, root].append(row)
    for order in orders.values():
        bought = sorted((row for row in order if row.amount > 0 and row.kind is LineKind.PURCHASE), key=_stable)
        back = sorted((row for row in order if row.amount < 0 and row.kind is LineKind.REFUND), key=_stable)
        if len({(row.key, row.occurrence) for row in bought}) == 1:  # clear: one purchase has that number
            yield from (Match(LinkKind.REFUND, bought[0], row, 1000, ORDER) for row in back)


def _same_and_repaid(bucket: Sequence[Row]) -> Iterator[Match]:
    streams: defaultdict[str, list[Row]] = defaultdict(list)
    for row in bucket:
        streams[row.stream].append(row)
    for one, other in combinations(sorted(streams, key=lambda name: _rank(streams[name][0])), 2):
        yield from _paired(streams[one], streams[other], _same)
        yield from _paired(streams[other], streams[one], _repaid)
        yield from _paired(streams[one], streams[other], _repaid)


def _paired(
    firsts: Sequence[Row], seconds: Sequence[Row], judge: Callable[[Row, Row], Match | None]
) -> Iterator[Match]:
    """One-to-one links between two streams: the surest first, then as many more as rearranging makes room for."""
    by_day: defaultdict[date, list[Row]] = defaultdict(list)
    for row in seconds:
        for day in _days(row):
            by_day[day].append(row)
    edges: dict[UUID, dict[UUID, Match]] = {}
    for row in sorted(firsts, key=_stable):
        near = {other.id: other for day in _near(row, judge) for other in by_day.get(day, ())}
        found = [link for other in near.values() if (link := judge(row, other))]
        if found:
            found.sort(key=lambda link: (-link.score, _stable(link.second)))
            edges[row.id] = {link.second.id: link for link in found}
    return iter(_assign(edges))


def _assign(edges: Mapping[UUID, Mapping[UUID, Match]]) -> list[Match]:
    """A largest set of one-to-one links that begins with the surest ones (augmenting paths over a greedy start)."""
    ranked = sorted(
        (link for row in edges.values() for link in row.values()),
        key=lambda link: (-link.score, _stable(link.first), _stable(link.second)),
    )
    taken: dict[UUID, Match] = {}  # by the second row
    placed: set[UUID] = set()
    for link in ranked:
        if link.first.id not in placed and link.second.id not in taken:
            taken[link.second.id] = link
            placed.add(link.first.id)
    for first in edges:
        if first not in placed:
            _augment(first, edges, taken)
    return list(taken.values())


def _augment(start: UUID, edges: Mapping[UUID, Mapping[UUID, Match]], taken: dict[UUID, Match]) -> None:
    """Find room for one more row by moving others along, if there is any; rows that had a partner keep one."""
    came_by: dict[UUID, Match] = {}
    frontier = [start]
    while frontier:
        first = frontier.pop(0)
        for second, link in edges[first].items():
            if second in came_by:
                continue
            came_by[second] = link
            if second in taken:
                frontier.append(taken[second].first.id)
                continue
            _move_along(start, second, came_by, taken)
            return


def _move_along(start: UUID, free: UUID, came_by: Mapping[UUID, Match], taken: dict[UUID, Match]) -> None:
    held = {link.first.id: second for second, link in taken.items() if second in came_by}
    second = free
    while True:
        link = came_by[second]
        taken[second] = link
        if link.first.id == start:
            return
        second = held[link.first.id]


def _same(one: Row, other: Row) -> Match | None:
    """Whether two rows of different sources tell one movement; `one` is the row that counts."""
    if one.amount != other.amount or (gap := _gap(one, other)) > 1:
        return None
    if one.source is not Source.WALLET and other.source is Source.WALLET:
        points, reason = _card_and_wallet(one, other)
    elif one.source is other.source and one.bank == other.bank:
        points, reason = _two_tellings(one, other)
    elif one.source is other.source is Source.WALLET:
        points, reason = _two_wallets(one, other)
    else:
        return None
    score = _AMOUNT_AND_DAY + points + (_NEXT_DAY if gap else 0)
    if not points or score < _ENOUGH:
        return None
    return Match(LinkKind.SAME, one, other, score, f"amount {'next-day' if gap else 'day'} {reason}")


def _card_and_wallet(card: Row, wallet: Row) -> tuple[int, str]:
    """Evidence that a wallet row was paid by this card: the wallet says with what, the bank through whom."""
    tail, bank = paid_by(wallet.paid_with)
    if wallet.paid_with and not (tail or bank):
        return 0, ""  # paid from the wallet's own money
    if (tail and card.tail and not _tails_agree(tail, card.tail)) or (bank and card.bank and bank != card.bank):
        return 0, ""
    if (named := wallets_in(card.description)) and wallet.bank not in named:
        return 0, ""  # the bank names another wallet
    said = [
        ("tail", _TAIL_SAME, bool(tail and card.tail)),
        ("bank", _BANK_SAME, bool(bank and card.bank)),
        ("wallet", _WALLET_NAMED, wallet.bank in named),
        ("merchant", _MERCHANT_ALIKE, alike(card.description, wallet.counterparty or wallet.description)),
    ]
    if not wallet.paid_with and not (said[2][2] and said[3][2]):
        return 0, ""  # no word how it was paid: wallet and merchant must both be named
    return _sum(said)


def _two_tellings(one: Row, other: Row) -> tuple[int, str]:
    """Evidence that two files of one bank tell the same row: the card agrees, or at least the words do."""
    if one.tail and other.tail and not _tails_agree(one.tail, other.tail):
        return 0, ""
    if (one.kind is LineKind.REPAYMENT) is not (other.kind is LineKind.REPAYMENT):
        return 0, ""
    said = [
        ("tail", _TAIL_SAME, bool(one.tail and other.tail)),
        ("order", _TAIL_SAME, bool(one.reference and one.reference == other.reference)),
        ("merchant", _MERCHANT_ALIKE, alike(one.description, other.description)),
    ]
    return _sum(said)


def _two_wallets(one: Row, other: Row) -> tuple[int, str]:
    """A shop's own wallet row and the row of the wallet that paid it (京东 paid by 微信)."""
    paid_through = wallets_in(one.paid_with or "") & {other.bank} or wallets_in(other.paid_with or "") & {one.bank}
    named = other.bank in wallets_in(f"{one.description} {one.counterparty or ''}") or one.bank in wallets_in(
        f"{other.description} {other.counterparty or ''}"
    )
    return (_WALLET_NAMED + _MERCHANT_ALIKE, "wallet") if paid_through and named else (0, "")


def _repaid(payer: Row, card: Row) -> Match | None:
    """Whether money that left an account or wallet is this repayment on a card: both are one transfer."""
    if payer.source is Source.CARD or card.source is not Source.CARD or payer.amount != -card.amount:
        return None
    if card.kind is not LineKind.REPAYMENT or payer.kind not in (LineKind.REPAYMENT, LineKind.TRANSFER):
        return None
    gaps = {(back - out).days for out in _days(payer) for back in _days(card)}
    if payer.amount < 0 or gaps.isdisjoint(_REPAYMENT_DAYS):
        return None
    told = f"{payer.description} {payer.counterparty or ''} {payer.paid_with or ''}"
    tail, bank = paid_by(told)
    if (tail and card.tail and tail == card.tail) or (bank and bank == card.bank) or payer.kind is LineKind.REPAYMENT:
        score = 900 if tail and tail == card.tail else 800 if bank == card.bank else 650
        return Match(LinkKind.REPAYMENT, payer, card, score, "amount day repayment")
    return None


def _refunds_by_words(bucket: Sequence[Row]) -> Iterator[Match]:
    """Full refunds without an order number, where the shop's words leave no doubt which purchase they give back."""
    backs = [row for row in bucket if row.amount < 0 and row.kind is LineKind.REFUND and not row.reference]
    if not backs:
        return
    bought = sorted((row for row in bucket if row.amount > 0 and row.kind is LineKind.PURCHASE), key=_stable)
    used: set[UUID] = set()
    for back in sorted(backs, key=_stable):
        fits = [row for row in bought if row.id not in used and _gives_back(back, row)]
        if fits and len({(row.description, row.tail) for row in fits}) == 1:
            used.add(fits[-1].id)  # of equal purchases the latest
            yield Match(LinkKind.REFUND, fits[-1], back, 800, "amount merchant")


def _gives_back(back: Row, bought: Row) -> bool:
    days = (_day(back) - _day(bought)).days
    same_pocket = back.stream == bought.stream and (not back.tail or not bought.tail or back.tail == bought.tail)
    return same_pocket and 0 <= days <= _REFUND_DAYS and alike(back.description, bought.description)


def paid_by(text: str | None) -> tuple[str | None, str | None]:
    """The card tail and the bank that a wallet's words name: `中国银行信用卡(1875)` gives ("1875", "boc")."""
    if not text:
        return None, None
    found = _TAIL.search(text)
    bank = next((name for name, words in BANK_WORDS.items() if any(word in text for word in words)), None)
    return ((found[1] or found[2]) if found else None), bank


def wallets_in(text: str) -> set[str]:
    """The wallets that a row's words name."""
    upper = text.upper()
    return {name for name, words in WALLET_WORDS.items() if any(_holds(upper, word) for word in words)}


def alike(one: str, other: str) -> bool:
    """Whether two wordings name the same shop: one holds the other, or they share most of their letter pairs."""
    left, right = _bare(one), _bare(other)
    if len(left) < 2 or len(right) < 2:
        return False
    if left in right or right in left:
        return True
    pairs, others = _pairs(left), _pairs(right)
    return 2 * len(pairs & others) >= min(len(pairs), len(others))


def _holds(text: str, word: str) -> bool:
    return bool(re.search(rf"(?<![A-Z]){word}(?![A-Z])", text)) if word.isascii() else word in text


def _bare(text: str) -> str:
    """A shop's words without the wallet's name, company endings and punctuation."""
    upper = text.upper()
    for words in WALLET_WORDS.values():
        for word in words:
            if upper.startswith(word) and len(upper) > len(word) + 2:
                upper = upper[len(word) :]
    return _NOISE.sub("", upper)


def _pairs(text: str) -> set[str]:
    return {text[n : n + 2] for n in range(len(text) - 1)}


def _tails_agree(one: str, other: str) -> bool:
    """Whether two tails can be one card; an Amex may show three digits of its four."""
    return one.endswith(other) or other.endswith(one)


def _sum(said: Sequence[tuple[str, int, bool]]) -> tuple[int, str]:
    return sum(points for _, points, true in said if true), " ".join(word for word, _, true in said if true)


def _days(row: Row) -> set[date]:
    return {day for day in (row.traded_on, row.posted_on) if day}


def _day(row: Row) -> date:
    return row.traded_on or row.posted_on or date.min


def _near(row: Row, judge: Callable[[Row, Row], Match | None]) -> set[date]:
    reach = _REPAYMENT_DAYS if judge is _repaid else range(-1, 2)
    return {day + n * _DAY for day in _days(row) for n in reach}


def _gap(one: Row, other: Row) -> int:
    """Whole days between the nearest days of two rows; far apart where one has none."""
    gaps = [abs((a - b).days) for a in _days(one) for b in _days(other)]
    return min(gaps, default=9999)


def _rank(row: Row) -> tuple[bool, int, str]:
    """Which of two tellings counts: the bank's before the wallet's; bill, export, daily mail in this order."""
    return row.source is Source.WALLET, _FILE_RANK[row.file_kind], row.stream


def _stable(row: Row) -> tuple[date, bytes, int]:
    return _day(row), row.key, row.occurrence
