"""Every question that room channels asks about rows that are nobody's: register, breakers, health, files, arrivals."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from anhuan.channels.tables_house import (
    ArrivalRow,
    BreakerRow,
    CallbackRow,
    EntryRow,
    FileRow,
    FlagRow,
    HealthRow,
    WordRow,
)

_HEARD = text("SELECT anhuan_heard(:channel, :event)")
_ENTRY = text("SELECT pg_advisory_xact_lock(hashtextextended('partner ' || :entry, 0))")
_FILE = text("SELECT pg_advisory_xact_lock(hashtextextended('file ' || :channel || ' ' || :day || ' ' || :kind, 0))")


def entries(db: Session, *, at_most: int = 500) -> Sequence[EntryRow]:
    """Every entry of the register, newest first."""
    return db.scalars(select(EntryRow).order_by(EntryRow.entered_at.desc(), EntryRow.id).limit(at_most)).all()


def entries_for(db: Session, channel: str) -> Sequence[EntryRow]:
    """The entries whose scope names this channel, oldest first."""
    asked = select(EntryRow).where(EntryRow.channels.contains([channel]))
    return db.scalars(asked.order_by(EntryRow.entered_at, EntryRow.id).limit(500)).all()


def entry(db: Session, entry_id: UUID, *, lock: bool = False) -> EntryRow | None:
    """One entry; with `lock` one transaction at a time decides about it, although nobody may edit it."""
    if lock:
        db.execute(_ENTRY, {"entry": str(entry_id)})
    return db.get(EntryRow, entry_id)


def words(db: Session, entry_ids: Sequence[UUID]) -> Sequence[WordRow]:
    """What was said about these entries, in order."""
    asked = select(WordRow).where(WordRow.entry_id.in_(entry_ids))
    return db.scalars(asked.order_by(WordRow.said_at, WordRow.kind)).all()


def breaker(db: Session, channel: str, *, lock: bool = False) -> BreakerRow | None:
    """The breaker of a channel, where it ever counted."""
    asked = select(BreakerRow).where(BreakerRow.channel == channel)
    if lock:
        asked = asked.with_for_update().execution_options(populate_existing=True)
    return db.scalars(asked).one_or_none()


def breakers(db: Session) -> Sequence[BreakerRow]:
    """Every breaker that ever counted."""
    return db.scalars(select(BreakerRow).order_by(BreakerRow.channel)).all()


def make_breaker(db: Session, channel: str) -> None:
    """Make the row of a channel's breaker, if it is not there."""
    db.execute(insert(BreakerRow).values(channel=channel, failures=0, trips=0, why="").on_conflict_do_nothing())


def latest_health(db: Session, *, since: datetime | None = None) -> Sequence[HealthRow]:
    """The last look at each channel, where there was one since a moment."""
    asked = select(HealthRow).ext(distinct_on(HealthRow.channel))
    if since is not None:
        asked = asked.where(HealthRow.checked_at >= since)
    return db.scalars(asked.order_by(HealthRow.channel, HealthRow.checked_at.desc())).all()


def health_of(db: Session, channel: str, since: datetime, *, at_most: int = 2000) -> Sequence[HealthRow]:
    """Looks at one channel since a moment, newest first."""
    asked = select(HealthRow).where(HealthRow.channel == channel, HealthRow.checked_at >= since)
    return db.scalars(asked.order_by(HealthRow.checked_at.desc()).limit(at_most)).all()


def last_answers(db: Session) -> dict[str, datetime]:
    """When each channel last answered a look, slowly or not."""
    good = HealthRow.state.in_(("answered", "slow"))
    asked = select(HealthRow.channel, func.max(HealthRow.checked_at)).where(good).group_by(HealthRow.channel)
    return {channel: at for channel, at in db.execute(asked).all()}


def forget_health(db: Session, before: datetime) -> None:
    """Delete looks that are older than anybody asks for."""
    db.execute(delete(HealthRow).where(HealthRow.checked_at < before))


