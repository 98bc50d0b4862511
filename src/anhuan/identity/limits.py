"""A party's own limits on what may leave: lower at once, higher after a cooling time and one more proof of who asks.

They are held beside the limits of law and of channels, and the lowest of all counts. Amounts are in fen.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import rules, stepup, store_limits
from anhuan.identity.stepup import Act, ActKind, Answer
from anhuan.identity.tables_limits import OwnLimitRow, PauseRow
from anhuan.kit import audit, ids
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused

HIGHEST: Final = 10**13  # fen: a hundred thousand million yuan is a slip of the finger


class LimitKind(StrEnum):
    """What a limit is about."""

    PER_PAYMENT = "per_payment"  # 单笔限额
    PER_DAY = "per_day"  # 单日限额: a day of China's clock
    PER_CARD = "per_card"  # per payment to one card account


class BadLimit(Refused):
    """限额不能用: a limit is a whole number of fen above nothing, and a limit of a card names its card."""

    code = "limits.bad_amount"


class OverOwnLimit(Refused):
    """超出自己设的限额: the payment is larger than the payer allowed."""

    code = "limits.over_own"


class Paused(Refused):
    """已全部暂停: the payer stopped everything; nothing is sent until the pause is lifted."""

    code = "limits.paused"


@dataclass(frozen=True, slots=True, order=True)
class Which:
    """Which limit: its kind, and the card account where it is about one."""

    kind: LimitKind
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """One entry of the dated series of a limit; `amount` None means no limit from then on."""

    id: UUID
    which: Which
    amount: int | None
    asked_at: datetime
    from_at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits as they stand at a moment, and the raises that still wait out their cooling time."""

    standing: Mapping[Which, int]
    waiting: tuple[Wish, ...]
    pause: datetime | None

    def of(self, kind: LimitKind, account_id: UUID | None = None) -> int | None:
        """One standing limit in fen, None where there is none."""
        return self.standing.get(Which(kind, account_id))

    def insist(self, amount: int, *, account_id: UUID, paid_today: int) -> None:
        """Refuse a payment of so many fen to a card account, beside what was sent today, that goes beyond a limit."""
        if self.pause is not None:
            raise Paused("已暂停所有还款,请先在“限额与暂停”里恢复。")
        for kind, asked, limit in (
            (LimitKind.PER_PAYMENT, amount, self.of(LimitKind.PER_PAYMENT)),
            (LimitKind.PER_CARD, amount, self.of(LimitKind.PER_CARD, account_id)),
            (LimitKind.PER_DAY, amount + paid_today, self.of(LimitKind.PER_DAY)),
        ):
            if limit is not None and asked > limit:
                raise OverOwnLimit("超出您自己设的限额。", field="amount", limit=kind, allowed=limit, asked=asked)


@dataclass(frozen=True, slots=True)
class Own:
    """A party's own series of limits and since when it has stopped everything."""

    wishes: Sequence[Wish]
    pause: datetime | None

    def at(self, now: datetime) -> Limits:
        """The limits at a moment."""
        waiting = tuple(wish for wish in self.wishes if wish.from_at > now)
        return Limits(standing(self.wishes, at=now), waiting, self.pause)


def standing(wishes: Iterable[Wish], *, at: datetime) -> dict[Which, int]:
    """What holds at a moment: of each limit the wish that came into force last; pure."""
    latest: dict[Which, Wish] = {}
    for wish in sorted(wishes, key=lambda one: (one.from_at, one.asked_at, one.id)):
        if wish.from_at <= at:
            latest[wish.which] = wish
    return {which: wish.amount for which, wish in latest.items() if wish.amount is not None}


def is_lower(wanted: int | None, held: int | None) -> bool:
    """Whether a wish narrows what is allowed, or changes nothing; no limit is the widest of all."""
    return held is None or (wanted is not None and wanted <= held)


def at(db: Session, party: UUID, *, now: datetime) -> Limits:
    """The party's limits at this moment."""
    return own_of_many(db, {party})[party].at(now)


def own_of_many(db: Session, parties: Collection[UUID]) -> dict[UUID, Own]:
    """What several parties set for themselves."""
    pauses = {row.user_id: row.from_at for row in store_limits.standing_pauses(db, parties)}
    found: dict[UUID, list[Wish]] = {party: [] for party in parties}
    for row in store_limits.wishes(db, parties):
        found[row.user_id].append(_wish(row))
    return {party: Own(wishes, pauses.get(party)) for party, wishes in found.items()}


def paused_since(db: Session, party: UUID) -> datetime | None:
    """Since when the party has stopped everything, or None."""
    found = store_limits.standing_pause(db, party)
    return None if found is None else found.from_at


def paused(db: Session, parties: Collection[UUID]) -> set[UUID]:
    """Those of these parties that have stopped everything."""
    return {row.user_id for row in store_limits.standing_pauses(db, parties)}


