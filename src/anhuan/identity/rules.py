"""Decisions of room identity: values in, values out."""

from datetime import date, datetime, timedelta
from typing import Any

from anhuan.kit import terms


def house(key: str, *, on: date) -> Any:
    """One of the house's own dated numbers (kit/seeds/terms_house.toml) as it holds on a day."""
    return terms.ask(key, on=on, scopes=("house",)).value


def is_alive(*, seen_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Whether a session still holds: neither idle for too long nor past its end (OWASP ASVS 3.3)."""
    idle = timedelta(minutes=house("session_idle_minutes", on=now.date()))
    return now < ends_at and now - seen_at < idle
