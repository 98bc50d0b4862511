"""The acts on mandates (代扣授权): give with a proof, narrow, switch, revoke, skip one; what a wish would do.

More is only ever allowed by a new mandate with a new proof; less, and the end, at any time with one tap.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import cards, channels, notify
from anhuan.cards.model import AccountFace, OwnAccount
from anhuan.channels import capabilities, routing
from anhuan.identity import stepup
from anhuan.identity.stepup import Act, ActKind, Answer
from anhuan.kit import audit, clock, ids
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.page import NotAllowed
from anhuan.repayments import locks, mandate_previews, service
from anhuan.repayments import mandate_document as words
from anhuan.repayments import mandate_rules as rules
from anhuan.repayments import mandate_runs as runs
from anhuan.repayments import store_mandates as store
from anhuan.repayments.mandate_model import (
    BY_BILL,
    WAITING,
    BadMandate,
    Document,
    Mandate,
    MandateOver,
    Moments,
    NeedsNewMandate,
    NeedsPerson,
    NoOwnAccount,
    Preview,
    Revoked,
    Run,
    Stage,
    Timing,
    UnknownMandate,
    UnknownRun,
    Why,
    Wish,
)
from anhuan.repayments.model import TooLateToCancel
from anhuan.repayments.tables_mandates import MandateRow, RunRow

GIVES: Final = "repay.write"
TAKES_BACK: Final = "consent.write"  # a frozen account keeps it: whoever may give may always take back
S = Stage


def of(db: Session, party: UUID, *, account_id: UUID | None = None, ended: bool = False) -> tuple[Mandate, ...]:
    """A party's mandates; those that were revoked only where asked."""
    return tuple(_mandate(row) for row in store.mandates(db, party, account_id=account_id, ended=ended))


def find(db: Session, party: UUID, mandate_id: UUID) -> Mandate:
    """One mandate; refuses one that is nobody's or somebody else's."""
    return _mandate(_row(db, party, mandate_id))


def runs_of(db: Session, party: UUID, mandate_id: UUID) -> tuple[Run, ...]:
    """The debits of a mandate, past and to come, the latest first."""
    return tuple(_run(row) for row in store.runs_of(db, party, mandate_id))


def to_come(db: Session, party: UUID) -> tuple[Run, ...]:
    """Every run of a party that is not at its end, soonest first."""
    return tuple(_run(row) for row in store.unfinished(db, party))


def document(db: Session, party: UUID, wish: Wish, *, on: date) -> Document:
    """The text of a mandate as it is confirmed, in both languages."""
    face, source = _parties(db, party, wish)
    replaced = _replaced(db, party, wish)
    return words.document(wish, face, source, replaces=replaced is not None, house=runs.house(on), on=on)


def act_of(db: Session, party: UUID, wish: Wish, *, now: datetime) -> Act:
    """What is confirmed: every field, the mandate it takes the place of, and the text that was shown."""
    replaced = _replaced(db, party, wish)
    facts: dict[str, str | int] = {"party": str(party), "replaces": str(replaced.id) if replaced else ""}
    for name, value in words.fields_of(wish):
        facts[name] = value
    facts["text"] = document(db, party, wish, on=_day(now)).sha256.hex()
    return Act(ActKind.MANDATE, facts)


