"""Sign-in, coming in by a link, and getting back in: one question on each page, passkey first, never a dead end."""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.orm import Session

from anhuan.identity import (
    agreeing,
    codes,
    demonstration,
    devices,
    doors,
    passkeys,
    passwords,
    recovery,
    rules,
    signin,
    throttle,
)
from anhuan.identity.consent_words import TextChanged
from anhuan.identity.demonstration import Invented
from anhuan.identity.documents import Document
from anhuan.identity.recovery import Recovery, Stage
from anhuan.identity.signin import Browser, SignedIn
from anhuan.kit import actors, clock, news, page, settings
from anhuan.kit.actors import Strength
from anhuan.kit.doors import own_path, status_of
from anhuan.kit.errors import Bad, Refused, Unavailable

router = APIRouter(include_in_schema=False)

OPEN: Final = "new"  # stands for the token of an invitation where everybody may sign up
SECOND: Final = "/me/security/second"
Text = Annotated[str, Form(max_length=400)]
Answer = Annotated[str, Form(max_length=passkeys.LONGEST_ANSWER)]
KNOWN_FOR: Final = 180 * 24 * 3600  # seconds the device's cookie stays; the database forgets it by its own number
Public = page.needs("public")
Ours = Depends(page.own_form)


@dataclass(frozen=True, slots=True)
class SignIn:
    """The first page: one filled button, and in a demonstration the invented people."""

    template: ClassVar[str] = "identity/sign_in.html"
    back: str
    trouble: str
    people: tuple[Invented, ...]
    open_to_all: bool


@dataclass(frozen=True, slots=True)
class ByPassword:
    """The other way: name, password and code on one form, so that no half of it can be tried alone."""

    template: ClassVar[str] = "identity/password.html"
    back: str
    trouble: str
    handle: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """Somebody joins, or comes back after a recovery: what to be called, then a passkey, or a password."""

    template: ClassVar[str] = "identity/welcome.html"
    place: str  # "/welcome/<token>" or "/recover/<token>"
    joins: bool
    name: str
    trouble: str
    agreements: tuple[Document, ...] = ()  # what joining accepts, in the versions shown
    agreed: str = ""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password and the app for one-time codes, on one page."""

    template: ClassVar[str] = "identity/new_password.html"
    action: str
    back: str
    joins: bool
    name: str
    handle: str
    keeps: bool  # the sign-in name is there already and stays
    secret: str
    picture: str
    least: int
    trouble: str
    field: str
    agreements: tuple[Document, ...] = ()
    agreed: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is shown once: the sign-in name and the codes for paper."""

    template: ClassVar[str] = "identity/kept.html"
    codes: tuple[str, ...]
    handle: str
    onward: str


@dataclass(frozen=True, slots=True)
class Recover:
    """The account is lost: a code from paper."""

    template: ClassVar[str] = "identity/recover.html"
    trouble: str
    hours: int


@dataclass(frozen=True, slots=True)
class Recovering:
    """A recovery under way: until when to wait, and the link to come back with."""

    template: ClassVar[str] = "identity/recovering.html"
    ready_at: datetime
    ends_at: datetime
    link: str
    token: str


# Signing in


@router.get("/sign-in", dependencies=[Public])
def sign_in(request: Request, db: page.Transaction, back: str = "/") -> Response:
    """The page everybody without a session is led to."""
    return page.render(request, _sign_in_page(request, db, own_path(back)))


def _sign_in_page(request: Request, db: Session, back: str, trouble: str = "") -> SignIn:
    people = demonstration.PEOPLE if demonstration.is_open(request, db) else ()
    return SignIn(back, trouble, people, settings.read().open_sign_up)


@router.post("/sign-in/passkey/options", dependencies=[Public, Ours])
def sign_in_options(request: Request, db: page.Transaction) -> Response:
    """A question to whatever passkey the device has for this site."""
    return _question(lambda: passkeys.sign_in_options(db, page.form_secret(request), now=page.now(request)), request)


