"""What access asks of the database: organisations and members, changes and signatures, roles, freezes, looks."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, select, text, tuple_, update
from sqlalchemy.orm import Session

from anhuan.identity.tables import GrantRow, MemberRow, OrganisationRow, PersonRow, SessionRow
from anhuan.identity.tables_access import (
    ChangeRow,
    FreezeRow,
    InvitationRow,
    LookRow,
    SignatureRow,
)
from anhuan.kit.audit_tables import AuditLink, AuditRoot, AuditRow, AuditWaiting

_DATA_WAITING = text("SELECT exports, erasures FROM anhuan_data_waiting()")
QUIETLY = {"synchronize_session": False}


class Place(NamedTuple):
    """A place in a list, newest first: its moment and its id."""

    at: datetime
    id: UUID


class Membership(NamedTuple):
    """An organisation that a person may act for, with one role there."""

    organisation: OrganisationRow
    role: str


class Proof(NamedTuple):
    """Where a record stands in the chain: its place, the hash of its line, and the link that holds it."""

    place: int
    row_hash: str
    link: str


# Organisations


def memberships(db: Session, person_id: UUID, *, at_most: int = 50) -> Sequence[Membership]:
    """The standing memberships of a person, oldest first."""
    asked = (
        select(OrganisationRow, MemberRow.role)
        .join(MemberRow, MemberRow.organisation_id == OrganisationRow.id)
        .where(MemberRow.person_id == person_id, MemberRow.until.is_(None))
        .order_by(MemberRow.since, MemberRow.id)
        .limit(at_most)
    )
    return [Membership(*row) for row in db.execute(asked).all()]


def organisation(db: Session, organisation_id: UUID, *, lock: bool = False) -> OrganisationRow | None:
    """One organisation, as far as the wall is open; locked, changes of its members come one after the other."""
    return db.get(OrganisationRow, organisation_id, with_for_update=True if lock else None)


def members(db: Session, organisation_id: UUID, *, at_most: int = 200) -> Sequence[tuple[MemberRow, PersonRow]]:
    """The standing members, oldest first."""
    asked = (
        select(MemberRow, PersonRow)
        .join(PersonRow, PersonRow.id == MemberRow.person_id)
        .where(MemberRow.organisation_id == organisation_id, MemberRow.until.is_(None))
        .order_by(MemberRow.since, MemberRow.id)
        .limit(at_most)
    )
    return [(member, person) for member, person in db.execute(asked).all()]


def member(db: Session, organisation_id: UUID, person_id: UUID) -> MemberRow | None:
    """The standing membership of one person in one organisation."""
    mine = (MemberRow.organisation_id == organisation_id, MemberRow.person_id == person_id, MemberRow.until.is_(None))
    return db.scalars(select(MemberRow).where(*mine)).one_or_none()


def owners(db: Session, organisation_id: UUID) -> int:
    """How many owners stand."""
    owning = (MemberRow.organisation_id == organisation_id, MemberRow.role == "owner", MemberRow.until.is_(None))
    return db.scalar(select(func.count()).select_from(MemberRow).where(*owning)) or 0


def invitation(db: Session, token_hash: bytes) -> InvitationRow | None:
    """The invitation behind a link that was presented."""
    return db.scalars(select(InvitationRow).where(InvitationRow.token_hash == token_hash)).one_or_none()


def use_invitation(db: Session, row: InvitationRow, person_id: UUID, *, at: datetime) -> bool:
    """Use the invitation up, unless somebody did so before."""
    unused = (InvitationRow.user_id == row.user_id, InvitationRow.id == row.id, InvitationRow.used_at.is_(None))
    used = update(InvitationRow).where(*unused, InvitationRow.taken_back_at.is_(None))
    done = db.execute(used.values(used_at=at, used_by=person_id).returning(InvitationRow.id), execution_options=QUIETLY)
    return done.one_or_none() is not None


def open_invitations(db: Session, organisation_id: UUID, *, at: datetime) -> Sequence[InvitationRow]:
    """Invitations that can still be used, newest first."""
    unused = (InvitationRow.user_id == organisation_id, InvitationRow.used_at.is_(None), InvitationRow.ends_at > at)
    asked = select(InvitationRow).where(*unused, InvitationRow.taken_back_at.is_(None))
    return db.scalars(asked.order_by(InvitationRow.made_at.desc()).limit(50)).all()


def switch_session(db: Session, person_id: UUID, session_id: UUID, *, party_id: UUID, token_hash: bytes) -> None:
    """Let a session act for another party, found by another token."""
    mine = (SessionRow.person_id == person_id, SessionRow.id == session_id, SessionRow.ended_at.is_(None))
    changed = {"party_id": party_id, "token_hash": token_hash}
    db.execute(update(SessionRow).where(*mine).values(**changed), execution_options=QUIETLY)


# Changes


def change(db: Session, change_id: UUID, *, lock: bool = False) -> ChangeRow | None:
    """One change; locked, signatures come one after the other."""
    return db.get(ChangeRow, change_id, with_for_update=True if lock else None, populate_existing=lock)


def signatures(db: Session, change_id: UUID) -> Sequence[SignatureRow]:
    """The words on a change, oldest first."""
    asked = select(SignatureRow).where(SignatureRow.change_id == change_id)
    return db.scalars(asked.order_by(SignatureRow.signed_at, SignatureRow.signed_by)).all()


def changes_open(
    db: Session, *, organisation_id: UUID | None, now: datetime, after: Place | None, at_most: int
) -> Sequence[ChangeRow]:
    """Changes that wait for signatures, the one that lapses soonest first."""
    asked = select(ChangeRow).where(_decided_by(organisation_id), ChangeRow.status == "open", ChangeRow.ends_at > now)
    if after is not None:
        asked = asked.where(tuple_(ChangeRow.ends_at, ChangeRow.id) > tuple_(*after))
    return db.scalars(asked.order_by(ChangeRow.ends_at, ChangeRow.id).limit(at_most)).all()


def changes_closed(
    db: Session, *, organisation_id: UUID | None, now: datetime, before: Place | None, at_most: int
) -> Sequence[ChangeRow]:
    """Changes that are decided or lapsed, the newest proposal first."""
    asked = select(ChangeRow).where(
        _decided_by(organisation_id), or_(ChangeRow.status != "open", ChangeRow.ends_at <= now)
    )
    if before is not None:
        asked = asked.where(tuple_(ChangeRow.proposed_at, ChangeRow.id) < tuple_(*before))
    return db.scalars(asked.order_by(ChangeRow.proposed_at.desc(), ChangeRow.id.desc()).limit(at_most)).all()


def same_open(db: Session, kind: str, subject_id: UUID, *, now: datetime) -> Sequence[ChangeRow]:
    """Open changes of this kind about the same subject."""
    same = (ChangeRow.kind == kind, ChangeRow.subject_id == subject_id, ChangeRow.status == "open")
    return db.scalars(select(ChangeRow).where(*same, ChangeRow.ends_at > now).limit(50)).all()


def count_open(db: Session, *, now: datetime) -> int:
    """How many changes of the house wait for signatures."""
    waiting = (ChangeRow.organisation_id.is_(None), ChangeRow.status == "open", ChangeRow.ends_at > now)
    return db.scalar(select(func.count()).select_from(ChangeRow).where(*waiting)) or 0


def lapse(db: Session, *, now: datetime) -> int:
    """Note which open changes have lapsed; returns how many."""
    over = update(ChangeRow).where(ChangeRow.status == "open", ChangeRow.ends_at <= now)
    done = db.execute(
        over.values(status="lapsed", decided_at=ChangeRow.ends_at).returning(ChangeRow.id), execution_options=QUIETLY
    )
    return len(done.all())


def _decided_by(organisation_id: UUID | None):  # type: ignore[no-untyped-def]  # a condition
    if organisation_id is None:
        return ChangeRow.organisation_id.is_(None)
    return ChangeRow.organisation_id == organisation_id


# Roles at the desk


def standing_grants(db: Session, *, now: datetime, person_id: UUID | None = None) -> Sequence[GrantRow]:
    """The roles at the desk that stand, by role and person; at most a few hundred operators."""
    asked = select(GrantRow).where(
        GrantRow.until.is_(None), or_(GrantRow.ends_at.is_(None), GrantRow.ends_at > now), GrantRow.role != "holder"
    )
    if person_id is not None:
        asked = asked.where(GrantRow.person_id == person_id)
    return db.scalars(asked.order_by(GrantRow.role, GrantRow.since, GrantRow.id).limit(500)).all()


def lock_administrators(db: Session) -> Sequence[GrantRow]:
    """The standing administrators, held so that two revocations come one after the other."""
    asked = select(GrantRow).where(GrantRow.role == "administrator", GrantRow.until.is_(None))
    return db.scalars(
        asked.order_by(GrantRow.id).with_for_update(), execution_options={"populate_existing": True}
    ).all()


def end_grant(db: Session, person_id: UUID, grant_id: UUID, *, at: datetime) -> None:
    """A role ends."""
    this = (GrantRow.person_id == person_id, GrantRow.id == grant_id, GrantRow.until.is_(None))
    db.execute(update(GrantRow).where(*this).values(until=at), execution_options=QUIETLY)


# People as operators see them


def people(db: Session, *, before: Place | None, at_most: int) -> Sequence[PersonRow]:
    """People, the newest first."""
    asked = select(PersonRow)
    if before is not None:
        asked = asked.where(tuple_(PersonRow.made_at, PersonRow.id) < tuple_(*before))
    return db.scalars(asked.order_by(PersonRow.made_at.desc(), PersonRow.id.desc()).limit(at_most)).all()


def person_by_handle(db: Session, handle_hash: bytes) -> PersonRow | None:
    """The person with this sign-in name."""
    return db.scalars(select(PersonRow).where(PersonRow.handle_hash == handle_hash)).one_or_none()


def people_by_id(db: Session, wanted: Sequence[UUID]) -> dict[UUID, PersonRow]:
    """These people, as far as the wall is open."""
    return {row.id: row for row in db.scalars(select(PersonRow).where(PersonRow.id.in_(wanted)))}


def is_known(db: Session, person_id: UUID) -> bool:
    """Whether there is such a person, without reading anything about them."""
    return db.scalar(select(PersonRow.id).where(PersonRow.id == person_id)) is not None


def is_organisation(db: Session, party_id: UUID) -> bool:
    """The same of an organisation."""
    return db.scalar(select(OrganisationRow.id).where(OrganisationRow.id == party_id)) is not None


def set_state(db: Session, person_id: UUID, state: str) -> None:
    """What a person's account is in."""
    db.execute(update(PersonRow).where(PersonRow.id == person_id).values(state=state), execution_options=QUIETLY)


