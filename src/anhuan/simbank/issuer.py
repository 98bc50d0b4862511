"""The card issuers of the simulated bank: one plain loop over days, written apart from everything that predicts it.

`run` takes an account as it stood at the end of a day, books what happened since, day after day, and gives back the
account at the end of another day with the bills sent in between. A day: charges, then the bill if it is a statement
day, then payments, then one day's interest, then the verdict if it is the last day of grace (planning.md, "What happens
on a card"). Nothing here reads a clock or throws dice; the same history gives the same bills.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from anhuan.kit.money import HALF_UP, UP, Money
from anhuan.simbank.issued import (
    Account,
    BadEvent,
    Charge,
    Cycle,
    Event,
    Item,
    Kind,
    Part,
    Ran,
    Row,
    Statement,
    Taken,
    What,
)
from anhuan.simbank.terms import Basis, CardTerms, day_in, terms_on

_DAY: Final = timedelta(days=1)
_DOWN: Final = "ROUND_FLOOR"
_BEFORE_THE_BILL: Final = (What.CHARGE, What.REFUND, What.CASH)


def opened(bank: str, card: str, *, statement_day: int, on: date, currency: str = "CNY") -> Account:
    """A new account that owes nothing; its first day is `on`, its bills come on `statement_day` of each month."""
    terms_on(bank, on)
    return Account(bank, card, statement_day, opened_on=on, through=on - _DAY, currency=currency)


def run(account: Account, events: Iterable[Event], *, until: date, terms: CardTerms | None = None) -> Ran:
    """Live on from the account's last closed day through `until`; the account handed in stays as it is.

    Events lie after `account.through`; those after `until` are left for another call. Within a day they are booked in
    the order given, charges before payments. `terms` stand in for the bank's own (golden cases).
    """
    account = account.apart()
    due: dict[date, list[Event]] = {}
    for event in events:
        if event.day <= account.through:
            raise BadEvent(f"{event.day} is closed already", field="day")
        if event.amount <= 0:
            raise BadEvent("an amount is positive", field="amount")
        due.setdefault(event.day, []).append(event)
    statements: list[Statement] = []
    while account.through < until:
        day = account.through + _DAY
        statements += _one_day(account, day, due.get(day, ()), terms)
        account.through = day
    return Ran(account, tuple(statements))


def is_statement_day(account: Account, day: date) -> bool:
    """Whether the bank sends this account's bill on the day; day 31 means the last of a month."""
    return day == day_in(day.year, day.month, account.statement_day)


def accrued(account: Account, terms: CardTerms | None = None) -> int:
    """Interest of the cycle that runs, not yet billed, rounded to the fen; through the last closed day."""
    return _at_rate(account.weight, _terms(account, account.through, terms).daily_rate)


def bearing(account: Account) -> int:
    """What bears interest at the end of the last closed day, fen."""
    return account.carried + account.unbilled_cash


def late_fee_to_come(account: Account) -> int:
    """A late fee that is due but not on a bill yet, fen."""
    return account.cycle.late_fee if account.cycle else 0


def scheduled_shares(account: Account, bills: int) -> list[list[int]]:
    """What the next bills will carry of instalments that run: for each bill its shares with their fees, fen."""
    plans = [replace(plan) for plan in account.taken]
    return [[_next_share(plan) for plan in plans if plan.billed < plan.periods] for _ in range(bills)]


def available(limit: int, accounts: Sequence[Account]) -> int:
    """What is left of a line that several accounts of one currency share, fen; 0 when it is used up."""
    used = sum(
        one.open_now + one.unbilled_cash + one.unbilled_fees + sum(item.open for item in one.unbilled) - one.credit
        + sum(plan.principal - _principal_billed(plan) for plan in one.taken)
        for one in accounts
    )  # fmt: skip
    return max(0, limit - used)


def cost_of_mistakes(account: Account, events: Sequence[Event], *, until: date) -> int:
    """What wrong bookings made the bank charge by `until`: interest and late fees, fen (scenario 32).

    The same days are lived once more with each correcting payment on the day it ought to have counted, and without
    the bookings that were taken back.
    """
    undone = {event.corrects for event in events if event.what is What.RETURNED}
    right = [
        replace(event, day=event.should_be, should_be=None) if event.should_be else event
        for event in events
        if event.what is not What.RETURNED and not (event.ref and event.ref in undone)
    ]
    return _charged(run(account, events, until=until)) - _charged(run(account, right, until=until))


