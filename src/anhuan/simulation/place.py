"""A town while it lives: its processes, the hand on its bank, its people, its diary."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from anhuan.simulation.bank import Hand
from anhuan.simulation.dice import Dice
from anhuan.simulation.model import Ask, Diary, Household
from anhuan.simulation.people import People
from anhuan.simulation.processes import Town

Say = Callable[[str], None]


@dataclass(slots=True)
class Place:
    """Everything that lives in one town."""

    ask: Ask
    town: Town
    hand: Hand
    people: People
    houses: list[Household]
    diary: Diary
    begins: datetime
    now: datetime
    say: Say
    calm: bool = False  # nobody is killed any more, nothing else goes wrong

    @property
    def dice(self) -> Dice:
        """The dice of this town's seed."""
        return Dice(self.ask.seed)

    @property
    def owner(self) -> str:
        """The address of the town's own administrator."""
        return self.town.server.join().owner
