"""The partner register at the operators' console: who is licensed for which channel, from which day to which.

One person enters, another approves exactly what was shown; a suspension is one person's word, since it only closes.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from anhuan.channels import capabilities, register
from anhuan.channels.capabilities import Way
from anhuan.channels.model import BadEntry
from anhuan.channels.register import VERBS, Standing, Status
from anhuan.identity.desk_page import Notice, attempt, said
from anhuan.kit import page
from anhuan.kit.actors import Actor

router = APIRouter(prefix="/desk/partners", include_in_schema=False)
Ours: Final = Depends(page.own_form)
Words = Annotated[str, Form(max_length=2000)]
Short = Annotated[str, Form(max_length=200)]
# What needs somebody first: waiting for a second pair of eyes, then what holds, soonest to end first, then the rest.
ORDER: Final = (Status.WAITING, Status.VALID, Status.FUTURE, Status.SUSPENDED, Status.EXPIRED, Status.REFUSED)


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry with what its reader may do about it; `soon`: it ends within the days of warning."""

    standing: Standing
    soon: bool
    own: bool


@dataclass(frozen=True, slots=True)
class Partners:
    """Every entry of the register as it stands today, and channels that need one and have none."""

    template: ClassVar[str] = "channels/partners.html"
    entries: tuple[Shown, ...]
    missing: tuple[Way, ...]
    warn_days: int


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form of a new entry."""

    partner: str = ""
    licence_kind: str = ""
    licence_number: str = ""
    holder: str = ""
    verbs: tuple[str, ...] = VERBS
    channels: tuple[str, ...] = ()
    products: str = ""
    valid_from: str = ""
    valid_to: str = ""
    custody_bank: str = ""
    document_sha256: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NewEntry:
    """The form of a new entry, or of one that follows another."""

    template: ClassVar[str] = "channels/partner_new.html"
    typed: Typed
    follows: Standing | None
    ways: tuple[Way, ...]
    verbs: tuple[str, ...]
    trouble: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, complete, with everybody's words on it."""

    template: ClassVar[str] = "channels/partner.html"
    shown: Shown
    ways: tuple[Way, ...]
    trouble: str
    typed: str


@router.get("", dependencies=[page.needs("desk.partners")])
def partners(request: Request, db: page.Desk) -> Response:
    """The register, what needs somebody first."""
    who, on = page.actor(request), page.today(request)
    days = _warn_days(on)
    rows = sorted(register.all_standings(db, on=on), key=_first)
    entries = tuple(_shown(who, one, days) for one in rows)
    return page.render(request, Partners(entries, _missing(db, on), days))


@router.get("/new", dependencies=[page.needs("desk.partners_write")])
def new(request: Request, db: page.Desk, follows: UUID | None = None) -> Response:
    """The form of a new entry; one that follows another begins with its words and the day after its last."""
    before = register.find(db, follows, on=page.today(request)) if follows else None
    return page.render(request, _form(request, _typed_of(before) if before else Typed(), before))


@router.post("", dependencies=[page.needs("desk.partners_write"), Ours])
def enter(
    request: Request, db: page.Desk, partner: Short = "", licence_kind: Short = "", licence_number: Short = "",
    holder: Short = "", verbs: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI reads it as the default
    channels: Annotated[list[str], Form()] = [],  # noqa: B006 - as above
    products: Words = "", valid_from: Short = "", valid_to: Short = "", custody_bank: Short = "",
    document_sha256: Short = "", reason: Words = "", document: UploadFile | None = None,
) -> Response:  # fmt: skip
    """Enter a licence; it opens nothing until somebody else has approved it. Of the document its hash alone is kept."""
    digest = _digest(document) or document_sha256
    named = tuple(one.strip() for one in channels if one.strip())  # the last field is free, and empty as a rule
    typed = Typed(partner, licence_kind, licence_number, holder, tuple(verbs), named, products, valid_from,
                  valid_to, custody_bank, digest, reason)  # fmt: skip
    made: list[UUID] = []

    def write() -> None:
        made.append(register.enter(db, page.actor(request), _entry_of(typed), now=page.now(request)))

    trouble = attempt(request, db, write)
    if trouble:
        return page.render(request, _form(request, typed, None, trouble), status=422)
    note = said(request, "已提交，等待第二人复核。", "Submitted; somebody else has to approve it.")
    return page.go(f"/desk/partners/{made[0]}", request=request, note=note)


@router.get("/{entry_id}", dependencies=[page.needs("desk.partners")])
def entry(request: Request, db: page.Desk, entry_id: UUID) -> Response:
    """One entry, complete."""
    return page.render(request, _entry(request, db, entry_id))