# --- one day ------------------------------------------------------------------------------------------------------


def _one_day(account: Account, day: date, events: Sequence[Event], fixed: CardTerms | None) -> list[Statement]:
    terms = _terms(account, day, fixed)
    sent: list[Statement] = []
    for event in events:
        if event.what in _BEFORE_THE_BILL:
            _book_charge(account, event, terms)
    if is_statement_day(account, day):
        ending, terms = terms, fixed or terms_on(account.bank, day)
        sent.append(_issue(account, day, ending, terms))
    for event in events:
        if event.what not in _BEFORE_THE_BILL:
            _book_payment(account, event, terms)
    _stand_one_day(account)
    cycle = account.cycle
    if cycle and day == cycle.last_grace_day:
        _judge(account, cycle, terms)
    return sent


def _terms(account: Account, day: date, fixed: CardTerms | None) -> CardTerms:
    """The terms of the bill in force: those of its statement day, before the first bill those of the day."""
    if fixed:
        return fixed
    return terms_on(account.bank, account.cycle.statement_on if account.cycle else day)


def _stand_one_day(account: Account) -> None:
    """One night passes: what bears interest and what may yet bear it stands one day longer."""
    account.weight += account.carried + account.unbilled_cash
    for item in (*account.billed, *account.unbilled):
        item.weight += item.open
        item.days += 1


def _judge(account: Account, cycle: Cycle, terms: CardTerms) -> None:
    """The last day of grace is over: in full or not, in time or not."""
    cycle.judged = True
    _judge_interest(account, cycle, terms)
    _judge_minimum(account, cycle, terms)


def _judge_interest(account: Account, cycle: Cycle, terms: CardTerms) -> None:
    """Not in full: the charges owe interest from their posting days, and what is open of them is carried on."""
    cycle.in_full = cycle.paid >= cycle.balance - cycle.tolerance
    if cycle.in_full:
        return
    for item in account.billed:
        account.weight += item.weight if terms.interest_basis is Basis.FULL else item.open * item.days
        account.principal += item.open
        item.open = item.weight = item.days = 0


def _judge_minimum(account: Account, cycle: Cycle, terms: CardTerms) -> None:
    """Too little by too much: a late fee, dearer from the second month in a row where the bank has such a rate."""
    if cycle.paid >= cycle.minimum - terms.late_tolerance:
        account.missed_in_a_row, account.overdue_since = 0, None
        return
    again = terms.late_fee_rate_again if account.missed_in_a_row else None
    rate = terms.late_fee_rate if again is None else again
    cycle.late_fee = max(terms.late_fee_minimum, _at_rate(cycle.minimum - cycle.paid, rate))
    cycle.missed = True
    account.missed_in_a_row += 1
    account.overdue_since = account.overdue_since or cycle.due_on


# --- a bill -------------------------------------------------------------------------------------------------------


def _issue(account: Account, day: date, ending: CardTerms, terms: CardTerms) -> Statement:
    """The bill of the day: interest is rounded once, fees and charges come on it, the minimum is worked out."""
    last = account.cycle
    interest = _at_rate(account.weight, ending.daily_rate)
    late_fee = last.late_fee if last else 0
    missing = max(0, last.minimum - last.paid) if last else 0
    _take_onto_bill(account, day, interest, late_fee)
    account.credit -= _settle(account, account.credit, late=False).amount
    shares = sum(item.open for item in account.billed if item.kind is Kind.SHARE)
    charges = sum(item.open for item in account.billed) - shares
    balance = account.open_now
    share_of = _at_rate(account.interest + account.principal + charges, terms.minimum_rate, rounding=UP)
    minimum = min(balance, share_of + account.cash + account.fees + shares + missing)
    due_on = terms.due_on(day)
    account.number += 1
    account.cycle = Cycle(
        day, due_on, due_on + _DAY * terms.grace_days, balance, minimum, credit=account.credit,
        tolerance=max(terms.tolerance, _at_rate(balance, terms.tolerance_share, rounding=_DOWN)),
    )  # fmt: skip
    rows, account.rows = account.rows, []
    return Statement(
        bank=account.bank, card=account.card, currency=account.currency, number=account.number, statement_on=day,
        due_on=due_on, last_grace_day=account.cycle.last_grace_day, since=last.statement_on if last else None,
        previous=last.balance - last.credit if last else 0, balance=balance, minimum=minimum,
        carried=account.carried, fees=account.fees, interest=interest, late_fee=late_fee, missing=missing,
        credit=account.credit, rows=tuple(rows), last_paid=last.paid if last else 0,
        last_missed=last.missed if last else False,
        charges=tuple(Charge(one.posted, one.open, one.kind is Kind.SHARE) for one in account.billed),
    )  # fmt: skip


