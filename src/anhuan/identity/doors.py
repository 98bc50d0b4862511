"""How a request becomes an actor: by the cookie of a session, or by a program's key."""

from fastapi import Request
from sqlalchemy.orm import Session

from anhuan.identity import sessions
from anhuan.kit import page
from anhuan.kit.actors import Actor


def admit(request: Request, db: Session) -> Actor:
    """Who asks; the rest of the transaction sees the rows of this party alone."""
    return sessions.admit(db, request.cookies.get(page.SESSION_COOKIE), now=page.now(request))