def heard_before(db: Session, channel: str, event_id: str) -> bool:
    """Whether a callback with this event was believed before."""
    return bool(db.scalar(_HEARD, {"channel": channel, "event": event_id}))


def keep_callback(db: Session, row: CallbackRow) -> bool:
    """Keep a receipt; False when another of the same event came in at the same moment and was first."""
    try:
        with db.begin_nested():
            db.add(row)
            db.flush()
    except IntegrityError:
        return False
    return True


def callback(db: Session, callback_id: UUID) -> CallbackRow | None:
    """One receipt; for the worker."""
    return db.get(CallbackRow, callback_id)


def callbacks(db: Session, channel: str, *, at_most: int = 100) -> Sequence[CallbackRow]:
    """The last receipts of a channel, newest first; for the worker."""
    asked = select(CallbackRow).where(CallbackRow.channel == channel)
    return db.scalars(asked.order_by(CallbackRow.heard_at.desc(), CallbackRow.id).limit(at_most)).all()


def lock_file(db: Session, channel: str, day: date, kind: str) -> None:
    """Let one transaction at a time number the versions of a day's file."""
    db.execute(_FILE, {"channel": channel, "day": day.isoformat(), "kind": kind})


def files(db: Session, channel: str, day: date, kind: str | None = None) -> Sequence[FileRow]:
    """The files of a day, by kind and version."""
    asked = select(FileRow).where(FileRow.channel == channel, FileRow.day == day)
    if kind is not None:
        asked = asked.where(FileRow.kind == kind)
    return db.scalars(asked.order_by(FileRow.kind, FileRow.version)).all()


def arrival(db: Session, channel: str, bank: str, funding_kind: str, season: str, *, on: date) -> ArrivalRow | None:
    """What was last learned up to a day, or None."""
    asked = select(ArrivalRow).where(
        ArrivalRow.channel == channel,
        ArrivalRow.bank == bank,
        ArrivalRow.funding_kind == funding_kind,
        ArrivalRow.season == season,
        ArrivalRow.computed_on <= on,
    )
    return db.scalars(asked.order_by(ArrivalRow.computed_on.desc()).limit(1)).one_or_none()


def arrivals(db: Session, *, on: date) -> Sequence[ArrivalRow]:
    """What was last learned of every channel and bank up to a day."""
    key = (ArrivalRow.channel, ArrivalRow.bank, ArrivalRow.funding_kind, ArrivalRow.season)
    asked = select(ArrivalRow).where(ArrivalRow.computed_on <= on).ext(distinct_on(*key))
    return db.scalars(asked.order_by(*key, ArrivalRow.computed_on.desc())).all()


def keep_arrival(db: Session, row: dict[str, Any]) -> None:
    """Keep what was learned on a day; learned again on the same day, the later figures stand."""
    made = insert(ArrivalRow).values(**row)
    key = ("channel", "bank", "funding_kind", "season", "computed_on")
    changed = {name: getattr(made.excluded, name) for name in row if name not in key}
    db.execute(made.on_conflict_do_update(index_elements=list(key), set_=changed))


def flag(db: Session, row: dict[str, Any]) -> None:
    """Say that our record of a channel differs in a field; what was seen last stands."""
    made = insert(FlagRow).values(**row)
    changed = {name: getattr(made.excluded, name) for name in ("ours", "theirs", "seen_at")}
    db.execute(made.on_conflict_do_update(index_elements=["channel", "bank", "field"], set_=changed))


def flags(db: Session) -> Sequence[FlagRow]:
    """Every field in which a channel showed something else than our record."""
    return db.scalars(select(FlagRow).order_by(FlagRow.channel, FlagRow.bank, FlagRow.field)).all()


def last_version(db: Session, channel: str, day: date, kind: str) -> int:
    """The number of the newest version of a file, or 0."""
    asked = select(func.max(FileRow.version)).where(
        FileRow.channel == channel, FileRow.day == day, FileRow.kind == kind
    )
    return db.scalar(asked) or 0