def sessions_of(db: Session, person_id: UUID, *, now: datetime, at_most: int = 50) -> Sequence[SessionRow]:
    """A person's standing sessions, the newest first."""
    mine = (SessionRow.person_id == person_id, SessionRow.ended_at.is_(None), SessionRow.ends_at > now)
    return db.scalars(select(SessionRow).where(*mine).order_by(SessionRow.made_at.desc()).limit(at_most)).all()


def sessions(db: Session, *, now: datetime, before: Place | None, at_most: int) -> Sequence[SessionRow]:
    """All standing sessions, the newest first."""
    asked = select(SessionRow).where(SessionRow.ended_at.is_(None), SessionRow.ends_at > now)
    if before is not None:
        asked = asked.where(tuple_(SessionRow.made_at, SessionRow.id) < tuple_(*before))
    return db.scalars(asked.order_by(SessionRow.made_at.desc(), SessionRow.id.desc()).limit(at_most)).all()


def end_session(db: Session, session_id: UUID, *, at: datetime, why: str) -> UUID | None:
    """End one session from the desk; returns whose it was, None when it had ended already."""
    this = update(SessionRow).where(SessionRow.id == session_id, SessionRow.ended_at.is_(None))
    done = db.execute(
        this.values(ended_at=at, ended_why=why).returning(SessionRow.person_id), execution_options=QUIETLY
    )
    return done.scalar_one_or_none()


