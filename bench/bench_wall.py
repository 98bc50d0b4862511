"""What the wall of rows costs: the hottest questions behind it and without it, turn about, as ratios.

Without it asks the owner, whom policies do not bind; behind it asks the web's own login. Both ask the same functions
for the same rows on one database in which a second household has as many, so that there is something to keep apart.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from rich.table import Table
from sqlalchemy import event
from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cli import demo
from anhuan.kit import clock, db, ids, wall
from anhuan.statements import service
from anhuan.statements.changes import Upload
from bench.bench_import import SEED, export

LINES: Final = 20_000
ROUNDS: Final = 60
PAGE: Final = 50


def tables() -> Iterator[Table]:
    """One table: median milliseconds of each question, and how many times as long it takes behind the wall."""
    with tempfile.TemporaryDirectory(prefix="anhuan-bench-") as folder:
        Path(folder).chmod(0o711)  # as root the server runs as another user, who must get in
        before, os.environ["ANHUAN_HOME"] = os.environ.get("ANHUAN_HOME"), folder
        try:
            db.migrate()
            mine, other = ids.new_id(), ids.new_id()
            for who in (mine, other):
                household(who)
            yield _table(mine)
        finally:
            db.close()
            os.environ.pop("ANHUAN_HOME")
            if before is not None:
                os.environ["ANHUAN_HOME"] = before


def household(who: UUID) -> None:
    """The demo household with 20,000 rows of a wallet beside its bills."""
    now = clock.now()
    with db.transaction() as session:
        wall.enter(session, party=who, person=who)
        demo.fill(session, who, now=now)
    with db.transaction() as session:
        wall.enter(session, party=who, person=who)
        service.take_in(session, who, [Upload("a.csv", export(random.Random(SEED), LINES, extra=0))], now=now)


def _table(who: UUID) -> Table:
    today = clock.today()
    with db.transaction() as session:
        wall.enter(session, party=who, person=who)
        account = cards.accounts(session, who)[0].account_id
    questions: dict[str, Callable[[Session], Any]] = {
        "due board": lambda session: cards.due_board(session, who, on=today),
        "bills of a card": lambda session: cards.bills_of(session, who, account),
        f"page of {PAGE} of {LINES:,} lines": lambda session: service.lines(session, who, at_most=PAGE),
        f"the same, deep in ({LINES // 2:,})": lambda session: service.lines(
            session, who, offset=LINES // 2, at_most=PAGE
        ),
    }
    table = Table(
        "question", "without, ms", "behind, ms", "times", "server alone: without", "behind", "times",
        title=f"the wall of rows, medians of {ROUNDS} turns about",
    )  # fmt: skip
    for name, ask in questions.items():
        free, held = turns(who, ask)
        table.add_row(name, *_cells(free, held))
    return table


def turns(who: UUID, ask: Callable[[Session], Any]) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Seconds of each turn without and behind the wall: in all, and in statements alone."""
    owner, web = db.open_engine(db.access().owner), db.open_engine(db.access().app)
    free: list[tuple[float, float]] = []
    held: list[tuple[float, float]] = []
    for turn in range(ROUNDS + 20):
        for engine, kept in ((owner, free), (web, held)) if turn % 2 else ((web, held), (owner, free)):
            spent = _spent(engine, who, ask)
            if turn >= 20:  # the first ones fill caches
                kept.append(spent)
    owner.dispose()
    web.dispose()
    return free, held


def _spent(engine: Any, who: UUID, ask: Callable[[Session], Any]) -> tuple[float, float]:
    with Session(engine) as session:
        wall.enter(session, party=who, person=who)  # both say it, so that only the policies differ
        watched = _Statements(session)
        began = time.perf_counter()
        ask(session)
        return time.perf_counter() - began, watched.seconds


class _Statements:
    """The seconds that a session waits for the server."""

    def __init__(self, session: Session) -> None:
        self.seconds, self._began = 0.0, 0.0
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", self._before)
        event.listen(connection, "after_cursor_execute", self._after)

    def _before(self, *about: Any) -> None:
        self._began = time.perf_counter()

    def _after(self, *about: Any) -> None:
        self.seconds += time.perf_counter() - self._began


def _cells(free: list[tuple[float, float]], held: list[tuple[float, float]]) -> Iterator[str]:
    for at in (0, 1):
        without, behind = (statistics.median(one[at] for one in turns) for turns in (free, held))
        yield f"{without * 1000:.2f}"
        yield f"{behind * 1000:.2f}"
        yield f"{behind / without:.2f}"
