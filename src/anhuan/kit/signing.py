"""Signed messages between programs: Ed25519 over method, path, moment, nonce and the hash of the body.

Both ends of a channel use it: requests, answers (method `ANSWER`, path = status) and callbacks. The moment bounds a
replay, the nonce finds one inside that bound; keeping nonces is the reader's part.
"""

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anhuan.kit.errors import Refused

KEY: Final = "x-sign-key"
TIME: Final = "x-sign-time"
NONCE: Final = "x-sign-nonce"
SIGNATURE: Final = "x-sign-signature"
SPREAD: Final = timedelta(minutes=5)  # clocks of two houses may differ by so much


class BadSignature(Refused):
    """签名不符: headers missing, key unknown, or a signature that does not fit what it came with."""

    code = "signing.bad_signature"


class OldSignature(Refused):
    """签名过期: signed too long ago, or in the future."""

    code = "signing.old"


@dataclass(frozen=True, slots=True)
class Signed:
    """What a verified message was signed with."""

    key_id: str
    at: datetime
    nonce: str


def sign(
    key: Ed25519PrivateKey, key_id: str, method: str, path: str, body: bytes, *, now: datetime, nonce: str | None = None
) -> dict[str, str]:
    """The four headers for this message; the nonce is chance unless a seeded one is handed in."""
    stamp, once = str(int(now.timestamp())), nonce or base64.urlsafe_b64encode(os.urandom(12)).decode()
    signature = key.sign(_line(key_id, method, path, stamp, once, body))
    return {KEY: key_id, TIME: stamp, NONCE: once, SIGNATURE: base64.b64encode(signature).decode()}


def verify(
    keys: Mapping[str, Ed25519PublicKey],
    headers: Mapping[str, str],
    method: str,
    path: str,
    body: bytes,
    *,
    now: datetime,
) -> Signed:
    """Who signed this and when; raises `BadSignature` or `OldSignature`. Header names are lower case."""
    key_id, stamp, once = headers.get(KEY, ""), headers.get(TIME, ""), headers.get(NONCE, "")
    public = keys.get(key_id)
    if public is None or not once or not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 10:
        raise BadSignature("the message carries no signature of a key we know", field=KEY)
    try:
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
        public.verify(signature, _line(key_id, method, path, stamp, once, body))
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("the signature does not fit the message", field=SIGNATURE) from error
    at = datetime.fromtimestamp(int(stamp), UTC)
    if abs(now - at) > SPREAD:
        raise OldSignature(f"signed at {at.isoformat()}, which is too far from now", field=TIME)
    return Signed(key_id, at, once)


def _line(key_id: str, method: str, path: str, stamp: str, nonce: str, body: bytes) -> bytes:
    return "\n".join((key_id, method, path, stamp, nonce, hashlib.sha256(body).hexdigest())).encode()
