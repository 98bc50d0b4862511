"""Publishing an agreement's new version: proposed by content, signed by operations, done by `documents.publish`."""

from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy.orm import Session

from anhuan.identity import change_rules, changes, documents, rules
from anhuan.identity.tables_access import ChangeRow
from anhuan.kit.actors import Actor


def subject_of(kind: documents.Kind) -> UUID:
    """The id under which changes speak of a text."""
    return uuid5(NAMESPACE_URL, f"anhuan:document:{kind.value}")


def propose(
    db: Session, who: Actor, kind: documents.Kind, *, zh: str, en: str, in_force_on: date, anew: bool, reason: str,
    now: datetime,
) -> ChangeRow:  # fmt: skip
    """Ask that these words become the next version of a text, from a day on."""
    asked = {
        "kind": kind.value, "after": documents.history(db, kind)[0].version, "zh": zh.strip(), "en": en.strip(),
        "in_force_on": in_force_on.isoformat(), "anew": anew,
    }  # fmt: skip
    return changes.propose(
        db, who, change_rules.Kind.DOCUMENT, subject_id=subject_of(kind), asked=asked, reason=reason, now=now
    )


def publish(db: Session, who: Actor, change: ChangeRow, now: datetime) -> None:
    """What an approved text does; another version published meanwhile makes this one stale."""
    asked, kind = change.asked, documents.known(change.asked["kind"])
    if documents.history(db, kind)[0].version != asked["after"]:
        raise changes.ChangeStale("这份文本已有更新的版本，请重新提出。")
    documents.publish(
        db, kind, zh=asked["zh"], en=asked["en"], in_force_on=date.fromisoformat(asked["in_force_on"]),
        anew=asked["anew"], proposed_by=change.proposed_by, approver=who, now=now, change_id=change.id,
    )  # fmt: skip


def earliest(today: date) -> date:
    """The first day from which a version that is proposed today could hold, if it were signed today."""
    return today + timedelta(days=rules.house("agreement_notice_days", on=today))
