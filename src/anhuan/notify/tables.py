"""The rows of room notify: messages, where mail goes, the watchers and what they found."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, C2
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)


class MessageRow(Base):
    """One message to a party, once for its kind and key; its sentences are made of the facts when it is read."""

    __tablename__ = "notify_messages"
    __table_args__ = (
        UniqueConstraint("user_id", "kind", "key"),
        Index("notify_messages_of", "user_id", "made_at"),
        Index("notify_messages_unread", "user_id", postgresql_where=text("acknowledged_at IS NULL")),
        Index("notify_messages_to_mail", "mail_after", postgresql_where=text("mail_state IN ('waiting', 'sending')")),
        CheckConstraint(
            "mail_state IN ('none', 'waiting', 'sending', 'sent', 'unclear', 'refused')", name="mail_state_known"
        ),
        CheckConstraint("mail_state <> 'waiting' OR mail_after IS NOT NULL", name="waits_for_a_moment"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    key: Mapped[str] = mapped_column(Text, info=C1)
    facts: Mapped[str] = mapped_column(Sealed(str), info=C2)  # JSON
    link: Mapped[str] = mapped_column(Text, info=C1)  # a path of ours
    urgent: Mapped[bool] = mapped_column(info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    acknowledged_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    mail_state: Mapped[str] = mapped_column(Text, info=C1)
    mail_tries: Mapped[int] = mapped_column(info=C1)
    mail_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # of the last change of its state
    mail_after: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    mail_code: Mapped[str] = mapped_column(Text, info=C1)  # what the mail server, or the line, said last


class AddressRow(Base):
    """Where a party's mail goes: the address that was proved, and the one that waits for its code."""

    __tablename__ = "notify_addresses"
    __table_args__ = (
        CheckConstraint("(mail IS NULL) = (proved_at IS NULL)", name="proved_with_its_moment"),
        CheckConstraint(
            "(wanted IS NULL) = (asked_id IS NULL) AND (wanted IS NULL) = (asked_at IS NULL)",
            name="asked_with_its_code",
        ),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    mail: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    proved_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    wanted: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    asked_id: Mapped[UUID | None] = mapped_column(info=C1)  # with the house's key it gives the code, alone nothing
    asked_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    tries: Mapped[int] = mapped_column(info=C1)
    lang: Mapped[str] = mapped_column(Text, info=C1)


class WatcherRow(Base):
    """A sign of life of the second watcher."""

    __tablename__ = "notify_watchers"

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    started_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    seen_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    coming: Mapped[int] = mapped_column(info=C1)  # alerts it holds ready for the case that the database is gone
    mails: Mapped[bool] = mapped_column(info=C1)  # whether it can send mail


class IncidentRow(Base):
    """Something the operator was told once: since when, and until when it lasted."""

    __tablename__ = "notify_incidents"
    __table_args__ = (
        Index("notify_incidents_standing", "kind", unique=True, postgresql_where=text("over_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    since: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    told_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    over_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
