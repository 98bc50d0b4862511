"""Who kills in a town: a thread of its own, at moments that nobody knows of; the dead are up again at once."""

import queue
import threading
import time
from types import TracebackType
from typing import Final

import structlog

from anhuan.simulation.model import Kind
from anhuan.simulation.place import Place

LONGEST_WAIT: Final = 700  # milliseconds between a kill being decided and done
STILL: Final = 6.0  # seconds that a worker is held still: longer than it may be silent
STILL_EVERY: Final = 8  # so many kills
log = structlog.get_logger(__name__)


class Reaper:
    """Kills what it is told to; leaving the block ends it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._orders: queue.Queue[Kind | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="reaper", daemon=True)
        self._still: list[threading.Thread] = []

    def __enter__(self) -> "Reaper":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._orders.put(None)
        self._thread.join(timeout=120)
        for one in self._still:
            one.join(timeout=30)

    def take(self, kind: Kind) -> None:
        """Kill one of these, soon."""
        self._orders.put(kind)

    def done(self) -> bool:
        """Whether everybody who was to be killed has been."""
        return self._orders.unfinished_tasks == 0

    def _work(self) -> None:
        place, done = self._place, 0
        while (kind := self._orders.get()) is not None:
            try:
                time.sleep(place.dice.between(0, LONGEST_WAIT, "wait", done) / 1000)
                place.town.kill(kind, place.dice.number("victim", done))
                place.diary.kills[kind.value] += 1
                done += 1
                if kind in (Kind.WEB, Kind.BANK):
                    place.town.await_door(kind)
                if done % STILL_EVERY == 4:
                    self._hold_still(done)
            except Exception:
                log.exception("a kill went wrong", kind=kind.value)
            finally:
                self._orders.task_done()

    def _hold_still(self, number: int) -> None:
        held = threading.Thread(target=self._place.town.hold_still, args=(number, STILL), daemon=True)
        held.start()
        self._still.append(held)
        self._place.diary.kills["worker_held_still"] += 1
