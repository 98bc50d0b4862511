"""Organisations: merchants and partners with members; acting for one, and what two members must agree on.

An owner invites and removes; taking power away acts at once. What gives power or moves where money would go (a
member's role, the company account) is proposed by one member and approved by another. There is always an owner.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import changes, rules, sessions, store, store_access
from anhuan.identity.change_rules import Kind
from anhuan.identity.rights import Role
from anhuan.identity.store_access import Membership
from anhuan.identity.tables import MemberRow, OrganisationRow
from anhuan.identity.tables_access import ChangeRow, InvitationRow, OrganisationDetailsRow
from anhuan.kit import audit, ids, page, wall
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused

ROLES: Final = (Role.OWNER, Role.MAKER, Role.CHECKER)
INVITED: Final = (Role.MAKER, Role.CHECKER)  # an owner is made by two members' agreement, not by a link
LONGEST: Final = 60  # characters of a name
DETAILS: Final = ("registration", "account_bank", "account_number")


class OrganisationKind(StrEnum):
    """What an organisation is here."""

    MERCHANT = "merchant"
    PARTNER = "partner"


class UnknownOrganisation(Refused):
    """没有这个机构: there is none, or the asker is no member."""

    code = "organisation.unknown"


class BadOrganisation(Refused):
    """机构信息不完整: a name, a role or a number is missing or cannot be."""

    code = "organisation.bad"


class NeedsOwner(Refused):
    """机构必须有所有者: the last owner can neither leave nor lose the role."""

    code = "organisation.needs_owner"


class BadInvitation(Refused):
    """邀请已失效: the link was used, taken back, is too old, or never was."""

    code = "organisation.bad_invitation"


class MemberAlready(Refused):
    """已是成员: a person has one role in an organisation."""

    code = "organisation.member_already"


@dataclass(frozen=True, slots=True)
class Invited:
    """What an invitation says before it is accepted."""

    organisation_id: UUID
    name: str | None
    role: Role
    ends_at: datetime


def make(db: Session, who: Actor, *, kind: OrganisationKind, name: str, now: datetime) -> UUID:
    """Enter an organisation; whoever does it is its first owner."""
    person = changes.person_of(who)
    called = " ".join(name.split())
    if not 2 <= len(called) <= LONGEST:
        raise BadOrganisation(f"请填写机构名称(2 到 {LONGEST} 个字)。", field="name")
    made = ids.new_id()
    with _inside(db, who, made):
        db.add(OrganisationRow(id=made, kind=kind, name=called, state="active", made_at=now))
        db.flush()
        db.add(_membership(made, person, Role.OWNER, by=person, now=now))
        db.flush()
        audit.write(db, who, "organisation.made", f"organisation:{made}", {"kind": kind}, now=now)
    return made


def of(db: Session, person_id: UUID) -> Sequence[Membership]:
    """The organisations this person may act for, with the role there."""
    return store_access.memberships(db, person_id)


def name_of(db: Session, organisation_id: UUID) -> str:
    """What the organisation is called, as far as the wall is open."""
    row = store_access.organisation(db, organisation_id)
    return (row.name if row else None) or "—"


def party_name(db: Session, party_id: UUID) -> str:
    """What a party is called: a person's own name or an organisation's; "" where neither is told."""
    known = store.person(db, party_id) or store_access.organisation(db, party_id)
    return (known.name if known else None) or ""


def act_for(db: Session, who: Actor, party_id: UUID, *, now: datetime) -> str:
    """Let the session act for an organisation, or for the person again; returns the session's new token."""
    person = changes.person_of(who)
    assert who.session_id is not None
    if party_id != person:
        mine = {one.organisation.id: one.organisation for one in store_access.memberships(db, person)}
        if party_id not in mine or mine[party_id].state != "active":
            raise UnknownOrganisation("没有这个机构，或者您不是它的成员。")
    token = secrets.token_urlsafe(sessions.TOKEN_BYTES)
    store_access.switch_session(db, person, who.session_id, party_id=party_id, token_hash=sessions.hash_of(token))
    audit.write(db, who, "session.party_changed", f"session:{who.session_id}", {"to": party_id}, now=now)
    return token


