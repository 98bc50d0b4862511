"""The consent ledger: who agreed to what, to which words, for how long; a yes and a no are rows, nothing is edited.

`require` is what code asks before it touches data for a purpose; without a standing yes nothing is read (PIPL art. 13).
A no is one act and needs no reason (art. 15); no purpose is a condition of another (art. 16).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import documents, rules, store_consent
from anhuan.identity.consent_words import (
    PURPOSES,
    Channel,
    NoConsent,
    Purpose,
    TextChanged,
    UnknownPurpose,
    check_partner,
    written,
)
from anhuan.identity.tables_consent import ConsentRow
from anhuan.kit import audit, clock, ids
from anhuan.kit.actors import Actor, ActorKind

GIVEN: Final = "given"
WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds about one purpose at a moment: a standing yes has a start and an end."""

    purpose: Purpose
    partner: str
    stands: bool
    said_at: datetime | None  # when the last word was said; None: never asked
    expires_at: datetime | None
    renew: bool  # it ends soon or has just ended: time to ask again
    outdated: bool  # the text changed in what matters: the yes does not cover it

    @property
    def name(self) -> str:
        """The purpose as one word."""
        return written(self.purpose, self.partner)


def stands(db: Session, party: UUID, purpose: Purpose, now: datetime, *, partner: str = "") -> bool:
    """Whether the party agrees to this use of its data at this moment."""
    return standing(db, party, purpose, now, partner=partner).stands


def require(db: Session, party: UUID, purpose: Purpose, now: datetime, *, partner: str = "") -> None:
    """Go on only with a standing yes; the refusal says where to give it."""
    if not stands(db, party, purpose, now, partner=partner):
        name = written(purpose, partner)
        raise NoConsent(
            f"需要先同意“{PURPOSES[purpose].name.zh}”：网页 /me/consents/{name}，接口 POST /api/v1/consents/{name}，"
            f"命令 anhuan consent give {name}",
            field="purpose", purpose=name,
        )  # fmt: skip


def standing(db: Session, party: UUID, purpose: Purpose, now: datetime, *, partner: str = "") -> Standing:
    """What holds about one purpose."""
    check_partner(purpose, partner)
    return _standing(db, purpose, partner, store_consent.newest(db, party, purpose.value, partner), now)


def all_standing(db: Session, party: UUID, now: datetime) -> tuple[Standing, ...]:
    """What holds about every purpose, in the order of the table; sharing once for each partner ever named."""
    said = {(row.purpose, row.partner): row for row in store_consent.last_words(db, party)}
    named: list[tuple[Purpose, str]] = [(one, "") for one in Purpose if one is not Purpose.SHARING]
    named += [(Purpose.SHARING, partner) for purpose, partner in said if purpose == Purpose.SHARING]
    return tuple(
        _standing(db, purpose, partner, said.get((purpose.value, partner)), now)
        for purpose, partner in sorted(named, key=lambda one: (list(Purpose).index(one[0]), one[1]))
    )


def give(
    db: Session, party: UUID, purpose: Purpose, *, actor: Actor, now: datetime, partner: str = "",
    channel: Channel = Channel.PAGE, lang: str = "zh", version: int | None = None,
) -> Standing:  # fmt: skip
    """Record a yes to the text in force; `version` is the one that was shown. A fresh yes is not doubled."""
    check_partner(purpose, partner)
    store_consent.lock(db, f"consent {party} {written(purpose, partner)}")
    document = documents.in_force(db, documents.kind_of(purpose), _day(now))
    if version not in (None, document.version):
        raise TextChanged("文本刚刚更新，请再看一遍。", field="version")
    last = store_consent.newest(db, party, purpose.value, partner)
    held = _standing(db, purpose, partner, last, now)
    if held.stands and not held.renew and last is not None and last.document_version == document.version:
        return held
    line = PURPOSES[purpose]
    row = _row(party, purpose, partner, last, document, actor=actor, now=now, channel=channel, lang=lang)
    row.event, row.expires_at = GIVEN, would_end(purpose, now)
    row.data_types, row.mode, row.periodic = list(line.data), line.mode.value, line.periodic
    _keep(db, row, actor, now)
    return _standing(db, purpose, partner, row, now)


def give_by_command(
    db: Session, party: UUID, purpose: Purpose, *, now: datetime, partner: str = "", lang: str = "zh",
    version: int | None = None,
) -> Standing:  # fmt: skip
    """The yes of whoever sits at this installation's command line, for the person it acts for."""
    who = Actor(ActorKind.COMMAND, person_id=party, party_id=party)
    return give(
        db, party, purpose, actor=who, now=now, partner=partner, channel=Channel.COMMAND, lang=lang, version=version
    )


