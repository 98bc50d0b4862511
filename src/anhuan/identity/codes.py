"""One-time codes of an app (TOTP, RFC 6238) and recovery codes on paper: each lets in once.

A TOTP secret is sealed; the last time step that was used is kept, so a code that somebody watched is worth nothing. The
neighbouring steps are accepted too (RFC 6238, 5.2), because clocks of phones drift. Recovery codes carry 80 random bits
and are kept as keyed hashes.
"""

import hmac
import re
import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import rules, store_signin
from anhuan.identity.tables_signin import RecoveryCodeRow, TotpRow
from anhuan.kit import ids, vault

STEP: Final = 30  # seconds of one code (RFC 6238)
DRIFT: Final = 1  # steps before and after this one
ISSUER: Final = "安还 Anhuan"
SECRET: Final = re.compile(r"[A-Z2-7]{32}")  # 160 bits, as RFC 4226 asks
CODE: Final = re.compile(r"[0-9]{6}")
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
GROUPS: Final = 6  # of four letters: 24 letters of 31 carry 118 bits (ASVS 2.6.2 asks for 112)


def new_secret() -> str:
    """A secret for somebody's app: 160 random bits."""
    import pyotp

    return pyotp.random_base32(32)


def uri(secret: str, name: str) -> str:
    """What an app reads from the picture."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def picture(secret: str, name: str) -> str:
    """The same as a QR code: an SVG in a data address, without any style."""
    import segno

    drawn: str = segno.make(uri(secret, name), error="m", micro=False).svg_data_uri(
        scale=4, border=4, dark="#16181d", light="#ffffff", omitsize=True, nl=False
    )
    return drawn


def step_of(secret: str, code: str, *, now: datetime) -> int | None:
    """The time step whose code this is, near this moment; looks at every candidate, so that time tells nothing."""
    import pyotp

    typed = code.replace(" ", "")
    if not CODE.fullmatch(typed) or not SECRET.fullmatch(secret):
        return None
    made, this = pyotp.TOTP(secret), int(now.timestamp()) // STEP
    found = None
    for step in range(this - DRIFT, this + DRIFT + 1):
        if hmac.compare_digest(made.generate_otp(step), typed):
            found = step
    return found


def keep_totp(db: Session, person_id: UUID, secret: str, code: str, *, now: datetime) -> bool:
    """Switch one-time codes on for a person who shows the first one; False when the code does not fit the secret."""
    step = step_of(secret, code, now=now)
    if step is None:
        return False
    row = store_signin.totp(db, person_id)
    if row is None:
        db.add(TotpRow(person_id=person_id, secret=secret, last_step=step, made_at=now))
    else:
        row.secret, row.last_step, row.made_at = secret, step, now
    db.flush()
    return True


def has_totp(db: Session, person_id: UUID) -> bool:
    """Whether this person has an app that makes codes."""
    return store_signin.totp(db, person_id) is not None


def verify_totp(db: Session, person_id: UUID, code: str, *, now: datetime) -> bool:
    """Whether this is the person's code now, and not used before; notes its use. The caller counts the tries."""
    row = store_signin.totp(db, person_id)
    step = step_of(row.secret, code, now=now) if row is not None else None
    return step is not None and store_signin.use_step(db, person_id, step)


def make_recovery_codes(db: Session, person_id: UUID, *, now: datetime) -> tuple[str, ...]:
    """New recovery codes in the place of the old ones, to be shown once."""
    count = rules.house("recovery_codes", on=now.date())
    made = tuple(_code() for _ in range(count))
    rows = [
        RecoveryCodeRow(person_id=person_id, id=ids.new_id(), code_hash=hash_of(code), made_at=now) for code in made
    ]
    store_signin.replace_codes(db, person_id, rows)
    return made


def use_recovery_code(db: Session, person_id: UUID, code: str, *, now: datetime) -> bool:
    """Strike out this recovery code; False when it is none of this person's, or was used."""
    return looks_like_recovery(code) and store_signin.use_code(db, person_id, hash_of(code), now=now)


def looks_like_recovery(code: str) -> bool:
    """Whether this may be a recovery code at all, however it was typed."""
    return len(_bare(code)) == 4 * GROUPS


def hash_of(code: str) -> bytes:
    """What is kept of a recovery code."""
    return vault.keyed_hash("recovery_codes.code", _bare(code))


def _code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(4 * GROUPS))
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _bare(code: str) -> str:
    return "".join(one for one in code.lower() if one in ALPHABET)
