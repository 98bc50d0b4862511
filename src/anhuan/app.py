"""The whole house as one ASGI application: pages at /, JSON at /api/v1.

It stands above all rooms because `web` and `api` may not know each other, and somebody must hold both.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import structlog
from anyio import to_thread
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from anhuan import api, cards, channels, identity, ledger, notify, planning, repayments, statements
from anhuan.channels import pages_contradictions, pages_partners, pages_stops
from anhuan.identity import desk_page, holdings
from anhuan.kit import calendar, clock, db, settings, terminal
from anhuan.ledger import pages_health
from anhuan.notify import notices as watched
from anhuan.repayments import journey as _repaying  # noqa: F401 - its jobs are promised by pages
from anhuan.repayments import pages_desk
from anhuan.web import shell

THREADS: Final = db.POOL + db.OVERFLOW  # a thread without a connection would only wait for one


def create(
    sessions: sessionmaker[Session],
    *,
    desk: Callable[[], sessionmaker[Session]] | None = None,
    now: Callable[[], datetime] = clock.now,
    demonstration: bool = False,
) -> FastAPI:
    """The application over one database, which operators enter by a login of their own; a test may hold the clock.

    Years that the operator put into the folder `calendar` of this installation are in force from here on.
    """
    desk_page.know(
        pages_desk.notices,
        pages_stops.notices,
        pages_health.notices,
        pages_partners.notices,
        pages_contradictions.notices,
        watched.notices,
    )
    holdings.know(planning=planning, statements=statements, cards=cards, channels=channels, ledger=ledger,
                  repayments=repayments, notify=notify)  # fmt: skip
    calendar.load_folder(settings.read().home / "calendar")
    house = FastAPI(title="Anhuan", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    json = api.create()
    for door in (house, json):
        door.state.sessions = lambda: sessions
        door.state.desk = desk or (lambda: db.sessions("desk"))
        door.state.admit = identity.admit
        door.state.clock = now
        door.state.demonstration = demonstration
    house.mount("/api/v1", json)
    shell.mount(house)
    return house


def serve(*, demonstration: bool = False) -> FastAPI:
    """The application over the database of this installation; the web server calls it by name."""
    if not structlog.is_configured():  # started by another server than ours: its log keeps the same silence
        terminal.log_to_stderr(verbose=False)
    return create(db.sessions(), demonstration=demonstration)


def serve_demonstration() -> FastAPI:
    """The same where one tap signs invented people in, as far as the database is a demonstration."""
    return serve(demonstration=True)


@asynccontextmanager
async def _lifespan(house: FastAPI) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
