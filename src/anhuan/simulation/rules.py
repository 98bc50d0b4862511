"""How a town is made of a seed: households with incomes, cards and habits; which scenarios payments meet; who is killed
when. Values in, values out.
"""

from datetime import date, datetime, time, timedelta
from typing import Final

from anhuan.kit.clock import CHINA
from anhuan.simulation.dice import Dice
from anhuan.simulation.model import BANKS, OF_BILLS, SCENARIOS, STATEMENT_DAYS, Ask, BadPlan, Card, Household, Kind, Way

# Habits in the order in which small towns get them; large towns draw from the whole row.
HABITS: Final = (
    Way.DOUBLE, Way.AUTO_FULL, Way.MINIMUM, Way.BY_HAND, Way.OVERDRAWN, Way.PLANNER, Way.IN_PARTS, Way.AUTO_MINIMUM,
    Way.FULL, Way.FORGETFUL, Way.AUTO_FIXED, Way.DOUBLE, Way.AUTO_FULL, Way.FULL, Way.FULL, Way.DOUBLE,
)  # fmt: skip
# Of the 35 scenarios, those that a payment meets by the bank's script; the others come otherwise.
OF_PAYMENTS: Final = (
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30, 32, 33, 34,
)  # fmt: skip
SLOW: Final = frozenset({22})  # a real wait of half a minute: once in a script, however long it is
WHOLE_FILES: Final = 27  # this one meets the files of a day, in one of the ways that the bank knows
FACES: Final = ("late", "reissued", "truncated", "wrong_checksum", "gbk")
SPOILED: Final = "1/3"  # of all days
SAME_BYTES: Final = 14  # these two are played by whoever holds our keys: the same instruction once more,
OTHER_BYTES: Final = 15  # or other bytes under its key
WAYS_TO_DIE: Final = ((Kind.WORKER, 32), (Kind.BANK, 26), (Kind.DATABASE, 22), (Kind.WEB, 20))  # in a hundred
HOURS: Final = (
    time(0, 20), time(9, 20), time(10, 5), time(10, 25), time(12, 40), time(18, 5), time(18, 25),
)  # fmt: skip
MOST_HOUSEHOLDS: Final = 2000
MOST_DAYS: Final = 370
MOST_KILLS: Final = 2000
_NAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏"
_GIVEN: Final = ("明远", "晓琳", "建国", "思雨", "子涵", "文博", "佳怡", "海涛", "欣然", "志强")


def checked(ask: Ask) -> Ask:
    """What was asked for, if a town can be made of it."""
    bounds = (
        ("--households", ask.households, 1, MOST_HOUSEHOLDS), ("--days", ask.days, 1, MOST_DAYS),
        ("--kills", ask.kills, 0, MOST_KILLS),
    )  # fmt: skip
    for name, value, low, high in bounds:
        if not low <= value <= high:
            raise BadPlan(f"{name} lies between {low} and {high}, not at {value}", field=name)
    unknown = set(ask.faults) - set(SCENARIOS)
    if unknown:
        raise BadPlan(f"there is no scenario {min(unknown)}; they are 1 to 35", field="--faults")
    return ask


def faults_of(text: str) -> tuple[int, ...]:
    """`all`, `none`, or numbers with commas."""
    match text.strip().lower():
        case "all":
            return tuple(SCENARIOS)
        case "none" | "":
            return ()
        case listed:
            try:
                return tuple(sorted({int(one) for one in listed.split(",")}))
            except ValueError:
                raise BadPlan(
                    f"--faults is all, none, or numbers like 7,17,32, not {text!r}", field="--faults"
                ) from None


def households(ask: Ask, *, begins: date) -> list[Household]:
    """Who lives in the town: the same seed and day give the same people, cards and habits."""
    dice = Dice(ask.seed)
    return [_household(dice, number, ask, begins) for number in range(1, ask.households + 1)]


