"""Agreements and consent texts: versions that never change once published, each known by number, day and SHA-256.

The first version of every text comes with the program (`texts/`); later ones are published at the desk by two people.
A changed agreement is shown beforehand for the notice time (支付条例 article 34) and must be accepted anew.
"""

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import rules, store_consent
from anhuan.identity.consent_words import Channel, Purpose, Said, TextChanged
from anhuan.identity.tables_consent import AcceptanceRow, DocumentRow
from anhuan.kit import audit, clock, ids
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Broken, Refused


class Kind(StrEnum):
    """Every text that somebody is asked to read."""

    USER_AGREEMENT = "user_agreement"
    PRIVACY_POLICY = "privacy_policy"
    RISK_NOTICE = "risk_notice"
    BILL_READING = "consent_bill_reading"
    SCORING = "consent_scoring"
    SHARING = "consent_sharing"
    PERSONAL_OFFERS = "consent_personal_offers"
    MARKETING = "consent_marketing"


TITLES: Final = {
    Kind.USER_AGREEMENT: Said("用户协议", "User agreement"),
    Kind.PRIVACY_POLICY: Said("隐私政策", "Privacy policy"),
    Kind.RISK_NOTICE: Said("风险提示", "Risk notice"),
    Kind.BILL_READING: Said("账单读取同意书", "Consent: bill reading"),
    Kind.SCORING: Said("信用评分同意书", "Consent: credit scoring"),
    Kind.SHARING: Said("共享给合作方同意书", "Consent: sharing with a partner"),
    Kind.PERSONAL_OFFERS: Said("个性化推荐同意书", "Consent: personal offers"),
    Kind.MARKETING: Said("营销同意书", "Consent: marketing"),
}
AGREEMENTS: Final = (Kind.USER_AGREEMENT, Kind.PRIVACY_POLICY, Kind.RISK_NOTICE)
FIRST_DAY: Final = date(2026, 11, 22)  # of the versions that come with the program; new words are a new version


class NoSuchDocument(Refused):
    """没有这份文本或这个版本: there is no such text or version."""

    code = "document.not_found"


class NoticeTooShort(Refused):
    """公示时间不足: a changed agreement holds only after the notice time, so that people can read it and leave."""

    code = "document.notice_too_short"


class NotPublishable(Refused):
    """不能发布: an agreement needs words in both languages, a change, and two different people."""

    code = "document.not_publishable"


