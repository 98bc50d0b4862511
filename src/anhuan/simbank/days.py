"""The agenda run in order: whatever falls due between the clock's old and new moment, each in a transaction of its own.

At the end of a bank day its files are made and the cards whose statement day it is get their bills.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from anhuan.kit.clock import CHINA
from anhuan.simbank import billing, books, day_files, payments, store, store_agenda
from anhuan.simbank.house import Act, Bank, midnight
from anhuan.simbank.model import BadOrder, CardPosting, GoesBack

_DAY: Final = timedelta(days=1)
_NOON: Final = time(12)
_BOOKED: Final = {"charge": books.MERCHANTS, "refund": books.MERCHANTS, "cash": books.WORLD}


def furnish(act: Act) -> None:
    """The accounts and the first end of day of a bank that begins."""
    books.open_house(act)
    plan_end_of_day(act, act.today)


def move_clock(bank: Bank, until: datetime) -> int:
    """Move the bank's clock and do everything that falls due on the way, in order; tells how many things were done."""
    ran = 0
    with bank.lock:
        with bank.act() as act:
            if until < act.now:
                raise GoesBack(f"the bank's clock shows {act.now.isoformat()} and only moves forward", field="now")
        while _run_one(bank, until):
            ran += 1
        with bank.act(at=until):
            pass
    return ran


def plan_end_of_day(act: Act, day: date) -> None:
    """Put the end of this bank day on the agenda."""
    store_agenda.plan(act.db, midnight(day + _DAY), "day_end", day.isoformat())


def plan_charge(act: Act, said: Mapping[str, Any]) -> None:
    """Put a charge, a refund or a cash advance on the agenda of its day (today where none is named), at noon or now."""
    card, kind, amount = str(said["card"]), str(said.get("kind", "charge")), int(said["amount"])
    day = date.fromisoformat(str(said.get("day", act.today.isoformat())))
    if day < act.today:
        raise BadOrder(f"{day} is over; the bank books today or later", field="day")
    if kind not in _BOOKED or amount <= 0 or store.card(act.db, card) is None:
        raise BadOrder(f"a charge names a card, fen above zero, and one of {sorted(_BOOKED)}", field="charges")
    if kind == "cash":
        billing.check_cash(act, card, day)
    due = max(act.now, datetime.combine(day, _NOON, CHINA))
    facts = {"kind": kind, "amount": amount, "text": str(said.get("text", "")), "ref": str(said.get("ref", ""))}
    store_agenda.plan(act.db, due if day > act.today else act.now, "charge", card, facts)


def _charge(act: Act, card: str, facts: Mapping[str, Any]) -> None:
    """Book a charge, refund or cash advance on a card."""
    owed, other = facts["kind"] != "refund", _BOOKED[facts["kind"]]
    amount, account = int(facts["amount"]), books.of_card(card)
    source, target = (account, other) if owed else (other, account)
    books.move(act, facts["kind"], source, target, amount, text=facts["text"])
    one = CardPosting(
        act.number("posting"), card, act.today, act.now, facts["kind"], -amount if owed else amount, facts["text"],
        reference=facts["ref"] or None,
    )  # fmt: skip
    store.add_posting(act.db, one)


def _run_one(bank: Bank, until: datetime) -> bool:
    with bank.act() as act:
        due = store_agenda.next_due(act.db, until)
        now = act.now
    if due is None:
        return False
    with bank.act(at=max(now, due["due_at"])) as act:
        _DUTIES[due["kind"]](act, due["subject"], due["facts"])
        store_agenda.done(act.db, due["seq"], act.now)
    return True


def _end_of_day(act: Act, subject: str, facts: Mapping[str, Any]) -> None:
    """Midnight: the issuers close their day, the files of the day are made, and the next day begins."""
    day = date.fromisoformat(subject)
    billing.close_day(act, day)
    day_files.make(act, day)
    plan_end_of_day(act, day + _DAY)


_Duty = Callable[[Act, str, Mapping[str, Any]], None]
_DUTIES: Final[Mapping[str, _Duty]] = {
    "step": payments.step,
    "book": lambda act, key, facts: payments.book(act, key),
    "withdraw": lambda act, key, facts: payments.withdraw(act, key),
    "correct": lambda act, key, facts: payments.correct(act, key),
    "return": lambda act, key, facts: payments.give_back(act, key, "returned", facts["reason"]),
    "charge": _charge,
    "day_end": _end_of_day,
}
