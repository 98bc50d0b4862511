"""What keeps instructions from going out now: a licence, an open breaker, a stopped card, an operator's stop.

Whoever drives many instructions in one transaction asks here once for all of them; nothing is kept beyond it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import breaker, capabilities, register, routing, rules, stops, store
from anhuan.channels.model import Capabilities, NotLive
from anhuan.kit import clock

K = TypeVar("K")
Card = tuple[UUID, str, bytes]  # party, channel, keyed hash of the card


class Gate:
    """The answers for one moment, each asked at its first use; stopped cards are those of the parties named."""

    def __init__(self, db: Session, cards: Iterable[Card], now: datetime) -> None:
        self._db, self._now = db, now
        self._stopped: Mapping[Card, datetime] = store.card_stops(db, set(cards), now)
        self._live: dict[tuple[str, str, str], NotLive | None] = {}
        self._records: dict[tuple[str, str], Capabilities] = {}
        self._breakers: dict[str, datetime | None] = {}
        self._stops: dict[tuple[str, str, bool], datetime | None] = {}

    def require_live(self, record: Capabilities) -> None:
        """Refuse a channel that nobody may use today (`register.require_live`)."""
        key = (record.channel, record.licence, record.partner)
        if key not in self._live:
            self._live[key] = self._refusal(record)
        if (no := self._live[key]) is not None:
            raise no

    def record(self, channel: str, bank: str) -> Capabilities:
        """What the channel can do for this bank's cards today; refuses where nobody has a record."""
        if (channel, bank) not in self._records:
            self._records[channel, bank] = capabilities.record(channel, bank, on=_day(self._now))
        return self._records[channel, bank]

    def breaker_until(self, channel: str) -> datetime | None:
        """Until when the channel's breaker is open, or None."""
        return _once(self._breakers, channel, lambda: breaker.open_until(self._db, channel, self._now))

    def card_stopped_until(self, card: Card) -> datetime | None:
        """Until when nothing is sent to this card by this channel, or None."""
        return self._stopped.get(card)

    def not_before(self, record: Capabilities, bank: str, card: Card) -> datetime | None:
        """Until when nothing may be sent to this card: the latest of maintenance, breaker, card and stops."""
        channel, hand = record.channel, routing.by_hand(record)
        waits = (
            rules.waits_until(record, self._now, zone_time=self._now.astimezone(clock.CHINA).time()),
            self.breaker_until(channel), self.card_stopped_until(card),
            _once(self._stops, (channel, bank, hand),
                  lambda: stops.not_before(self._db, channel, bank, self._now, own_hand=hand)),
        )  # fmt: skip
        return max((one for one in waits if one is not None), default=None)

    def _refusal(self, record: Capabilities) -> NotLive | None:
        try:
            register.require_live(self._db, record, _day(self._now))
        except NotLive as no:
            return no
        return None


def _once(known: dict[K, datetime | None], key: K, ask: Callable[[], datetime | None]) -> datetime | None:
    if key not in known:
        known[key] = ask()
    return known[key]


def _day(now: datetime) -> date:
    return now.astimezone(clock.CHINA).date()
