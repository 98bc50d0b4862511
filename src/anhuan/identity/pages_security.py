"""安全: how one gets in, where one is signed in, and what the account wants to be told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from anhuan.identity import codes, doors, passkeys, passwords, recovery, sessions, signin, store, store_signin
from anhuan.identity.pages import Answer, Kept, Text, browser_of, id_of, new_password, told
from anhuan.identity.pages import _question as question
from anhuan.identity.passkeys import Passkey
from anhuan.identity.sessions import Device
from anhuan.identity.signin import WaysIn
from anhuan.kit import audit, page
from anhuan.kit.actors import Actor, Strength
from anhuan.kit.doors import own_path, status_of
from anhuan.kit.errors import Refused, Unavailable

router = APIRouter(include_in_schema=False)

HERE = "/me/security"
Mine = page.needs("me.use")
Ours = Depends(page.own_form)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that the account's owner must be told."""

    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Security:
    """Ways in, devices, news."""

    template: ClassVar[str] = "identity/security.html"
    keys: tuple[Passkey, ...]
    ways: WaysIn
    handle: str
    devices: tuple[Device, ...]
    notices: tuple[Notice, ...]
    ready_at: datetime | None  # when a recovery under way is ready
    looking: bool
    demo: bool


@dataclass(frozen=True, slots=True)
class Second:
    """After the first way in: one more, because the loss of one thing must not lock anybody out."""

    template: ClassVar[str] = "identity/second.html"
    ways: WaysIn


@dataclass(frozen=True, slots=True)
class Prove:
    """One more proof before ways in are changed."""

    template: ClassVar[str] = "identity/prove.html"
    back: str
    ways: WaysIn
    trouble: str


@router.get(HERE, dependencies=[Mine])
def security(request: Request, db: page.Transaction) -> Response:
    """Everything about getting in, on one page."""
    who, now = page.actor(request), page.now(request)
    me = _me(who)
    person, going = store.person(db, me), recovery.under_way(db, me, now=now)
    value = Security(
        keys=passkeys.all_of(db, me),
        ways=signin.ways_in(db, me),
        handle=(person.handle if person is not None else None) or "",
        devices=sessions.devices(db, who, now=now),
        notices=tuple(Notice(row.kind, row.made_at) for row in store_signin.notices(db, me)),
        ready_at=going.ready_at if going is not None else None,
        looking=who.strength is Strength.RECOVERY,
        demo=who.demo,
    )
    return page.render(request, value)


@router.post(f"{HERE}/read", dependencies=[Mine, Ours])
def read_news(request: Request, db: page.Transaction) -> Response:
    """The owner saw what there was to tell."""
    who = page.actor(request)
    recovery.insist_done(who)
    store_signin.read_notices(db, _me(who), now=page.now(request))
    return page.go(HERE, request=request)


@router.post(f"{HERE}/recovery/cancel", dependencies=[Mine, Ours])
def cancel_recovery(request: Request, db: page.Transaction) -> Response:
    """It was not me: stop the recovery."""
    who, now = page.actor(request), page.now(request)
    recovery.cancel(db, who, now=now)
    store_signin.read_notices(db, _me(who), now=now)
    return page.go(
        HERE,
        request=request,
        note=said(
            request,
            "已取消找回。账户没有任何改动。",
            "The recovery was stopped. Nothing about your account has changed.",
        ),
    )


# A second way in, and codes for paper


@router.get(f"{HERE}/second", dependencies=[Mine])
def second(request: Request, db: page.Transaction) -> Response:
    """Ask for a second way in after the first."""
    return page.render(request, Second(signin.ways_in(db, _me(page.actor(request)))))


@router.post(f"{HERE}/codes", dependencies=[Mine, Ours])
def make_codes(request: Request, db: page.Transaction) -> Response:
    """New codes for paper, shown once; the old ones end."""
    who, now = page.actor(request), page.now(request)
    if again := _proof_first(request, db, who):
        return again
    made = codes.make_recovery_codes(db, _me(who), now=now)
    audit.write(db, who, "recovery.codes_made", f"person:{_me(who)}", {"codes": len(made)}, now=now)
    return page.render(request, Kept(made, "", HERE))


