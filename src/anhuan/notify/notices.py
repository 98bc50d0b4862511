"""What the second watcher has to say on the desk's first page."""

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from anhuan.identity.desk_page import Notice
from anhuan.kit import clock
from anhuan.kit.actors import Actor
from anhuan.notify import watchers

SILENT: Final = timedelta(minutes=3)
WORDS: Final = {
    "ops_no_worker": ("后台任务没有响应", "no background worker"),
    "ops_jobs_late": ("后台任务积压", "background work is late"),
}


def notices(db: Session, who: Actor, now: datetime, on: date) -> list[Notice]:
    """Incidents that last, and a watcher that is silent itself: nobody would warn payers without the worker."""
    if not who.may("desk.health"):
        return []
    found = []
    for kind, since in watchers.standing(db):
        zh, en = WORDS.get(kind, (kind, kind))
        at = f"{since.astimezone(clock.CHINA):%m-%d %H:%M}"
        found.append(Notice("late", f"{zh}，{at} 起", f"{en} since {at}", "/desk/health"))
    last = watchers.last(db)
    if last is not None and now - last.seen_at > SILENT:
        at = f"{last.seen_at.astimezone(clock.CHINA):%m-%d %H:%M}"
        found.append(
            Notice("late", f"第二值守没有心跳，{at} 起", f"the second watcher is silent since {at}", "/desk/health")
        )
    return found
