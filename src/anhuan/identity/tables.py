"""The rows of room identity that every sign-in rests on: people, their roles, organisations, sessions.

A person's rows carry `person_id`; what belongs to a party (a person or an organisation) carries `user_id` as elsewhere.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, C2, c3_hashed
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)


class InstallationRow(Base):
    """What this installation is, said once: real, or a demonstration with invented people."""

    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("one", name="only_one"),
        CheckConstraint("mode in ('real', 'demonstration')", name="mode_known"),
    )

    one: Mapped[bool] = mapped_column(primary_key=True, default=True, server_default=text("true"), info=C1)
    mode: Mapped[str] = mapped_column(Text, info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class PersonRow(Base):
    """A natural person; found by the keyed hash of the sign-in name, which is an e-mail address or a phone number."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("handle_hash"),
        CheckConstraint("state in ('active', 'frozen', 'erased')", name="state_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    handle_hash: Mapped[bytes | None] = mapped_column(LargeBinary, info=C1)  # None: erased
    handle: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    name: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    lang: Mapped[str | None] = mapped_column(Text, info=C1)
    state: Mapped[str] = mapped_column(Text, info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class OrganisationRow(Base):
    """A merchant or a partner: a party with members; its id is the `user_id` of its rows."""

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint("kind in ('merchant', 'partner')", name="kind_known"),
        CheckConstraint("state in ('active', 'frozen', 'erased')", name="state_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    name: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    state: Mapped[str] = mapped_column(Text, info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class MemberRow(Base):
    """A person's role in an organisation, from a moment until another; the standing one has no end."""

    __tablename__ = "members"
    __table_args__ = (
        CheckConstraint("role in ('owner', 'maker', 'checker')", name="role_known"),
        UniqueConstraint("person_id", "organisation_id", "role", "since"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), info=C1)
    role: Mapped[str] = mapped_column(Text, info=C1)
    since: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    until: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    given_by: Mapped[UUID] = mapped_column(info=C1)


class GrantRow(Base):
    """A person's own role: holder for everybody, an operator's role by the decision of two administrators."""

    __tablename__ = "role_grants"
    __table_args__ = (UniqueConstraint("person_id", "role", "since"),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    role: Mapped[str] = mapped_column(Text, info=C1)
    since: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    until: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    ends_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # a role for a while gives nothing after this
    given_by: Mapped[UUID] = mapped_column(info=C1)
    change_id: Mapped[UUID | None] = mapped_column(info=C1)  # the change request that two people signed


class SessionRow(Base):
    """One signed-in browser: found by the hash of its token, ended by its person, by time or by an operator."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        ForeignKeyConstraint(["person_id"], ["people.id"]),
    )

    person_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, info=c3_hashed("SHA-256 of 256 random bits"))
    party_id: Mapped[UUID] = mapped_column(info=C1)
    strength: Mapped[str] = mapped_column(Text, info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    seen_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    proved_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)  # last time a passkey or password was shown
    ends_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ended_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    ended_why: Mapped[str | None] = mapped_column(Text, info=C1)
    device: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    address: Mapped[str | None] = mapped_column(Sealed(str), info=C2)


from anhuan.identity import (  # noqa: E402, F401 - the other tables of the room, all known
    tables_access,
    tables_consent,
    tables_limits,
    tables_signin,
)