def give(db: Session, who: Actor, wish: Wish, *, answer: Answer | None, now: datetime) -> Mandate:
    """Keep a mandate after a proof bound to every field of it; one that paid the same card's bills gives way to it.

    Raises `NeedsPerson`, `BadMandate`, `NoOwnAccount`, `StepUpNeeded` and its kin.
    """
    party = _insist(who, GIVES)
    check(db, party, wish, now=now)
    step_up_id = stepup.insist(db, who, act_of(db, party, wish, now=now), answer, now=now)
    replaced = _replaced(db, party, wish)
    if replaced is not None:
        _end(db, who, replaced, Why.REPLACED, now=now)
        audit.write(db, who, "mandate.replaced", f"mandate:{replaced.id}", {}, now=now)
    row = _kept(db, who, wish, step_up_id, replaced, now=now)
    runs.take_up_mandate(db, row, now=now)
    facts = {"account": str(row.account_id), "rule": row.rule, "timing": row.timing,
             "document": row.document_sha256.hex()}  # fmt: skip
    audit.write(db, who, "mandate.given", f"mandate:{row.id}", facts, now=now)
    card = cards.account_face(db, party, row.account_id).name()
    notify.tell(db, party, "autopay_given", key=str(row.id), facts={"card": card, "cap": row.cap_minor}, now=now,
                link=f"/autopay/{row.id}")  # fmt: skip
    return _mandate(row)


def check(db: Session, party: UUID, wish: Wish, *, now: datetime) -> None:
    """Refuse a wish that could not be kept; nothing is written."""
    rules.check(wish, today=_day(now), house=runs.house(_day(now)))
    face, _ = _parties(db, party, wish)
    if wish.channel is None:
        return
    record = capabilities.find(wish.channel, face.bank, on=_day(now))
    if record is None or routing.by_hand(record):
        raise BadMandate("这个渠道要您自己动手，不能自动扣；请换一个，或选“自动选择”。", field="channel")


def channels_for(db: Session, bank: str, *, on: date) -> tuple[tuple[str, str, str], ...]:
    """The channels that can debit by themselves for a bank's cards: id, Chinese and English name."""
    found = []
    for channel in capabilities.ids(on=on):
        record = capabilities.find(channel, bank, on=on)
        if record is not None and not routing.by_hand(record) and channels.register.is_live(db, record, on):
            way = capabilities.way(channel, on=on)
            found.append((channel, way.zh, way.en))
    return tuple(found)


def previews(db: Session, party: UUID, wish: Wish, *, now: datetime) -> tuple[Preview, ...]:
    """The next three debits as they would be: told when, made when, how much where the bill is known."""
    face, _ = _parties(db, party, wish)
    return mandate_previews.of(db, party, wish, face, now=now)


def narrow(
    db: Session, who: Actor, mandate_id: UUID, *, cap: int | None = None, valid_to: date | None = None, now: datetime
) -> Mandate:
    """Lower the cap or bring the end nearer, at once and without a proof; refuses what would allow more."""
    row = _standing(db, _insist(who, TAKES_BACK), mandate_id)
    if not rules.is_narrower(runs.wish_of(row), cap, valid_to):
        raise NeedsNewMandate("提高上限或延长期限要重新授权；这里只能收窄。", field="cap")
    if cap is not None and row.amount_minor is not None and cap < row.amount_minor:
        raise BadMandate("上限低于固定金额；请撤回后重新授权。", field="cap")
    row.cap_minor = row.cap_minor if cap is None else cap
    row.valid_to, row.narrowed_at = valid_to or row.valid_to, now
    db.flush()
    audit.write(db, who, "mandate.narrowed", f"mandate:{row.id}", {"cap": cap is not None}, now=now)
    return _mandate(row)


def revoke(db: Session, who: Actor, mandate_id: UUID, *, now: datetime) -> Revoked:
    """Take a mandate back, with one tap and no proof, also in flight; a second tap changes nothing.

    What waits is not ordered any more, what was not sent is cancelled, what was sent is followed and told honestly.
    """
    party = _insist(who, TAKES_BACK)
    row = store.mandate(db, party, mandate_id, lock=True)
    if row is None:
        raise UnknownMandate("没有这份授权。", field="mandate_id")
    if row.revoked_at is not None:
        return Revoked(0, ())
    done = _end(db, who, row, Why.REVOKED, now=now)
    audit.write(db, who, "mandate.revoked", f"mandate:{row.id}", {"followed": len(done.followed)}, now=now)
    card = cards.account_face(db, party, row.account_id).name()
    facts: dict[str, str | int | None] = {"card": card, "stopped": done.stopped,
             "followed": len(done.followed)}  # fmt: skip
    notify.tell(db, party, "autopay_revoked", key=str(row.id), facts=facts, now=now, link=f"/autopay/{row.id}")
    return done


