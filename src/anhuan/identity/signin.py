"""Sign-in: by passkey, by password with a one-time code, and how people come in for the first time.

Every refusal says the same, takes the same time and is written down; every sign-in makes a new session, so a token that
somebody planted is worth nothing.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import codes, passkeys, passwords, recovery, rules, sessions, store, store_signin, throttle
from anhuan.identity.model import Ended, PersonState
from anhuan.identity.rights import Role
from anhuan.identity.tables import GrantRow, PersonRow
from anhuan.identity.tables_signin import InvitationRow
from anhuan.kit import actors, audit, ids, vault, wall
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.kit.errors import Refused

LONGEST_NAME: Final = 40  # characters of what somebody is called
HANDLE_DIGITS: Final = 4  # behind a chosen sign-in name: nobody learns by choosing one whether it is taken
TOKEN_BYTES: Final = 32


class WrongSignIn(Refused):
    """登录名、密码或动态码不对: one sentence for everything that may be wrong."""

    code = "signin.wrong"


class LinkGone(Refused):
    """链接已失效: the invitation is used, late or none of ours."""

    code = "signin.no_such_link"


class NameNeeded(Refused):
    """请填写称呼: somebody who joins says how to be called."""

    code = "signin.name_needed"


class CodeWrong(Refused):
    """动态码不对: the first code does not fit the secret that was shown."""

    code = "signin.code_wrong"


class ProveAgain(Refused):
    """请再验证一次: ways to sign in change only shortly after a proof."""

    code = "signin.prove_again"


@dataclass(frozen=True, slots=True)
class Browser:
    """What is known of a browser before it is known who uses it."""

    address: str = ""
    name: str = ""
    device: str | None = None  # the token of its device cookie
    visitor: bytes = b""  # what ties questions to it
    before: Actor = actors.NOBODY  # whoever is signed in with it already


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: its token and the device's, which only the browser keeps; and whether there is news to read."""

    person_id: UUID
    token: str
    device: str
    news: bool
    codes: tuple[str, ...] = ()
    handle: str = ""


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How a person can get in, and whether the loss of one thing would lock them out."""

    passkeys: int
    password: bool
    codes: int

    @property
    def count(self) -> int:
        """Ways that open the account by themselves, without waiting."""
        return self.passkeys + (1 if self.password else 0)

    @property
    def enough(self) -> bool:
        """Two keys, or one way and a paper with codes: before that no money may move (web.md, section 8)."""
        return self.count >= 2 or (self.count == 1 and self.codes > 0)


# Signing in


def by_passkey(db: Session, challenge_id: UUID, credential_json: str, browser: Browser, *, now: datetime) -> SignedIn:
    """Let somebody in by a passkey, without a name; raises ChallengeGone or NotVerified."""
    proof = passkeys.verify_sign_in(db, challenge_id, credential_json, browser.visitor, now=now)
    return let_in(db, proof.person_id, Strength.PASSKEY, browser, now=now, how="passkey")


def by_password(db: Session, handle: str, password: str, code: str, browser: Browser, *, now: datetime) -> SignedIn:
    """Let somebody in by password and a one-time code, or a code from paper; raises WrongSignIn or TooMany."""
    wall.enter(db, party=None)
    account = handle_hash(handle)
    person = store_signin.person_by_handle(db, account)
    person_id = person.id if person is not None else None
    throttle.count(db, account, person_id, address=browser.address, device=browser.device, now=now)
    row = store_signin.password(db, person_id) if person_id is not None else None
    right = passwords.fits(row, password, now=now)
    if person_id is None or row is None or not right or not _second(db, person_id, code, now=now):
        wall.enter(db, party=None)
        refused(db, person_id, "password", now=now)
        raise WrongSignIn("登录名、密码或动态码不对。没有登录。")
    passwords.renew(row, password, now=now)
    return let_in(db, person_id, Strength.PASSWORD, browser, now=now, how="password")


def _second(db: Session, person_id: UUID, code: str, *, now: datetime) -> bool:
    """The second proof beside a right password; opens the wall, because it strikes the code out."""
    wall.enter(db, party=person_id, person=person_id)
    if codes.verify_totp(db, person_id, code, now=now):
        return True
    if not codes.use_recovery_code(db, person_id, code, now=now):
        return False
    facts = {"left": store_signin.codes_left(db, person_id)}
    audit.write(db, passkeys.myself(person_id), "recovery.code_used", f"person:{person_id}", facts, now=now)
    return True


def let_in(
    db: Session, person_id: UUID, strength: Strength, browser: Browser, *, now: datetime, how: str,
    party_id: UUID | None = None,
) -> SignedIn:  # fmt: skip
    """Begin a session for somebody who proved who they are; the one that this browser held before is over."""
    replace_before(db, browser, now=now)
    wall.enter(db, party=party_id or person_id, person=person_id)
    person = store.person(db, person_id)
    if person is None or person.state == PersonState.ERASED:
        wall.enter(db, party=None)
        raise WrongSignIn("登录名、密码或动态码不对。没有登录。")
    token = sessions.open_session(
        db, person_id, strength=strength, now=now, party_id=party_id, device=browser.name, address=browser.address
    )
    device = throttle.remember(db, person_id, browser.device, now=now)
    who = Actor(ActorKind.PERSON, person_id=person_id, party_id=party_id or person_id, strength=strength,
                demo=strength is Strength.DEMO)  # fmt: skip
    audit.write(db, who, "session.signed_in", f"person:{person_id}", {"how": how}, now=now)
    return SignedIn(person_id, token, device, bool(store_signin.notices(db, person_id)))


def replace_before(db: Session, browser: Browser, *, now: datetime) -> None:
    """End the session that this browser held, so that no token lives on after another sign-in."""
    before = browser.before
    if before.person_id is None or before.session_id is None:
        return
    wall.enter(db, party=before.party_id, person=before.person_id)
    store_signin.end_sessions(db, before.person_id, Ended.REPLACED, now=now, only=before.session_id)


def refused(db: Session, person_id: UUID | None, how: str, *, now: datetime, why: str = "signin.wrong") -> None:
    """Write down that somebody was not let in; about whom, where the name is known."""
    subject = f"person:{person_id}" if person_id is not None else "person_unknown:sign_in"
    act = "session.throttled" if why == "access.too_many" else "session.refused"
    audit.write(db, actors.NOBODY, act, subject, {"how": how, "why": why}, now=now)


# Coming in for the first time


def invite(
    db: Session, *, now: datetime, roles: Iterable[Role] = (Role.HOLDER,), person_id: UUID | None = None,
    given_by: Actor,
) -> str:  # fmt: skip
    """Make a link for one person, as the installer's or an operator's role; its token is shown once."""
    token, hours = secrets.token_urlsafe(TOKEN_BYTES), rules.house("invitation_hours", on=now.date())
    if person_id is not None:
        store_signin.end_welcomes(db, person_id, now=now)
    row = InvitationRow(
        id=ids.new_id(), token_hash=hash_of(token), person_id=person_id, roles=sorted(role.value for role in roles),
        given_by=given_by.person_id, made_at=now, ends_at=now + timedelta(hours=hours),
    )  # fmt: skip
    db.add(row)
    db.flush()
    audit.write(db, given_by, "person.invited", f"invitation:{row.id}", {"roles": row.roles}, now=now)
    return token


def invitation(db: Session, token: str, *, now: datetime) -> InvitationRow:
    """The invitation that somebody holds; raises LinkGone."""
    found = store_signin.invitation(db, hash_of(token), now=now)
    if found is None:
        raise LinkGone("这个链接已失效或已用过,请让邀请您的人再发一个。")
    return found


def joining_id(db: Session, token: str | None, *, now: datetime) -> UUID:
    """The id that whoever joins will have: the one of the invitation, else a fresh one. None: open sign-up."""
    if token is None:
        return ids.new_id()
    return invitation(db, token, now=now).person_id or ids.new_id()


def join(db: Session, token: str | None, person_id: UUID, name: str, browser: Browser, *, now: datetime) -> None:
    """Enter a new person with the roles of the invitation, and open the wall for it; raises LinkGone or NameNeeded."""
    called = cleaned(name)
    if not called:
        raise NameNeeded("请填写怎么称呼您。", field="name")
    replace_before(db, browser, now=now)
    wall.enter(db, party=person_id, person=person_id)
    if store.person(db, person_id) is not None:
        raise LinkGone("这个链接已失效或已用过,请让邀请您的人再发一个。")
    db.add(PersonRow(id=person_id, name=called, state=PersonState.ACTIVE, made_at=now))
    db.flush()
    given = [] if token is None else store_signin.join(db, hash_of(token), person_id, now=now)
    if given is None:
        raise LinkGone("这个链接已失效或已用过,请让邀请您的人再发一个。")
    db.add(GrantRow(person_id=person_id, id=ids.new_id(), role=Role.HOLDER, since=now, given_by=person_id))
    db.flush()
    facts = {"roles": sorted({*given, "holder"}), "invited": token is not None}
    audit.write(db, passkeys.myself(person_id), "person.registered", f"person:{person_id}", facts, now=now)


def set_password(
    db: Session, person_id: UUID, handle: str, password: str, secret: str, code: str, *, now: datetime
) -> str:
    """Give a person for whom the wall is open a password with one-time codes; returns the sign-in name to keep.

    A person who has a sign-in name keeps it. Raises TooShort, TooCommon or CodeWrong.
    """
    person = store.person(db, person_id)
    assert person is not None
    passwords.check(password, own=[handle, person.name or "", person.handle or ""], now=now)
    if not codes.keep_totp(db, person_id, secret, code, now=now):
        raise CodeWrong("动态码不对,请看应用里现在显示的六位数字。", field="code")
    if person.handle is None:
        person.handle = _free_handle(db, handle)
        person.handle_hash = handle_hash(person.handle)
    passwords.keep(db, person_id, password, now=now)
    db.flush()
    for act in ("password.changed", "totp.added"):
        audit.write(db, passkeys.myself(person_id), act, f"person:{person_id}", now=now)
    return person.handle


def _free_handle(db: Session, wish: str) -> str:
    stem = re.sub(r"[\s-]+", "", cleaned(wish)) or "anhuan"
    while True:
        made = f"{stem}-{secrets.randbelow(10**HANDLE_DIGITS):0{HANDLE_DIGITS}d}"
        if store_signin.person_by_handle(db, handle_hash(made)) is None:
            return made


# What a person has


def ways_in(db: Session, person_id: UUID) -> WaysIn:
    """How this person can get in."""
    password = store_signin.password(db, person_id) is not None and codes.has_totp(db, person_id)
    return WaysIn(store_signin.count_passkeys(db, person_id), password, store_signin.codes_left(db, person_id))


def insist_fresh(db: Session, who: Actor, *, now: datetime) -> None:
    """Let ways to sign in be changed only shortly after a proof of who acts, and never in a recovery."""
    assert who.person_id is not None
    assert who.session_id is not None
    recovery.insist_done(who)
    minutes = rules.house("proof_minutes", on=now.date())
    proved_at = store_signin.proved_at(db, who.person_id, who.session_id)
    if who.strength is not Strength.DEMO and (proved_at is None or now - proved_at > timedelta(minutes=minutes)):
        raise ProveAgain("请再验证一次身份,然后继续。")


def prove_by_passkey(db: Session, who: Actor, challenge_id: UUID, credential_json: str, *, now: datetime) -> str:
    """A fresh proof in a session of one's own; returns the session's new token."""
    assert who.person_id is not None
    recovery.insist_done(who)
    passkeys.verify(
        db, challenge_id, credential_json, person_id=who.person_id, binding=None, now=now, session_id=who.session_id
    )
    return _proved(db, who, "passkey", now=now)


def prove_by_code(db: Session, who: Actor, password: str, code: str, browser: Browser, *, now: datetime) -> str:
    """The same by password and one-time code; raises WrongSignIn or TooMany."""
    assert who.person_id is not None
    recovery.insist_done(who)
    throttle.count(db, who.person_id.bytes, who.person_id, address=browser.address, device=browser.device, now=now)
    row = store_signin.password(db, who.person_id)
    right = passwords.fits(row, password, now=now)
    if not right or not codes.verify_totp(db, who.person_id, code, now=now):
        audit.write(db, who, "session.step_up_refused", f"person:{who.person_id}", {"how": "password"}, now=now)
        raise WrongSignIn("密码或动态码不对。")
    return _proved(db, who, "password", now=now)


def _proved(db: Session, who: Actor, how: str, *, now: datetime) -> str:
    audit.write(db, who, "session.stepped_up", f"person:{who.person_id}", {"how": how}, now=now)
    return sessions.rotate(db, who, now=now)


def handle_hash(handle: str) -> bytes:
    """What a sign-in name is looked up by, however it was typed."""
    return vault.keyed_hash("people.handle", unicodedata.normalize("NFKC", handle).casefold().replace(" ", ""))


def hash_of(token: str) -> bytes:
    """What is kept of a link's token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def cleaned(name: str) -> str:
    """A name without what nobody can see."""
    return " ".join("".join(one for one in name if one.isprintable()).split())[:LONGEST_NAME]