class TextLost(Broken):
    """A text that came with the program is missing or was changed in place."""

    code = "document.text_lost"


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one text, in both languages."""

    kind: Kind
    version: int
    zh: str
    en: str
    made_on: date
    in_force_on: date
    anew: bool

    @property
    def sha256(self) -> bytes:
        """The name of these very words: SHA-256 over kind, version, day and both languages."""
        said = "\x00".join((self.kind, str(self.version), self.made_on.isoformat(), self.zh, self.en))
        return hashlib.sha256(said.encode()).digest()

    @property
    def fingerprint(self) -> str:
        """The first sixteen digits of that name, enough to compare by eye."""
        return self.sha256.hex()[:16]

    def title(self, lang: str) -> str:
        """What the text is called."""
        return TITLES[self.kind].in_(lang)

    def text(self, lang: str) -> str:
        """The words in a language."""
        return self.en if lang == "en" else self.zh

    def rendered(self, lang: str) -> bytes:
        """SHA-256 of what stands on the screen when the text is shown in a language."""
        return hashlib.sha256(f"{lang}\x00{self.title(lang)}\x00{self.text(lang)}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a text as it is set: "h" a heading, "p" a paragraph, "li" a point of a list."""

    tag: str
    words: str


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a comparison: "same", "gone" or "new"."""

    what: str
    words: str


def history(db: Session, kind: Kind) -> tuple[Document, ...]:
    """Every version of a text, newest first."""
    later = (_document(row) for row in store_consent.documents(db, kind))
    return (*sorted(later, key=lambda one: -one.version), first(kind))


def in_force(db: Session, kind: Kind, on: date) -> Document:
    """The version that holds on a day."""
    return next(one for one in history(db, kind) if one.in_force_on <= on or one.version == 1)


def coming(db: Session, kind: Kind, on: date) -> Document | None:
    """The version that is announced and does not hold yet."""
    newest = history(db, kind)[0]
    return newest if newest.in_force_on > on and newest.version > 1 else None


def version_of(db: Session, kind: Kind, version: int) -> Document:
    """One version, or a refusal."""
    for one in history(db, kind):
        if one.version == version:
            return one
    raise NoSuchDocument("没有这个版本。", field="version")


def least_version(db: Session, kind: Kind, on: date) -> int:
    """The oldest version a yes to which still counts: since then neither purpose nor way nor data changed."""
    held = [one for one in history(db, kind) if one.in_force_on <= on or one.version == 1]
    return next((one.version for one in held if one.anew), 1)


def kind_of(purpose: Purpose) -> Kind:
    """The text that belongs to a purpose."""
    return Kind(f"consent_{purpose.value}")


def to_accept(db: Session, party: UUID, on: date) -> tuple[Document, ...]:
    """The agreements in force that this party has not accepted in a version that still counts."""
    accepted = store_consent.accepted(db, party)
    waiting = []
    for kind in AGREEMENTS:
        if accepted.get(kind.value, 0) < least_version(db, kind, on):
            waiting.append(in_force(db, kind, on))
    return tuple(waiting)


def accept(
    db: Session, party: UUID, kind: Kind, version: int, *, actor: Actor, now: datetime, lang: str,
    channel: Channel = Channel.PAGE,
) -> None:  # fmt: skip
    """Record that the party accepts the version in force, which stood on the screen; twice is once."""
    document = in_force(db, kind, _day(now))
    if document.version != version:
        raise TextChanged("文本刚刚更新，请再看一遍。", field="version")
    made = AcceptanceRow(
        user_id=party, id=ids.new_id(), person_id=actor.person_id, kind=kind.value, version=version,
        document_sha256=document.sha256, rendered_sha256=document.rendered(lang), channel=channel.value,
        session_id=actor.session_id, at=now,
    )  # fmt: skip
    if store_consent.add_acceptance(db, made):
        facts = {"kind": kind.value, "version": version, "sha256": document.sha256.hex()}
        audit.write(db, actor, "agreement.accepted", f"party:{party}", facts, now=now)


def publish(
    db: Session, kind: Kind, *, zh: str, en: str, in_force_on: date, anew: bool, proposed_by: UUID, approver: Actor,
    now: datetime, change_id: UUID | None = None,
) -> Document:  # fmt: skip
    """Make a new version known, as the second person of an approved change; it holds after the notice time."""
    newest, today = history(db, kind)[0], _day(now)
    zh, en = zh.strip() + "\n", en.strip() + "\n"
    if approver.person_id is None or approver.person_id == proposed_by:
        raise NotPublishable("发布要由另一个人批准。", field="approved_by")
    if not zh.strip() or not en.strip() or (zh, en) == (newest.zh, newest.en):
        raise NotPublishable("两种语言都要有文字，并且确有改动。", field="zh")
    notice = rules.house("agreement_notice_days", on=today)
    if in_force_on < today + timedelta(days=notice):
        raise NoticeTooShort(f"变更要提前 {notice} 天公示。", field="in_force_on", days=notice)
    made = Document(kind, newest.version + 1, zh, en, today, in_force_on, anew)
    db.add(
        DocumentRow(
            kind=kind.value, version=made.version, zh=zh, en=en, sha256=made.sha256, made_on=today,
            in_force_on=in_force_on, anew=anew, published_at=now, proposed_by=proposed_by,
            approved_by=approver.person_id, change_id=change_id,
        )
    )  # fmt: skip
    db.flush()
    facts = {"kind": kind.value, "version": made.version, "sha256": made.sha256.hex(), "proposed_by": proposed_by,
             "in_force_on": in_force_on.isoformat()}  # fmt: skip
    audit.write(db, approver, "agreement.published", f"document:{kind.value}:{made.version}", facts, now=now)
    return made


def blocks(text: str) -> tuple[Block, ...]:
    """A text cut into headings (`## `), points (`- `) and paragraphs (lines together)."""
    found: list[Block] = []
    for part in text.strip().split("\n\n"):
        for line in part.split("\n") if part.startswith("- ") else (" ".join(part.split("\n")),):
            mark, _, rest = line.partition(" ")
            tag = {"##": "h", "-": "li"}.get(mark)
            found.append(Block(tag, rest) if tag else Block("p", line))
    return tuple(found)


def compare(old: Document, new: Document, lang: str) -> tuple[Change, ...]:
    """What two versions say differently, line by line, with the lines that stayed."""
    words = {" ": "same", "-": "gone", "+": "new"}
    lines = difflib.ndiff(_lines(old.text(lang)), _lines(new.text(lang)))
    return tuple(Change(words[line[0]], line[2:]) for line in lines if line[0] in words)


@cache
def first(kind: Kind) -> Document:
    """The version that came with the program."""
    folder = resources.files("anhuan.identity") / "texts"
    try:
        zh, en = ((folder / f"{kind.value}.{lang}.md").read_text(encoding="utf-8") for lang in ("zh", "en"))
    except FileNotFoundError as error:
        raise TextLost(f"the text {kind.value} is missing") from error
    return Document(kind, 1, zh, en, FIRST_DAY, FIRST_DAY, anew=True)


def known(kind: str) -> Kind:
    """A kind as an address names it, or a refusal."""
    if kind not in set(Kind):
        raise NoSuchDocument("没有这份文本。", field="kind")
    return Kind(kind)


def _document(row: DocumentRow) -> Document:
    found = Document(Kind(row.kind), row.version, row.zh, row.en, row.made_on, row.in_force_on, row.anew)
    if found.sha256 != row.sha256:
        raise TextLost(f"version {row.version} of {row.kind} was changed in place")
    return found


def _lines(text: str) -> Sequence[str]:
    return [line for line in text.splitlines() if line.strip()]


def _day(now: datetime) -> date:
    return now.astimezone(clock.CHINA).date()
