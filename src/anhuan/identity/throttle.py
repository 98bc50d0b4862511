"""Guessing is slow, and nobody can use that to lock others out (OWASP, device cookies).

Tries are counted in the database and survive restarts. A browser in which somebody has signed in before keeps a cookie:
its tries are counted by themselves, so whoever attacks the account from elsewhere, even from the same address, does not
slow down its owner at home. Passkeys are not counted here: a signature cannot be guessed.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import rules, store_signin
from anhuan.identity.tables_signin import DeviceRow
from anhuan.kit import ids, rates

DEVICE_COOKIE: Final = "__Host-anhuan-device"
TOKEN_BYTES: Final = 32


def count(
    db: Session, account: bytes, person_id: UUID | None, *, address: str, device: str | None, now: datetime
) -> None:
    """Count one try to sign in to an account, existing or not; raises TooMany."""
    known = is_known(db, person_id or ids.new_id(), device, now=now)
    place = f"device:{hash_of(device).hex()}" if known and device else address
    rates.take_sign_in(account.hex(), place, known_device=known, now=now)


def count_codes(address: str, *, now: datetime) -> None:
    """Count one try to begin a recovery by a code on paper, from an address; raises TooMany."""
    rates.take(f"recover|{rates.address_key(address)}", rates.limit("sign_in.account_address"), now=now)


def is_known(db: Session, person_id: UUID, device: str | None, *, now: datetime) -> bool:
    """Whether this person has signed in with this browser before."""
    row = store_signin.device(db, hash_of(device or ""), person_id)
    days = rules.house("known_device_days", on=now.date())
    return row is not None and now - row.seen_at < timedelta(days=days)


def remember(db: Session, person_id: UUID, device: str | None, *, now: datetime) -> str:
    """Know this browser from now on; returns the token that its cookie shall hold. The wall is open for the person."""
    row = store_signin.device(db, hash_of(device), person_id) if device else None
    if row is not None and device is not None:
        row.seen_at = now
        return device
    token = device if device and len(device) == len(secrets.token_urlsafe(TOKEN_BYTES)) else None
    token = token or secrets.token_urlsafe(TOKEN_BYTES)
    db.add(DeviceRow(person_id=person_id, id=ids.new_id(), token_hash=hash_of(token), since=now, seen_at=now))
    db.flush()
    return token


def hash_of(token: str) -> bytes:
    """What is kept of a device's token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()