def switch_off(db: Session, who: Actor, mandate_id: UUID, *, now: datetime) -> Mandate:
    """Let a mandate rest, at once and without a proof: nothing more is ordered; what stands is followed."""
    row = _standing(db, _insist(who, TAKES_BACK), mandate_id)
    if row.off_at is None:
        row.off_at = now
        db.flush()
        audit.write(db, who, "mandate.switched", f"mandate:{row.id}", {"on": False}, now=now)
    return _mandate(row)


def switch_act(party: UUID, mandate: Mandate) -> Act:
    """What is confirmed when a resting mandate is to debit again."""
    off = mandate.off_at.astimezone(UTC).isoformat() if mandate.off_at else ""
    facts: dict[str, str | int] = {"party": str(party), "mandate": str(mandate.id), "cap": mandate.wish.cap, "off": off}
    return Act(ActKind.MANDATE, facts)


def switch_on(db: Session, who: Actor, mandate_id: UUID, *, answer: Answer | None, now: datetime) -> Mandate:
    """Let a resting mandate debit again, after one more proof; bills it missed meanwhile come back."""
    party = _insist(who, GIVES)
    row = _standing(db, party, mandate_id)
    if row.off_at is None:
        return _mandate(row)
    stepup.insist(db, who, switch_act(party, _mandate(row)), answer, now=now)
    row.off_at = None
    for run in store.runs_of(db, party, row.id):
        if run.why == Why.SWITCHED_OFF and run.deadline_at > now:
            runs.put_back(run, Moments(now, run.pay_at, run.safe_by_at, run.shortened, run.late, run.provisional))
    db.flush()
    audit.write(db, who, "mandate.switched", f"mandate:{row.id}", {"on": True}, now=now)
    return _mandate(row)


def skip(db: Session, who: Actor, run_id: UUID, *, now: datetime) -> Run:
    """这次跳过: leave one debit out, without a proof, while it waits; what was ordered is cancelled as an order."""
    party = _insist(who, TAKES_BACK)
    run = store.run(db, party, run_id, lock=True)
    if run is None or run.stage not in (*WAITING, S.SKIPPED):
        raise UnknownRun("这次扣款已经开始或结束，不能再跳过。", field="run_id")
    if run.stage != S.SKIPPED:
        runs.end(db, run, S.SKIPPED, Why.BY_PAYER, now=now)
        audit.write(db, who, "mandate.run_skipped", f"run:{run.id}", {}, now=now)
    return _run(run)


def _insist(who: Actor, right: str) -> UUID:
    """Holders, and owners of organisations alone: both rights are theirs and nobody else's."""
    if who.kind is ActorKind.CLIENT or who.party_id is None:
        raise NeedsPerson("授权要由本人在网页上给出。")
    if not who.may(right):
        raise NotAllowed("您没有做这件事的权限。")
    return who.party_id


def _parties(db: Session, party: UUID, wish: Wish) -> tuple[AccountFace, OwnAccount]:
    face = next((one for one in cards.accounts(db, party) if one.account_id == wish.account_id), None)
    if face is None:
        raise BadMandate("没有这张卡。", field="account_id")
    source = next((one for one in cards.own_accounts(db, party) if one.account_id == wish.source_id), None)
    if source is None or source.currency != "CNY":
        raise NoOwnAccount("只能从您本人的人民币储蓄账户扣款；请先添加账户。", field="source_id")
    return face, source


def _replaced(db: Session, party: UUID, wish: Wish) -> MandateRow | None:
    if wish.timing not in BY_BILL:
        return None
    standing = store.mandates(db, party, account_id=wish.account_id, ended=False)
    return next((row for row in standing if Timing(row.timing) in BY_BILL), None)


