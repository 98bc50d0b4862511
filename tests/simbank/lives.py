"""Random lives of card accounts: everything that may happen to a card, in an order that the bank books."""

import random
from datetime import date, timedelta

from anhuan.simbank import terms as banks
from anhuan.simbank.issued import Account, BadEvent, Event, What
from anhuan.simbank.issuer import opened, run


def any_life(dice: random.Random, bank: str, days: int = 200) -> tuple[Account, list[Event]]:
    """Everything that may happen to a card, in an order that the bank books."""
    start = date(2026, 1, 1) + timedelta(days=dice.randrange(300))
    account = opened(bank, "card", statement_day=dice.choice(banks.bank(bank).statement_days), on=start)
    events = []
    for number in range(days):
        day = start + timedelta(days=number)
        roll = dice.random()
        if roll < 0.2:
            events.append(Event(day, What.CHARGE, dice.randint(1, 300_000), f"c{number}"))
        elif roll < 0.25:
            events.append(Event(day, What.PAYMENT, dice.randint(1, 900_000), f"p{number}"))
        elif roll < 0.27:
            events.append(Event(day, What.REFUND, dice.randint(1, 90_000), f"r{number}"))
        elif roll < 0.28 and bank == "sim_e":
            events.append(Event(day, What.CASH, dice.randint(1, 90_000), f"a{number}"))
        elif roll < 0.29 and (gone := [one for one in events if one.what is What.PAYMENT]):
            back = dice.choice(gone)
            if not any(one.corrects == back.ref for one in events):
                events.append(Event(day, What.RETURNED, back.amount, corrects=back.ref))
        elif roll < 0.31:
            now = run(account, events, until=day - timedelta(days=1)).account
            offers = [one for one in banks.terms_on(bank, day).instalments if one.minimum <= now.open_now]
            if offers and now.cycle and not now.cycle.instalment_taken and now.cycle.statement_on.month == day.month:
                events.append(
                    Event(day, What.INSTALMENT, dice.randint(offers[0].minimum, now.open_now), offer=offers[0].id)
                )
    return account, [one for one in events if bookable(account, events, one)]


def bookable(account: Account, events: list[Event], event: Event) -> bool:
    """Instalments drawn before a later booking of the same history may not fit any more."""
    if event.what is not What.INSTALMENT:
        return True
    try:
        run(account, [one for one in events if one.day <= event.day], until=event.day)
    except BadEvent:
        return False
    return True
