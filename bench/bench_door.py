"""What the front door costs: the guard alone on a request that reads, and counting a request that writes.

Measured without a network: ASGI messages in, ASGI messages out, so the figures are the guard's own. Counting is one
statement in a server of its own (fsync off, as in the tests), over a connection of the pool.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.table import Table

from anhuan.kit import clock, postgres, rates
from anhuan.kit import db as database
from anhuan.web.guard import Guard

TIMES = 2000
WIDE = rates.Limit("bench", 1_000_000, 1)
BROWSER = [
    (b"host", b"localhost:8000"),
    (b"user-agent", b"Mozilla/5.0"),
    (b"accept", b"text/html"),
    (b"cookie", b"lang=zh; __Host-anhuan=" + b"a" * 43),
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-dest", b"document"),
]


def tables() -> Iterator[Table]:
    """The guard on a read, and counting on a write."""
    table = Table("what", "median", "99th of 100", "bar", title=f"the front door, {TIMES} requests each")
    bare, guarded = _asgi(_answer), _asgi(Guard(_answer))
    table.add_row("an empty application", *_shown(bare), "")
    table.add_row("the same behind the guard (a read)", *_shown(guarded), "0.3 ms")
    with tempfile.TemporaryDirectory(prefix="anhuan-bench-") as folder:
        place = Path(folder)
        place.chmod(0o711)
        server = postgres.Embedded(place / "server", testing=True)
        access = server.join()
        database.migrate(access.owner)
        engine = database.open_engine(access.app)
        before = database.use(engine)
        try:
            table.add_row("counting one try, one key", *_shown(_times(lambda: _take(1))), "2 ms")
            table.add_row("counting one try, three keys", *_shown(_times(lambda: _take(3))), "2 ms")
            table.add_row("a try that is known to be refused", *_shown(_times(_refused)), "0.1 ms")
        finally:
            database.use(before)
            engine.dispose()
            server.leave()
    yield table


def _take(keys: int) -> None:
    rates.take_all([(f"key {number}", WIDE) for number in range(keys)], now=clock.now())


def _refused() -> None:
    try:
        rates.take("refused", rates.Limit("bench.tight", 1, 3600), now=clock.now())
    except rates.TooMany:
        return


def _times(act: Callable[[], None]) -> list[float]:
    act()
    spent = []
    for _ in range(TIMES):
        began = time.perf_counter()
        act()
        spent.append(time.perf_counter() - began)
    return spent


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _asgi(app: Any) -> list[float]:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        return None

    class State:
        limits = staticmethod(lambda name: WIDE)

    class App:
        state = State

    async def run() -> list[float]:
        spent = []
        for _ in range(TIMES):
            scope = {"type": "http", "method": "GET", "path": "/cards", "raw_path": b"/cards", "query_string": b"",
                     "scheme": "http", "client": ("127.0.0.1", 1), "headers": BROWSER, "app": App}  # fmt: skip
            began = time.perf_counter()
            await app(scope, receive, send)
            spent.append(time.perf_counter() - began)
        return spent

    return asyncio.run(run())


def _shown(spent: list[float]) -> tuple[str, str]:
    ordered = sorted(spent)
    return f"{statistics.median(spent) * 1000:.3f} ms", f"{ordered[int(len(ordered) * 0.99)] * 1000:.3f} ms"
