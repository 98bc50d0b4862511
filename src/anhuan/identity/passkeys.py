"""Passkeys: face, fingerprint or a key in the pocket, checked by the library `webauthn` 3 against questions of ours.

A question (challenge) is a row: 32 random bytes for one purpose, one browser and, where an act is approved, one
binding; it is spent in the transaction that checks the answer, whatever comes of it. The device must have verified its
user, by request and by the flag in its answer. A counter that does not grow is normal for keys that live in a cloud and
otherwise a sign of a copy: it is noted and told, but refuses nobody.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import rules, store_signin
from anhuan.identity.tables_signin import ChallengeRow, PasskeyRow
from anhuan.kit import audit, ids, settings, vault, wall
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.errors import Refused

CHALLENGE_BYTES: Final = 32
LONGEST_NAME: Final = 40  # characters of a key's name
LONGEST_ANSWER: Final = 20_000  # characters of a browser's answer; a real one has about 1,500
HOUSE_NAME: Final = "安还 Anhuan"
MOST_KEYS: Final = 20  # of one person


class NotVerified(Refused):
    """未通过验证: the answer does not fit the question, the key or this site; nothing was opened."""

    code = "passkey.not_verified"


class ChallengeGone(Refused):
    """验证已过期: the question is used, late, of another browser or of another act."""

    code = "passkey.challenge_gone"


class TooManyKeys(Refused):
    """通行密钥太多: a person keeps a handful of keys."""

    code = "passkey.too_many"


class LastWayIn(Refused):
    """不能移除最后的登录方式: what is left would open nothing."""

    code = "passkey.last_way_in"


@dataclass(frozen=True, slots=True)
class Proof:
    """A passkey answered: whose, which, and whether its counter stood still where it should have grown."""

    person_id: UUID
    key_id: UUID
    doubtful: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A checked key that is not kept yet, and for whom it was made."""

    person_id: UUID
    made: Any
    transports: Any


@dataclass(frozen=True, slots=True)
class Passkey:
    """One key as its owner sees it."""

    id: UUID
    name: str
    made_at: datetime
    used_at: datetime | None
    synced: bool
    doubted: bool


@dataclass(frozen=True, slots=True)
class Site:
    """Whom keys are made for: the name (RP ID) and the exact origin with its port."""

    name: str
    origin: str


def site() -> Site:
    """This installation as browsers know it, from its settings and never from a Host line."""
    origin = settings.read().origin
    return Site(urlsplit(origin).hostname or "localhost", origin)


# Questions


def options(
    db: Session, person_id: UUID, *, binding: bytes | None, now: datetime, session_id: UUID | None = None
) -> tuple[UUID, dict[str, Any]]:
    """Ask a person who is known to prove it again; returns the question's id and what the browser's call needs."""
    known = store_signin.passkeys(db, person_id)
    asked = _ask(db, "prove", now=now, person_id=person_id, session_id=session_id, binding=binding)
    return asked.id, _request(asked.challenge, known)


def sign_in_options(db: Session, visitor: bytes, *, now: datetime) -> tuple[UUID, dict[str, Any]]:
    """Ask a browser that nobody knows yet; any key made for this site may answer, so no name is typed."""
    asked = _ask(db, "sign_in", now=now, visitor_hash=visitor_hash(db, visitor))
    return asked.id, _request(asked.challenge, ())


