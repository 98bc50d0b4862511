"""Every question that room planning asks of the database."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from anhuan.planning.tables import ChannelRow, FlowRow, SettingsRow, SpendingRow

MANY = 1_000  # more rows than any person enters; a list without an end is a bug


def flows(db: Session, user_id: UUID) -> Sequence[FlowRow]:
    """The user's expected money, oldest first."""
    asked = select(FlowRow).where(FlowRow.user_id == user_id).order_by(FlowRow.id).limit(MANY)
    return db.scalars(asked).all()


def channels(db: Session, user_id: UUID) -> Sequence[ChannelRow]:
    """What the user said about channels."""
    asked = select(ChannelRow).where(ChannelRow.user_id == user_id).order_by(ChannelRow.channel_id).limit(MANY)
    return db.scalars(asked).all()


def channel(db: Session, user_id: UUID, channel_id: str) -> ChannelRow | None:
    """What the user said about one channel."""
    asked = select(ChannelRow).where(ChannelRow.user_id == user_id, ChannelRow.channel_id == channel_id)
    return db.scalars(asked).one_or_none()


def spending(db: Session, user_id: UUID) -> Sequence[SpendingRow]:
    """What the user expects to spend per cycle, by account."""
    asked = select(SpendingRow).where(SpendingRow.user_id == user_id).order_by(SpendingRow.id).limit(MANY)
    return db.scalars(asked).all()


def spending_of(db: Session, user_id: UUID, account_id: UUID) -> SpendingRow | None:
    """What the user expects to spend per cycle on one account."""
    asked = select(SpendingRow).where(SpendingRow.user_id == user_id, SpendingRow.account_id == account_id)
    return db.scalars(asked).one_or_none()


def settings(db: Session, user_id: UUID) -> SettingsRow | None:
    """The user's settings, where any were made."""
    return db.scalars(select(SettingsRow).where(SettingsRow.user_id == user_id)).one_or_none()
