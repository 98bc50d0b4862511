"""Changes that more than one person must sign (four eyes): proposed, signed or refused, withdrawn, lapsed.

A signer is shown the whole change and sends back the hash of what was shown; the signature is bound to it in the
database, where nobody's word on the own change can be kept at all. With the last word the change happens, in the same
transaction. Who may propose and sign what stands in `change_rules.TABLE`.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import change_rules, rules, store_access
from anhuan.identity.change_rules import RULES, Kind, Rule, Status
from anhuan.identity.model import OwnChange, ReasonTooShort
from anhuan.identity.tables_access import ChangeRow, SignatureRow
from anhuan.kit import audit, ids, page
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.errors import Broken, Refused


class UnknownChange(Refused):
    """没有这个变更申请: there is no such change, or it is not the asker's to know."""

    code = "change.unknown"


class ChangeClosed(Refused):
    """变更申请已结束: it was decided, withdrawn or has lapsed."""

    code = "change.closed"


class ChangeStale(Refused):
    """内容已变: what the change starts from is not so any more; it must be proposed anew."""

    code = "change.stale"


class NotAsShown(Refused):
    """与所见不符: the page that was signed showed something else."""

    code = "change.not_as_shown"


class SignedAlready(Refused):
    """已签过: one person has one word."""

    code = "change.signed_already"


class AskedAlready(Refused):
    """已有相同申请: the same change waits already."""

    code = "change.asked_already"


class Altered(Broken):
    """A change does not hash to what was shown when it was proposed: somebody altered its row."""

    code = "change.altered"