def partner_called(db: Session, partner: str) -> str:
    """What the partner is called that is to receive data; one that nobody knows cannot be shared with."""
    if not partner:
        return ""
    name = store_consent.partner_name(db, partner)
    if name is None:
        raise UnknownPurpose("没有这家合作方。", field="purpose")
    return name


def would_end(purpose: Purpose, now: datetime) -> datetime:
    """When a yes that is given now would end by its term."""
    return now + timedelta(days=rules.house(PURPOSES[purpose].days, on=_day(now)))


def withdraw(
    db: Session, party: UUID, purpose: Purpose, *, actor: Actor, now: datetime, partner: str = "",
    channel: Channel = Channel.PAGE, lang: str = "zh",
) -> Standing:  # fmt: skip
    """Record a no, at once and without a reason; where no yes stands, nothing is written."""
    check_partner(purpose, partner)
    store_consent.lock(db, f"consent {party} {written(purpose, partner)}")
    last = store_consent.newest(db, party, purpose.value, partner)
    if last is None or last.event == WITHDRAWN:
        return _standing(db, purpose, partner, last, now)
    document = documents.version_of(db, documents.kind_of(purpose), last.document_version)
    row = _row(party, purpose, partner, last, document, actor=actor, now=now, channel=channel, lang=lang)
    row.event, row.data_types, row.mode, row.periodic = WITHDRAWN, last.data_types, last.mode, last.periodic
    _keep(db, row, actor, now)
    return _standing(db, purpose, partner, row, now)


def withdraw_by_command(db: Session, party: UUID, purpose: Purpose, *, now: datetime, partner: str = "") -> Standing:
    """The no of whoever sits at this installation's command line."""
    who = Actor(ActorKind.COMMAND, person_id=party, party_id=party)
    return withdraw(db, party, purpose, actor=who, now=now, partner=partner, channel=Channel.COMMAND)


def withdraw_all(db: Session, party: UUID, *, actor: Actor, now: datetime) -> int:
    """Withdraw every yes that was not taken back yet, as an erasure does; tells how many there were."""
    held = [row for row in store_consent.last_words(db, party) if row.event == GIVEN]
    for row in held:
        withdraw(
            db, party, Purpose(row.purpose), actor=actor, now=now, partner=row.partner, channel=Channel(row.channel)
        )
    return len(held)


def _standing(db: Session, purpose: Purpose, partner: str, row: ConsentRow | None, now: datetime) -> Standing:
    if row is None:
        return Standing(purpose, partner, False, None, None, False, False)
    if row.event == WITHDRAWN or row.expires_at is None:
        return Standing(purpose, partner, False, row.at, None, False, False)
    day = _day(now)
    outdated = row.document_version < documents.least_version(db, documents.kind_of(purpose), day)
    soon = timedelta(days=rules.house("consent_renew_days", on=day))
    return Standing(
        purpose,
        partner,
        stands=row.at <= now < row.expires_at and not outdated,
        said_at=row.at,
        expires_at=row.expires_at,
        renew=outdated or row.expires_at - now <= soon,
        outdated=outdated,
    )


def _row(
    party: UUID, purpose: Purpose, partner: str, last: ConsentRow | None, document: documents.Document, *,
    actor: Actor, now: datetime, channel: Channel, lang: str,
) -> ConsentRow:  # fmt: skip
    return ConsentRow(
        user_id=party, id=ids.new_id(), purpose=purpose.value, partner=partner, step=(last.step if last else 0) + 1,
        person_id=actor.person_id, document_version=document.version, document_sha256=document.sha256,
        rendered_sha256=document.rendered(lang), channel=channel.value, session_id=actor.session_id, at=now,
        expires_at=None,
    )  # fmt: skip


def _keep(db: Session, row: ConsentRow, actor: Actor, now: datetime) -> None:
    db.add(row)
    db.flush()
    facts = {"purpose": written(Purpose(row.purpose), row.partner), "version": row.document_version,
             "sha256": row.document_sha256.hex(), "channel": row.channel}  # fmt: skip
    audit.write(db, actor, f"consent.{row.event}", f"party:{row.user_id}", facts, now=now)


def _day(now: datetime) -> date:
    return now.astimezone(clock.CHINA).date()
