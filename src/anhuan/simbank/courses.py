"""What a payment will meet: its scenarios folded into one course, decided when it is taken and kept with it.

Pure: numbers, parameters, dice and the payment's key in, a course out. A course is plain data and goes to JSON, so that
a killed bank goes on as it had decided.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from anhuan.simbank.dice import Dice
from anhuan.simbank.model import BadOrder, No, State
from anhuan.simbank.scenarios import params_of

MINUTE: Final = 60
ANSWERS: Final = ("drop", "hang", "error", "rubbish")  # how an answer fails to come
FORGERIES: Final = ("unknown_key", "wrong_key", "old", "changed_body")
_SLOWEST: Final = 8  # minutes that a slow payment takes at most, where nothing is said
_FASTEST: Final = 2


@dataclass(frozen=True, slots=True)
class Say:
    """One callback: what it says, how long after the payment was taken or became final, and in which dress."""

    state: str
    when: str = "final"  # taken, final
    after: int = 0  # seconds
    told_before: int = 0  # seconds by which the moment it names lies before its sending
    variant: str = "true"
    times: int = 1


@dataclass(frozen=True, slots=True)
class Course:
    """The way of one payment."""

    taken: bool = True  # False: what was sent is lost, and nobody says so
    steps: tuple[tuple[int, str], ...] = ((0, "success"),)  # seconds after it was taken, and the state it then has
    no: str | None = None
    at_most: int | None = None  # fen, or 0 for half of the bank's record; lower than what the caller believes
    answer: str = "whole"  # whole, late, or one of ANSWERS
    seconds: int = 0  # until a late answer comes or a hanging line is cut
    hidden: int = 0  # seconds during which the bank says "not found"
    arrival: str | None = None  # instead of the profile's
    workdays: bool = False
    cut_off: str | None = None
    unknown_years: tuple[int, ...] = ()
    returned: bool = False
    fee: int = 0  # fen kept from the amount on the way
    callbacks: tuple[Say, ...] | None = None  # instead of the usual one at the end
    old_reference: bool = False
    withdrawn_days: int = 0  # the booking is taken back so many days later,
    corrected_days: int = 0  # and made again so many days after it was first made

    def as_json(self) -> dict[str, Any]:
        """The course as it is kept."""
        kept: dict[str, Any] = msgspec.to_builtins(self)
        return kept


@dataclass(frozen=True, slots=True)
class Busy:
    """Why a payment is not taken now; nothing is kept of it."""

    code: str  # maintenance, rate_limited, busy
    seconds: int


def read(kept: Mapping[str, Any]) -> Course:
    """The course that `as_json` wrote."""
    return msgspec.convert(kept, Course)


def course_of(numbers: Iterable[int], params: Mapping[str, Mapping[str, Any]], dice: Dice, key: str) -> Course:
    """The course of a payment that meets all these scenarios together."""
    course = Course()
    for number in sorted(numbers):
        if number in _EFFECTS:
            course = _EFFECTS[number](course, params_of(number, params), dice, key)
    return course


def busy(
    numbers: Iterable[int], params: Mapping[str, Mapping[str, Any]], *, heard: int, waited: int, place: int | None
) -> Busy | None:
    """Whether the bank takes nothing now: `heard` calls with this key came before, the first `waited` seconds ago.

    `place` is the item's place in a batch, from 1.
    """
    here = set(numbers)
    if 20 in here:
        left = params_of(20, params)["minutes"] * MINUTE - waited
        if left > 0:
            return Busy("maintenance", left)
    if 21 in here:
        told = params_of(21, params)
        if heard < told["refusals"]:
            return Busy("rate_limited", told["seconds"])
    if 30 in here and place is not None and heard == 0 and place % max(1, params_of(30, params)["every"]) == 0:
        return Busy("busy", 1)
    return None


def _slowly(course: Course, minutes: int) -> Course:
    """Accepted, a little later processing, successful after so many minutes."""
    end = max(1, minutes) * MINUTE
    return replace(course, steps=((0, State.ACCEPTED), (min(20, end // 2), State.PROCESSING), (end, State.SUCCESS)))


def _minutes(told: Mapping[str, Any], dice: Dice, key: str) -> int:
    said = int(told["minutes"])
    return said or dice.between(_FASTEST, _SLOWEST, "minutes", key)


def _no_answer(course: Course, told: Mapping[str, Any]) -> Course:
    how = str(told["how"])
    if how not in ANSWERS:
        raise BadOrder(f"an answer fails by one of {', '.join(ANSWERS)}, not {how}", field="how")
    return replace(course, answer=how, seconds=int(told["seconds"]) if how == "hang" else 0)


def _forged(course: Course, told: Mapping[str, Any], dice: Dice, key: str) -> Course:
    """Forged ones come while the payment is on its way and say the opposite of what will be; the true one comes too."""
    wrong = [each for each in told["forged"] if each not in FORGERIES]
    if wrong:
        raise BadOrder(f"a callback is forged by {', '.join(FORGERIES)}, not {wrong[0]}", field="forged")
    says = [Say("failed", "taken", after=5 * place, variant=each) for place, each in enumerate(told["forged"], 1)]
    return replace(_slowly(course, _minutes(told, dice, key)), callbacks=(*says, Say("success")))


def _lost(course: Course, told: Mapping[str, Any], dice: Dice, key: str) -> Course:
    return replace(_no_answer(course, told), taken=False)


def _found_later(course: Course, told: Mapping[str, Any], dice: Dice, key: str) -> Course:
    return replace(_no_answer(course, told), hidden=int(told["minutes"]) * MINUTE)


def _out_of_order(course: Course, told: Mapping[str, Any], dice: Dice, key: str) -> Course:
    """The word of failure, said first and sent last, comes half a minute after the word of success."""
    says = (Say("success"), Say("failed", after=30, told_before=90))
    return replace(_slowly(course, int(told["minutes"])), callbacks=says)


_Effect = Callable[[Course, Mapping[str, Any], Dice, str], Course]
_EFFECTS: Final[Mapping[int, _Effect]] = {
    2: lambda course, told, dice, key: _slowly(course, _minutes(told, dice, key)),
    3: lambda course, told, dice, key: replace(course, arrival="next_day"),
    4: lambda course, told, dice, key: replace(course, workdays=True, cut_off=str(told["cut_off"])),
    5: lambda course, told, dice, key: replace(course, workdays=True),
    6: lambda course, told, dice, key: replace(course, workdays=True, unknown_years=tuple(told["unknown_years"])),
    7: lambda course, told, dice, key: _no_answer(course, told),
    8: _lost,
    9: _found_later,
    10: _out_of_order,
    11: lambda course, told, dice, key: replace(course, callbacks=(Say("success", times=int(told["times"])),)),
    12: lambda course, told, dice, key: replace(_slowly(course, _minutes(told, dice, key)), callbacks=()),
    13: _forged,
    16: lambda course, told, dice, key: replace(course, no=No.INSUFFICIENT_FUNDS),
    17: lambda course, told, dice, key: replace(course, returned=True),
    18: lambda course, told, dice, key: replace(course, no=No.DAILY_LIMIT),
    19: lambda course, told, dice, key: replace(course, at_most=int(told["lowered_to"])),
    22: lambda course, told, dice, key: replace(course, answer="late", seconds=int(told["seconds"])),
    26: lambda course, told, dice, key: replace(course, fee=int(told["fee"])),
    28: lambda course, told, dice, key: replace(course, old_reference=True),
    32: lambda course, told, dice, key: replace(
        course, withdrawn_days=int(told["withdrawn_days"]), corrected_days=int(told["corrected_days"])
    ),
    33: lambda course, told, dice, key: replace(course, no=No.CARD_FROZEN),
    34: lambda course, told, dice, key: _slowly(course, int(told["minutes"])),
}
