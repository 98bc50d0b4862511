"""Ids: time-ordered UUIDs (version 7, RFC 9562) made in the application, so rows of one user lie together."""

import os
from typing import Final
from uuid import UUID

from anhuan.kit import clock

# Until sign-in is built there is one person on one machine; every row already belongs to a user id.
LOCAL_USER: Final = UUID("01900000-0000-7000-8000-000000000001")


def new_id() -> UUID:
    """A fresh id: 48 bits of milliseconds, then chance."""
    stamp = int(clock.now().timestamp() * 1000) & (1 << 48) - 1
    chance = int.from_bytes(os.urandom(10), "big")
    high, low = chance >> 68, chance & (1 << 62) - 1
    return UUID(int=stamp << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
