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
TABS: Final = {"cards": "cards", "plan": "plan", "me": "me", "import": "me", "education": "me"}


@dataclass(frozen=True, slots=True)
class Shell:
    """What the frame around every page knows: who looks, in which language, where they are."""

    lang: str
    path: str
    tab: str
    token: str
    note: str
    hide_amounts: bool
    today: date
    now: datetime


def mount(app: FastAPI, *, door: Door | None = None) -> None:
    """Put the pages of every room, the static files, the guard and the error pages on an application.

    The door is the one of this installation's settings unless another is given.
    """
    from anhuan.cards import pages as cards
    from anhuan.planning import pages as planning
    from anhuan.statements import pages as statements
    from anhuan.web import card, education, limits, pages

    app.state.pages = render
    for room in (assets, pages, limits, education, cards, card, statements, planning):
        app.include_router(room.router)
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
    who = page.visitor(request)
    head = request.url.path.strip("/").split("/")[0]
    return Shell(
        lang=who.lang,
        path=request.url.path,
        tab=TABS.get(head, "home" if head in ("", "calendar") else ""),
        token=page.form_token(request),
        note=page.read_note(request),
        hide_amounts=who.hide_amounts,
        today=page.today(request),
        now=page.now(request),
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
