"""How a request becomes an actor: by the cookie of a session, or by a program's key."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request, Response
from sqlalchemy.orm import Session

from anhuan.identity import demonstration, keys_at_door, organisations, sessions
from anhuan.identity.stepup import Answer
from anhuan.kit import page
from anhuan.kit.actors import Actor


def admit(request: Request, db: Session) -> Actor:
    """Who asks, by a key or by a cookie, never both; the rest of the transaction sees the rows of this party alone."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        at_desk = request.url.path.startswith("/desk")  # whose login may not note the use, and no key opens anything
        return keys_at_door.admit(
            db, key.strip(), now=page.now(request), sessions=request.app.state.sessions(), note=not at_desk
        )
    who = sessions.admit(db, request.cookies.get(page.SESSION_COOKIE), now=page.now(request))
    if who.party_id is not None and who.party_id != who.person_id:
        request.state.acting_for = organisations.name_of(db, who.party_id)  # every page says for whom one acts
    return demonstration.closed(request, db, who)


def keep_session(answer: Response, token: str) -> None:
    """Let the browser keep this session: for our own pages alone, out of the reach of scripts, until it is closed."""
    answer.set_cookie(page.SESSION_COOKIE, token, secure=True, httponly=True, samesite="lax", path="/")


def renewed(request: Request, db: Session, answer: Response) -> Response:
    """After a step-up the session goes on under a new token (OWASP ASVS 3.2.1)."""
    keep_session(answer, sessions.rotate(db, page.actor(request), now=page.now(request)))
    return answer


def answer_of(
    step_up: Annotated[UUID | None, Form()] = None,
    credential: Annotated[str, Form(max_length=8192)] = "",
    code: Annotated[str, Form(max_length=16)] = "",
) -> Answer | None:
    """What a form of ours brought back for a step-up, if it is one (a dependency of routes that may need it)."""
    return None if step_up is None else Answer(step_up, credential, code.replace(" ", ""))