@router.post("/sign-in/passkey", dependencies=[Public, Ours])
def sign_in_by_passkey(
    request: Request, db: page.Transaction, challenge: Text = "", credential: Answer = "", back: Text = "/"
) -> Response:
    """The device's answer."""
    now = page.now(request)
    try:
        done = signin.by_passkey(db, id_of(challenge), credential, browser_of(request), now=now)
    except (Refused, Unavailable) as bad:
        signin.refused(db, None, "passkey", now=now, why=bad.code)
        return page.render(
            request, _sign_in_page(request, db, own_path(back), told(request, bad)), status=status_of(bad)
        )
    return _inside(request, done, own_path(back))


@router.get("/sign-in/password", dependencies=[Public])
def password_page(request: Request, back: str = "/") -> Response:
    """Sign-in by password and code."""
    return page.render(request, ByPassword(own_path(back), "", ""))


@router.post("/sign-in/password", dependencies=[Public, Ours])
def sign_in_by_password(
    request: Request,
    db: page.Transaction,
    handle: Text = "",
    password: Text = "",
    code: Text = "",
    back: Text = "/",
) -> Response:
    """Name, password and code, or a code from paper in its place."""
    try:
        done = signin.by_password(db, handle, password, code, browser_of(request), now=page.now(request))
    except (Refused, Unavailable) as bad:
        if bad.code == "access.too_many":
            signin.refused(db, None, "password", now=page.now(request), why=bad.code)
        said = page.render(request, ByPassword(own_path(back), told(request, bad), handle), status=status_of(bad))
        if "retry_after" in bad.facts:
            said.headers["Retry-After"] = str(bad.facts["retry_after"])
        return said
    return _inside(request, done, own_path(back))


@router.post("/sign-in/demo", dependencies=[Public, Ours])
def sign_in_demo(request: Request, db: page.Transaction, who: Text = "", back: Text = "/") -> Response:
    """One tap, in a demonstration alone."""
    done = demonstration.sign_in(request, db, id_of(who), browser_of(request), now=page.now(request))
    return _inside(request, done, own_path(back))


# Coming in by a link


@router.get("/sign-up", dependencies=[Public])
def sign_up() -> Response:
    """The door for everybody, where the installation has opened it."""
    _insist_open()
    return page.go(f"/welcome/{OPEN}")


@router.get("/welcome/{token}", dependencies=[Public])
def welcome(token: str, request: Request, db: page.Transaction) -> Response:
    """The page behind an invitation."""
    signin.joining_id(db, _given(token), now=page.now(request))
    return page.render(request, _welcome(request, db, token))


@router.post("/welcome/{token}/passkey/options", dependencies=[Public, Ours])
def welcome_options(token: str, request: Request, db: page.Transaction, name: Text = "") -> Response:
    """A question for the new key of whoever joins."""
    now = page.now(request)

    def ask() -> tuple[UUID, dict[str, Any]]:
        who, called = signin.joining_id(db, _given(token), now=now), signin.cleaned(name)
        if not called:
            raise signin.NameNeeded("请填写怎么称呼您。", field="name")
        visitor = page.form_secret(request)
        return passkeys.register_options(db, who, name=called, now=now, visitor=visitor, tied_to=signin.hash_of(token))

    return _question(ask, request)