# Passkeys


@router.post(f"{HERE}/keys/options", dependencies=[Mine, Ours])
def key_options(request: Request, db: page.Transaction) -> Response:
    """A question for one more key."""
    who, now = page.actor(request), page.now(request)

    def ask() -> tuple[UUID, dict[str, Any]]:
        signin.insist_fresh(db, who, now=now)
        person = store.person(db, _me(who))
        name = (person.name if person is not None else None) or passkeys.HOUSE_NAME
        return passkeys.register_options(db, _me(who), name=name, now=now, session_id=who.session_id)

    return question(ask, request)


@router.post(f"{HERE}/keys", dependencies=[Mine, Ours])
def add_key(request: Request, db: page.Transaction, challenge: Text = "", credential: Answer = "") -> Response:
    """One more key."""
    who, now = page.actor(request), page.now(request)
    if again := _proof_first(request, db, who):
        return again
    key = passkeys.check_registration(db, id_of(challenge), credential, now=now, session_id=who.session_id)
    if key.person_id != who.person_id:
        raise passkeys.ChallengeGone("这次验证已过期或已用过,请重新开始。")
    passkeys.keep(db, key, name=browser_of(request).name, now=now)
    return page.go(HERE, request=request, note=said(request, "通行密钥已添加。", "The passkey was added."))


@router.post(f"{HERE}/keys/{{key_id}}/name", dependencies=[Mine, Ours])
def rename_key(key_id: UUID, request: Request, db: page.Transaction, name: Text = "") -> Response:
    """Call a key by another name."""
    recovery.insist_done(page.actor(request))
    passkeys.rename(db, page.actor(request), key_id, name, now=page.now(request))
    return page.go(HERE, request=request, note=said(request, "名称已改。", "The name was changed."))


@router.post(f"{HERE}/keys/{{key_id}}/remove", dependencies=[Mine, Ours])
def remove_key(key_id: UUID, request: Request, db: page.Transaction) -> Response:
    """Forget a key, unless it is the last way in."""
    who, now = page.actor(request), page.now(request)
    if again := _proof_first(request, db, who):
        return again
    others = signin.ways_in(db, _me(who)).count > 1
    passkeys.remove(db, who, key_id, now=now, others=others)
    return page.go(HERE, request=request, note=said(request, "通行密钥已移除。", "The passkey was removed."))


# Password and codes


@router.get(f"{HERE}/password", dependencies=[Mine])
def password_page(request: Request, db: page.Transaction) -> Response:
    """A new password with an app for codes."""
    who = page.actor(request)
    if again := _proof_first(request, db, who):
        return again
    person = store.person(db, _me(who))
    handle = (person.handle if person is not None else None) or ""
    return page.render(request, new_password(f"{HERE}/password", HERE, handle=handle, keeps=bool(handle)))


@router.post(f"{HERE}/password", dependencies=[Mine, Ours])
def set_password(
    request: Request,
    db: page.Transaction,
    handle: Text = "",
    password: Text = "",
    secret: Text = "",
    code: Text = "",
) -> Response:
    """Set or change it; other devices are signed out, and codes for paper come with the first one."""
    who, now = page.actor(request), page.now(request)
    if again := _proof_first(request, db, who):
        return again
    person = store.person(db, _me(who))
    known = (person.handle if person is not None else None) or ""
    try:
        with db.begin_nested():
            kept = signin.set_password(
                db, _me(who), handle or (person.name if person is not None else None) or "", password, secret, code,
                now=now,
            )  # fmt: skip
    except (passwords.TooShort, passwords.TooCommon, passwords.Busy, signin.CodeWrong) as bad:
        value = new_password(
            f"{HERE}/password", HERE, handle=known or handle, keeps=bool(known), secret=secret, bad=bad, request=request
        )
        return page.render(request, value, status=status_of(bad))
    store_signin.end_sessions(db, _me(who), "everywhere", now=now, but=who.session_id)
    paper = () if store_signin.codes_left(db, _me(who)) else codes.make_recovery_codes(db, _me(who), now=now)
    return page.render(request, Kept(paper, kept, HERE))


