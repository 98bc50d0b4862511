"""Getting acquainted with a simulated bank: a fresh key of ours, made known to it, beside its own, in a closed file."""

import base64
import json
import os
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anhuan.kit import fetch, ids, settings
from anhuan.kit.settings import BadSetting

TOKEN: Final = Path("simbank") / "control-token"  # where `anhuan simbank` leaves it, below the installation's folder


def enrol(url: str, *, token: str | None = None, place: Path | None = None) -> Path:
    """Make a key, tell the running bank to believe it, and write the file that `read_keys` reads; returns its place.

    An older file is replaced, but its key id stays: to the bank that is who we are, and it tells nobody else what
    became of our payments. Raises `BadSetting`.
    """
    held = settings.read()
    target, own = place or held.simbank_keys, Ed25519PrivateKey.generate()
    key_id = _own_id(target) or f"anhuan-{ids.new_id().hex[-8:]}"
    said = token or _token(held.home / TOKEN)
    theirs = _tell(url, said, "GET", "/sim/key")
    _tell(url, said, "PUT", f"/sim/partners/{key_id}", {"public": _text(own.public_key().public_bytes_raw())})
    keys = {"key_id": key_id, "private_key": _text(own.private_bytes_raw()),
            "bank_keys": {theirs["key_id"]: theirs["public"]}}  # fmt: skip
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = target.with_name(f".{target.name}.{ids.new_id().hex[-8:]}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(json.dumps(keys) + "\n")
    fresh.replace(target)
    return target


def acquainted(key_id: str, public: str, *, place: Path | None = None) -> bool:
    """Whether the file of keys names this bank's key already (as `anhuan simbank` tells it when it starts)."""
    known = _read(place or settings.read().simbank_keys).get("bank_keys")
    return isinstance(known, dict) and known.get(key_id) == public


def _own_id(place: Path) -> str | None:
    found = _read(place).get("key_id")
    return found if isinstance(found, str) and found else None


def _read(place: Path) -> dict[str, Any]:
    try:
        found = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _token(place: Path) -> str:
    try:
        return place.read_text("utf-8").strip()
    except OSError as error:
        raise BadSetting(f"no bank has left its token in {place}", field="ANHUAN_SIMBANK_URL") from error


def _tell(url: str, token: str, method: str, path: str, said: Any = None) -> Any:
    body = None if said is None else json.dumps(said).encode()
    head = {"authorization": f"Bearer {token}"}
    answer = fetch.fetch_here(url.rstrip("/") + path, method=method, body=body, headers=head)
    if answer.status != 200:
        raise BadSetting(f"{method} {path}: HTTP {answer.status}", field="ANHUAN_SIMBANK_URL")
    return json.loads(answer.body)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