Act = Callable[[Session, Actor, ChangeRow, datetime], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """A change as its pages show it, to one reader."""

    row: ChangeRow
    rule: Rule
    status: Status
    signatures: tuple[SignatureRow, ...]
    own: bool
    can_sign: bool


def propose(
    db: Session, who: Actor, kind: Kind, *, subject_id: UUID, asked: Mapping[str, Any], reason: str, now: datetime
) -> ChangeRow:
    """Ask for a change; it waits for the words of others. Refuses who may not ask for this kind, or for himself."""
    rule = RULES[kind]
    proposer = person_of(who)
    if not who.roles & rule.proposers:
        raise page.NotAllowed("您的角色不能提出这种变更。")
    if kind.startswith("role.") and subject_id == proposer:
        raise OwnChange("不能为自己申请角色变更，请由另一位管理员提出。")
    why = reason_of(reason, now=now)
    if any(one.asked == dict(asked) for one in store_access.same_open(db, kind, subject_id, now=now)):
        raise AskedAlready("同样的申请已在等待复核。")
    change_id, organisation_id = ids.new_id(), who.party_id if rule.of_an_organisation else None
    hours = rules.house(rule.lapses, on=now.date())
    row = ChangeRow(
        id=change_id, kind=kind, organisation_id=organisation_id, subject_id=subject_id, asked=dict(asked), reason=why,
        shown_hash=change_rules.shown_hash(
            change_id, kind, subject_id=subject_id, organisation_id=organisation_id, asked=asked, reason=why
        ),
        people=len(rule.seats), proposed_by=proposer, proposed_at=now, ends_at=now + timedelta(hours=hours),
        status=Status.OPEN,
    )  # fmt: skip
    db.add(row)
    db.flush()
    audit.write(db, who, "change.asked", f"change:{row.id}", _facts(row), now=now)
    return row


def sign(db: Session, who: Actor, change_id: UUID, *, shown: bytes, now: datetime) -> Status:
    """Approve exactly what was shown; with the last word needed the change happens. Returns where it stands now."""
    row, rule = _open_change(db, change_id, now=now)
    signed = store_access.signatures(db, change_id)
    role = _seat(who, row, rule, signed, shown)
    _put_down(db, who, row, role, "approve", now)
    audit.write(db, who, "approval.given", f"change:{row.id}", {**_facts(row), "as_role": role}, now=now)
    if not change_rules.is_complete(rule, [*(one.as_role for one in signed), role]):
        return Status.OPEN
    _close(db, row, Status.APPROVED, now)
    act_of(rule)(db, who, row, now)
    db.flush()
    audit.write(db, who, "approval.used", f"change:{row.id}", _facts(row), now=now)
    return Status.APPROVED


def refuse(db: Session, who: Actor, change_id: UUID, *, shown: bytes, now: datetime) -> None:
    """Say no to a change; one no ends it."""
    row, rule = _open_change(db, change_id, now=now)
    role = _seat(who, row, rule, store_access.signatures(db, change_id), shown)
    _put_down(db, who, row, role, "refuse", now)
    _close(db, row, Status.REFUSED, now)
    audit.write(db, who, "change.refused", f"change:{row.id}", {**_facts(row), "as_role": role}, now=now)


def withdraw(db: Session, who: Actor, change_id: UUID, *, now: datetime) -> None:
    """Take one's own proposal back."""
    row, _ = _open_change(db, change_id, now=now)
    if row.proposed_by != who.person_id:
        raise page.NotAllowed("只有提出人可以撤回。")
    _close(db, row, Status.WITHDRAWN, now)
    audit.write(db, who, "change.withdrawn", f"change:{row.id}", _facts(row), now=now)


def find(db: Session, who: Actor, change_id: UUID, *, now: datetime) -> Standing:
    """One change with its signatures, as this reader may see and sign it."""
    row = store_access.change(db, change_id)
    if row is None or row.kind not in RULES:
        raise UnknownChange("没有这个变更申请。")
    return standing(db, who, row, now=now)


def standing(db: Session, who: Actor, row: ChangeRow, *, now: datetime) -> Standing:
    """A change as one reader sees it."""
    rule, signed = RULES[Kind(row.kind)], store_access.signatures(db, row.id)
    status = change_rules.status_at(row.status, ends_at=row.ends_at, now=now)
    waits = status is Status.OPEN and who.person_id not in {one.signed_by for one in signed}
    can = waits and not is_own(who, row) and change_rules.seat_for(rule, _words(signed), who.roles) is not None
    return Standing(row, rule, status, tuple(signed), row.proposed_by == who.person_id, can)


def is_own(who: Actor, row: ChangeRow) -> bool:
    """Whether this is somebody's own change: proposed by them, or about them."""
    return who.person_id in (row.proposed_by, row.subject_id)


def act_of(rule: Rule) -> Act:
    """What a kind of change does, by the name in its line of the table."""
    module, name = rule.does.split(".")
    act: Act = getattr(importlib.import_module(f"anhuan.identity.{module}"), name)
    return act


def reason_of(text: str, *, now: datetime) -> str:
    """A reason as it is kept; refuses one that says nothing. A case number (RC-..., letters and digits) will do."""
    said = " ".join(text.split())
    head, _, rest = said.partition("-")
    if head.isascii() and head.isalpha() and head.isupper() and len(rest) >= 4 and rest.isascii() and rest.isalnum():
        return said
    least = rules.house("reason_letters", on=now.date())
    if len(said) < least or len(set(said)) < 4:
        raise ReasonTooShort(f"请写明原因(至少 {least} 个字)或填写案件编号，例如 RC-20261122。", field="reason")
    return said[:500]


def person_of(who: Actor) -> UUID:
    """The person behind an act; programs and nobody propose and sign nothing."""
    if who.kind is not ActorKind.PERSON or who.person_id is None:
        raise page.NotAllowed("这一步要由登录的人来做。")
    return who.person_id


def _open_change(db: Session, change_id: UUID, *, now: datetime) -> tuple[ChangeRow, Rule]:
    """The change, held for this transaction: a second hand waits here and then finds it decided."""
    row = store_access.change(db, change_id, lock=True)
    if row is None or row.kind not in RULES:
        raise UnknownChange("没有这个变更申请。")
    status = change_rules.status_at(row.status, ends_at=row.ends_at, now=now)
    if status is Status.LAPSED:
        raise ChangeClosed("这个申请已过期，需要重新提出。")
    if status is not Status.OPEN:
        raise ChangeClosed("这个申请已有结果，没有再做改动。")
    return row, RULES[Kind(row.kind)]


def _seat(who: Actor, row: ChangeRow, rule: Rule, signed: Any, shown: bytes) -> str:
    """As which role somebody may put a word on this change."""
    if is_own(who, row):
        raise OwnChange("不能复核自己提出的、或关于自己的变更。")
    if any(one.signed_by == person_of(who) for one in signed):
        raise SignedAlready("您已经签过这个申请。")
    role = change_rules.seat_for(rule, _words(signed), who.roles)
    if role is None:
        raise page.NotAllowed("这个申请需要其他角色复核。")
    told = change_rules.shown_hash(
        row.id, row.kind, subject_id=row.subject_id, organisation_id=row.organisation_id, asked=row.asked,
        reason=row.reason,
    )  # fmt: skip
    if told != row.shown_hash:
        raise Altered(f"change {row.id} is not what was proposed")
    if shown != row.shown_hash:
        raise NotAsShown("页面上的内容与申请不符，请刷新后重新核对。没有签字。")
    return role.value


def _words(signed: Any) -> list[str]:
    return [one.as_role for one in signed if one.verdict == "approve"]


def _put_down(db: Session, who: Actor, row: ChangeRow, role: str, verdict: str, now: datetime) -> None:
    db.add(
        SignatureRow(
            change_id=row.id, signed_by=person_of(who), proposed_by=row.proposed_by, shown_hash=row.shown_hash,
            as_role=role, verdict=verdict, signed_at=now,
        )
    )  # fmt: skip
    db.flush()


def _close(db: Session, row: ChangeRow, wanted: Status, now: datetime) -> None:
    assert change_rules.may_become(Status(row.status), wanted), (row.status, wanted)
    row.status, row.decided_at = wanted, now
    db.flush()


def _facts(row: ChangeRow) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": row.kind, "subject": row.subject_id, "shown": row.shown_hash}
    return facts | ({"organisation": row.organisation_id} if row.organisation_id else {})
