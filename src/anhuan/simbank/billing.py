"""Cards as their issuers keep them: each bank day's postings go to the issuer, whose bills and charges come back.

The issuer's own loop (`issuer.py`) says what a bill is; here its account is kept with the card, its bills are stored,
and what it charges is booked. A card without a statement day has no issuer behind it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from anhuan.kit.clock import CHINA
from anhuan.simbank import books, issued, issuer, meetings, scenarios, store, store_agenda, terms
from anhuan.simbank.house import Act, midnight
from anhuan.simbank.issued import Event, Kind, What
from anhuan.simbank.model import BadOrder, Card, CardPosting

REFUND: Final = 31
TEMPLATE: Final = 35
_MORNING: Final = time(10)
_WHAT: Final = {
    "charge": What.CHARGE, "refund": What.REFUND, "cash": What.CASH, "payment": What.PAYMENT,
    "withdrawn": What.RETURNED, "corrected": What.PAYMENT, "instalment": What.INSTALMENT,
}  # fmt: skip
_CHARGED: Final = {
    Kind.INTEREST: ("interest", books.INTEREST, "循环利息"),
    Kind.LATE_FEE: ("late_fee", books.LATE_FEES, "违约金"),
    Kind.CASH_FEE: ("cash_fee", books.FEES, "取现手续费"),
    Kind.SHARE: ("instalment_fee", books.FEES, "分期手续费"),  # the principal was owed before
}


def opened(act: Act, card: Card) -> Card:
    """The card with a fresh account at its issuer, from today on; as it is where no statement day was named."""
    if card.statement_day is None:
        return card
    account = issuer.opened(card.bank, card.card, statement_day=card.statement_day, on=act.today)
    return _with_account(card, account)


def close_day(act: Act, day: date) -> None:
    """Hand the day's postings to the issuers; keep the bills of those whose statement day it is."""
    for card in store.cards(act.db):
        if "account" not in card.facts:
            continue
        account = _account(card)
        if account.through >= day:
            continue
        ran = issuer.run(account, _events(act, card, account, day), until=day)
        store.add_card(act.db, _with_account(card, ran.account))
        for statement in ran.statements:
            _keep(act, card, statement)


def take_instalment(act: Act, card: Card, offer: str, amount: int) -> int:
    """账单分期: `amount` fen of the bill in force, by one of the bank's offers, today; the periods of the plan.

    The issuer's own rules decide at once; no money moves, so two postings set each other off.
    """
    if "account" not in card.facts:
        raise BadOrder("this card has no issuer behind it", field="card")
    account = _account(card)
    if issuer.is_statement_day(account, act.today):
        raise BadOrder("today's bill comes at midnight; an instalment is taken of a bill that is out", field="offer")
    event = Event(act.today, What.INSTALMENT, amount, offer=offer)
    taken = issuer.run(account, [*_events(act, card, account, act.today), event], until=act.today).account.taken[-1]
    for kind, fen in (("instalment", amount), ("instalment_plan", -amount)):  # off the bill, and owed by the plan
        one = CardPosting(
            act.number("posting"), card.card, act.today, act.now, kind, fen, f"账单分期 {offer} 期", reference=offer
        )
        store.add_posting(act.db, one)
    return taken.periods


def charged_by_mistake(act: Act, card: Card, day: date) -> int:
    """Interest and late fees that bookings on the wrong bill have cost this card until the end of a day, fen (32)."""
    account = _account(card)
    first = issuer.opened(card.bank, card.card, statement_day=account.statement_day, on=account.opened_on)
    events = _events(act, card, first, day)
    if not any(one.should_be for one in events):
        return 0
    return issuer.cost_of_mistakes(first, events, until=day)


def check_cash(act: Act, number: str, day: date) -> None:
    """Refuse a cash advance on a card whose bank gives none: its issuer would not book it, and the day not end."""
    card = store.card(act.db, number)
    if card is not None and "account" in card.facts and terms.terms_on(card.bank, day).cash_fee_rate is None:
        raise BadOrder(f"{card.bank} gives no cash advances", field="kind")


