"""A passkey made of software, for tests: true keys, true signatures, every flag and counter at will."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "http://localhost:8000"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
SYNCABLE, SYNCED = 0x08, 0x10


@dataclass
class Authenticator:
    """One device with one key; what it says of itself can be bent."""

    origin: str = ORIGIN
    site: str = "localhost"
    count: int = 1
    verified: bool = True
    cloud: bool = False
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: os.urandom(32))
    user: bytes = b""

    def make(self, options: dict[str, Any]) -> str:
        """Answer `navigator.credentials.create`."""
        self.user = _raw(options["user"]["id"])
        spot = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: spot.x.to_bytes(32, "big"), -3: spot.y.to_bytes(32, "big")})
        about = self._about(ATTESTED) + b"\0" * 16 + len(self.id).to_bytes(2, "big") + self.id + public
        told = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": about})
        said = {"clientDataJSON": _text(self._client("webauthn.create", options)), "attestationObject": _text(told)}
        return self._wrapped(said | {"transports": ["internal"]})

    def answer(self, options: dict[str, Any]) -> str:
        """Answer `navigator.credentials.get`."""
        self.count += 0 if self.cloud else 1
        about, client = self._about(), self._client("webauthn.get", options)
        signed = self.key.sign(about + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._wrapped({
            "clientDataJSON": _text(client), "authenticatorData": _text(about), "signature": _text(signed),
            "userHandle": _text(self.user),
        })  # fmt: skip

    def _about(self, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verified else 0) | (SYNCABLE | SYNCED if self.cloud else 0)
        count = 0 if self.cloud else self.count
        return hashlib.sha256(self.site.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _wrapped(self, response: dict[str, Any]) -> str:
        said = {"id": _text(self.id), "rawId": _text(self.id), "type": "public-key", "response": response}
        return json.dumps(said | {"clientExtensionResults": {}})


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