def _kept(
    db: Session, who: Actor, wish: Wish, step_up_id: UUID, replaced: MandateRow | None, *, now: datetime
) -> MandateRow:
    assert who.party_id is not None
    assert who.person_id is not None
    face, source = _parties(db, who.party_id, wish)
    text = words.document(wish, face, source, replaces=replaced is not None, house=runs.house(_day(now)), on=_day(now))
    number = ids.new_id()
    row = MandateRow(
        user_id=who.party_id, id=number, account_id=wish.account_id, source_id=wish.source_id, channel=wish.channel,
        rule=wish.rule, amount_minor=wish.amount, cap_minor=wish.cap, above_cap=wish.above_cap, timing=wish.timing,
        days_before=wish.days_before, day_of_month=wish.day_of_month, on_date=wish.on_date, holiday=wish.holiday,
        notice_hours=wish.notice_hours, retries=wish.retries, retry_when=wish.retry_when,
        valid_from=wish.valid_from, valid_to=wish.valid_to,
        document=json.dumps({"zh": text.zh, "en": text.en}, ensure_ascii=False),
        document_sha256=hashlib.sha256(number.bytes + text.sha256).digest(), step_up_id=step_up_id,
        given_by=who.person_id, given_at=now, replaces=replaced.id if replaced else None,
    )  # fmt: skip
    db.add(row)
    db.flush()
    return row


def _end(db: Session, who: Actor, row: MandateRow, why: Why, *, now: datetime) -> Revoked:
    """End a mandate and everything of it that did not go out; the rest is followed."""
    row.revoked_at, row.revoked_by, row.next_at = now, who.person_id or row.user_id, None
    db.flush()
    # Waiting runs first: whoever orders one of them right now is waited for, and its order is seen below.
    stopped = 0
    for run in store.waiting(db, row.user_id, row.id):
        runs.end(db, run, S.SKIPPED, why, now=now)
        stopped += 1
    if why is Why.REPLACED:
        return Revoked(stopped, ())  # what was confirmed before goes on; the new mandate leaves that bill alone
    followed = []
    under_way = store.open_orders(db, row.user_id, row.id)
    locks.hold(db, row.user_id, under_way)
    for order in under_way:
        try:
            service.cancel(db, who, row.user_id, order, now=now)
            stopped += 1
        except TooLateToCancel:
            followed.append(order)
    return Revoked(stopped, tuple(followed))


def _row(db: Session, party: UUID, mandate_id: UUID, *, lock: bool = False) -> MandateRow:
    row = store.mandate(db, party, mandate_id, lock=lock)
    if row is None:
        raise UnknownMandate("没有这份授权。", field="mandate_id")
    return row


def _standing(db: Session, party: UUID, mandate_id: UUID) -> MandateRow:
    row = _row(db, party, mandate_id, lock=True)
    if row.revoked_at is not None:
        raise MandateOver("这份授权已撤回，不能再改。", field="mandate_id")
    return row


def _mandate(row: MandateRow) -> Mandate:
    said: dict[str, Sequence[str]] = json.loads(row.document)
    text = Document(tuple(said["zh"]), tuple(said["en"]), row.document_sha256)
    return Mandate(
        row.id, runs.wish_of(row), text, row.given_at, row.narrowed_at, row.off_at, row.revoked_at, row.replaces
    )


def _run(row: RunRow) -> Run:
    return Run(
        row.id, row.mandate_id, row.account_id, row.statement_on, row.occurrence_on, Stage(row.stage), row.why or "",
        row.amount_minor, row.notice_at, row.pay_at, row.safe_by_at, row.shortened, row.late, row.provisional,
        row.order_id, row.group_id, row.tries, row.closed_at,
    )  # fmt: skip


def _day(at: datetime) -> date:
    return at.astimezone(clock.CHINA).date()


__all__ = [
    "act_of", "channels_for", "check", "document", "find", "give", "narrow", "of", "previews", "revoke", "runs_of",
    "skip", "switch_act", "switch_off", "switch_on", "to_come",
]  # fmt: skip