def invite(db: Session, who: Actor, role: Role, *, now: datetime) -> str:
    """Make a link into the organisation acted for, good once; returns its secret, which nobody sees again."""
    organisation_id = _acted_for(db, who)
    page.insist(who, "members.write")
    if role not in INVITED:
        raise BadOrganisation("邀请只能是经办或复核角色。", field="role")
    token, hours = secrets.token_urlsafe(32), rules.house("organisation_invitation_hours", on=now.date())
    row = InvitationRow(
        user_id=organisation_id, id=ids.new_id(), token_hash=sessions.hash_of(token), role=role,
        made_by=changes.person_of(who), made_at=now, ends_at=now + timedelta(hours=hours),
    )  # fmt: skip
    db.add(row)
    db.flush()
    facts = {"organisation": organisation_id, "role": role}
    audit.write(db, who, "member.invited", f"invitation:{row.id}", facts, now=now)
    return token


def take_back(db: Session, who: Actor, invitation_id: UUID, *, now: datetime) -> None:
    """Make an invitation worthless."""
    page.insist(who, "members.write")
    row = db.get(InvitationRow, (_acted_for(db, who), invitation_id))
    if row is None or row.used_at is not None:
        raise BadInvitation("这个邀请已经用过或不存在。")
    row.taken_back_at = now
    db.flush()


def invited(db: Session, who: Actor, token: str, *, now: datetime) -> Invited:
    """What the invitation behind this link offers; the same refusal for used, old and invented ones."""
    row = _invitation(db, token, now)
    with _inside(db, who, row.user_id):
        organisation = store_access.organisation(db, row.user_id)
        return Invited(row.user_id, organisation.name if organisation else None, Role(row.role), row.ends_at)


def join(db: Session, who: Actor, token: str, *, now: datetime) -> UUID:
    """Accept an invitation; of two hands that use the same link, one is refused."""
    person, row = changes.person_of(who), _invitation(db, token, now)
    with _inside(db, who, row.user_id):
        if store_access.member(db, row.user_id, person) is not None:
            raise MemberAlready("您已经是这个机构的成员。")
        if not store_access.use_invitation(db, row, person, at=now):
            raise BadInvitation("这个邀请已失效。")
        db.add(_membership(row.user_id, person, Role(row.role), by=row.made_by, now=now))
        db.flush()
        facts = {"person_id": person, "role": row.role}
        audit.write(db, who, "member.joined", f"organisation:{row.user_id}", facts, now=now)
    return row.user_id


def leave(db: Session, who: Actor, *, now: datetime) -> str:
    """Leave the organisation acted for; the session acts for the person again. Returns its new token."""
    person = changes.person_of(who)
    _end(db, who, _acted_for(db, who), person, now=now)
    return act_for(db, who, person, now=now)


def remove(db: Session, who: Actor, person_id: UUID, *, now: datetime) -> None:
    """Remove a member: an owner's act, at once, because it only takes power away."""
    page.insist(who, "members.write")
    _end(db, who, _acted_for(db, who), person_id, now=now)


def propose_role(db: Session, who: Actor, person_id: UUID, role: Role, *, reason: str, now: datetime) -> ChangeRow:
    """Ask that a member gets another role."""
    organisation_id = _acted_for(db, who)
    held = _member(db, organisation_id, person_id)
    if role not in ROLES or role == held.role:
        raise BadOrganisation("请选择一个不同的角色。", field="role")
    asked = {"from": held.role, "to": role.value}
    return changes.propose(db, who, Kind.MEMBER, subject_id=person_id, asked=asked, reason=reason, now=now)


