"""What is known of payers when payments are weighed: asked once for all of them, however many payments each makes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import channels
from anhuan.identity import limits
from anhuan.kit import clock
from anhuan.repayments import bindings, quotas, store_quotas
from anhuan.repayments.fee_rules import Schedule
from anhuan.repayments.store_quotas import Start

_UNUSED: Final = channels.limits.Used(0, 0, {})


@dataclass(frozen=True, slots=True)
class Payer:
    """One payer at one moment; fen."""

    bound: bindings.Bound
    own: limits.Own
    starts: tuple[Start, ...]  # of orders that stand, from the beginning of the day on
    used: Mapping[str, channels.limits.Used]  # by channel
    granted: Mapping[str, int]  # what is left of the quotas in the books, by name, from this month on

    def carried(self, channel: str) -> channels.limits.Used:
        """What a channel carried today and this month."""
        return self.used.get(channel, _UNUSED)

    def free_left(self, schedule: Schedule, *, at: datetime) -> int:
        """What is still free in the month of a payment: what the books say, or the full grant before its first use."""
        if schedule.free_quota == 0:
            return 0
        return self.granted.get(quotas.name(schedule.id, at), schedule.free_quota)


def of(db: Session, party: UUID, *, now: datetime) -> Payer:
    """One payer."""
    return of_many(db, {party}, now=now)[party]


def of_many(db: Session, parties: Collection[UUID], *, now: datetime) -> dict[UUID, Payer]:
    """Several payers."""
    morning = datetime.combine(now.astimezone(clock.CHINA).date(), time(), clock.CHINA)
    bound, own = bindings.of_many(db, parties), limits.own_of_many(db, parties)
    starts, used = store_quotas.starts_since(db, parties, morning), channels.used_of_many(db, parties, now=now)
    granted = quotas.left_of_many(db, parties, now=now)
    return {
        party: Payer(bound[party], own[party], tuple(starts[party]), used[party], granted[party]) for party in parties
    }