def wishes_of(db: Session, party: UUID) -> Sequence[Wish]:
    """The party's series of limits, withdrawn wishes left out, in the order in which they were asked."""
    return [_wish(row) for row in store_limits.wishes(db, [party])]


def raise_act(party: UUID, which: Which, wanted: int | None, held: int) -> Act:
    """What is confirmed when a limit is to rise: which, from how much, to how much (fen), for whom."""
    return Act(
        ActKind.LIMIT_RAISE,
        {
            "party": str(party),
            "kind": which.kind.value,
            "account": str(which.account_id or ""),
            "from": held,
            "to": "none" if wanted is None else wanted,
        },
    )


def set_limit(
    db: Session, who: Actor, which: Which, amount: int | None, *, now: datetime, answer: Answer | None = None
) -> Wish:
    """Take a wish about a limit: narrower at once, wider after the cooling time and only with a step-up for this raise.

    A narrower wish also withdraws a raise of the same limit that still waits: whoever lowers does not mean to rise
    tomorrow. Raises StepUpNeeded, BadLimit.
    """
    assert who.party_id is not None
    assert who.person_id is not None
    _check(which, amount)
    store_limits.lock(db, who.party_id)
    held = standing(wishes_of(db, who.party_id), at=now).get(which)
    step_up_id, from_at = None, now
    if not is_lower(amount, held):
        assert held is not None
        step_up_id = stepup.insist(db, who, raise_act(who.party_id, which, amount, held), answer, now=now)
        from_at = now + timedelta(hours=rules.house("limit_raise_hours", on=now.date()))
    store_limits.withdraw_waiting(db, who.party_id, which.kind, which.account_id, now=now)
    row = OwnLimitRow(
        user_id=who.party_id, id=ids.new_id(), kind=which.kind, account_id=which.account_id, amount_minor=amount,
        asked_at=now, from_at=from_at, asked_by=who.person_id, step_up_id=step_up_id,
    )  # fmt: skip
    db.add(row)
    db.flush()
    act = "limit.lowered" if from_at == now else "limit.raise_asked"
    audit.write(db, who, act, f"limit:{row.id}", {"kind": which.kind.value, "from_at": from_at.isoformat()}, now=now)
    return Wish(row.id, which, amount, now, from_at)


def withdraw_raise(db: Session, who: Actor, which: Which, *, now: datetime) -> bool:
    """Take back a raise that still waits; tells whether there was one."""
    assert who.party_id is not None
    gone = store_limits.withdraw_waiting(db, who.party_id, which.kind, which.account_id, now=now)
    if gone:
        audit.write(db, who, "limit.raise_cancelled", f"limit:{gone[0]}", {"kind": which.kind.value}, now=now)
    return bool(gone)


def pause_everything(db: Session, who: Actor, *, now: datetime) -> datetime:
    """Stop everything of the party at once, with one tap and no question; a second tap changes nothing."""
    assert who.party_id is not None
    assert who.person_id is not None
    store_limits.lock(db, who.party_id)
    if (known := store_limits.standing_pause(db, who.party_id)) is not None:
        return known.from_at
    row = PauseRow(user_id=who.party_id, id=ids.new_id(), from_at=now, paused_by=who.person_id)
    db.add(row)
    db.flush()
    audit.write(db, who, "pause.began", f"pause:{row.id}", {}, now=now)
    return now


def lift_act(party: UUID, since: datetime) -> Act:
    """What is confirmed when a pause ends: whose, and since when it stands."""
    return Act(ActKind.PAUSE_LIFT, {"party": str(party), "since": since.astimezone(UTC).isoformat()})


def lift_pause(db: Session, who: Actor, *, now: datetime, answer: Answer | None = None) -> None:
    """Let things move again; asks for one more proof, since a thief would want just that."""
    assert who.party_id is not None
    store_limits.lock(db, who.party_id)
    known = store_limits.standing_pause(db, who.party_id)
    if known is None:
        return
    known.step_up_id = stepup.insist(db, who, lift_act(who.party_id, known.from_at), answer, now=now)
    known.lifted_at, known.lifted_by = now, who.person_id
    db.flush()
    audit.write(db, who, "pause.ended", f"pause:{known.id}", {}, now=now)


def _check(which: Which, amount: int | None) -> None:
    if (which.kind is LimitKind.PER_CARD) != (which.account_id is not None):
        raise BadLimit("单卡限额要选一张卡,其他限额不用选。", field="account_id")
    if amount is not None and not 0 < amount <= HIGHEST:
        raise BadLimit("限额要大于零;不想还款请用“全部暂停”。", field="amount")


def _wish(row: OwnLimitRow) -> Wish:
    return Wish(row.id, Which(LimitKind(row.kind), row.account_id), row.amount_minor, row.asked_at, row.from_at)