def script(ask: Ask, payments: int) -> list[list[int]]:
    """What the payments of the town meet, one step each: in each round every scenario once, and quiet ones between."""
    wanted = [number for number in OF_PAYMENTS if number in ask.faults]
    if not wanted:
        return []
    dice, steps, slow_left = Dice(ask.seed), list[list[int]](), True
    while len(steps) < payments:
        turn = len(steps)
        for number in dice.shuffled(wanted, "script", turn):
            if number in SLOW and not slow_left:
                continue
            slow_left = slow_left and number not in SLOW
            steps += [[number], *([[]] * dice.between(0, 1, "quiet", turn, number))]
    return steps


def of_bills(ask: Ask) -> list[int]:
    """The scenarios that bills meet by chance."""
    return [number for number in OF_BILLS if number in ask.faults]


def kills(ask: Ask) -> list[Kind]:
    """Who is killed, in order: each kind by its share, one tenth at least."""
    deck: list[Kind] = []
    for kind, share in WAYS_TO_DIE:
        deck += [kind] * max(1 if ask.kills >= len(WAYS_TO_DIE) else 0, ask.kills * share // 100)
    left = ask.kills - len(deck)
    deck = (deck + [Kind.WORKER] * max(0, left))[: ask.kills]
    return Dice(ask.seed).shuffled(deck, "kills")


def kill_days(ask: Ask, first: int) -> list[int]:
    """On which day (from 0) each kill falls; none before payments can be under way."""
    dice, last = Dice(ask.seed), max(first, ask.days - 1)
    return sorted(dice.between(first, last, "kill day", number) for number in range(ask.kills))


def moments(day: date) -> list[datetime]:
    """When the town looks up on a day, if something is due."""
    return [datetime.combine(day, hour, CHINA) for hour in HOURS]


def statement_on(card: Card, year: int, month: int) -> date:
    """The day of a card's bill in a month."""
    first = date(year, month, 1)
    following = (first + timedelta(days=32)).replace(day=1)
    return min(first + timedelta(days=card.statement_day - 1), following - timedelta(days=1))


def is_statement_day(card: Card, day: date) -> bool:
    """Whether the bank prints a bill of this card for this day."""
    return statement_on(card, day.year, day.month) == day


def _household(dice: Dice, number: int, ask: Ask, begins: date) -> Household:
    small = ask.households <= len(HABITS)
    way = HABITS[number - 1] if small else dice.one_of(HABITS, "way", number)
    name = dice.one_of(_NAMES, "family", number) + dice.one_of(_GIVEN, "given", number)
    income = dice.between(80, 320, "income", number) * 10_000
    many = dice.between(1, 3 if small else 5, "cards", number)
    cards = tuple(_card(dice, number, place, ask, begins, income) for place in range(many))
    spare = 0 if way is Way.OVERDRAWN else income * 2
    return Household(
        number, name, way, income, dice.between(1, 28, "payday", number), spare + 50_000, cards,
        dice.between(2, 5, "lead", number), dice.one_of((10, 18), "hour", number),
    )  # fmt: skip


def _card(dice: Dice, number: int, place: int, ask: Ask, begins: date, income: int) -> Card:
    bank = BANKS[(number + place) % len(BANKS)] if ask.households <= len(HABITS) else dice.one_of(BANKS, number, place)
    days = sorted(STATEMENT_DAYS[bank], key=lambda day: (day - begins.day - 2) % 31)
    statement_day = days[0] if ask.days < 60 else dice.one_of(days, "statement day", number, place)
    charges: list[tuple[int, int]] = []
    for month in range(ask.days // 30 + 1):
        for nth in range(dice.between(1, 3, "charges", number, place, month)):
            day = month * 30 + (0 if month == 0 and nth == 0 else dice.between(0, 20, "day", number, place, month, nth))
            charges.append((day, dice.between(income // 40, income // 8, "fen", number, place, month, nth)))
    rich = not place and dice.percent(2, "rich", number)
    if rich:  # a bill that no single payment can carry
        charges.append((0, 6_000_000))
    tail = (number * 7 + place * 1009) % 10000  # two cards of one house never end in the same digits
    return Card(f"{990000 + BANKS.index(bank) + 1}{number:05d}{place}{tail:04d}", bank, statement_day,
                tuple(sorted(charges)))  # fmt: skip