def set_role(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved change of a member's role does."""
    assert change.organisation_id is not None
    store_access.organisation(db, change.organisation_id, lock=True)
    held = _member(db, change.organisation_id, change.subject_id)
    if held.role != change.asked["from"]:
        raise changes.ChangeStale("这位成员的角色已经变了。")
    _keep_an_owner(db, held)
    held.until = now
    db.flush()
    role = Role(change.asked["to"])
    db.add(_membership(change.organisation_id, change.subject_id, role, by=change.proposed_by, now=now))
    db.flush()
    facts = {"person_id": change.subject_id, "role": role, "change": change.id}
    audit.write(db, who, "organisation.changed", f"organisation:{change.organisation_id}", facts, now=now)


def details(db: Session, organisation_id: UUID) -> OrganisationDetailsRow | None:
    """What the organisation says of itself."""
    return db.get(OrganisationDetailsRow, organisation_id)


def propose_details(
    db: Session, who: Actor, *, registration: str, account_bank: str, account_number: str, reason: str, now: datetime
) -> ChangeRow:
    """Ask that the registration number and the company account are these from now on."""
    organisation_id = _acted_for(db, who)
    given = {
        "registration": "".join(registration.split()).upper(),
        "account_bank": " ".join(account_bank.split()),
        "account_number": "".join(account_number.split()),
    }
    if given["registration"] and not is_credit_code(given["registration"]):
        raise BadOrganisation("统一社会信用代码不正确，请核对 18 位代码。", field="registration")
    if given["account_number"] and not (given["account_number"].isdigit() and 8 <= len(given["account_number"]) <= 32):
        raise BadOrganisation("对公账号应为 8 到 32 位数字。", field="account_number")
    if not any(given.values()) or bool(given["account_number"]) != bool(given["account_bank"]):
        raise BadOrganisation("请填写信用代码，或开户行和对公账号。", field="account_number")
    return changes.propose(db, who, Kind.DETAILS, subject_id=organisation_id, asked=given, reason=reason, now=now)


def set_details(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved change of details does."""
    assert change.organisation_id is not None
    row = details(db, change.organisation_id)
    if row is None:
        row = OrganisationDetailsRow(user_id=change.organisation_id)
        db.add(row)
    for name in DETAILS:
        setattr(row, name, change.asked[name] or None)
    row.changed_at, row.change_id = now, change.id
    db.flush()
    audit.write(db, who, "organisation.changed", f"organisation:{row.user_id}", {"change": change.id}, now=now)


_CODE_SIGNS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def is_credit_code(code: str) -> bool:
    """Whether a unified social credit code (统一社会信用代码, GB 32100-2015) has its check sign right; pure."""
    if len(code) != 18 or any(sign not in _CODE_SIGNS for sign in code):
        return False
    weighed = sum(_CODE_SIGNS.index(sign) * pow(3, place, 31) for place, sign in enumerate(code[:17]))
    return _CODE_SIGNS[-weighed % 31] == code[17]


def _invitation(db: Session, token: str, now: datetime) -> InvitationRow:
    token_hash = sessions.hash_of(token)
    wall.present(db, "organisation_invitation", token_hash)
    row = store_access.invitation(db, token_hash)
    if row is None or row.used_at is not None or row.taken_back_at is not None or now >= row.ends_at:
        raise BadInvitation("这个邀请已失效，请向机构重新索取。")
    return row


def _end(db: Session, who: Actor, organisation_id: UUID, person_id: UUID, *, now: datetime) -> None:
    store_access.organisation(db, organisation_id, lock=True)
    held = _member(db, organisation_id, person_id)
    _keep_an_owner(db, held)
    held.until = now
    db.flush()
    facts = {"person_id": person_id, "role": held.role}
    audit.write(db, who, "member.removed", f"organisation:{organisation_id}", facts, now=now)


def _keep_an_owner(db: Session, held: MemberRow) -> None:
    if held.role == Role.OWNER and store_access.owners(db, held.organisation_id) < 2:
        raise NeedsOwner("机构必须至少有一位所有者。")


def _member(db: Session, organisation_id: UUID, person_id: UUID) -> MemberRow:
    held = store_access.member(db, organisation_id, person_id)
    if held is None:
        raise UnknownOrganisation("这个人不是机构的成员。")
    return held


def _membership(organisation_id: UUID, person_id: UUID, role: Role, *, by: UUID, now: datetime) -> MemberRow:
    return MemberRow(
        person_id=person_id, id=ids.new_id(), organisation_id=organisation_id, role=role, since=now, given_by=by
    )


def _acted_for(db: Session, who: Actor) -> UUID:
    """The organisation the session acts for."""
    if who.party_id is None or who.party_id == who.person_id or store_access.organisation(db, who.party_id) is None:
        raise UnknownOrganisation("请先切换到要代表的机构。")
    return who.party_id


@contextmanager
def _inside(db: Session, who: Actor, organisation_id: UUID) -> Iterator[None]:
    """Open the rows of an organisation for a moment: one just made, or one whose invitation is held."""
    db.flush()
    wall.enter(db, party=organisation_id, person=who.person_id)
    yield
    db.flush()
    wall.enter(db, party=who.party_id, person=who.person_id)