def count_sessions(db: Session, *, since: datetime) -> int:
    """How many sessions began."""
    return db.scalar(select(func.count()).select_from(SessionRow).where(SessionRow.made_at >= since)) or 0


# Freezes and looks


def freeze(db: Session, person_id: UUID) -> FreezeRow | None:
    """The freeze that stands."""
    standing = (FreezeRow.person_id == person_id, FreezeRow.until.is_(None))
    return db.scalars(select(FreezeRow).where(*standing)).first()


def frozen(db: Session, persons: Collection[UUID]) -> set[UUID]:
    """Those of these people for whom a freeze stands."""
    asked = select(FreezeRow.person_id).where(FreezeRow.person_id.in_(list(persons)), FreezeRow.until.is_(None))
    return set(db.scalars(asked)) if persons else set()


def end_freeze(db: Session, row: FreezeRow, *, at: datetime, change_id: UUID) -> None:
    """A freeze ends by a change that was signed."""
    this = update(FreezeRow).where(FreezeRow.person_id == row.person_id, FreezeRow.id == row.id)
    db.execute(this.values(until=at, ended_by_change_id=change_id), execution_options=QUIETLY)


def look(db: Session, person_id: UUID, look_id: UUID) -> LookRow | None:
    """One look."""
    return db.get(LookRow, (person_id, look_id))


