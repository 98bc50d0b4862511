"""Step-up: one more proof of who acts, bound to what is being approved and good for that once.

The binding is SHA-256 over every fact of the act; the act recomputes it from its own rows, so a changed amount, card or
hour voids the confirmation. The device's own dialog shows no amount, so the page must, and `shown_hash` keeps what it
showed (web.md, section 8).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import codes, passkeys, rules, store_limits
from anhuan.identity.tables_limits import StepUpRow
from anhuan.kit import audit, ids, rates
from anhuan.kit.actors import Actor, Strength
from anhuan.kit.errors import Refused


class ActKind(StrEnum):
    """What can ask for a step-up."""

    PAYMENT = "payment"
    MANDATE = "mandate"
    BINDING = "binding"
    LIMIT_RAISE = "limit_raise"
    PAUSE_LIFT = "pause_lift"
    WAY_IN_REMOVED = "way_in_removed"
    EXPORT_FETCHED = "export_fetched"
    ERASURE = "erasure"
    CLIENT_KEY = "client_key"


class StepUpNeeded(Refused):
    """需要再次验证: this act wants one more proof of who acts, bound to it."""

    code = "stepup.needed"


class StepUpVoid(Refused):
    """确认已失效: the confirmation is used, late, of another session, or of another act; nothing was done."""

    code = "stepup.void"


class StepUpFailed(Refused):
    """验证未通过: the proof is not right; the act was not done."""

    code = "stepup.failed"


@dataclass(frozen=True, slots=True)
class Act:
    """What is approved: its kind and every fact that makes it this act and no other (text and whole numbers)."""

    kind: ActKind
    facts: Mapping[str, str | int]

    def binding(self) -> bytes:
        """SHA-256 of kind and facts in one steady form."""
        said = json.dumps(
            [self.kind.value, dict(self.facts)], sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        return hashlib.sha256(said.encode()).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person sent back: which step-up, and a passkey's answer (JSON) or a one-time code."""

    step_up_id: UUID
    credential: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A step-up that waits for its answer: what the browser's passkey call needs, and whether a code will do."""

    id: UUID
    ends_at: datetime
    options: Mapping[str, Any] | None
    by_code: bool
    by_tap: bool  # in a demonstration a tap is the proof


def begin(db: Session, who: Actor, act: Act, *, shown: str, now: datetime) -> Asked:
    """Ask for a proof bound to this act; `shown` is the text the person reads before confirming."""
    assert who.person_id is not None
    assert who.session_id is not None
    ends_at = now + timedelta(minutes=rules.house("step_up_minutes", on=now.date()))
    challenge_id, options = None, None
    if passkeys.has_one(db, who.person_id):
        challenge_id, options = passkeys.options(
            db, who.person_id, binding=act.binding(), session_id=who.session_id, now=now
        )
    row = StepUpRow(
        person_id=who.person_id, id=ids.new_id(), session_id=who.session_id, kind=act.kind, binding=act.binding(),
        shown_hash=hashlib.sha256(shown.encode()).digest(), challenge_id=challenge_id, made_at=now, ends_at=ends_at,
    )  # fmt: skip
    db.add(row)
    db.flush()
    return Asked(row.id, ends_at, options, codes.has_totp(db, who.person_id), who.strength is Strength.DEMO)


def insist(db: Session, who: Actor, act: Act, answer: Answer | None, *, now: datetime) -> UUID:
    """Let the act go on only with a fresh proof bound to it; returns the id that the act keeps as evidence.

    Raises StepUpNeeded without an answer, StepUpVoid for one that is late, used, of another session or of another act,
    StepUpFailed for a wrong proof, TooMany after several of those: tries are counted beside this transaction, so they
    stay counted when it is rolled back.
    """
    if answer is None:
        raise StepUpNeeded("这一步要再验证一次身份。")
    assert who.person_id is not None
    row = store_limits.step_up(db, who.person_id, answer.step_up_id)
    if row is None or not _is_meant(row, who, act, now):
        raise StepUpVoid("这次确认已失效:内容有变、超时或已用过。请重新确认,没有做任何改动。")
    day = now.date()
    tries = [
        (str(row.id), rates.limit("step_up.one", on=day)),
        (str(who.person_id), rates.limit("step_up.person", on=day)),
    ]
    rates.take_all(tries, now=now)
    how = _proof(db, who, row, answer, now=now)
    if how is None:
        raise StepUpFailed("验证没有通过,没有做任何改动。")
    row.used_at, row.used_how = now, how
    db.flush()
    facts = {"kind": act.kind.value, "binding": row.binding.hex(), "shown": row.shown_hash.hex(), "how": how}
    audit.write(db, who, "session.stepped_up", f"stepup:{row.id}", facts, now=now)
    return row.id


def _is_meant(row: StepUpRow, who: Actor, act: Act, now: datetime) -> bool:
    """Whether this row was made for this very act, in this session, and still waits."""
    return (
        row.used_at is None
        and now < row.ends_at
        and row.session_id == who.session_id
        and row.kind == act.kind
        and hmac.compare_digest(row.binding, act.binding())
    )


def _proof(db: Session, who: Actor, row: StepUpRow, answer: Answer, *, now: datetime) -> str | None:
    """How the person proved himself, or None."""
    assert who.person_id is not None
    if who.strength is Strength.DEMO:
        return "demo"  # a session that a real installation cannot have
    if answer.credential and row.challenge_id is not None:
        try:
            passkeys.verify(
                db, row.challenge_id, answer.credential, person_id=who.person_id, binding=row.binding,
                session_id=who.session_id, now=now,
            )  # fmt: skip
        except (passkeys.NotVerified, passkeys.ChallengeGone):
            return None
        return "passkey"
    if answer.code and codes.verify_totp(db, who.person_id, answer.code, now=now):
        return "totp"
    return None
