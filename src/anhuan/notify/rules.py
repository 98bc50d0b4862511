"""Decisions of notify: what an address may look like, when a mail may go out, how long to wait before the next try.

Values in, values out.
"""

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final

from anhuan.kit import clock

MOST_ADDRESS: Final = 254  # RFC 5321, 4.5.3.1.3, without its angle brackets
_WORD: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOUSE: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_WORD}(?:\.{_WORD})*@{_HOUSE}(?:\.{_HOUSE})+")


def is_address(text: str) -> bool:
    """Whether a mail can be sent there: one plain address (RFC 5321), nothing that could begin another line."""
    return len(text) <= MOST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def may_go_at(now: datetime, *, quiet_from: time, quiet_until: time, urgent: bool) -> datetime:
    """The first moment from now on at which a mail may go out: urgent ones at once, others not in the quiet hours."""
    local = now.astimezone(clock.CHINA)
    at = local.time()
    quiet = quiet_from <= at or at < quiet_until if quiet_from > quiet_until else quiet_from <= at < quiet_until
    if urgent or not quiet:
        return now
    day = local.date() + timedelta(days=1) if at >= quiet_until else local.date()
    return datetime.combine(day, quiet_until, clock.CHINA)


def next_try(tries: int, *, pauses: Sequence[int], now: datetime) -> datetime | None:
    """When to try again after so many tries that reached nobody; None: it is given up."""
    return now + timedelta(seconds=pauses[tries - 1]) if 0 < tries <= len(pauses) else None
