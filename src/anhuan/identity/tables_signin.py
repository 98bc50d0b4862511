"""The rows of sign-in: what proves who somebody is, questions put to it, known devices, recoveries and invitations.

Everything here belongs to one person. Secrets are sealed or kept as hashes that nobody can turn back.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.identity.tables import MOMENT
from anhuan.kit.classes import C1, C2, C3, c3_hashed
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed


class PasskeyRow(Base):
    """One passkey: found by the hash of its id, checked by its public key (which lets nobody in by itself)."""

    __tablename__ = "passkeys"
    __table_args__ = (UniqueConstraint("credential_hash"),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    credential_hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    credential: Mapped[bytes] = mapped_column(Sealed(bytes), info=C2)
    public_key: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    sign_count: Mapped[int] = mapped_column(info=C1)
    transports: Mapped[list[Any]] = mapped_column(info=C1)
    aaguid: Mapped[str] = mapped_column(Text, info=C1)
    synced: Mapped[bool] = mapped_column(info=C1)  # may leave the device in a cloud (backup eligible)
    backed_up: Mapped[bool] = mapped_column(info=C1)
    name: Mapped[str] = mapped_column(Sealed(str), info=C2)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    used_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    doubted_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)  # its counter stood still: a copy may exist


class ChallengeRow(Base):
    """A question put to a passkey, good for one answer within minutes, from the browser that was asked."""

    __tablename__ = "challenges"
    __table_args__ = (
        CheckConstraint("purpose in ('register', 'sign_in', 'prove')", name="purpose_known"),
        CheckConstraint("(person_id is null) <> (visitor_hash is null)", name="asked_of_somebody"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    purpose: Mapped[str] = mapped_column(Text, info=C1)
    person_id: Mapped[UUID | None] = mapped_column(info=C1)
    session_id: Mapped[UUID | None] = mapped_column(info=C1)
    visitor_hash: Mapped[bytes | None] = mapped_column(LargeBinary, info=C1)
    challenge: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    binding: Mapped[bytes | None] = mapped_column(LargeBinary, info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ends_at: Mapped[datetime] = mapped_column(MOMENT, index=True, info=C1)
    used_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class PasswordRow(Base):
    """A password as argon2id keeps it, with its own parameters and salt; it opens nothing without a second proof."""

    __tablename__ = "passwords"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    hash: Mapped[str] = mapped_column(Sealed(str), info=C3)  # sealed: the key outside the database is its pepper
    changed_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class TotpRow(Base):
    """The secret of a person's one-time codes, and the last time step whose code was used."""

    __tablename__ = "totps"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    secret: Mapped[str] = mapped_column(Sealed(str), info=C3)
    last_step: Mapped[int] = mapped_column(info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class RecoveryCodeRow(Base):
    """One of the codes on the person's paper; making new ones ends the old."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("code_hash"),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, info=c3_hashed("HMAC-SHA256 of 118 random bits"))
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    used_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class RecoveryRow(Base):
    """Somebody asks to get back into an account: nothing but looking until `ready_at`, and any device may say no."""

    __tablename__ = "recoveries"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint("how in ('code', 'installer')", name="how_known"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, info=c3_hashed("SHA-256 of 256 random bits"))
    how: Mapped[str] = mapped_column(Text, info=C1)
    began_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ready_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ends_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    cancelled_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    done_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class DeviceRow(Base):
    """A browser in which this person has signed in before: guessers elsewhere do not slow it down."""

    __tablename__ = "known_devices"
    __table_args__ = (UniqueConstraint("person_id", "token_hash"),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, index=True, info=c3_hashed("SHA-256 of 256 random bits"))
    since: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    seen_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class InvitationRow(Base):
    """A link by which one person may come in, with the roles that whoever sent it may give."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, info=c3_hashed("SHA-256 of 256 random bits"))
    person_id: Mapped[UUID | None] = mapped_column(info=C1)  # the id that the first person of a house takes over
    roles: Mapped[list[Any]] = mapped_column(info=C1)
    given_by: Mapped[UUID | None] = mapped_column(info=C1)  # None: the installer
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ends_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    used_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class NoticeRow(Base):
    """Something about the account that a person must be told: shown on every page until it was read."""

    __tablename__ = "notices"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    subject_id: Mapped[UUID | None] = mapped_column(info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    read_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
