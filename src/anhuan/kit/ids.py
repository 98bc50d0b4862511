"""Ids made in the application: time-ordered UUIDs (version 7, RFC 9562), and those derived from another (version 8)."""

import hashlib
import os
import time
from typing import Final
from uuid import UUID

# Until sign-in is built there is one person on one machine; every row already belongs to a user id.
LOCAL_USER: Final = UUID("01900000-0000-7000-8000-000000000001")


def new_id() -> UUID:
    """A fresh id: 48 bits of milliseconds by the machine's clock, always the real one, then chance."""
    stamp = time.time_ns() // 1_000_000 & (1 << 48) - 1
    chance = int.from_bytes(os.urandom(10), "big")
    high, low = chance >> 68, chance & (1 << 62) - 1
    return UUID(int=stamp << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def derive(parent: UUID, step: str) -> UUID:
    """The id of one step of a journey, the same after any crash: the parent's moment, then SHA-256 of both (version 8).

    The database has the same function, `ledger.derive(uuid, bytea)`.
    """
    digest = int.from_bytes(hashlib.sha256(parent.bytes + step.encode()).digest()[:10], "big")
    shaped = digest & ~(0xF << 76) & ~(0b11 << 62) | 0x8 << 76 | 0b10 << 62
    return UUID(int=parent.int >> 80 << 80 | shaped)