def looks(db: Session, person_id: UUID, *, before: Place | None, at_most: int) -> Sequence[LookRow]:
    """Looks at a person, the newest first."""
    asked = select(LookRow).where(LookRow.person_id == person_id)
    if before is not None:
        asked = asked.where(tuple_(LookRow.looked_at, LookRow.id) < tuple_(*before))
    return db.scalars(asked.order_by(LookRow.looked_at.desc(), LookRow.id.desc()).limit(at_most)).all()


# The audit log as figures


def count_acts(db: Session, act: str, *, since: datetime) -> int:
    """How many records of an act there are since a moment."""
    asked = select(func.count()).select_from(AuditRow).where(AuditRow.act == act, AuditRow.written_at >= since)
    return db.scalar(asked) or 0


def data_waiting(db: Session) -> tuple[int, int]:
    """How many exports and how many erasures people have asked for and still wait for."""
    exports, erasures = db.execute(_DATA_WAITING).one()
    return exports, erasures


def proofs(db: Session, numbers: Sequence[int]) -> dict[int, Proof]:
    """The links of these records, as far as the chain holds them already."""
    asked = select(AuditLink.number, AuditLink.place, AuditLink.row_hash, AuditLink.link)
    found = db.execute(asked.where(AuditLink.number.in_(numbers))).all()
    return {number: Proof(place, row_hash.hex(), link.hex()) for number, place, row_hash, link in found}


def last_roots(db: Session, *, at_most: int) -> Sequence[AuditRoot]:
    """The newest signed roots of the audit chain."""
    return db.scalars(select(AuditRoot).order_by(AuditRoot.number.desc()).limit(at_most)).all()


def last_root(db: Session) -> AuditRoot | None:
    """The newest signed root of the audit chain."""
    return db.scalars(select(AuditRoot).order_by(AuditRoot.number.desc()).limit(1)).one_or_none()


def records_waiting(db: Session) -> int:
    """Records that the chain does not hold yet."""
    return db.scalar(select(func.count()).select_from(AuditWaiting)) or 0
