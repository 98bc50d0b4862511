"""People and attackers with a browser each, for attacks that need sign-in: cookies, forms and keys by hand.

Cookies are kept here and not by the client's own jar, because the jar drops Secure cookies on plain http, and because
an attacker plants and steals them.
"""

import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy.orm import Session, sessionmaker
from starlette.testclient import TestClient
from tests.attacks.conftest import BASE, lifted
from tests.identity.authenticator import Authenticator

from anhuan import app
from anhuan.identity import codes, passkeys, sessions, signin
from anhuan.kit import page, wall

NOW = datetime(2026, 11, 22, 1, 20, tzinfo=UTC)
PASSWORD = "tugboat plum sixty"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def later(self, **how: float) -> datetime:
        """Move on, and tell the new moment."""
        self.at += timedelta(**how)
        return self.at


def house_at(sessions_of: sessionmaker[Session], clock: Clock, *, demonstration: bool = False) -> FastAPI:
    """The whole house over one database, by this clock, without a limit on requests."""
    made = app.create(sessions_of, now=clock, demonstration=demonstration)
    made.state.limits = lifted
    return made


@dataclass
class Hand:
    """One browser: what it keeps, and what it sends."""

    client: TestClient
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def session(self) -> str:
        """The token of its session; empty when there is none."""
        return self.cookies.get(page.SESSION_COOKIE, "")

    def token(self) -> str:
        """The token of a form of this browser: with a session it is drawn from it, without one it is a cookie's."""
        if self.session:
            return form_token_of(self.session)
        if page.CSRF_COOKIE not in self.cookies:
            self.get("/sign-in")
        return "00" * 32 + self.cookies[page.CSRF_COOKIE]

    def get(self, path: str, **head: str) -> Response:
        """Open a page."""
        return self._sent("GET", path, head)

    def post(self, path: str, data: dict[str, Any] | None = None, *, csrf: str | None = None, **head: str) -> Response:
        """Send a form of ours, with this browser's token unless another is given."""
        form = {"csrf": self.token() if csrf is None else csrf} | (data or {})
        return self._sent("POST", path, head, data=form)

    def call(self, method: str, path: str, body: Any = None, **head: str) -> Response:
        """Ask the JSON door as this browser."""
        return self._sent(method, path, head, **({} if body is None else {"json": body}))

    def _sent(self, method: str, path: str, head: dict[str, str], **how: Any) -> Response:
        lines = {"sec-fetch-site": "same-origin"} | {name.replace("_", "-"): value for name, value in head.items()}
        if self.cookies:
            lines.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        answer = self.client.request(method, path, headers=lines, follow_redirects=False, **how)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.split(";")[0].partition("=")
            if "max-age=0" in line.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    def is_inside(self) -> bool:
        """Whether a page of one's own opens."""
        return self.get("/me").status_code == 200


def hand(house: FastAPI) -> Hand:
    """A fresh browser."""
    return Hand(TestClient(house, base_url=BASE))


def form_token_of(session: str) -> str:
    """The token that forms of this session carry, under a mask of zeros."""
    return "00" * 32 + hmac.digest(session.encode(), b"anhuan forms", "sha256").hex()


class Owner:
    """A person with a password, an app for codes, a paper and a passkey."""

    def __init__(self, db: Session, name: str = "林晓", *, at: datetime = NOW) -> None:
        self.secret = codes.new_secret()
        self.id: UUID = sessions.add_person(db, now=at, name=name)
        first = pyotp.TOTP(self.secret).at(at - timedelta(seconds=30))
        self.handle = signin.set_password(db, self.id, "lin", PASSWORD, self.secret, first, now=at)
        self.paper = codes.make_recovery_codes(db, self.id, now=at)
        self.device = Authenticator()
        asked, options = passkeys.register_options(db, self.id, name=name, now=at, session_id=None)
        passkeys.keep(db, passkeys.check_registration(db, asked, self.device.make(options), now=at), name="x", now=at)
        wall.enter(db, party=None)

    def code(self, at: datetime) -> str:
        """What the app shows."""
        return pyotp.TOTP(self.secret).at(at)

    def form(self, at: datetime, **other: str) -> dict[str, str]:
        """The form of sign-in by password, filled rightly but for what is given."""
        return {"handle": self.handle, "password": PASSWORD, "code": self.code(at)} | other

    def enters(self, browser: Hand, at: datetime) -> Hand:
        """Sign in by password and code with this browser."""
        answer = browser.post("/sign-in/password", self.form(at))
        assert answer.status_code == 303, answer.text
        assert browser.session
        return browser

    def answers(self, browser: Hand) -> dict[str, str]:
        """The form by which this person's passkey signs in with this browser, not sent yet."""
        asked = browser.post("/sign-in/passkey/options").json()
        return {"challenge": asked["challenge"], "credential": self.device.answer(asked["options"])}


def bent(credential: str, **response: str) -> str:
    """A passkey's answer with parts of it exchanged."""
    said = json.loads(credential)
    said["response"] |= response
    return json.dumps(said)
