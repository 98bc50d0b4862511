"""免费额度 in the ledger: granted once for a person, month and schedule, held with the order, used with its taking.

The quota belongs to the real person who pays. An account of one month lapses by itself: nothing asks for it any more.
Every act here is safe to repeat; the ids derive from the grant's row and from the order.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import ledger
from anhuan.kit import clock, ids
from anhuan.ledger import AccountKind, AccountName, Code, Kind, Line, Result
from anhuan.ledger.model import LINES
from anhuan.repayments import fee_rules, store_quotas
from anhuan.repayments.model import FeeLine

T = TypeVar("T")
UNIT: Final = "quota"
BY_RULE: Final = UUID("01900000-0000-7000-8000-00000000f0f0")  # nobody's id: the floor of a quota is set by the chart
_SOURCE: Final = AccountName(UNIT, AccountKind.QUOTA_SOURCE)
_USED: Final = AccountName(UNIT, AccountKind.QUOTA_USED)


@dataclass(frozen=True, slots=True)
class Use:
    """What an order uses of its payer's quotas, and the group of lines in which it is held."""

    order_id: UUID
    party: UUID
    fees: Sequence[FeeLine]
    group: UUID


def month_of(now: datetime) -> str:
    """The month of a moment by China's clock, as `2026-11`."""
    return f"{now.astimezone(clock.CHINA):%Y-%m}"


def name(schedule: str, now: datetime) -> str:
    """What the quota of a schedule and month is called in the books: `2026-11 channel:wechat`."""
    return f"{month_of(now)} {schedule}"


def account(party: UUID, schedule: str, now: datetime) -> AccountName:
    """The account of a person's quota of one month and schedule."""
    return AccountName(UNIT, AccountKind.QUOTA, party, name(schedule, now))


def left_of_many(db: Session, parties: Collection[UUID], *, now: datetime) -> dict[UUID, dict[str, int]]:
    """Fen left of every quota that was granted from this month on, by name; before its first use a quota is whole."""
    found: dict[UUID, dict[str, int]] = {party: {} for party in parties}
    names = {
        (party, f"{month} {schedule}"): AccountName(UNIT, AccountKind.QUOTA, party, f"{month} {schedule}")
        for party, month, schedule in store_quotas.granted_since(db, parties, month_of(now))
    }
    held = ledger.balances(db, names.values())
    for (party, said), account_name in names.items():
        found[party][said] = max(0, held[account_name].available) if account_name in held else 0
    return found


def lines(
    db: Session, order_id: UUID, party: UUID, fees: Sequence[FeeLine], *, now: datetime, group: UUID
) -> list[Line]:  # fmt: skip
    """The holds of an order's free parts, for the batch that holds its money; `now` is the moment of its start.

    Grants what was not granted yet. A `below_floor` of the batch says that somebody used the quota meanwhile: the
    fees must be worked out and confirmed anew.
    """
    return lines_of_many(db, [Use(order_id, party, fees, group)], now=now)[0]


def lines_of_many(db: Session, uses: Sequence[Use], *, now: datetime) -> list[list[Line]]:
    """The same for many orders of one lane, grants asked for and made at once."""
    _grant(db, {(use.party, fee.schedule) for use in uses for fee in use.fees if fee.free}, now)
    return [
        [
            Line(
                Kind.HOLD, id=_hold(use.order_id, fee), src=account(use.party, fee.schedule, now), dst=_USED,
                amount=fee.free, code=Code.QUOTA_SPENT, group=use.group, ref=use.order_id,
            )
            for fee in use.fees if fee.free
        ]
        for use in uses
    ]  # fmt: skip


def take(db: Session, order_id: UUID, fees: Sequence[FeeLine]) -> None:
    """The channel took the money: the free parts are used. What was released before stays the payer's."""
    take_of_many(db, [(order_id, fees)])


def take_of_many(db: Session, orders: Sequence[tuple[UUID, Sequence[FeeLine]]]) -> None:
    """The same for many orders of one lane."""
    _settle(db, Kind.CAPTURE, orders, fine=(Result.ALREADY_RESOLVED,))


def release(db: Session, order_id: UUID, fees: Sequence[FeeLine]) -> None:
    """A final no, or taken back: the free parts are free again; nothing where none were held."""
    _settle(db, Kind.VOID, [(order_id, fees)], fine=(Result.ALREADY_RESOLVED, Result.NO_HOLD))


def give_back(db: Session, order_id: UUID, fees: Sequence[FeeLine]) -> None:
    """The money came back: what was used is free again, in its own month; what was only held is released."""
    if not (held := [_hold(order_id, fee) for fee in fees if fee.free]):
        return
    undone = ledger.post(db, [Line(Kind.REVERSE, parent=ids.derive(hold, "resolve")) for hold in held])
    never_used = [
        fee for fee, code in zip([fee for fee in fees if fee.free], undone, strict=True) if code == Result.NO_HOLD
    ]
    release(db, order_id, never_used)
    fine = (Result.OK, Result.EXISTS, Result.NO_HOLD, Result.NOT_REVERSIBLE, Result.ALREADY_RESOLVED)
    ledger.Results(tuple(code for code in undone if code not in fine)).insist()


def _settle(
    db: Session, kind: Kind, orders: Sequence[tuple[UUID, Sequence[FeeLine]]], *, fine: Sequence[Result]
) -> None:  # fmt: skip
    parents = [_hold(order_id, fee) for order_id, fees in orders for fee in fees if fee.free]
    for some in chunks(parents):
        done = ledger.post(db, [Line(kind, parent=parent) for parent in some])
        ledger.Results(tuple(code for code in done if code not in fine)).insist()


def _grant(db: Session, wanted: set[tuple[UUID, str]], now: datetime) -> None:
    """Put a month's quotas on their accounts, once however many first payments there are; none ever goes below 0."""
    month, on = month_of(now), now.astimezone(clock.CHINA).date()
    missing = sorted(wanted - store_quotas.grants(db, month, wanted))
    found = {schedule: fee_rules.read(schedule, on=on) for _, schedule in missing}
    versions = {schedule: one.version for schedule, one in found.items()}
    rows = store_quotas.add_grants(db, month, missing, versions=versions, now=now)
    if not rows:
        return  # somebody else was first, and has committed
    accounts = {one: account(*one, now) for one in rows}
    ledger.set_bounds_of_many(
        db, {accounts[one]: row for one, row in rows.items()}, floor=0, ceil=None,
        reason="a free quota never goes below zero", approver=BY_RULE,
    )  # fmt: skip
    granted = [
        Line(Kind.POST, id=ids.derive(row, "grant"), src=_SOURCE, dst=accounts[one], amount=found[one[1]].free_quota,
             code=Code.QUOTA_GRANTED, ref=row)
        for one, row in rows.items()
    ]  # fmt: skip
    for some in chunks(granted):
        ledger.post(db, some).insist()


def chunks(some: Sequence[T], at_most: int = LINES) -> Iterator[Sequence[T]]:
    """As many as one call of the ledger takes, again and again."""
    return (some[start : start + at_most] for start in range(0, len(some), at_most))


def _hold(order_id: UUID, fee: FeeLine) -> UUID:
    return ids.derive(order_id, f"quota {fee.schedule}")