@router.post("/welcome/{token}/passkey", dependencies=[Public, Ours])
def welcome_by_passkey(
    token: str, request: Request, db: page.Transaction, name: Text = "", challenge: Text = "", credential: Answer = "",
    agreed: Text = "",
) -> Response:  # fmt: skip
    """Somebody joins with a passkey; then a second way in is asked for."""
    now, browser = page.now(request), browser_of(request)
    try:
        shown = agreeing.insist(db, agreed, page.today(request))
        key = passkeys.check_registration(
            db, id_of(challenge), credential, now=now, visitor=browser.visitor, tied_to=signin.hash_of(token)
        )
        signin.join(db, _given(token), key.person_id, name, browser, now=now)
    except (passkeys.NotVerified, passkeys.ChallengeGone, signin.NameNeeded, TextChanged) as bad:
        again = _welcome(request, db, token, signin.cleaned(name), told(request, bad))
        return page.render(request, again, status=status_of(bad))
    _agree(request, db, key.person_id, shown)
    passkeys.keep(db, key, name=browser.name, now=now)
    done = signin.let_in(db, key.person_id, Strength.PASSKEY, _fresh(browser), now=now, how="passkey")
    return _inside(request, done, SECOND)


@router.get("/welcome/{token}/password", dependencies=[Public])
def welcome_password_page(token: str, request: Request, db: page.Transaction) -> Response:
    """Password and codes for whoever joins."""
    signin.joining_id(db, _given(token), now=page.now(request))
    made = new_password(f"/welcome/{token}/password", f"/welcome/{token}", joins=True)
    return page.render(request, _with_agreements(request, db, made))


@router.post("/welcome/{token}/password", dependencies=[Public, Ours])
def welcome_by_password(
    token: str,
    request: Request,
    db: page.Transaction,
    name: Text = "",
    handle: Text = "",
    password: Text = "",
    secret: Text = "",
    code: Text = "",
    agreed: Text = "",
) -> Response:
    """Somebody joins with password and codes; what must be kept is shown once."""
    now, browser = page.now(request), browser_of(request)
    who = signin.joining_id(db, _given(token), now=now)
    try:
        with db.begin_nested():
            shown = agreeing.insist(db, agreed, page.today(request))
            signin.join(db, _given(token), who, name, browser, now=now)
            _agree(request, db, who, shown)
            kept = signin.set_password(db, who, handle or name, password, secret, code, now=now)
            paper = codes.make_recovery_codes(db, who, now=now)
    except (Refused, Unavailable) as bad:
        if isinstance(bad, signin.LinkGone):
            raise
        again = new_password(
            f"/welcome/{token}/password", f"/welcome/{token}", joins=True, name=name, handle=handle, secret=secret,
            bad=bad, request=request,
        )  # fmt: skip
        return page.render(request, _with_agreements(request, db, again), status=status_of(bad))
    done = signin.let_in(db, who, Strength.PASSWORD, _fresh(browser), now=now, how="password")
    return shown_once(request, done, Kept(paper, kept, "/"))


def _welcome(request: Request, db: Session, token: str, name: str = "", trouble: str = "") -> Welcome:
    shown = agreeing.to_show(db, page.today(request))
    return Welcome(f"/welcome/{token}", True, name, trouble, shown, agreeing.written(shown))


def _with_agreements(request: Request, db: Session, made: NewPassword) -> NewPassword:
    shown = agreeing.to_show(db, page.today(request))
    return replace(made, agreements=shown, agreed=agreeing.written(shown))


def _agree(request: Request, db: Session, person_id: UUID, shown: tuple[Document, ...]) -> None:
    """Whoever has just joined accepts what the page showed, in its language."""
    myself, lang = passkeys.myself(person_id), page.visitor(request).lang
    agreeing.agree(db, person_id, shown, actor=myself, now=page.now(request), lang=lang)


# Getting back in


@router.get("/recover", dependencies=[Public])
def recover(request: Request) -> Response:
    """The way for whoever has lost every key."""
    return page.render(request, _recover_page(request))


def _recover_page(request: Request, trouble: str = "") -> Recover:
    return Recover(trouble, rules.house("recovery_hours", on=page.today(request)))


