"""Orders follow their instructions: what `channels` asks before bytes go out, and what it tells when it learns."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from anhuan.channels.above import Key
from anhuan.kit import clock, terms
from anhuan.kit.errors import Unavailable
from anhuan.repayments import moving, precheck, store, views
from anhuan.repayments.model import OrderView

log = structlog.get_logger(__name__)


def record(db: Session, party: UUID, key: UUID, *, now: datetime) -> OrderView | None:
    """Bring the order of an instruction to what is known of it now, and post what follows; twice is once."""
    rows = store.orders_for(db, [(party, key)])
    moving.learn(db, rows, now=now)
    return views.view_of(rows[0]) if rows else None


def told(db: Session, keys: Sequence[Key], now: datetime) -> None:
    """What `channels` calls: what it learnt stands even where an order cannot follow; the next round looks at it.

    All orders move at once; where that breaks each moves by itself, so that one holds up no other.
    """
    try:
        with db.begin_nested():
            moving.learn(db, store.orders_for(db, keys), now=now)
    except Unavailable:
        raise
    except Exception:
        if len(keys) > 1:
            for one in keys:
                told(db, [one], now)
            return
        log.exception("an order could not follow its instruction", key=str(keys[0][1]))
        for row in store.orders_for(db, keys, lock=False):
            row.next_at = now
        db.flush()


def may_go(db: Session, keys: Sequence[Key], now: datetime) -> Mapping[Key, datetime]:
    """What `channels` asks right before bytes go out: until when they wait, because the payer or the house said so."""
    rows = {(row.user_id, row.key): row for row in store.orders_for(db, keys, lock=False)}
    waits = precheck.waits_of(db, {(row.user_id, row.account_id) for row in rows.values()})
    until = now + look_again(now)
    return {key: until for key in keys if (row := rows.get(key)) and (row.user_id, row.account_id) in waits}


def look_again(now: datetime) -> timedelta:
    """How long something waits before it is asked once more whether it may go."""
    minutes: int = terms.ask("look_again_minutes", on=now.astimezone(clock.CHINA).date(), scopes=("platform",)).value
    return timedelta(minutes=minutes)
