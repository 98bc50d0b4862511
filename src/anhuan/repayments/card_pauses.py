"""Pauses of single cards: by the holder, or by the house after repeated failures; always to be lifted by the holder."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import stepup
from anhuan.identity.stepup import Act, ActKind, Answer
from anhuan.kit import audit, ids
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import store_pauses
from anhuan.repayments.tables_pauses import CardPauseRow

OWN_WISH: Final = "own_wish"


@dataclass(frozen=True, slots=True)
class CardPause:
    """One card that is paused: since when, why (a code of the failure table, or `own_wish`), and by whom."""

    account_id: UUID
    since: datetime
    why: str
    by_house: bool


def paused(db: Session, party: UUID, account_id: UUID) -> datetime | None:
    """Since when this card is paused, or None."""
    row = store_pauses.of_card(db, party, account_id)
    return None if row is None else row.since


def paused_of_many(db: Session, accounts: Collection[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Those of these cards, each as (party, account), that are paused."""
    return store_pauses.of_cards(db, accounts)


def find(db: Session, party: UUID, account_id: UUID) -> CardPause | None:
    """The pause of one card, or None."""
    row = store_pauses.of_card(db, party, account_id)
    return None if row is None else _seen(row)


def of(db: Session, party: UUID) -> tuple[CardPause, ...]:
    """Every card of a party that is paused."""
    return tuple(map(_seen, store_pauses.standing(db, party)))


def pause(db: Session, who: Actor, party: UUID, account_id: UUID, *, why: str = OWN_WISH, now: datetime) -> bool:
    """Let nothing go to this card from now on; False where it is paused already."""
    if store_pauses.of_card(db, party, account_id) is not None:
        return False
    row = CardPauseRow(
        user_id=party, id=ids.new_id(), account_id=account_id, why=why, since=now, by_person=who.person_id,
        lifted_at=None, lifted_by=None,
    )  # fmt: skip
    db.add(row)
    db.flush()
    audit.write(db, who, "card.paused", f"account:{account_id}", {"why": why}, now=now)
    return True


def lift_act(party: UUID, pause: CardPause) -> Act:
    """What is confirmed when the pause of a card ends: whose, which card, and since when it stands."""
    since = pause.since.astimezone(UTC).isoformat()
    return Act(ActKind.PAUSE_LIFT, {"party": str(party), "account": str(pause.account_id), "since": since})


def lift(
    db: Session, who: Actor, party: UUID, account_id: UUID, *, now: datetime, answer: Answer | None = None
) -> bool:  # fmt: skip
    """Let payments go to this card again, after one more proof, since a thief would want just that; False where it was
    not paused. Whoever calls wakes what waited."""
    row = store_pauses.of_card(db, party, account_id)
    if row is None:
        return False
    if who.kind is not ActorKind.COMMAND:  # whoever holds the command line holds the files of the house; it is audited
        stepup.insist(db, who, lift_act(party, _seen(row)), answer, now=now)
    row.lifted_at, row.lifted_by = now, who.person_id
    db.flush()
    audit.write(db, who, "card.resumed", f"account:{account_id}", now=now)
    return True


def _seen(row: CardPauseRow) -> CardPause:
    return CardPause(row.account_id, row.since, row.why, row.by_person is None)
