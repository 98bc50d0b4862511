"""The rows of access: what organisations tell of themselves, changes that several people sign, freezes, looks, keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from anhuan.kit.classes import C1, C2, c3_hashed
from anhuan.kit.db import Base
from anhuan.kit.vault import Sealed

MOMENT = TIMESTAMP(timezone=True)


class OrganisationDetailsRow(Base):
    """What an organisation says of itself: its registration number and its company account (对公账户)."""

    __tablename__ = "organisation_details"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True, info=C1)
    registration: Mapped[str | None] = mapped_column(Sealed(str), info=C2)  # 统一社会信用代码
    account_bank: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    account_number: Mapped[str | None] = mapped_column(Sealed(str), info=C2)
    changed_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    change_id: Mapped[UUID] = mapped_column(info=C1)


class InvitationRow(Base):
    """An invitation into an organisation: found by the hash of its link, good once."""

    __tablename__ = "organisation_invitations"
    __table_args__ = (
        CheckConstraint("role in ('maker', 'checker')", name="role_known"),
        UniqueConstraint("user_id", "token_hash"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, info=c3_hashed("SHA-256 of 256 random bits"))
    role: Mapped[str] = mapped_column(Text, info=C1)
    made_by: Mapped[UUID] = mapped_column(info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ends_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    used_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    used_by: Mapped[UUID | None] = mapped_column(info=C1)
    taken_back_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class ChangeRow(Base):
    """Something that one person asks for and others must sign; `shown_hash` stands for exactly what they are shown."""

    __tablename__ = "change_requests"
    __table_args__ = (
        CheckConstraint("status in ('open', 'approved', 'refused', 'withdrawn', 'lapsed')", name="status_known"),
        CheckConstraint("(status = 'open') = (decided_at is null)", name="decided_once"),
        CheckConstraint("people >= 1", name="somebody_signs"),
        CheckConstraint("not (kind like 'role.%' and subject_id = proposed_by)", name="no_role_for_oneself"),
        UniqueConstraint("id", "proposed_by", "shown_hash"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    kind: Mapped[str] = mapped_column(Text, info=C1)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), info=C1)  # None: the house
    subject_id: Mapped[UUID] = mapped_column(info=C1)  # the person, client, organisation or document it is about
    asked: Mapped[dict[str, Any]] = mapped_column(Sealed(dict), info=C2)
    reason: Mapped[str] = mapped_column(Sealed(str), info=C2)
    shown_hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    people: Mapped[int] = mapped_column(info=C1)  # so many others must sign
    proposed_by: Mapped[UUID] = mapped_column(info=C1)
    proposed_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ends_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    status: Mapped[str] = mapped_column(Text, info=C1)
    decided_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)


class SignatureRow(Base):
    """One person's word on a change: never the proposer's, one of each person, on exactly what was proposed."""

    __tablename__ = "change_signatures"
    __table_args__ = (
        ForeignKeyConstraint(
            ["change_id", "proposed_by", "shown_hash"],
            ["change_requests.id", "change_requests.proposed_by", "change_requests.shown_hash"],
        ),
        CheckConstraint("signed_by <> proposed_by", name="nobody_signs_the_own"),
        CheckConstraint("verdict in ('approve', 'refuse')", name="verdict_known"),
    )

    change_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    signed_by: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    proposed_by: Mapped[UUID] = mapped_column(info=C1)
    shown_hash: Mapped[bytes] = mapped_column(LargeBinary, info=C1)
    as_role: Mapped[str] = mapped_column(Text, info=C1)
    verdict: Mapped[str] = mapped_column(Text, info=C1)
    signed_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class FreezeRow(Base):
    """A person's account stands still: since when, what the person is told, and who signed."""

    __tablename__ = "freezes"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    told: Mapped[str] = mapped_column(Sealed(str), info=C2)
    since: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    until: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    change_id: Mapped[UUID] = mapped_column(info=C1)
    ended_by_change_id: Mapped[UUID | None] = mapped_column(info=C1)


class LookRow(Base):
    """An operator's look at one person, or at one field of it in clear: written before anything is read.

    A case of an organisation is looked at in the same way; `person_id` is the organisation then.
    """

    __tablename__ = "looks"

    person_id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    operator_id: Mapped[UUID] = mapped_column(info=C1)
    session_id: Mapped[UUID] = mapped_column(info=C1)
    as_role: Mapped[str] = mapped_column(Text, info=C1)
    field: Mapped[str | None] = mapped_column(Text, info=C1)  # None: the page, with everything masked
    reason: Mapped[str] = mapped_column(Sealed(str), info=C2)
    looked_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ends_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)


class ClientRow(Base):
    """A partner's program: whose it is, and what it may do; every width of it was signed by others."""

    __tablename__ = "api_clients"
    __table_args__ = (CheckConstraint("quota_per_minute > 0", name="quota_positive"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), info=C1)
    name: Mapped[str] = mapped_column(Text, info=C1)  # what the program is called, chosen at the desk
    scopes: Mapped[list[Any]] = mapped_column(JSONB, info=C1)
    quota_per_minute: Mapped[int] = mapped_column(info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ended_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    change_id: Mapped[UUID] = mapped_column(info=C1)


class ClientKeyRow(Base):
    """A key of a client: allowed by a change, drawn once by an administrator, kept as a hash alone."""

    __tablename__ = "api_client_keys"
    __table_args__ = (
        CheckConstraint("(secret_hash is null) = (drawn_at is null)", name="drawn_with_its_secret"),
        UniqueConstraint("change_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("api_clients.id"), info=C1)
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary, info=c3_hashed("SHA-256 of 256 random bits"))
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    draw_by: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    drawn_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    drawn_by: Mapped[UUID | None] = mapped_column(info=C1)
    ends_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ended_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    used_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    change_id: Mapped[UUID] = mapped_column(info=C1)


class PersonalKeyRow(Base):
    """A key for a person's own programs: some of the own rights, none that touch money or security."""

    __tablename__ = "personal_keys"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, info=C1)
    id: Mapped[UUID] = mapped_column(primary_key=True, info=C1)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, info=c3_hashed("SHA-256 of 256 random bits"))
    label: Mapped[str] = mapped_column(Sealed(str), info=C2)
    scopes: Mapped[list[Any]] = mapped_column(JSONB, info=C1)
    made_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ends_at: Mapped[datetime] = mapped_column(MOMENT, info=C1)
    ended_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
    used_at: Mapped[datetime | None] = mapped_column(MOMENT, info=C1)
