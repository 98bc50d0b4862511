"""What a channel's file says beside what we know of that day: matches and differences, as pure values.

A line is matched on (business day, reference) within one channel, never by its amount alone, and without tolerance: a
fen is a difference. A reference that comes back in another year finds nothing of the old one (scenarios 23 to 28).
What differs becomes a break with an owner; nothing here corrects anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

from anhuan.channels.file_model import FileLine, LineKind, LineState, same_reference
from anhuan.kit.errors import Broken


class SumsApart(Broken):
    """对账不平: lines and differences do not add up to the file; the comparison itself is wrong."""

    code = "channels.sums_apart"


class Difference(StrEnum):
    """How a file and our books differ."""

    MISSING_AT_BANK = "missing_at_bank"  # 银行缺: we sent it, the file has no row
    UNKNOWN_TO_US = "unknown_to_us"  # 我方缺: the file has a row that nothing of ours explains
    AMOUNT = "amount"  # 金额不符
    FEE = "fee"  # 手续费: the channel kept another fee out of the amount than was agreed
    DUPLICATE = "duplicate"  # 重复: a second row of the same reference on the same day
    STATE = "state"  # 状态不符: one side says it failed or is still on its way
    RETURNED = "returned"  # 退汇, 冲正 that we had not heard of
    OTHER_DAY = "other_day"  # a row of another business day than the file's


@dataclass(frozen=True, slots=True)
class Ours:
    """One payment of ours, or one return we know of, on its business day (UTC+8). Amounts in fen."""

    key: UUID
    channel: str
    business_day: date
    reference: str  # as `reference_of` writes the key
    amount: int
    fee: int = 0  # agreed beforehand; kept out of the amount
    kind: LineKind = LineKind.PAYMENT  # or RETURN
    failed: bool = False  # we have a final no


@dataclass(frozen=True, slots=True)
class Match:
    """A line and the payment of ours that it proves."""

    line: FileLine
    ours: Ours


@dataclass(frozen=True, slots=True)
class Found:
    """One difference: the line, the payment of ours, or both, and why."""

    kind: Difference
    reference: str
    line: FileLine | None
    ours: Ours | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A whole day compared: every line stands in exactly one place, and so does every payment of ours.

    `beside` are rows that belong to a payment without being one: its fee, its arrival at the card, its way back from
    there. `silent` are payments of ours that finally failed and that the file rightly does not have.
    """

    matches: tuple[Match, ...]
    differences: tuple[Found, ...]
    beside: tuple[FileLine, ...] = ()
    silent: tuple[Ours, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


Key = tuple[str, LineKind]
_BACK: Final = frozenset((LineKind.RETURN, LineKind.RECEIVED))
_MAIN: Final = _BACK | {LineKind.PAYMENT}


def compare(
    lines: Sequence[FileLine], ours: Iterable[Ours], *, channel: str, day: date, other_days: Iterable[str] = ()
) -> Comparison:
    """Lines of one file against our payments of that channel and business day; others of ours are left untouched.

    `other_days` are references of ours from other days: an arrival or a return may come days later than its payment.
    Raises SumsApart where the result does not add up.
    """
    expected = _expected(one for one in ours if one.channel == channel and one.business_day == day)
    known = {same_reference(one) for one in other_days} | {reference for reference, _ in expected}
    work = _Work(day, expected, known, _fees(lines, day))
    for group in _groups(lines).values():
        work.take(group)
    result = work.result()
    insist(result, lines, expected.values())
    return result


def insist(result: Comparison, lines: Sequence[FileLine], ours: Iterable[Ours]) -> None:
    """Matches and differences make the whole file and the whole of ours, in number and in fen; raises SumsApart."""
    placed = [one.line for one in result.matches] + [one.line for one in result.differences if one.line]
    placed += result.beside
    if sorted(line.place for line in placed) != sorted(line.place for line in lines):
        raise SumsApart("对账结果没有覆盖文件的每一行", lines=len(lines), placed=len(placed))
    owned = [one.ours for one in result.matches] + [one.ours for one in result.differences if _stands(one)]
    owned += result.silent
    if sorted(_key(one) for one in owned if one) != sorted(_key(one) for one in ours):
        raise SumsApart("对账结果没有覆盖我方的每一笔", placed=len(owned))
    theirs = sum(line.amount for line in lines)
    if theirs != sum(one.amount for one in owned if one) + gap(result):
        raise SumsApart("对账结果的金额不平", theirs=theirs)


def gap(result: Comparison) -> int:
    """Fen by which the file's rows exceed ours, explained piece by piece."""
    matched = sum(one.line.amount - one.ours.amount for one in result.matches)
    differing = sum(
        (one.line.amount if one.line else 0) - (one.ours.amount if one.ours and _stands(one) else 0)
        for one in result.differences
    )
    return matched + differing + sum(line.amount for line in result.beside) - sum(one.amount for one in result.silent)


class _Work:
    """One comparison under way."""

    def __init__(self, day: date, expected: Mapping[Key, Ours], known: set[str], fees: Mapping[str, int]) -> None:
        self._day = day
        self._expected = expected
        self._known = known
        self._fees = fees
        self._used: set[Key] = set()
        self._matches: list[Match] = []
        self._found: list[Found] = []
        self._beside: list[FileLine] = []

    def take(self, group: Sequence[FileLine]) -> None:
        """The lines of one reference and kind."""
        today = [line for line in group if line.business_day == self._day]
        self._found += [_found(Difference.OTHER_DAY, line) for line in group if line.business_day != self._day]
        if not today:
            return
        key = _line_key(today[0])
        ours = self._expected.get(key)
        if today[0].kind not in _MAIN:
            self._aside(today)
        elif ours is None:
            said = Difference.RETURNED if key[1] in _BACK and key[0] in self._known else Difference.UNKNOWN_TO_US
            self._found += [_found(said, line) for line in today]
        else:
            first, *more = sorted(today, key=lambda line: (line.amount != ours.amount, line.place))
            self._used.add(key)
            self._pair(first, ours)
            self._found += [_found(Difference.DUPLICATE, line, ours) for line in more]

    def result(self) -> Comparison:
        """What was found, in the order of the file, then what the file does not have."""
        left = [one for key, one in self._expected.items() if key not in self._used]
        self._found.sort(key=lambda one: one.line.place if one.line else 0)
        missing = [Found(Difference.MISSING_AT_BANK, one.reference, None, one) for one in left if not one.failed]
        silent = tuple(one for one in left if one.failed)
        beside = tuple(sorted(self._beside, key=lambda line: line.place))
        return Comparison(tuple(self._matches), (*self._found, *missing), beside, silent)

    def _pair(self, line: FileLine, ours: Ours) -> None:
        said = _differs(line, ours, self._fees.get(line.reference, 0))
        if said is None:
            self._matches.append(Match(line, ours))
        else:
            self._found.append(_found(said, line, ours))

    def _aside(self, lines: Sequence[FileLine]) -> None:
        """Fees and arrivals of payments we know stand beside them; those of nobody are unknown to us."""
        for line in lines:
            payment = self._expected.get((line.reference, LineKind.PAYMENT))
            if line.reference not in self._known or not line.reference:
                self._found.append(_found(Difference.UNKNOWN_TO_US, line))
            elif line.kind is LineKind.GIVEN and payment and line.amount != payment.amount - payment.fee:
                fee = self._fees.get(line.reference, 0)
                said = Difference.FEE if fee and line.amount == payment.amount - fee else Difference.AMOUNT
                self._found.append(_found(said, line, payment))
            else:
                self._beside.append(line)


def _differs(line: FileLine, ours: Ours, apart: int) -> Difference | None:
    """How a line differs from the payment of its own reference; `apart` is a fee booked as a row of its own, in fen."""
    pending = line.state is LineState.PENDING and ours.kind is LineKind.PAYMENT  # a refund's row is never renewed
    if pending or (line.state is LineState.FAILED) != ours.failed:
        return Difference.STATE
    fee = line.fee + (apart if line.kind is LineKind.PAYMENT else 0)
    if line.currency != "CNY" or line.amount not in (ours.amount, ours.amount - line.fee):
        return Difference.AMOUNT
    return None if fee == ours.fee or ours.kind is not LineKind.PAYMENT else Difference.FEE


def _expected(ours: Iterable[Ours]) -> dict[Key, Ours]:
    found: dict[Key, Ours] = {}
    for one in ours:
        if _key(one) in found:
            raise SumsApart("我方同一天有两笔相同的参考号", reference=one.reference)
        found[_key(one)] = one
    return found


def _key(one: Ours) -> Key:
    return same_reference(one.reference), one.kind


def _line_key(line: FileLine) -> Key:
    return line.reference, LineKind.RETURN if line.kind in _BACK else line.kind


def _groups(lines: Sequence[FileLine]) -> dict[Key, list[FileLine]]:
    """Lines by reference and kind; a line without a reference stands alone and matches nothing."""
    groups: dict[Key, list[FileLine]] = {}
    for line in lines:
        groups.setdefault(_line_key(line), []).append(line)
    return groups


def _fees(lines: Sequence[FileLine], day: date) -> dict[str, int]:
    fees: dict[str, int] = {}
    for line in lines:
        if line.kind is LineKind.FEE and line.business_day == day:
            fees[line.reference] = fees.get(line.reference, 0) + line.amount
    return fees


def _stands(one: Found) -> bool:
    """Whether this difference is where the payment of ours stands; a duplicate or an arrival is told beside it."""
    beside = one.line is not None and one.line.kind not in _MAIN
    return one.ours is not None and one.kind is not Difference.DUPLICATE and not beside


def _found(kind: Difference, line: FileLine, ours: Ours | None = None) -> Found:
    return Found(kind, line.reference, line, ours)