def _take_onto_bill(account: Account, day: date, interest: int, late_fee: int) -> None:
    """Move what was booked since the last bill onto the new one."""
    left = sum(item.open for item in account.billed)  # only a bill paid in full but for the tolerance has such
    fresh = [item for item in account.unbilled if item.open]
    if left:
        fresh.append(Item(day, left, left, Kind.LEFT_OPEN))
    for plan in account.taken:
        share = _next_share(plan)
        fresh.append(Item(day, share, share, Kind.SHARE))
        account.rows.append(Row(day, Kind.SHARE, share, f"{plan.billed}/{plan.periods}", fee=plan.fee))
    account.taken = [plan for plan in account.taken if plan.billed < plan.periods]
    account.billed, account.unbilled = fresh, []
    account.fees += late_fee + account.unbilled_fees
    account.cash += account.unbilled_cash
    account.interest += interest
    account.weight = account.unbilled_fees = account.unbilled_cash = 0
    account.rows += [Row(day, kind, fen) for kind, fen in ((Kind.INTEREST, interest), (Kind.LATE_FEE, late_fee)) if fen]


# --- bookings -----------------------------------------------------------------------------------------------------


def _book_charge(account: Account, event: Event, terms: CardTerms) -> None:
    """A purchase, a refund or a cash advance: all belong to the bill not yet issued."""
    if event.what is What.REFUND:
        account.rows.append(Row(event.day, Kind.REFUND, -event.amount, event.text, event.ref, event.traded))
        account.credit += _soak(account, event.amount)
        return
    kind, fee = Kind.CHARGE, 0
    if event.what is What.CASH:
        if terms.cash_fee_rate is None:
            raise BadEvent(f"{account.bank} gives no cash advances", field="what")
        kind, fee = Kind.CASH, max(terms.cash_fee_minimum, _at_rate(event.amount, terms.cash_fee_rate))
        account.unbilled_cash += event.amount
        account.unbilled_fees += fee
    else:
        account.unbilled.append(Item(event.day, event.amount, event.amount, kind))
    account.rows.append(Row(event.day, kind, event.amount, event.text, event.ref, event.traded))
    if fee:
        account.rows.append(Row(event.day, Kind.CASH_FEE, fee, "", event.ref))
    account.credit = _soak(account, account.credit)


def _book_payment(account: Account, event: Event, terms: CardTerms) -> None:
    """A payment, the principal of an instalment, or a payment taken back."""
    if event.what is What.RETURNED:
        _take_back(account, event, terms)
        return
    cycle, kind = account.cycle, Kind.PAYMENT
    if event.what is What.INSTALMENT:
        kind = Kind.INSTALMENT
        account.taken.append(_instalment(account, event, terms))
    part = _settle(account, event.amount, late=_order_turned(account, event.day, terms))
    part.beyond = event.amount - part.amount
    part.ref, part.amount = event.ref, event.amount
    account.credit += _soak(account, part.beyond)
    account.rows.append(Row(event.day, kind, -event.amount, event.text, event.ref))
    if cycle:
        cycle.paid += event.amount
        cycle.parts.append(part)