@router.post("/recover", dependencies=[Public, Ours])
def begin_recovery(request: Request, db: page.Transaction, code: Text = "") -> Response:
    """A code from paper begins it: a session that only looks, and a link for the day after."""
    now, browser = page.now(request), browser_of(request)
    try:
        throttle.count_codes(browser.address, now=now)
        owner, token = recovery.begin_by_code(db, code, now=now)
    except Refused as bad:
        signin.refused(db, None, "recovery", now=now, why=bad.code)
        return page.render(request, _recover_page(request, told(request, bad)), status=status_of(bad))
    state = recovery.look(db, token, now=now)
    done = signin.let_in(db, owner, Strength.RECOVERY, browser, now=now, how="recovery")
    return shown_once(request, done, _recovering(state, token))


@router.get("/recover/{token}", dependencies=[Public])
def recovering(token: str, request: Request, db: page.Transaction) -> Response:
    """The link of a recovery: wait, or make a new way in."""
    state = _going(db, token, now=page.now(request))
    if state.stage is Stage.READY:
        return page.render(request, Welcome(f"/recover/{token}", False, "", ""))
    return page.render(request, _recovering(state, token))


@router.post("/recover/{token}/look", dependencies=[Public, Ours])
def look_meanwhile(token: str, request: Request, db: page.Transaction) -> Response:
    """Look, while waiting."""
    now = page.now(request)
    state = _going(db, token, now=now)
    assert state.person_id is not None
    done = signin.let_in(db, state.person_id, Strength.RECOVERY, browser_of(request), now=now, how="recovery")
    return _inside(request, done, "/")


@router.post("/recover/{token}/passkey/options", dependencies=[Public, Ours])
def recover_options(token: str, request: Request, db: page.Transaction) -> Response:
    """A question for the new key after a recovery."""
    now = page.now(request)

    def ask() -> tuple[UUID, dict[str, Any]]:
        who = recovery.ready(db, token, now=now)
        visitor = page.form_secret(request)
        return passkeys.register_options(
            db, who, name=passkeys.HOUSE_NAME, now=now, visitor=visitor, tied_to=recovery.hash_of(token)
        )

    return _question(ask, request)


@router.post("/recover/{token}/passkey", dependencies=[Public, Ours])
def recover_by_passkey(
    token: str, request: Request, db: page.Transaction, challenge: Text = "", credential: Answer = ""
) -> Response:
    """The recovery is done: old ways in are gone, a new passkey is there."""
    now, browser = page.now(request), browser_of(request)
    try:
        key = passkeys.check_registration(
            db, id_of(challenge), credential, now=now, visitor=browser.visitor, tied_to=recovery.hash_of(token)
        )
    except Refused as bad:
        return page.render(request, Welcome(f"/recover/{token}", False, "", told(request, bad)), status=status_of(bad))
    who = recovery.finish(db, token, now=now)
    if who != key.person_id:
        raise recovery.RecoveryGone("这次找回已取消、已完成或已过期。")
    passkeys.keep(db, key, name=browser.name, now=now)
    done = signin.let_in(db, who, Strength.PASSKEY, _fresh(browser), now=now, how="passkey")
    return _inside(request, done, SECOND)


@router.get("/recover/{token}/password", dependencies=[Public])
def recover_password_page(token: str, request: Request, db: page.Transaction) -> Response:
    """Password and codes after a recovery."""
    recovery.ready(db, token, now=page.now(request))
    return page.render(request, new_password(f"/recover/{token}/password", f"/recover/{token}"))


@router.post("/recover/{token}/password", dependencies=[Public, Ours])
def recover_by_password(
    token: str,
    request: Request,
    db: page.Transaction,
    handle: Text = "",
    password: Text = "",
    secret: Text = "",
    code: Text = "",
) -> Response:
    """The recovery is done: old ways in are gone, a new password with codes is there."""
    now, browser = page.now(request), browser_of(request)
    try:
        with db.begin_nested():
            who = recovery.finish(db, token, now=now)
            kept = signin.set_password(db, who, handle, password, secret, code, now=now)
            paper = codes.make_recovery_codes(db, who, now=now)
    except (passwords.TooShort, passwords.TooCommon, passwords.Busy, signin.CodeWrong) as bad:
        again = new_password(
            f"/recover/{token}/password", f"/recover/{token}", handle=handle, secret=secret, bad=bad, request=request
        )
        return page.render(request, again, status=status_of(bad))
    done = signin.let_in(db, who, Strength.PASSWORD, _fresh(browser), now=now, how="password")
    return shown_once(request, done, Kept(paper, kept, "/"))


