"""The acts of the ledger, inside the caller's transaction: own rows first, the ledger last, then the job, then commit.

Several calls in one transaction are fine on one lane; a second lane is refused. Repeat the whole transaction on
40001, 40P01 and a lost connection: the ids make it safe.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from anhuan.ledger import rules, store
from anhuan.ledger.model import LINES, MOST, AccountName, BadLine, Balance, Kind, Line, Result, Results
from anhuan.ledger.store import Entry, Head, Row

_LANE: Final = "ledger.lane"


def post(db: Session, lines: Sequence[Line], *, shard: int | None = None) -> Results:
    """Post a batch of 1 to 1,000 lines in one lane; each line is judged as if it came alone, groups as a whole.

    The lane is that of the owners named; lines of the house alone, and those with a parent, need `shard` or a parent
    this transaction may see. Amounts in minor units. Raises `BadLine` for what no caller may send; a refused line is a
    code in the results, and `.insist()` makes it an exception.
    """
    if not 1 <= len(lines) <= LINES:
        raise BadLine(f"a batch has 1 to {LINES:,} lines, not {len(lines):,}", field="lines")
    lane = _lane(db, lines, shard)
    if lane is None:  # nothing but parents, and none of them may be seen here
        return Results((Result.NO_HOLD,) * len(lines))
    names = list(dict.fromkeys(name for line in lines for name in (line.src, line.dst) if name is not None))
    numbers = dict(zip(names, store.accounts(db, lane, names), strict=True)) if names else {}
    rows = [_row(line, numbers) for line in lines]
    codes = store.post(db, lane, rows)
    if Result.ID_OUT_OF_WINDOW in codes and _open_months(db, lines):  # nobody had opened this month yet
        codes = [now if first else first for first, now in zip(codes, store.post(db, lane, rows), strict=True)]
    hidden = {name for name, number in numbers.items() if number is None}
    walled = [code == Result.NO_ACCOUNT and not hidden.isdisjoint((line.src, line.dst))
              for code, line in zip(codes, lines, strict=True)]  # fmt: skip
    return Results(tuple(Result.BEHIND_THE_WALL if wall else Result(code)
                         for code, wall in zip(codes, walled, strict=True)))  # fmt: skip


def transfer(
    db: Session, *, id: UUID, src: AccountName, dst: AccountName, amount: int, code: int,
    ref: UUID | None = None, event_at: datetime | None = None, shard: int | None = None,
) -> Result:  # fmt: skip
    """Move an amount at once; the same id does it once. Raises the refusal."""
    line = Line(Kind.POST, id=id, src=src, dst=dst, amount=amount, code=code, ref=ref, event_at=event_at)
    return _one(db, line, shard)


def hold(
    db: Session, *, id: UUID, src: AccountName, dst: AccountName, amount: int, code: int,
    ref: UUID | None = None, expires_at: datetime | None = None, shard: int | None = None,
) -> Result:  # fmt: skip
    """Set an amount aside until it is captured, voided or (only where `expires_at` is given) expires."""
    line = Line(Kind.HOLD, id=id, src=src, dst=dst, amount=amount, code=code, ref=ref, expires_at=expires_at)
    return _one(db, line, shard)


def capture(
    db: Session, hold_id: UUID, amount: int | None = None, *, event_at: datetime | None = None, shard: int | None = None
) -> Result:
    """Take what was held, the whole or a part; the rest is released."""
    return _one(db, Line(Kind.CAPTURE, parent=hold_id, amount=amount, event_at=event_at), shard)


def void(db: Session, hold_id: UUID, *, shard: int | None = None) -> Result:
    """Release what was held."""
    return _one(db, Line(Kind.VOID, parent=hold_id), shard)


def expire(db: Session, hold_id: UUID, *, shard: int | None = None) -> Result:
    """Release a hold whose time has passed; the caller looks at the clock."""
    return _one(db, Line(Kind.EXPIRE, parent=hold_id), shard)


def reverse(db: Session, posting_id: UUID, *, event_at: datetime | None = None, shard: int | None = None) -> Result:
    """冲正: the whole mirror of a posting, once. A reversal can be reversed once, too."""
    return _one(db, Line(Kind.REVERSE, parent=posting_id, event_at=event_at), shard)


def balance(db: Session, name: AccountName, *, shard: int | None = None) -> Balance | None:
    """The state of an account, or None where it does not exist or may not be seen."""
    found = _find(db, name, shard)
    return None if found is None else store.balance(db, *found)


def balances(db: Session, names: Collection[AccountName]) -> dict[AccountName, Balance]:
    """The state of several accounts of persons, firms or merchants; those that do not exist are left out."""
    return store.balances(db, list(names)) if names else {}


def as_of(db: Session, name: AccountName, moment: datetime, *, shard: int | None = None) -> int:
    """`posted` of the account at a moment; 0 before its first entry and for one that does not exist."""
    found = _find(db, name, shard)
    return 0 if found is None else store.as_of(db, *found, moment) or 0


def entries(
    db: Session, name: AccountName, *, after_seq: int = 0, at_most: int, shard: int | None = None
) -> list[Entry]:
    """Entries of the account in order, at most so many after one of them."""
    found = _find(db, name, shard)
    return [] if found is None else store.entries(db, *found, after_seq=after_seq, at_most=at_most)


def open_account(
    db: Session, name: AccountName, *, floor: int | None, ceil: int | None, decision_id: UUID, approver: UUID,
    shard: int | None = None,
) -> int:  # fmt: skip
    """Open an account with bounds; one without needs no opening. Returns its number."""
    lane = _stay(db, store.shard_of(db, name.owner) if name.owner else shard)
    number = store.accounts(db, lane, [name])[0]
    if number is None:
        raise BadLine(f"{name} belongs to somebody else", field="owner")
    before = store.balance(db, lane, number)
    if before is None or (before.floor, before.ceil) != (floor, ceil):
        store.set_bounds(db, lane, {number: decision_id}, {
            "floor": floor, "ceil": ceil, "frozen_out": False, "frozen_in": False, "reason": "opened",
            "approver": approver,
        })  # fmt: skip
    return number


def set_bounds(
    db: Session, name: AccountName, *, floor: int | None, ceil: int | None, frozen_out: bool = False,
    frozen_in: bool = False, reason: str, decision_id: UUID, approver: UUID, shard: int | None = None,
) -> None:  # fmt: skip
    """Change what an account may reach; below what is drawn already, nothing more goes out until it is back."""
    set_bounds_of_many(
        db, {name: decision_id}, floor=floor, ceil=ceil, frozen_out=frozen_out, frozen_in=frozen_in, reason=reason,
        approver=approver, shard=shard,
    )  # fmt: skip


def set_bounds_of_many(
    db: Session, decided: Mapping[AccountName, UUID], *, floor: int | None, ceil: int | None,
    frozen_out: bool = False, frozen_in: bool = False, reason: str, approver: UUID, shard: int | None = None,
) -> None:  # fmt: skip
    """The same for several accounts of one lane, each with its own decision."""
    if floor is not None and ceil is not None and floor > ceil:
        raise BadLine(f"the floor {floor} lies above the ceiling {ceil}", field="floor")
    names = list(decided)
    owners = {name.owner for name in names if name.owner}
    lane = _only(db, store.shards_of(db, owners) or ({shard} if shard is not None else set()))
    numbers: dict[int, UUID] = {}
    for name, number in zip(names, store.accounts(db, lane, names), strict=True):
        if number is None:
            raise BadLine(f"{name} belongs to somebody else", field="owner")
        numbers[number] = decided[name]
    store.set_bounds(db, lane, numbers, {
        "floor": floor, "ceil": ceil, "frozen_out": frozen_out, "frozen_in": frozen_in, "reason": reason,
        "approver": approver,
    })  # fmt: skip


def open_unit(db: Session, code: str, *, scale: int = 0, issuer: UUID | None = None) -> int:
    """Open a unit of points, coupons or quota; every other book's unit comes from the owner's login."""
    return store.open_unit(db, code, scale, issuer)


def heads(db: Session) -> list[Head]:
    """The ends of all chains, for the signed root."""
    return store.heads(db)


def lane_of(db: Session, owner: UUID) -> int:
    """The lane of an owner."""
    return store.shard_of(db, owner)


def _one(db: Session, line: Line, shard: int | None) -> Result:
    done = post(db, [line], shard=shard)
    done.insist()
    return done[0]


def _lane(db: Session, lines: Sequence[Line], shard: int | None) -> int | None:
    """The one lane of these lines, None if all name parents that may not be seen; refuses two lanes."""
    owners = {name.owner for line in lines for name in (line.src, line.dst) if name is not None and name.owner}
    lanes = store.shards_of(db, owners) | ({shard} if shard is not None else set())
    if not lanes and (parents := [line.parent for line in lines if line.parent is not None]):
        lanes = store.lanes_of_postings(db, parents)
        if not lanes and len(parents) == len(lines):
            return None
    if not lanes and (remembered := db.info.get(_LANE)) is not None:
        lanes = {remembered}
    return _only(db, lanes)


def _only(db: Session, lanes: set[int]) -> int:
    if len(lanes) != 1:
        what = "lines of two lanes in one batch" if lanes else "lines of the house alone need a lane (shard)"
        raise BadLine(what, field="shard")
    return _stay(db, lanes.pop())


def _stay(db: Session, lane: int | None) -> int:
    """Remember the lane until the transaction ends; a second one in it could wait for the first for ever."""
    if lane is None:
        raise BadLine("an account of the house needs a lane (shard)", field="shard")
    if (before := db.info.setdefault(_LANE, lane)) != lane:
        raise BadLine(f"this transaction has posted in lane {before}; it may not go on in lane {lane}", field="shard")
    return lane


@event.listens_for(Session, "after_transaction_end")
def _forget_lane(session: Session, transaction: object) -> None:
    if getattr(transaction, "parent", None) is None:
        session.info.pop(_LANE, None)


def _row(line: Line, numbers: dict[AccountName, int | None]) -> Row:
    if line.kind in (Kind.POST, Kind.HOLD):
        if line.src is None or line.dst is None or line.id is None or line.parent is not None:
            raise BadLine("a post or hold has an id, two accounts and no parent", field="id")
        rules.check(line.kind, line.code, line.src.unit, line.src.kind, line.dst.kind)
    elif line.parent is None or line.src or line.dst or line.id:
        raise BadLine("a capture, void, expiry or reversal names its parent and nothing else", field="parent")
    src = None if line.src is None else numbers[line.src]
    dst = None if line.dst is None else numbers[line.dst]
    amount = (
        line.amount if line.amount is None or abs(line.amount) <= MOST + 1 else 0
    )  # else no bigint, and refused too
    return Row(int(line.kind), line.id, src, dst, amount, line.code, line.parent, line.group, line.ref,
               line.event_at, line.expires_at)  # fmt: skip


def _open_months(db: Session, lines: Sequence[Line]) -> bool:
    """Open the months that these ids fall in, where they lie ahead; whether any was new."""
    moments = [datetime.fromtimestamp((line.id.int >> 80) / 1000, UTC) for line in lines if line.id is not None]
    return bool(moments) and store.open_month(db, max(moments).date()) > 0


def _find(db: Session, name: AccountName, shard: int | None) -> tuple[int, int] | None:
    lane = store.shard_of(db, name.owner) if name.owner else shard
    if lane is None:
        raise BadLine(f"{name} exists once per lane: say which", field="shard")
    number = store.number_of(db, name, lane)
    return None if number is None else (lane, number)