@router.post(f"{HERE}/password/remove", dependencies=[Mine, Ours])
def remove_password(request: Request, db: page.Transaction) -> Response:
    """Forget password and codes, unless they are the last way in."""
    who, now = page.actor(request), page.now(request)
    if again := _proof_first(request, db, who):
        return again
    if not passkeys.has_one(db, _me(who)):
        raise passkeys.LastWayIn("这是您最后的登录方式,请先添加另一种。")
    store_signin.forget_password(db, _me(who))
    audit.write(db, who, "totp.removed", f"person:{_me(who)}", now=now)
    return page.go(
        HERE, request=request, note=said(request, "密码和动态码已移除。", "Password and codes were removed.")
    )


# Proving again


@router.get(f"{HERE}/prove", dependencies=[Mine])
def prove_page(request: Request, db: page.Transaction, back: str = HERE) -> Response:
    """One more proof before something about getting in changes."""
    who = page.actor(request)
    recovery.insist_done(who)
    return page.render(request, Prove(own_path(back), signin.ways_in(db, _me(who)), ""))


@router.post(f"{HERE}/prove/options", dependencies=[Mine, Ours])
def prove_options(request: Request, db: page.Transaction) -> Response:
    """A question to one of the own keys."""
    who, now = page.actor(request), page.now(request)
    return question(lambda: passkeys.options(db, _me(who), binding=None, now=now, session_id=who.session_id), request)


@router.post(f"{HERE}/prove", dependencies=[Mine, Ours])
def prove(
    request: Request,
    db: page.Transaction,
    challenge: Text = "",
    credential: Answer = "",
    password: Text = "",
    code: Text = "",
    back: Text = HERE,
) -> Response:
    """The proof; the session goes on under a new token."""
    who, now, browser = page.actor(request), page.now(request), browser_of(request)
    try:
        if password:
            token = signin.prove_by_code(db, who, password, code, browser, now=now)
        else:
            token = signin.prove_by_passkey(db, who, id_of(challenge), credential, now=now)
    except (Refused, Unavailable) as bad:
        value = Prove(own_path(back), signin.ways_in(db, _me(who)), told(request, bad))
        return page.render(request, value, status=status_of(bad))
    answer = page.go(
        own_path(back), request=request, note=said(request, "已验证,请继续。", "That is proved; please go on.")
    )
    doors.keep_session(answer, token)
    return answer


# Devices


@router.post("/me/devices/{session_id}/end", dependencies=[Mine, Ours])
def end_device(session_id: UUID, request: Request, db: page.Transaction) -> Response:
    """Sign one device out."""
    who = page.actor(request)
    recovery.insist_done(who)
    if not sessions.end_one(db, who, session_id, now=page.now(request)):
        raise page.NotFound("没有这台设备。")
    return page.go(HERE, request=request, note=said(request, "那台设备已退出。", "That device is signed out."))


@router.post("/me/devices/end", dependencies=[Mine, Ours])
def end_all_devices(request: Request, db: page.Transaction) -> Response:
    """Sign out everywhere, here too."""
    who = page.actor(request)
    recovery.insist_done(who)
    sessions.end_all(db, who, now=page.now(request))
    return _outside(request, said(request, "所有设备都已退出。", "All devices are signed out."))


@router.post("/sign-out", dependencies=[Mine, Ours])
def sign_out(request: Request, db: page.Transaction) -> Response:
    """Sign out here."""
    sessions.end(db, page.actor(request), now=page.now(request))
    return _outside(request, said(request, "已退出登录。", "You are signed out."))


def said(request: Request, zh: str, en: str) -> str:
    """One sentence in the visitor's language."""
    return en if page.visitor(request).lang == "en" else zh


def _outside(request: Request, note: str) -> Response:
    answer = page.go("/sign-in", request=request, note=note)
    answer.delete_cookie(page.SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def _proof_first(request: Request, db: Session, who: Actor) -> Response | None:
    """The way to the page of proof when the last one is too old; None when it is not."""
    try:
        signin.insist_fresh(db, who, now=page.now(request))
    except signin.ProveAgain:
        return page.go(f"{HERE}/prove?back={HERE}", request=request)
    return None


def _me(who: Actor) -> UUID:
    assert who.person_id is not None
    return who.person_id