def register_options(
    db: Session,
    person_id: UUID,
    *,
    name: str,
    now: datetime,
    visitor: bytes | None = None,
    session_id: UUID | None = None,
    tied_to: bytes = b"",
) -> tuple[UUID, dict[str, Any]]:
    """Ask for a new key of this person: from a session of theirs, or from the browser of somebody who joins.

    `tied_to` is the hash of the link by which somebody joins or recovers: the answer holds for that link alone.
    """
    from webauthn import generate_registration_options
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    known = store_signin.passkeys(db, person_id) if visitor is None else ()
    if len(known) >= MOST_KEYS:
        raise TooManyKeys("通行密钥太多了,请先移除不用的。")
    hashed = None if visitor is None else visitor_hash(db, visitor)
    asked = _ask(
        db, "register", now=now, person_id=person_id if visitor is None else None, session_id=session_id,
        visitor_hash=hashed, binding=person_id.bytes + tied_to,
    )  # fmt: skip
    made = generate_registration_options(
        rp_id=site().name,
        rp_name=HOUSE_NAME,
        user_id=person_id.bytes,
        user_name=name,
        challenge=asked.challenge,
        timeout=_patience(now),
        exclude_credentials=_described(known),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return asked.id, _plain(made)


# Answers


def verify(
    db: Session,
    challenge_id: UUID,
    credential_json: str,
    *,
    person_id: UUID,
    binding: bytes | None,
    now: datetime,
    session_id: UUID | None = None,
) -> Proof:
    """Check the answer of a person who is known; raises ChallengeGone or NotVerified, and spends the question."""
    asked = _spent(db, challenge_id, "prove", now=now)
    if asked.person_id != person_id or asked.binding != binding or asked.session_id != session_id:
        raise ChallengeGone("这次验证已过期或已用过,请重新开始。")
    return _checked(db, asked, credential_json, now=now, person_id=person_id)


def verify_sign_in(db: Session, challenge_id: UUID, credential_json: str, visitor: bytes, *, now: datetime) -> Proof:
    """Check the answer of a browser that nobody knew, and so learn whose key it is; opens no wall."""
    visitor_hash(db, visitor)
    asked = _spent(db, challenge_id, "sign_in", now=now)
    return _checked(db, asked, credential_json, now=now, person_id=None)


def check_registration(
    db: Session,
    challenge_id: UUID,
    credential_json: str,
    *,
    now: datetime,
    visitor: bytes | None = None,
    session_id: UUID | None = None,
    tied_to: bytes = b"",
) -> NewKey:
    """Check the answer to `register_options` of the same browser; raises ChallengeGone or NotVerified."""
    from webauthn import verify_registration_response

    if visitor is not None:
        visitor_hash(db, visitor)
    asked = _spent(db, challenge_id, "register", now=now)
    if asked.binding is None or asked.binding[16:] != tied_to or asked.session_id != session_id:
        raise ChallengeGone("这次验证已过期或已用过,请重新开始。")
    here, given = site(), _answer(credential_json)
    try:
        made = verify_registration_response(
            credential=given,
            expected_challenge=asked.challenge,
            expected_rp_id=here.name,
            expected_origin=here.origin,
            require_user_verification=True,
        )
    except _wrong() as wrong:
        raise NotVerified("这把通行密钥没有通过验证,没有保存。") from wrong
    if store_signin.passkey_by_hash(db, hash_of(made.credential_id)) is not None:
        raise NotVerified("这把通行密钥已经登记过。")
    return NewKey(UUID(bytes=asked.binding[:16]), made, given["response"].get("transports"))


def keep(db: Session, key: NewKey, *, name: str, now: datetime) -> UUID:
    """Keep a checked key of the person for whom the wall is open."""
    row = _row(key, name=name, now=now)
    db.add(row)
    db.flush()
    facts = {"passkey": row.id}
    audit.write(db, myself(key.person_id), "passkey.added", f"person:{key.person_id}", facts, now=now)
    return row.id


# Keys of a person


def has_one(db: Session, person_id: UUID) -> bool:
    """Whether this person has a passkey."""
    return store_signin.count_passkeys(db, person_id) > 0


def all_of(db: Session, person_id: UUID) -> tuple[Passkey, ...]:
    """The keys of a person, oldest first."""
    return tuple(
        Passkey(row.id, row.name, row.made_at, row.used_at, row.synced, row.doubted_at is not None)
        for row in store_signin.passkeys(db, person_id)
    )


def rename(db: Session, who: Actor, key_id: UUID, name: str, *, now: datetime) -> None:
    """Call a key by another name."""
    row = _own(db, who, key_id)
    row.name = _named(name)
    audit.write(db, who, "passkey.renamed", f"person:{who.person_id}", {"passkey": key_id}, now=now)


def remove(db: Session, who: Actor, key_id: UUID, *, now: datetime, others: bool) -> None:
    """Forget a key; `others` says whether another way in is left without it."""
    row = _own(db, who, key_id)
    if not others:
        raise LastWayIn("这是您最后的登录方式,请先添加另一种。")
    db.delete(row)
    db.flush()
    audit.write(db, who, "passkey.removed", f"person:{who.person_id}", {"passkey": key_id}, now=now)


def hash_of(credential_id: bytes) -> bytes:
    """What a key is looked up by."""
    return vault.keyed_hash("passkeys.credential", credential_id)


def visitor_hash(db: Session, visitor: bytes) -> bytes:
    """What ties a question to one browser before sign-in; presented to the wall, so that its rows are seen."""
    hashed = vault.keyed_hash("challenges.visitor", visitor)
    wall.present(db, "visitor", hashed)
    return hashed


# Within


def _ask(
    db: Session,
    purpose: str,
    *,
    now: datetime,
    person_id: UUID | None = None,
    session_id: UUID | None = None,
    visitor_hash: bytes | None = None,
    binding: bytes | None = None,
) -> ChallengeRow:
    minutes = rules.house("challenge_minutes", on=now.date())
    row = ChallengeRow(
        id=ids.new_id(), purpose=purpose, person_id=person_id, session_id=session_id, visitor_hash=visitor_hash,
        challenge=secrets.token_bytes(CHALLENGE_BYTES), binding=binding, made_at=now,
        ends_at=now + timedelta(minutes=minutes),
    )  # fmt: skip
    db.add(row)
    db.flush()
    return row


def _spent(db: Session, challenge_id: UUID, purpose: str, *, now: datetime) -> ChallengeRow:
    asked = store_signin.spend(db, challenge_id, purpose, now=now)
    if asked is None:
        raise ChallengeGone("这次验证已过期或已用过,请重新开始。")
    return asked


def _checked(db: Session, asked: ChallengeRow, credential_json: str, *, now: datetime, person_id: UUID | None) -> Proof:
    """The one place where a signature is believed."""
    from webauthn import verify_authentication_response

    here, given = site(), _answer(credential_json)
    row = store_signin.passkey_by_hash(db, hash_of(_id_of(given)))
    if row is None or (person_id is not None and row.person_id != person_id) or not _handle_fits(given, row):
        raise NotVerified("这把通行密钥没有通过验证,没有改动任何内容。请再试一次,或用其他方式。")
    try:
        found = verify_authentication_response(
            credential=given,
            expected_challenge=asked.challenge,
            expected_rp_id=here.name,
            expected_origin=here.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=0,  # the library would refuse a counter that stands still; we note it
            require_user_verification=True,
        )
    except _wrong() as wrong:
        raise NotVerified("这把通行密钥没有通过验证,没有改动任何内容。请再试一次,或用其他方式。") from wrong
    doubtful = bool(row.sign_count or found.new_sign_count) and found.new_sign_count <= row.sign_count
    if doubtful:
        facts = {"passkey": row.id, "counted": row.sign_count, "said": found.new_sign_count}
        audit.write(db, myself(row.person_id), "passkey.doubted", f"person:{row.person_id}", facts, now=now)
        row.doubted_at = now
    row.sign_count = max(row.sign_count, found.new_sign_count)
    row.backed_up, row.used_at = found.credential_backed_up, now
    db.flush()
    return Proof(row.person_id, row.id, doubtful)


def _row(key: NewKey, *, name: str, now: datetime) -> PasskeyRow:
    from webauthn.helpers.structs import AuthenticatorTransport, CredentialDeviceType

    made, known = key.made, {one.value for one in AuthenticatorTransport}
    said = key.transports if isinstance(key.transports, list) else []
    return PasskeyRow(
        person_id=key.person_id, id=ids.new_id(), credential_hash=hash_of(made.credential_id),
        credential=bytes(made.credential_id), public_key=bytes(made.credential_public_key), sign_count=made.sign_count,
        transports=sorted(known.intersection(one for one in said if isinstance(one, str))), aaguid=made.aaguid,
        synced=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE, backed_up=made.credential_backed_up,
        name=_named(name), made_at=now,
    )  # fmt: skip


def _request(challenge: bytes, known: Any) -> dict[str, Any]:
    from webauthn import generate_authentication_options
    from webauthn.helpers.structs import UserVerificationRequirement

    made = generate_authentication_options(
        rp_id=site().name,
        challenge=challenge,
        allow_credentials=_described(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _plain(made)


def _described(known: Any) -> list[Any]:
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(
            id=row.credential, transports=[AuthenticatorTransport(one) for one in row.transports] or None
        )
        for row in known
    ]


def _plain(made: Any) -> dict[str, Any]:
    from webauthn import options_to_json

    plain: dict[str, Any] = json.loads(options_to_json(made))
    return plain


def _patience(now: datetime) -> int:
    """How long the browser may wait for its user, in milliseconds."""
    return int(rules.house("challenge_minutes", on=now.date()) * 60_000)


def _answer(credential_json: str) -> dict[str, Any]:
    """The browser's answer as far as it looks like one; anything else is a wrong answer, never a fault."""
    try:
        if len(credential_json) > LONGEST_ANSWER:
            raise ValueError("too long")
        given = json.loads(credential_json)
        if not isinstance(given["response"], dict) or not isinstance(given["rawId"], str):
            raise TypeError("not an answer")
    except (ValueError, KeyError, TypeError, RecursionError) as wrong:
        raise NotVerified("浏览器的回答不完整,请再试一次。") from wrong
    said: dict[str, Any] = given
    return said


def _id_of(given: Mapping[str, Any]) -> bytes:
    from webauthn import base64url_to_bytes

    try:
        return base64url_to_bytes(given["rawId"])
    except ValueError as wrong:
        raise NotVerified("浏览器的回答不完整,请再试一次。") from wrong


def _handle_fits(given: Mapping[str, Any], row: PasskeyRow) -> bool:
    """A key that names its user must name this one (WebAuthn 3, 7.2 step 6)."""
    from webauthn import base64url_to_bytes

    said = given["response"].get("userHandle")
    try:
        return said is None or base64url_to_bytes(said) == row.person_id.bytes
    except (ValueError, TypeError, AttributeError):
        return False


def _own(db: Session, who: Actor, key_id: UUID) -> PasskeyRow:
    from anhuan.kit.page import NotFound

    assert who.person_id is not None
    row = store_signin.passkey(db, who.person_id, key_id)
    if row is None:
        raise NotFound("没有这把通行密钥。")
    return row


def _named(name: str) -> str:
    said = " ".join("".join(one for one in name if one.isprintable()).split())[:LONGEST_NAME]
    return said or "通行密钥"


def myself(person_id: UUID) -> Actor:
    """A person who acts on the own account, for the audit."""
    return Actor(ActorKind.PERSON, person_id=person_id, party_id=person_id)


@cache
def _wrong() -> tuple[type[Exception], ...]:
    """What the library raises for an answer that is not right: its own kinds, and faults of broken bytes."""
    from webauthn.helpers.exceptions import WebAuthnException

    return (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)
