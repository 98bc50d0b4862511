"""The key that signs the roots of the audit log (Ed25519, RFC 8032): kept with the installation, never in the database.

`ANHUAN_HOME/keys/audit-ed25519.pem` signs; `audit-ed25519.<id>.pub.pem` beside it are all keys that ever signed, each
named by the first 16 hex digits of the SHA-256 of its public key in DER.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anhuan.kit.errors import Broken, Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRIVATE: Final = "audit-ed25519.pem"
PUBLIC: Final = "audit-ed25519.{}.pub.pem"
_OTHERS: Final = 0o077


class KeyMissing(Broken):
    """Roots were signed before, but the key is gone: bring it back, or make a new one so that everybody sees it."""

    code = "audit.key_missing"


class KeyOpen(Refused):
    """Others may read the signing key, or it is no Ed25519 key."""

    code = "audit.key_open"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key at hand, and the name of its public half."""

    key_id: str
    _key: "Ed25519PrivateKey" = field(repr=False)

    def sign(self, line: str) -> bytes:
        """64 bytes of signature over the line's UTF-8 bytes."""
        return self._key.sign(line.encode())


def signer(home: Path, *, may_make: bool) -> Signer:
    """The signing key of this installation; made at its first use, and only then."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    place = home / "keys" / PRIVATE
    if not place.exists():
        if not may_make:
            raise KeyMissing(f"{place} is gone: bring it back, or make a new one with `anhuan audit key --renew`")
        return make(home)
    if place.stat().st_mode & _OTHERS:
        raise KeyOpen(f"others may read {place}: chmod 600 {place}")
    key = load_pem_private_key(place.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyOpen(f"{place} holds no Ed25519 key")
    return Signer(key_id(key.public_key()), key)


def make(home: Path) -> Signer:
    """Make a new key and sign with it from now on; public halves of earlier keys stay."""
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    folder = home / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    name = key_id(key.public_key())
    public = key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    _write(folder / PUBLIC.format(name), public, mode=0o644)
    private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    _write(folder / PRIVATE, private, mode=0o600)
    return Signer(name, key)


def known_keys(home: Path) -> Mapping[str, "Ed25519PublicKey"]:
    """Every public key that ever signed here, by its name."""
    return keys_in(home / "keys")


def keys_in(folder: Path) -> Mapping[str, "Ed25519PublicKey"]:
    """Every public key in a folder, by its name."""
    return {key_id(key): key for key in map(_load, sorted(folder.glob(PUBLIC.format("*"))))}


def public_pem(key: "Ed25519PublicKey") -> bytes:
    """The public key as other programs read it."""
    from cryptography.hazmat.primitives import serialization as pem

    return key.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)


def key_id(key: "Ed25519PublicKey") -> str:
    """Name of a public key: `openssl pkey -pubin -outform DER | sha256sum`, its first 16 digits."""
    from cryptography.hazmat.primitives import serialization as pem

    der = key.public_bytes(pem.Encoding.DER, pem.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]


def holds(key: "Ed25519PublicKey", line: str, signature: bytes) -> bool:
    """Whether this key signed these bytes."""
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, line.encode())
    except InvalidSignature:
        return False
    return True


def _load(place: Path) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(place.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise KeyOpen(f"{place} holds no Ed25519 key")
    return key


def _write(place: Path, data: bytes, *, mode: int) -> None:
    """Write beside and move over, so that a killed program leaves the old file or the new one."""
    fresh = place.with_name(place.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(place)
