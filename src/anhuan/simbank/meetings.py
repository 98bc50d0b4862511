"""Which scenarios a payment meets: its card's marks, the script, and what is switched on, decided once for each key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from anhuan.simbank import store, store_agenda
from anhuan.simbank.house import Act

OF_DAYS: Final = (27, 31, 35)  # switched on, these meet days and bills; a script or a mark gives them to payments too


@dataclass(frozen=True, slots=True)
class Meeting:
    """What one key meets; `heard` calls with it came before this one."""

    scenarios: tuple[int, ...]
    params: Mapping[str, Mapping[str, Any]]
    first_at: datetime
    heard: int


def meet(act: Act, key: str, card: str) -> Meeting:
    """The scenarios of this key: those of its first call, however often it comes; counts the call."""
    row = store_agenda.meeting(act.db, key) or _first(act, key, card)
    store_agenda.heard(act.db, key)
    return Meeting(tuple(row["scenarios"]), row["params"], row["first_at"], row["heard"])


def switched(act: Act, about: str) -> dict[int, dict[str, Any]]:
    """The scenarios that are switched on and happen to this payment, or this day; with their parameters."""
    return {
        row["number"]: row["params"]
        for row in store_agenda.switches(act.db)
        if act.dice.chance(Fraction(row["probability"]), "switch", row["number"], about)
    }


def _first(act: Act, key: str, card: str) -> dict[str, Any]:
    numbers, params = set[int](), dict[str, Any]()
    for number, told in switched(act, key).items():
        if number in OF_DAYS:
            continue
        numbers.add(number)
        params[str(number)] = told
    known = store.card(act.db, card)
    if known is not None:
        numbers |= set(known.marks)
        params |= known.facts.get("params", {})
    step = store_agenda.take_script(act.db, key)
    if step is not None:
        numbers |= set(step["scenarios"])
        params |= step["params"]
    return store_agenda.meet(act.db, key, sorted(numbers), params, act.now)
