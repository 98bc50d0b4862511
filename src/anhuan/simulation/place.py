"""A town while it lives: its processes, the hand on its bank, its people, its diary."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from anhuan.simulation import store
from anhuan.simulation.bank import Hand
from anhuan.simulation.dice import Dice
from anhuan.simulation.model import Ask, Diary, Household
from anhuan.simulation.people import App, People
from anhuan.simulation.processes import Town
from anhuan.simulation.store import Row

Say = Callable[[str], None]


@dataclass(slots=True)
class Place:
    """Everything that lives in one town."""

    ask: Ask
    town: Town
    hand: Hand
    people: People
    impostor: App  # whoever holds our keys and sends what we have sent
    houses: list[Household]
    diary: Diary
    begins: datetime
    now: datetime
    say: Say
    kept: psycopg.Connection[Row] | None = None
    calm: bool = False  # nobody is killed any more, nothing else goes wrong

    @property
    def dice(self) -> Dice:
        """The dice of this town's seed."""
        return Dice(self.ask.seed)

    @contextmanager
    def administrator(self) -> Iterator[psycopg.Connection[Row]]:
        """The administrator's connection to our database, kept open; after a fault the next asker gets a new one."""
        if self.kept is None or self.kept.closed:
            self.kept = store.connect(self.town.owner)
        try:
            yield self.kept
        except psycopg.Error:
            self.kept.close()
            raise