def _instalment(account: Account, event: Event, terms: CardTerms) -> Taken:
    """The plan that an accepted offer begins; one for each bill, of what is still open."""
    offer, cycle = terms.offer(event.offer), account.cycle
    if offer is None or cycle is None:
        raise BadEvent(f"no offer {event.offer!r} stands on this bill", field="offer")
    if cycle.instalment_taken:
        raise BadEvent("one instalment for each bill", field="offer")
    if not offer.minimum <= event.amount <= account.open_now:
        raise BadEvent("the amount is outside the offer or more than is open", field="amount")
    cycle.instalment_taken = True
    return Taken(event.amount, offer.periods, _at_rate(event.amount, offer.fee_rate))


def _take_back(account: Account, event: Event, terms: CardTerms) -> None:
    """A payment leaves again: what it had settled is open as before, and a verdict that rested on it is given anew.

    One of an earlier bill is simply owed again, as part of the carried balance.
    """
    account.rows.append(Row(event.day, Kind.RETURNED, event.amount, event.text, event.corrects))
    cycle = account.cycle
    part = next((one for one in cycle.parts if one.ref == event.corrects), None) if cycle else None
    if cycle is None or part is None or part.amount != event.amount:
        owed = event.amount - min(account.credit, event.amount)
        account.credit -= event.amount - owed
        account.principal += owed
        return
    cycle.parts.remove(part)
    cycle.paid -= part.amount
    account.fees += part.fees
    account.interest += part.interest
    account.cash += part.cash
    account.principal += part.principal + max(0, part.beyond - account.credit)
    account.credit = max(0, account.credit - part.beyond)
    for index, fen in part.items:
        if cycle.judged and not cycle.in_full:
            account.principal += fen
        else:
            account.billed[index].open += fen
    if cycle.judged and cycle.in_full:
        _judge_interest(account, cycle, terms)
    if cycle.judged and not cycle.missed:
        _judge_minimum(account, cycle, terms)


def _order_turned(account: Account, day: date, terms: CardTerms) -> bool:
    """Whether arrears are so old that the bank settles principal before interest and fees."""
    since, turns = account.overdue_since, terms.allocation_late_from_days
    return since is not None and turns is not None and (day - since).days >= turns


def _settle(account: Account, amount: int, *, late: bool) -> Part:
    """Lower what is open of the bill: fees, interest, principal (费用、利息、本金), or the other way round when `late`.

    The part's `amount` is what was used; the rest found nothing open.
    """
    part, left = Part("", 0), amount
    order = ("cash", "principal", "items", "interest", "fees") if late else (
        "fees", "interest", "cash", "principal", "items")  # fmt: skip
    for name in order:
        if name == "items":
            for index, item in enumerate(account.billed):
                used = min(left, item.open)
                if used:
                    item.open -= used
                    left -= used
                    part.items.append((index, used))
            continue
        used = min(left, getattr(account, name))
        setattr(account, name, getattr(account, name) - used)
        setattr(part, name, used)
        left -= used
    part.amount = amount - left
    return part


def _soak(account: Account, amount: int) -> int:
    """Lower what is not billed yet, in order of posting; gives back what found nothing."""
    for name in ("unbilled_cash", "unbilled_fees"):
        used = min(amount, getattr(account, name))
        setattr(account, name, getattr(account, name) - used)
        amount -= used
    for item in account.unbilled:
        used = min(amount, item.open)
        item.open -= used
        amount -= used
    return amount


# --- arithmetic ---------------------------------------------------------------------------------------------------


def _at_rate(fen: int, rate: Decimal, *, rounding: str = HALF_UP) -> int:
    return Money(fen).at_rate(rate, rounding=rounding).minor


def _next_share(plan: Taken) -> int:
    """The next share of a plan with its fee; whole fen, the last takes the remainder."""
    share = Money(plan.principal).split(plan.periods)[plan.billed].minor
    plan.billed += 1
    return share + plan.fee


def _principal_billed(plan: Taken) -> int:
    return sum(share.minor for share in Money(plan.principal).split(plan.periods)[: plan.billed])


def _charged(ran: Ran) -> int:
    billed = sum(one.interest + one.late_fee for one in ran.statements)
    return billed + accrued(ran.account) + late_fee_to_come(ran.account)
