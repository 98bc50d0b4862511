"""The background jobs of room channels: instructions are followed to their end, callbacks asked about."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from anhuan.channels import (
    arrivals,
    capabilities,
    delivery,
    evidence,
    health,
    hearing,
    proofs,
    service,
    store,
    store_house,
)
from anhuan.channels.model import NotLive, OtherBody
from anhuan.identity import purposes
from anhuan.identity.consent_words import Duty
from anhuan.kit import clock, jobs, wall

FOLLOW: Final = "channels.follow"
PROVE: Final = "channels.proofs"
AT_ONCE: Final = 500  # instructions of one round; the next round takes the rest
OVERDUE: Final = timedelta(minutes=1)  # so long a question waits for its own job before the round asks it
LEASE: Final = timedelta(minutes=5)  # before the round promises the same question once more
FIRST: Final = 6  # money that somebody sends now goes before batches (5), and before all questions and looks (0)

log = structlog.get_logger(__name__)


def send(db: Session, party: UUID, key: UUID, channel: str) -> None:
    """Promise that an instruction will be handed over and followed to its end."""
    _promise(db, party, key, channel, at=None, priority=FIRST)


@jobs.task(FOLLOW)
def follow(party: str, key: str, promised: str = "") -> None:
    """Bring one instruction one step nearer its end; safe to run twice, at any moment, on any worker.

    `promised` is the moment it was promised for: who has asked meanwhile and promised a later one has taken over.
    """
    owner, number = UUID(party), UUID(key)
    if promised and _moved_on(owner, number, promised, "next_ask_at"):
        return
    try:
        delivery.follow(owner, number, now=clock.now)
    except NotLive as error:
        log.warning("nothing was sent: the channel is not open", key=key, why=error.message)
        return
    except OtherBody:
        log.error("an instruction was stopped: the channel knows it with another body", key=key)
        return
    _go_on(owner, number, ask=True)


@jobs.task(hearing.HEARD)
def heard(callback: str) -> None:
    """Ask about the key that a callback named; one that is nobody's here is kept and left alone."""
    with jobs.transaction() as db:
        wall.everybody(db)
        row = store_house.callback(db, UUID(callback))
        if row is None or row.key is None:
            return
        party = store.owner_of(db, row.channel, row.key)
    if party is None:
        log.warning("a callback names a key that nobody has", channel=row.channel)
        return
    delivery.ask(party, row.key, now=clock.now)
    _go_on(party, row.key)


@jobs.task(PROVE)
def prove(party: str, key: str, promised: str = "") -> None:
    """Look once for the proof of one instruction, or whether it was taken back, and promise the next look;
    `promised` as in `follow`."""
    if promised and _moved_on(UUID(party), UUID(key), promised, "next_look_at"):
        return
    proofs.look(UUID(party), UUID(key), now=clock.now)
    _go_on(UUID(party), UUID(key))


@jobs.task("channels.unproved", cron="* * * * *")
def unproved() -> None:
    """Promise again the looks at cards that have lost their job."""
    now = clock.now()
    with jobs.transaction() as db:
        wall.everybody(db)
        for party, key in store.unproved(db, now - OVERDUE, until=now + LEASE, at_most=AT_ONCE):
            _look(db, party, key, at=None)


@jobs.task(evidence.WEIGH)
def weigh(party: str, key: str) -> None:
    """Draw the conclusion from new evidence."""
    with jobs.transaction() as db:
        purposes.open_for(db, UUID(party), Duty.OWN_REQUEST, actor=service.WORKER, now=clock.now())
        evidence.weigh(db, UUID(party), UUID(key), now=clock.now())


@jobs.task("channels.due", cron="* * * * *")
def due() -> None:
    """Promise again the questions that have lost their job; asks the tables what is due, nearest end first."""
    now = clock.now()
    with jobs.transaction() as db:
        wall.everybody(db)
        for party, key, channel in store.due(db, now - OVERDUE, until=now + LEASE, at_most=AT_ONCE):
            _promise(db, party, key, channel, at=None)


@jobs.task("channels.look", cron="* * * * *")
def look() -> None:
    """Look at every channel and keep what was seen."""
    now = clock.now()
    seen = {channel: health.look(channel, now=now) for channel in capabilities.ids(on=clock.today())}
    with jobs.transaction() as db:
        for channel, one in seen.items():
            health.keep(db, channel, one)
        health.tidy(db, now=now)


@jobs.task("channels.compare", cron="29 4 * * *")
def compare() -> None:
    """Compare what channels tell of themselves with our records, and flag what differs."""
    found = {channel: health.told(channel, on=clock.today()) for channel in capabilities.ids(on=clock.today())}
    with jobs.transaction() as db:
        for channel, differences in found.items():
            health.flag(db, channel, differences, now=clock.now())


@jobs.task("channels.learn", cron="41 3 * * *")
def learn() -> None:
    """Learn how long arrivals take from everybody's payments of the window."""
    with jobs.transaction() as db:
        wall.everybody(db)
        log.info("arrivals learned", rows=arrivals.compute(db, now=clock.now()))


def _go_on(party: UUID, key: UUID, *, ask: bool = False) -> None:
    """Promise the next look at the card, where there is to be one, and with `ask` the next question to the channel."""
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=service.WORKER, now=clock.now())
        row = store.instruction(db, party, key)
        if row is None:
            return
        if ask and row.next_ask_at is not None:
            _promise(db, party, key, row.channel, at=row.next_ask_at)
        if row.next_look_at is not None:
            _look(db, party, key, at=row.next_look_at)


def _look(db: Session, party: UUID, key: UUID, *, at: datetime | None) -> None:
    jobs.defer(db, PROVE, lock=f"proof {key}", priority=_priority(at), at=at, party=party, key=key, **_promised(at))


def _promise(
    db: Session, party: UUID, key: UUID, channel: str, *, at: datetime | None, priority: int | None = None
) -> None:  # fmt: skip
    """One job of this instruction; of one channel only so many run at once, so one bank cannot hold up another."""
    share = capabilities.number("channel_share", on=clock.today(), channel=channel)
    lock = f"channel {channel} {key.int % share}"
    rank = _priority(at) if priority is None else priority
    jobs.defer(db, FOLLOW, lock=lock, priority=rank, at=at, party=party, key=key, **_promised(at))


def _priority(at: datetime | None) -> int:
    """The later, the lower: a waiting job holds back those of its lock that are not above it, even until next week."""
    return 0 if at is None else -(int(at.timestamp()) // 60)


def _promised(at: datetime | None) -> dict[str, int]:
    return {} if at is None else {"promised": int(at.timestamp())}


def _moved_on(party: UUID, key: UUID, promised: str, column: str) -> bool:
    """Whether what a job was promised for has been done by another one, or is not wanted any more."""
    with jobs.transaction() as db:
        purposes.open_for(db, party, Duty.OWN_REQUEST, actor=service.WORKER, now=clock.now())
        row = store.instruction(db, party, key)
        wanted: datetime | None = getattr(row, column, None)
    return wanted is None or int(wanted.timestamp()) > int(promised)