def refund_later(act: Act, card: str, params: Mapping[str, Any], *, about: str) -> None:
    """31: some days from now the merchant of the newest charge gives a share of it back; once for each `about`."""
    charges = [one for one in store.postings(act.db, card, first=date.min, last=act.today) if one.kind == "charge"]
    if not charges or not store_agenda.first_time(act.db, "charge", card, f"31:{about}"):
        return
    amount = int(-charges[-1].amount * Decimal(str(params["share"])))
    due = datetime.combine(act.today + timedelta(days=int(params["days"])), _MORNING, CHINA)
    facts = {
        "kind": "refund",
        "amount": max(1, amount),
        "text": f"退货 {charges[-1].text}".strip(),
        "ref": f"31:{about}",
    }
    store_agenda.plan(act.db, due, "charge", card, facts)


def last_bill(act: Act, card: str) -> str:
    """The day of a card's newest bill, as text; `none` before the first."""
    bills = store_agenda.statements(act.db, card)
    return str(bills[-1]["statement_on"]) if bills else "none"


def _events(act: Act, card: Card, account: issued.Account, day: date) -> list[Event]:
    """What the issuer books: the postings since its last closed day, without those that are its own charges."""
    lines = store.postings(act.db, card.card, first=account.through + timedelta(days=1), last=day)
    return [_event(act, card, one) for one in lines if one.kind in _WHAT]


def _event(act: Act, card: Card, one: CardPosting) -> Event:
    what, key = _WHAT[one.kind], one.key or ""
    ref = key or one.reference or str(one.seq)
    if one.kind == "withdrawn":
        return Event(one.posted_on, what, abs(one.amount), ref=f"{ref}-", text=one.text, corrects=ref)
    if one.kind == "instalment":
        return Event(one.posted_on, what, one.amount, ref=str(one.seq), offer=one.reference or "")
    if one.kind == "corrected":
        first = next(
            (line.posted_on for line in store.postings(act.db, card.card, first=date.min, last=one.posted_on)
             if line.key == key and line.kind == "payment"), None,
        )  # fmt: skip
        return Event(one.posted_on, what, abs(one.amount), ref=f"{ref}+", text=one.text, corrects=ref, should_be=first)
    return Event(one.posted_on, what, abs(one.amount), ref=ref, text=one.text)


def _keep(act: Act, card: Card, statement: issued.Statement) -> None:
    """Store a bill, book what it charges, and let the scenarios of statements have their way."""
    on = meetings.switched(act, f"statement {card.card} {statement.statement_on}")
    met = {number: on.get(number, {}) for number in {*card.marks, *on}}
    layout = "changed" if TEMPLATE in met else "usual"
    facts = {
        "statement": json.loads(issued.to_json(statement)),
        "layout": layout,
        "charged_by_mistake": charged_by_mistake(act, card, statement.statement_on),
    }
    store_agenda.add_statement(act.db, card.card, statement.statement_on, facts)
    for row in statement.rows:
        charged = row.fee if row.kind is Kind.SHARE else row.amount
        if row.kind in _CHARGED and charged > 0:
            _charge(act, card, statement.statement_on, row.kind, charged)
    if REFUND in met:
        told = {str(REFUND): {**card.facts.get("params", {}).get(str(REFUND), {}), **met[REFUND]}}
        params = scenarios.params_of(REFUND, told)
        refund_later(act, card.card, params, about=statement.statement_on.isoformat())


def _charge(act: Act, card: Card, day: date, kind: Kind, amount: int) -> None:
    code, income, text = _CHARGED[kind]
    books.move(act, code, books.of_card(card.card), income, amount, text=text, day=day)
    at = midnight(day + timedelta(days=1)) - timedelta(seconds=1)
    one = CardPosting(act.number("posting"), card.card, day, at, code, -amount, text)
    store.add_posting(act.db, one)


def _account(card: Card) -> issued.Account:
    return issued.from_json(json.dumps(card.facts["account"]), issued.Account)


def _with_account(card: Card, account: issued.Account) -> Card:
    return replace(card, facts={**card.facts, "account": json.loads(issued.to_json(account))})