# What these pages share


def browser_of(request: Request) -> Browser:
    """What is known of the browser that asks."""
    return Browser(
        address=request.client.host if request.client else "",
        name=devices.name_of(request.headers.get("user-agent", "")),
        device=request.cookies.get(throttle.DEVICE_COOKIE),
        visitor=page.form_secret(request),
        before=page.actor(request),
    )


def new_password(
    action: str,
    back: str,
    *,
    joins: bool = False,
    name: str = "",
    handle: str = "",
    keeps: bool = False,
    secret: str = "",
    bad: Bad | None = None,
    request: Request | None = None,
) -> NewPassword:
    """The page with a picture for the app; the secret stays the same while mistakes are mended."""
    kept = secret if codes.SECRET.fullmatch(secret) else codes.new_secret()
    drawn = codes.picture(kept, signin.cleaned(handle or name) or "Anhuan")
    trouble = told(request, bad) if bad is not None and request is not None else ""
    field = (bad.field or "") if bad is not None else ""
    least = rules.house("password_least", on=clock.today())
    return NewPassword(action, back, joins, name, handle, keeps, kept, drawn, least, trouble, field)


def told(request: Request, bad: Bad) -> str:
    """Bad news in the visitor's language."""
    return news.told(bad.code, bad.message, page.visitor(request).lang)


def id_of(text: str) -> UUID:
    """An id from a form; anything else is an id that nobody has."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def shown_once(request: Request, done: SignedIn, value: page.Page) -> Response:
    """A page in the answer of the form itself, because what it shows is kept nowhere; its forms are the session's."""
    request.state.form_secret = hmac.digest(done.token.encode(), b"anhuan forms", "sha256")
    return keep(page.render(request, value), done)


def keep(answer: Response, done: SignedIn) -> Response:
    """Give the browser its session and its device's token."""
    doors.keep_session(answer, done.token)
    answer.set_cookie(
        throttle.DEVICE_COOKIE, done.device, max_age=KNOWN_FOR, secure=True, httponly=True, samesite="strict", path="/"
    )
    return answer


def _inside(request: Request, done: SignedIn, to: str) -> Response:
    """Go on to where the person wanted to be, unless there is something that must be read first."""
    return keep(page.go("/me/security" if done.news else to, request=request), done)


def _question(ask: Any, request: Request) -> Response:
    """The answer to our own script: a question for the device, or one sentence why not."""
    try:
        challenge, options = ask()
    except Refused as bad:
        return JSONResponse({"code": bad.code, "message": told(request, bad)}, status_code=status_of(bad))
    return JSONResponse({"challenge": str(challenge), "options": options})


def _given(token: str) -> str | None:
    """The token of an invitation; None for the open door, where it is open."""
    if token != OPEN:
        return token
    _insist_open()
    return None


def _insist_open() -> None:
    if not settings.read().open_sign_up:
        raise signin.LinkGone("这里需要邀请才能注册。")


def _fresh(browser: Browser) -> Browser:
    """The same browser after the session it held before was ended."""
    return Browser(browser.address, browser.name, browser.device, browser.visitor, actors.NOBODY)


def _going(db: Session, token: str, *, now: datetime) -> Recovery:
    state = recovery.look(db, token, now=now)
    if state.stage is Stage.GONE:
        raise recovery.RecoveryGone("这次找回已取消、已完成或已过期。")
    return state


def _recovering(state: Recovery, token: str) -> Recovering:
    assert state.ready_at is not None
    assert state.ends_at is not None
    return Recovering(state.ready_at, state.ends_at, f"{settings.read().origin}/recover/{token}", token)
