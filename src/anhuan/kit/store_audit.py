"""Every question the audit log asks of the database. Rows come and go through the owner's functions alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import cast, exists, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from anhuan.kit.audit_tables import AuditLink, AuditRow

_APPEND: Final = text("SELECT audit_append(:payload)")
_LINK: Final = text("SELECT audit_link(:at_most)")


def append(db: Session, payload: str) -> int:
    """Write one record; the database adds number, moment and login. Returns the number."""
    return int(db.scalar(_APPEND, {"payload": payload}) or 0)


def link(db: Session, *, at_most: int) -> int:
    """Link waiting records into the chain, oldest number first; returns how many."""
    return int(db.scalar(_LINK, {"at_most": at_most}) or 0)


def page(
    db: Session, *, subject: str | None, actor_id: UUID | None, act: str | None, before: int | None, at_most: int
) -> Sequence[tuple[int, datetime, str, dict[str, Any], bool]]:
    """Records by subject, actor and act, highest number first; row-level security decides whose."""
    linked = exists().where(AuditLink.number == AuditRow.number)
    wanted = select(AuditRow.number, AuditRow.written_at, AuditRow.login, cast(AuditRow.payload, JSONB), linked)
    for column, value in ((AuditRow.subject, subject), (AuditRow.actor_id, actor_id), (AuditRow.act, act)):
        if value is not None:
            wanted = wanted.where(column == value)
    if before is not None:
        wanted = wanted.where(AuditRow.number < before)
    rows = db.execute(wanted.order_by(AuditRow.number.desc()).limit(at_most)).all()
    return [(number, written_at, login, payload, known) for number, written_at, login, payload, known in rows]