@router.post("/{entry_id}/{verb}", dependencies=[page.needs("desk.partners_write"), Ours])
def decide(
    request: Request, db: page.Desk, entry_id: UUID, verb: str, shown: Short = "", from_day: Short = "",
    reason: Words = "",
) -> Response:  # fmt: skip
    """Approve or refuse exactly what the page showed, or suspend what holds."""
    who, now = page.actor(request), page.now(request)

    def act() -> None:
        match verb:
            case "approve":
                register.approve(db, who, entry_id, shown=shown, now=now)
            case "refuse":
                register.refuse(db, who, entry_id, shown=shown, reason=reason, now=now)
            case "suspend":
                register.suspend(db, who, entry_id, from_day=_day(from_day, "from_day"), reason=reason, now=now)
            case _:
                raise page.NotFound("没有这个操作。")

    trouble = attempt(request, db, act)
    if trouble:
        db.expire_all()
        return page.render(request, _entry(request, db, entry_id, trouble, reason), status=409)
    return page.go(f"/desk/partners/{entry_id}", request=request, note=said(request, "已记录。", "Recorded."))


def notices(db: Session, who: Actor, now: datetime, on: date) -> list[Notice]:
    """What the register has to say on the desk's first page: entries that wait, that end soon, and that have ended."""
    if not who.may("desk.partners"):
        return []
    rows, days = register.all_standings(db, on=on), _warn_days(on)
    ended = sum(one.status is Status.EXPIRED and one.days_left is not None and one.days_left > -days for one in rows)
    soon = sum(_is_soon(one, days) for one in rows)
    waiting = sum(one.status is Status.WAITING for one in rows)
    told = (
        ("late", ended, f"{ended} 条持牌登记已到期，渠道已自动关闭", f"{ended} licences expired; channels closed"),
        ("soon", soon, f"{soon} 条持牌登记在 {days} 天内到期", f"{soon} licences end within {days} days"),
        ("soon", waiting, f"{waiting} 条持牌登记等待复核", f"{waiting} licences wait for a second pair of eyes"),
    )
    return [Notice(tone, zh, en, "/desk/partners") for tone, count, zh, en in told if count]


def _entry(request: Request, db: Session, entry_id: UUID, trouble: str = "", typed: str = "") -> Entry:
    on = page.today(request)
    shown = _shown(page.actor(request), register.find(db, entry_id, on=on), _warn_days(on))
    ways = tuple(capabilities.way(one, on=on) for one in shown.standing.entry.channels)
    return Entry(shown, ways, trouble, typed)


def _form(request: Request, typed: Typed, follows: Standing | None, trouble: str = "") -> NewEntry:
    on = page.today(request)
    named = dict.fromkeys((*capabilities.ids(on=on), *typed.channels))
    return NewEntry(typed, follows, tuple(capabilities.way(one, on=on) for one in named), VERBS, trouble)


def _shown(who: Actor, one: Standing, days: int) -> Shown:
    return Shown(one, _is_soon(one, days), one.entered_by == who.person_id)


def _is_soon(one: Standing, days: int) -> bool:
    return one.status is Status.VALID and one.days_left is not None and one.days_left <= days


def _first(one: Standing) -> tuple[int, date, float]:
    return ORDER.index(one.status), one.entry.valid_to or date.max, -one.entered_at.timestamp()


def _missing(db: Session, on: date) -> tuple[Way, ...]:
    """Channels whose record asks for a licence and that have none today."""
    wanted = []
    for channel in capabilities.ids(on=on):
        records = (capabilities.find(channel, bank, on=on) for bank in capabilities.banks(on=on))
        record = next((one for one in records if one is not None), None)
        if record is not None and record.partner and not register.is_live(db, record, on):
            wanted.append(capabilities.way(channel, on=on))
    return tuple(wanted)


def _typed_of(before: Standing) -> Typed:
    one = before.entry
    begins = one.valid_to.isoformat() if one.valid_to else ""
    return Typed(one.partner, one.licence_kind, one.licence_number, one.holder, one.verbs, one.channels,
                 "\n".join(one.products), begins, "", one.custody_bank)  # fmt: skip


def _entry_of(typed: Typed) -> register.Entry:
    products = tuple(line.strip() for line in typed.products.splitlines() if line.strip())
    return register.Entry(
        typed.partner, typed.licence_kind, typed.licence_number, typed.holder, typed.verbs, typed.channels, products,
        _day(typed.valid_from, "valid_from"), _day(typed.valid_to, "valid_to") if typed.valid_to else None,
        typed.custody_bank, typed.document_sha256, typed.reason,
    )  # fmt: skip


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadEntry("请选择日期。", field=field) from None


def _digest(document: UploadFile | None) -> str:
    """SHA-256 of the file that was handed in, or nothing; its bytes are not kept."""
    if document is None or not document.filename:
        return ""
    return hashlib.sha256(document.file.read()).hexdigest()


def _warn_days(on: date) -> int:
    days: int = capabilities.number("licence_warning_days", on=on)
    return days
