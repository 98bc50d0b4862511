"""What the pages of the operators' console share: places in lists, acts that leave nothing when refused, notices."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from fastapi import Request
from sqlalchemy.orm import Session

from anhuan.identity.store_access import Place
from anhuan.kit import news, page
from anhuan.kit.actors import Actor
from anhuan.kit.errors import Refused

ROWS: Final = 50  # of a list on one page
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Notice:
    """One line that a room puts on the desk's first page: how urgent (`late`, `soon`), what, and where to see to it."""

    tone: str
    zh: str
    en: str
    href: str


Noticing = Callable[[Session, Actor, datetime, date], Iterable[Notice]]
_noticing: list[Noticing] = []


def know(*rooms: Noticing) -> None:
    """Who has something to say on the desk's first page; rooms above this one say so when the house is built."""
    _noticing[:] = rooms


def notices(db: Session, who: Actor, *, now: datetime, on: date) -> tuple[Notice, ...]:
    """What the rooms have to tell this operator today, the most urgent first."""
    found = [notice for ask in _noticing for notice in ask(db, who, now, on)]
    return tuple(sorted(found, key=lambda one: one.tone != "late"))


def place_of(text: str) -> Place | None:
    """The place in an address (`2026-11-22T01:20:00+00:00~id`); what cannot be read is the first page."""
    at, _, name = text.partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return Place(moment, UUID(name)) if moment.tzinfo else None
    except ValueError:
        return None


def cut(rows: Sequence[T], placed: Callable[[T], tuple[datetime, UUID]]) -> tuple[tuple[T, ...], str]:
    """One page of rows that were asked for with one more, and the address of the next page ("" at the end)."""
    shown = tuple(rows[:ROWS])
    if len(rows) <= ROWS:
        return shown, ""
    at, name = placed(shown[-1])
    return shown, f"{at.isoformat()}~{name}"


def attempt(request: Request, db: Session, act: Callable[[], Any]) -> str:
    """Do an act so that a refusal leaves nothing of it; returns the refusal in the operator's language, or ""."""
    try:
        with db.begin_nested():
            act()
    except Refused as bad:
        if isinstance(bad, page.NotAllowed | page.NotSignedIn):
            raise
        return news.told(bad.code, bad.message, page.visitor(request).lang)
    return ""


def said(request: Request, zh: str, en: str) -> str:
    """A sentence in the operator's language."""
    return en if page.visitor(request).lang == "en" else zh
