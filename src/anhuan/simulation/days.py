"""The days of a town: who moves in, what happens each day, and the quiet at the end."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from anhuan.channels.model import OtherBody
from anhuan.kit.clock import CHINA
from anhuan.simulation import files, rules, store, ticking
from anhuan.simulation.habits import Act, Habits
from anhuan.simulation.killing import Reaper
from anhuan.simulation.model import Kind
from anhuan.simulation.place import Place

HANDS: Final = 6  # households that act at the same moment
FIRST_KILLS: Final = 3  # days in which nobody is killed: nothing is under way
_DAY: Final = timedelta(days=1)
log = structlog.get_logger(__name__)


def move_in(place: Place) -> None:
    """Enter every household and its cards, plan what they will buy, give the bank its script."""
    place.say(f"{len(place.houses)} households move in")
    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(place.people.move_in, place.houses))
    first = place.begins.astimezone(CHINA).date()
    charges = [
        {"card": card.number, "kind": "charge", "amount": fen, "day": (first + days * _DAY).isoformat(), "text": "消费"}
        for house in place.houses for card in house.cards for days, fen in card.charges
    ]  # fmt: skip
    for start in range(0, len(charges), 500):
        place.hand.charge(charges[start : start + 500])
    payments = 4 * sum(len(house.cards) for house in place.houses) * (place.ask.days // 30 + 1)
    steps = rules.script(place.ask, payments)
    if steps:
        place.hand.say("PUT", "/sim/script", {"steps": [{"scenarios": numbers} for numbers in steps]})
    for number in rules.of_bills(place.ask):
        place.hand.switch(number, "1/12")


def live(place: Place, habits: Habits) -> None:
    """Day after day, with everything that goes wrong."""
    first = place.begins.astimezone(CHINA).date()
    deck = rules.kills(place.ask)
    on_day = rules.kill_days(place.ask, min(FIRST_KILLS, place.ask.days - 1))
    began = time.monotonic()
    with Reaper(place) as reaper:
        for number in range(place.ask.days):
            victims = [deck[nth] for nth, day in enumerate(on_day) if day == number]
            _day(place, habits, first + number * _DAY, reaper, victims)
            if number % 10 == 9:
                spent = time.monotonic() - began
                killed = sum(place.diary.kills.values())
                place.say(
                    f"day {number + 1} of {place.ask.days}: {len(place.diary.taps)} taps, {killed} kills, {spent:.0f} s"
                )
        while not reaper.done():
            time.sleep(0.05)


def rest(place: Place, habits: Habits, days: int) -> None:
    """Nobody dies, nothing goes wrong any more; people do what they have in mind, late answers and proofs come in."""
    place.calm = True
    place.say("everything comes to rest")
    for number in range(1, 36):
        place.hand.switch(number, None)
    place.hand.say("PUT", "/sim/script", {"steps": []})
    today = place.now.astimezone(CHINA).date()
    for number in range(1, days + 1):
        _day(place, habits, today + number * _DAY, None, [])
    ticking.settle(place)


def _day(place: Place, habits: Habits, day: date, reaper: Reaper | None, victims: list[Kind]) -> None:
    """From event to event through one day."""
    habits.new_day(day)
    files.spoil(place, day)
    if not place.calm:
        habits.second_thoughts(day)
    left = list(victims)
    steps = [moment for moment in rules.moments(day) if moment > place.now]
    for nth, moment in enumerate(steps):
        if not left and nth + 1 < len(steps) and not _anything(place, habits, moment):
            continue
        while reaper is not None and left and place.dice.percent(45, "strikes", day, nth, len(left)):
            reaper.take(left.pop())
        ticking.turn(place, moment, behind=_behind(place, moment))
        _act(habits.agenda.due(moment), place)
        _send_again(place, moment)
        files.fetch(place, moment)
        ticking.settle(place)
    for one in left if reaper is not None else ():
        reaper.take(one)  # type: ignore[union-attr]


def _behind(place: Place, moment: datetime) -> timedelta:
    """By how much our clock goes wrong for a while: it is set back a little now and then."""
    wrong = place.ask.faults and not place.calm and place.dice.percent(4, "clock", moment)
    return timedelta(seconds=place.dice.between(30, 200, "behind", moment)) if wrong else timedelta()


def _send_again(place: Place, moment: datetime) -> None:
    """Whoever holds our keys sends an instruction a second time: the same bytes (14), or others (15)."""
    wanted = [one for one in (rules.SAME_BYTES, rules.OTHER_BYTES) if one in place.ask.faults]
    if place.calm or not wanted or not place.dice.percent(12, "again", moment):
        return
    number = place.dice.one_of(wanted, "which", moment)

    def send() -> None:
        with place.administrator() as admin:
            sent = store.sent_lately(admin, moment - _DAY)
            if not sent:
                return
            key = place.dice.one_of(sent, "whose", moment)["key"]
            body = store.body_of(admin, key)
        said = json.loads(body)
        if number == rules.OTHER_BYTES:
            said["amount"] += 1
            body = json.dumps(said).encode()
        with suppress(OtherBody):
            place.impostor.send(key, body, said["amount"])
        place.diary.sent_again[number] += 1

    ticking.patiently(place, send)


def _anything(place: Place, habits: Habits, moment: datetime) -> bool:
    """Whether something is due until this moment, at the bank, with us, or in somebody's mind."""
    mind, event = habits.agenda.next_at(), ticking.next_event(place)
    return any(at is not None and at <= moment for at in (mind, event))


def _act(acts: dict[int, list[Act]], place: Place) -> None:
    """Let the households act, several at the same time, each its own acts one after the other."""

    def follow(mine: list[Act]) -> None:
        for act in mine:
            act()

    with ThreadPoolExecutor(HANDS) as hands:
        try:
            for done in [hands.submit(follow, mine) for mine in acts.values()]:
                done.result()
        except BaseException:
            place.town.give_up()  # else the block would wait for everybody's patience to end
            raise
