"""The five tables of the audit log. Nobody has rights to write them: the owner's functions do (migration 0007)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1
from anhuan.kit.db import Base


class AuditRow(Base):
    """One record. The payload is canonical JSON, kept as the text that was hashed; the columns behind repeat it."""

    __tablename__ = "audit_log"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=C1)
    written_at: Mapped[datetime] = mapped_column(info=C1)
    login: Mapped[str] = mapped_column(Text, info=C1)
    payload: Mapped[str] = mapped_column(Text, info=C1)
    act: Mapped[str] = mapped_column(Text, info=C1)
    subject: Mapped[str] = mapped_column(Text, info=C1)
    actor_id: Mapped[UUID | None] = mapped_column(info=C1)
    person_id: Mapped[UUID | None] = mapped_column(info=C1)

    __table_args__ = (
        Index("ix_audit_log_subject", "subject", "number"),
        Index("ix_audit_log_act", "act", "number"),
        Index("ix_audit_log_actor_id", "actor_id", "number"),
        Index("ix_audit_log_person_id", "person_id", "number"),
    )


class AuditWaiting(Base):
    """A record that the chain does not hold yet, with the hash it had when it was written."""

    __tablename__ = "audit_waiting"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=C1)
    row_hash: Mapped[bytes] = mapped_column(info=C1)


class AuditLink(Base):
    """One link of the chain: places count 1, 2, 3 without a gap, each holds the hash of the one before."""

    __tablename__ = "audit_chain"

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=C1)
    number: Mapped[int] = mapped_column(unique=True, info=C1)
    linked_at: Mapped[datetime] = mapped_column(info=C1)
    row_hash: Mapped[bytes] = mapped_column(info=C1)
    link: Mapped[bytes] = mapped_column(info=C1)


class AuditHead(Base):
    """The end of the chain, one row: whoever links locks it, for as long as linking takes."""

    __tablename__ = "audit_head"

    one: Mapped[bool] = mapped_column(primary_key=True, default=True, info=C1)
    place: Mapped[int] = mapped_column(info=C1)
    link: Mapped[bytes] = mapped_column(info=C1)
    linked_at: Mapped[datetime] = mapped_column(info=C1)  # no later link is older, whatever the clock does

    __table_args__ = (CheckConstraint("one", name="only_one"),)


class AuditRoot(Base):
    """The signed end of the chain at a moment, usually the end of a bank day; the same line stands in roots.jsonl."""

    __tablename__ = "audit_roots"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, info=C1)
    through_at: Mapped[datetime] = mapped_column(unique=True, info=C1)  # covers every link made before this moment
    place: Mapped[int] = mapped_column(info=C1)
    link: Mapped[bytes] = mapped_column(info=C1)
    links: Mapped[int] = mapped_column(info=C1)  # since the root before
    before: Mapped[bytes] = mapped_column(info=C1)  # hash of the root before
    signed_at: Mapped[datetime] = mapped_column(info=C1)
    key_id: Mapped[str] = mapped_column(Text, info=C1)
    signature: Mapped[bytes] = mapped_column(info=C1)
