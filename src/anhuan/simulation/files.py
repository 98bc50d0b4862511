"""Whoever runs the house fetches each day's reconciliation files until they are there, and once more the day after: a
day that was late, broken or came out anew (scenario 27) is met as an operator meets it.
"""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final

from anhuan.channels import file_taking, kept_files, simbank_http
from anhuan.channels.model import FileDamaged, FileNotReady
from anhuan.kit import db
from anhuan.kit.clock import CHINA
from anhuan.simulation import rules, ticking
from anhuan.simulation.model import Asked
from anhuan.simulation.place import Place

MORNING: Final = time(9)  # before it nobody is at the desk
LOOKS: Final = 2  # at each day: when its files come out, and the day after
_DAY: Final = timedelta(days=1)


def spoil(place: Place, day: date) -> None:
    """Let the files of this day go wrong in one way, now and then."""
    if rules.WHOLE_FILES in place.ask.faults and not place.calm:
        how = place.dice.one_of(rules.FACES, "files", day)
        place.hand.switch(rules.WHOLE_FILES, rules.SPOILED, {"how": how})


def fetch(place: Place, moment: datetime) -> None:
    """Ask for the files of the days that are over and not done with; what comes is kept and read."""
    here = moment.astimezone(CHINA)
    yesterday = here.date() - _DAY
    if yesterday >= place.begins.astimezone(CHINA).date():
        place.diary.files.setdefault(yesterday, Asked(here.date(), LOOKS))
    if here.time() < MORNING:
        return
    for day, asked in place.diary.files.items():
        if asked.looks and asked.next_on <= here.date() and ticking.patiently(place, partial(_taken, place, day)):
            asked.looks, asked.next_on = asked.looks - 1, here.date() + _DAY


def _taken(place: Place, day: date) -> bool:
    """Whether the bank gave the files of a day, or ones that had to be refused whole."""
    try:
        found = kept_files.fetch(simbank_http.NAME, day)
    except FileNotReady:
        place.diary.fetched["waited for"] += 1
        return False
    except FileDamaged:
        place.diary.fetched["refused"] += 1
        return True
    for one in found:
        with db.sessions("work").begin() as session:
            taken = file_taking.take(session, one, now=place.now)
        if taken.damaged is not None:
            place.diary.unread[f"{day} {one.name}"] = taken.damaged.message
        elif taken.new:
            place.diary.fetched["came anew" if taken.revision else "read"] += 1
    return True
