"""Every question about stops: those of operators, and what waits behind them and behind the breakers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, text
from sqlalchemy.orm import Session

from anhuan.channels.tables import CardStopRow
from anhuan.channels.tables_house import BreakerRow
from anhuan.channels.tables_stops import StopRow, StopWordRow

Unsent = Sequence[tuple[str, str, int, datetime, datetime | None]]
_STOP = text("SELECT pg_advisory_xact_lock(hashtextextended('stop ' || :stop, 0))")


def standing(db: Session, now: datetime, *, at_most: int = 200) -> Sequence[StopRow]:
    """Every stop that holds at this moment, oldest first."""
    asked = select(StopRow).where(
        StopRow.lifted_at.is_(None), StopRow.from_at <= now, or_(StopRow.until_at.is_(None), StopRow.until_at > now)
    )
    return db.scalars(asked.order_by(StopRow.from_at, StopRow.id).limit(at_most)).all()


def longest(db: Session, channel: str, bank: str, now: datetime, *, own_hand: bool = False) -> StopRow | None:
    """The stop that keeps a payment by this channel to a card of this bank longest; one without an end comes first.

    With `own_hand` only one that names the channel.
    """
    meant: list[ColumnElement[bool]] = [(StopRow.scope == "channel") & (StopRow.name == channel)]
    if not own_hand:
        meant += [StopRow.scope == "everything", (StopRow.scope == "bank") & (StopRow.name == bank)]
    asked = select(StopRow).where(
        or_(*meant), StopRow.lifted_at.is_(None), StopRow.from_at <= now,
        or_(StopRow.until_at.is_(None), StopRow.until_at > now),
    )  # fmt: skip
    return db.scalars(asked.order_by(StopRow.until_at.desc().nulls_first(), StopRow.from_at).limit(1)).one_or_none()


def over(db: Session, now: datetime, *, at_most: int) -> Sequence[StopRow]:
    """Stops that were lifted or have ended, the newest first."""
    asked = select(StopRow).where(or_(StopRow.lifted_at.is_not(None), StopRow.until_at <= now))
    return db.scalars(asked.order_by(StopRow.from_at.desc(), StopRow.id).limit(at_most)).all()


def stop(db: Session, stop_id: UUID, *, lock: bool = False) -> StopRow | None:
    """One stop; with `lock` one transaction at a time decides about it."""
    if lock:
        db.execute(_STOP, {"stop": str(stop_id)})
    return db.get(StopRow, stop_id, populate_existing=True)


def words(db: Session, stop_ids: Sequence[UUID]) -> Sequence[StopWordRow]:
    """What people said about lifting these stops, first to last."""
    asked = select(StopWordRow).where(StopWordRow.stop_id.in_(stop_ids))
    return db.scalars(asked.order_by(StopWordRow.said_at, StopWordRow.id)).all()


def breakers(db: Session, now: datetime) -> Sequence[BreakerRow]:
    """The breakers that are open at this moment."""
    return db.scalars(select(BreakerRow).where(BreakerRow.open_until_at > now).order_by(BreakerRow.channel)).all()


def unsent(db: Session) -> Unsent:
    """(channel, bank, how many, since when, earliest safe moment) of what waits unsent, of all parties together."""
    asked = text("SELECT channel, bank, count, oldest_at, safe_by_at FROM anhuan_unsent()")
    return [tuple(row) for row in db.execute(asked).all()]


def cards(db: Session, now: datetime) -> Sequence[tuple[UUID, str, bytes, str, datetime, datetime, int]]:
    """(party, channel, card, code, since, until, how many wait) of cards whose own breaker is open, oldest first."""
    asked = text(
        "SELECT party, channel, card_key, code, since_at, until_at, waiting FROM anhuan_card_stops(:now)"
    )  # fmt: skip
    return [tuple(row) for row in db.execute(asked, {"now": now}).all()]


def end_card(db: Session, party: UUID, channel: str, card_key: bytes, now: datetime) -> bool:
    """End the stop of one card of the party whose rows are open; False where none holds."""
    ended = (
        delete(CardStopRow)
        .where(
            CardStopRow.user_id == party, CardStopRow.channel == channel, CardStopRow.card_key == card_key,
            CardStopRow.until_at > now,
        )
        .returning(CardStopRow.code)
    )  # fmt: skip
    return db.execute(ended).first() is not None
