"""What it costs a page to know who asks: the session's check and the wall, alone and within a page.

The bar is 2 ms at the median (issue 3). Figures are of this process and the embedded server with fsync on.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from fastapi.testclient import TestClient
from rich.table import Table
from sqlalchemy import text

from anhuan import app, identity
from anhuan.identity import sessions
from anhuan.kit import clock, db, ids, page
from anhuan.kit.actors import Strength

ROUNDS: Final = 2000
PAGES: Final = 300


def tables() -> Iterator[Table]:
    """One table: the transaction alone, with the session's check, and a whole page with and without."""
    with tempfile.TemporaryDirectory(prefix="anhuan-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # as root the server runs as another user, who must get in
        before, os.environ["ANHUAN_HOME"] = os.environ.get("ANHUAN_HOME"), folder
        try:
            db.migrate()
            now, person = clock.now(), ids.new_id()
            with db.transaction() as session:
                identity.add_person(session, now=now, person_id=person)
                token = identity.open_session(session, person, strength=Strength.PASSKEY, now=now)
            yield _table(token)
        finally:
            db.close()
            os.environ.pop("ANHUAN_HOME")
            if before is not None:
                os.environ["ANHUAN_HOME"] = before


def _table(token: str) -> Table:
    maker = db.sessions()

    def alone() -> None:
        with maker.begin() as session:
            session.execute(text("SELECT 1"))

    def checked() -> None:
        with maker.begin() as session:
            sessions.admit(session, token, now=clock.now())
            session.execute(text("SELECT 1"))

    client = TestClient(app.create(maker), base_url="http://localhost:8000")
    cookie = {"cookie": f"{page.SESSION_COOKIE}={token}"}

    def open_page() -> None:
        assert client.get("/education/instalment").status_code == 200

    def own_page() -> None:
        assert client.get("/me/limits", headers=cookie).status_code == 200

    table = Table("who asks", "median ms", "p99 ms", "rounds", title="session", title_justify="left")
    plain, known = _timed(alone, ROUNDS), _timed(checked, ROUNDS)
    for name, took in (("a transaction with one question", plain), ("the same with session and wall", known)):
        table.add_row(name, f"{statistics.median(took):.2f}", f"{_p99(took):.2f}", f"{len(took):,}")
    more = statistics.median(known) - statistics.median(plain)
    table.add_row("[bold]added by the check[/bold] (bar 2 ms)", f"[bold]{more:.2f}[/bold]", "", "")
    for name, work in (("an open page", open_page), ("a page of one's own", own_page)):
        took = _timed(work, PAGES)
        table.add_row(name, f"{statistics.median(took):.2f}", f"{_p99(took):.2f}", f"{len(took):,}")
    return table


def _timed(work: Callable[[], None], rounds: int) -> list[float]:
    for _ in range(20):
        work()
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)


def _p99(took: list[float]) -> float:
    return took[int(len(took) * 0.99)]
