"""Passwords: argon2id with dated parameters, at least twelve characters, none of those everybody tries first.

A password opens nothing by itself: sign-in asks for a one-time code beside it. Every hash takes its memory, so few run
at the same time and the others wait a moment. Somebody whose name is not known is hashed for all the same, so that
the time of an answer says nothing.
"""

import threading
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import rules, store_signin, weak
from anhuan.identity.tables_signin import PasswordRow
from anhuan.kit.errors import Refused, Unavailable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LONGEST: Final = 128  # characters (ASVS 2.1.2); nothing is cut off, longer ones are none of ours
PATIENCE: Final = 10.0  # seconds to wait for a turn


class TooShort(Refused):
    """密码太短: fewer characters than the house asks for."""

    code = "password.too_short"


class TooCommon(Refused):
    """密码太常见: made of pieces that are tried first."""

    code = "password.too_common"


class Busy(Unavailable):
    """正忙: too many passwords are being checked at this moment."""

    code = "password.busy"


def check(password: str, *, own: Iterable[str] = (), now: datetime) -> None:
    """Refuse a new password that is short, endless or common; asks for no kinds of characters (NIST SP 800-63B)."""
    least = rules.house("password_least", on=now.date())
    if not least <= len(_normal(password)) <= LONGEST:
        raise TooShort(f"密码至少要 {least} 个字符,最多 {LONGEST} 个。一句话也可以。", field="password")
    if weak.is_weak(_normal(password), own):
        raise TooCommon("这个密码太容易猜到,请换一个,例如几个不相干的词。", field="password")


def keep(db: Session, person_id: UUID, password: str, *, now: datetime) -> None:
    """Set the password of a person for whom the wall is open; it was checked before."""
    hashed = hash_of(password, on=now.date())
    row = store_signin.password(db, person_id)
    if row is None:
        db.add(PasswordRow(person_id=person_id, hash=hashed, changed_at=now))
    else:
        row.hash, row.changed_at = hashed, now
    db.flush()


def hash_of(password: str, *, on: date) -> str:
    """The argon2id hash by the parameters of this day, with a fresh salt."""
    with _turn(on):
        return _hasher(on).hash(_normal(password))


def fits(row: PasswordRow | None, password: str, *, now: datetime) -> bool:
    """Whether this is the password; takes as long where nobody has one."""
    from argon2.exceptions import VerificationError

    day = now.date()
    tried = _normal(password)
    if len(tried) > LONGEST:
        row, tried = None, ""  # checked all the same, so that time tells nothing
    against = row.hash if row is not None else _nobodys(*_parameters(day))
    with _turn(day):
        try:
            _hasher(day).verify(against, tried)
        except VerificationError:
            return False
    return row is not None


def renew(row: PasswordRow, password: str, *, now: datetime) -> bool:
    """After a sign-in, hash anew what was hashed by smaller parameters than today's; tells whether it did."""
    if not _hasher(now.date()).check_needs_rehash(row.hash):
        return False
    row.hash = hash_of(password, on=now.date())
    return True


def _normal(password: str) -> str:
    """One form for what a keyboard may write in several (NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _parameters(on: date) -> tuple[int, int, int]:
    return (
        int(rules.house("argon2_memory_kib", on=on)),
        int(rules.house("argon2_passes", on=on)),
        int(rules.house("argon2_lanes", on=on)),
    )


def _hasher(on: date) -> "PasswordHasher":
    return _hasher_of(*_parameters(on))


@cache
def _hasher_of(memory: int, passes: int, lanes: int) -> "PasswordHasher":
    from argon2 import PasswordHasher, Type

    return PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes, type=Type.ID)


@cache
def _nobodys(memory: int, passes: int, lanes: int) -> str:
    """A hash that no password fits, made once with the same parameters."""
    import secrets

    return _hasher_of(memory, passes, lanes).hash(secrets.token_urlsafe(32))


@cache
def _turns(at_once: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(at_once)


@contextmanager
def _turn(on: date) -> Iterator[None]:
    turns = _turns(int(rules.house("argon2_at_once", on=on)))
    if not turns.acquire(timeout=PATIENCE):
        raise Busy("现在登录的人太多,请稍等几秒再试。")
    try:
        yield
    finally:
        turns.release()
