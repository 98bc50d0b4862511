"""The page shell: it mounts the pages of all rooms on one application and renders page values into HTML."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.middleware.gzip import GZipMiddleware

from anhuan.kit import page, settings
from anhuan.kit.doors import Faults
from anhuan.web import assets, errors, language, wording
from anhuan.web.guard import Door, Guard, door_of, sorry

TEMPLATES: Final = Path(__file__).parent / "templates"
ME: Final = ("me", "import", "education", "documents", "receipts", "repay", "messages", "autopay")
TABS: Final = {"cards": "cards", "plan": "plan", **dict.fromkeys(ME, "me")}


@dataclass(frozen=True, slots=True)
class Shell:
    """What the frame around every page knows: who looks, in which language, where they are."""

    lang: str
    path: str
    tab: str
    token: str
    note: str
    hide_amounts: bool
    rights: frozenset[str]
    roles: tuple[str, ...]
    frozen: bool
    acting_for: str
    today: date
    now: datetime
    news: bool
    unread: bool


def mount(app: FastAPI, *, door: Door | None = None) -> None:
    """Put the pages of every room, the static files, the guard and the error pages on an application.

    The door is the one of this installation's settings unless another is given.
    """
    from anhuan.cards import pages as cards
    from anhuan.channels import pages_by_hand, pages_channels, pages_contradictions, pages_partners, pages_stops
    from anhuan.identity import pages as sign_in
    from anhuan.identity import pages_consent, pages_data, pages_desk, pages_desk_changes, pages_org, pages_own
    from anhuan.identity import pages_security as security
    from anhuan.ledger import pages as ledger
    from anhuan.ledger import pages_health, pages_people, pages_posting
    from anhuan.notify import pages as notify
    from anhuan.planning import pages as planning
    from anhuan.repayments import pages as repaying
    from anhuan.repayments import pages_autopay, pages_bind, pages_pauses, pages_plan, pages_receipt, pages_track
    from anhuan.repayments import pages_desk as orders
    from anhuan.statements import pages as statements
    from anhuan.web import card, education, limits, pages

    app.state.pages = render
    for room in (assets, sign_in, security, pages, limits, education, cards, card, statements, planning, notify):
        app.include_router(room.router)
    for part in (pages_consent, pages_data, pages_desk, pages_desk_changes, pages_org, pages_own):
        app.include_router(part.router)
    for part in (ledger, pages_health, pages_people, pages_posting):
        app.include_router(part.router)
    for part in (pages_partners, pages_contradictions, pages_stops, pages_channels, pages_by_hand):
        app.include_router(part.router)
    for part in (orders, pages_pauses, repaying, pages_track, pages_receipt, pages_bind, pages_plan, pages_autopay):
        app.include_router(part.router)
    errors.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=600)
    app.add_middleware(Guard, door=door or door_of(settings.read()), sessions=app.state.sessions)
    app.add_middleware(Faults, apology=sorry)  # outermost: whatever breaks outside the pages says no more than a number


def render(request: Request, value: page.Page) -> str:
    """One page value as HTML; the template may use the fields of the value, `shell`, and nothing else."""
    template = environment(page.visitor(request).lang).get_template(value.template)
    return template.render(**page.values_of(value), shell=shell_of(request))


def shell_of(request: Request) -> Shell:
    """The frame's own value for this request."""
    who, actor = page.visitor(request), page.actor(request)
    head, *rest = request.url.path.strip("/").split("/")
    desk = f"desk.{rest[0] if rest else 'home'}"  # entries of the console are named as the rights that open them
    return Shell(
        lang=who.lang,
        path=request.url.path,
        tab=desk if head == "desk" else TABS.get(head, "home" if head in ("", "calendar") else ""),
        token=page.form_token(request),
        note=page.read_note(request),
        hide_amounts=who.hide_amounts,
        rights=actor.rights,
        roles=tuple(sorted(actor.roles)),
        frozen=actor.frozen,
        acting_for=getattr(request.state, "acting_for", ""),
        today=page.today(request),
        now=page.now(request),
        unread=actor.unread,
        news=page.actor(request).news and request.url.path != "/me/security",
    )


@cache
def environment(lang: str) -> Environment:
    """The templates in one language; a name that a page value does not have is an error, never an empty place."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    translation: Any = language.translations(lang)
    made.install_gettext_translations(translation, newstyle=True)  # type: ignore[attr-defined]
    made.globals["asset"] = assets.url
    made.filters.update(wording.FILTERS)
    return made
