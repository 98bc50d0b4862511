"""A request from what a household holds: bills, terms, own money, channels; with every assumption named.

Nothing is guessed in silence: what no bill prints and nobody entered is assumed on the careful side (a cost is rather
over- than understated), and the plan says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Final
from uuid import UUID

from anhuan.cards import AccountFace, BillView, CardTerms, ExpectedBill, OwnAccount
from anhuan.kit.money import round_up
from anhuan.kit.terms import Channel as Way
from anhuan.planning.model import Account, Basis, Card, Channel, Charge, Credit, Flow, Request, Statement
from anhuan.planning.wording import Name, Words

CURRENCY: Final = "CNY"  # plans are in yuan; bills in other money are paid in that money
MINUTES_A_DAY: Final = 1440
STALE_DAYS: Final = 45  # a newest bill older than a cycle and a half means that one is missing


@dataclass(frozen=True, slots=True)
class Assumption:
    """One thing a plan rests on; `layer` says whose word it is (contract, bank, typical, user, printed, house)."""

    words: Words
    layer: str = ""
    account_id: UUID | None = None

    @property
    def assumed(self) -> bool:
        """Whether it is a typical value or a guess, not the user's own contract or bill."""
        return self.layer not in ("contract", "user", "printed")


@dataclass(frozen=True, slots=True)
class Household:
    """A request with the names of what is in it, what it assumes, and what it cannot plan."""

    request: Request
    names: Mapping[str, Name]
    faces: Mapping[str, AccountFace]
    assumptions: tuple[Assumption, ...]
    warnings: tuple[Words, ...]
    foreign: tuple[BillView, ...]
    approximate: bool


@dataclass(frozen=True, slots=True)
class Held:
    """Everything about one billed account that its card in the request is made of."""

    face: AccountFace
    bill: BillView
    before: BillView | None
    terms: CardTerms
    upcoming: tuple[ExpectedBill, ...]
    spending: int = 0


def name_of(held: AccountFace | OwnAccount) -> Name:
    """What a card or an own account is called."""
    return Name(held.name("zh"), held.name("en"))


def card_of(held: Held, *, as_of: date, last: date) -> tuple[Card, list[Assumption], list[Words]]:
    """One billed account as a card of the request, with what was assumed and what is doubtful about it."""
    bill, name = held.bill, name_of(held.face)
    assumed, doubts = _terms_assumed(held), list[Words]()
    assert bill.due_on is not None, "a bill without a due day cannot be planned"
    first = _first_statement(held, assumed, doubts)
    later = _later_statements(held, as_of=as_of, last=last, assumed=assumed)
    statements = [first, *later]
    gaps = [later.day - earlier.due - 1 for earlier, later in pairwise(statements)]
    grace = min([held.terms.grace_days, *gaps])
    if (as_of - bill.statement_on).days > STALE_DAYS:
        doubts.append(Words("stale_bill", {"card": name, "day": bill.statement_on}))
    card = Card(
        id=str(held.face.account_id),
        statements=tuple(statements),
        daily_rate=Fraction(held.terms.daily_rate),
        basis=Basis(held.terms.interest_basis.value),
        grace_days=max(0, grace),
        tolerance=held.terms.grace_amount,
        late_tolerance=held.terms.late_tolerance,
        minimum_rate=Fraction(held.terms.minimum_rate),
        late_fee_rate=Fraction(held.terms.late_fee_rate),
        late_fee_minimum=held.terms.late_fee_minimum,
    )
    return card, assumed, doubts


def _terms_assumed(held: Held) -> list[Assumption]:
    values = {
        "daily_rate": Fraction(held.terms.daily_rate), "interest_basis": held.terms.interest_basis.value,
        "minimum_rate": Fraction(held.terms.minimum_rate), "late_fee_rate": Fraction(held.terms.late_fee_rate),
    }  # fmt: skip
    name = name_of(held.face)
    return [
        Assumption(Words(f"term_{key}", {"card": name, "value": value}), held.terms.layers.get(key, "typical"),
                   held.face.account_id)
        for key, value in values.items()
    ]  # fmt: skip


def _first_statement(held: Held, assumed: list[Assumption], doubts: list[Words]) -> Statement:
    """The newest bill; what its charges do not explain is what stayed open before, else a charge of the cycle's start.

    The careful side: an unexplained part counted from the first day of the cycle never costs less than the truth,
    unless it was carried over, and then what the bill before left open says so.
    """
    bill, name = held.bill, name_of(held.face)
    assert bill.due_on is not None
    total = max(0, bill.total_due)
    charges = _explained(bill, total)
    rest = total - sum(charge.amount for charge in charges)
    carried = 0
    if rest and held.before is not None and held.before.open:
        carried = min(rest, held.before.open)
        rest -= carried
        assumed.append(Assumption(Words("carried", {"card": name, "amount": carried}), "printed", held.face.account_id))
    if rest:
        charges.insert(0, Charge(_cycle_start(held).toordinal(), rest))
        doubts.append(Words("unexplained", {"card": name, "amount": rest, "day": _cycle_start(held)}))
    minimum = bill.minimum_due
    if minimum is None:
        minimum = round_up(Fraction(held.terms.minimum_rate) * total)
    if bill.minimum_due is None or "minimum_due" in bill.inferred:
        doubts.append(Words("minimum_guessed", {"card": name, "amount": min(minimum, total)}))
    if "due_on" in bill.inferred:
        doubts.append(Words("due_guessed", {"card": name, "day": bill.due_on}))
    return Statement(
        bill.statement_on.toordinal(), bill.due_on.toordinal(), tuple(charges), carried=carried,
        minimum=max(0, min(minimum, total)), paid=_paid(bill, total),
    )  # fmt: skip


def _explained(bill: BillView, total: int) -> list[Charge]:
    """The bill's charges in order of posting, less refunds and whatever goes beyond its total (oldest first)."""
    found = sorted((charge for charge in bill.charges if charge.amount > 0), key=lambda charge: charge.posted_on)
    over = max(0, sum(charge.amount for charge in found) - total)
    kept = []
    for charge in found:
        less = min(over, charge.amount)
        over -= less
        if charge.amount > less:
            day = min(charge.posted_on, bill.statement_on).toordinal()
            kept.append(Charge(day, charge.amount - less, charge.instalment))
    return kept


def _paid(bill: BillView, total: int) -> tuple[Credit, ...]:
    """What was credited since the statement, up to the bill's total: an overpaid bill needs nothing more."""
    room, paid = total, []
    for payment in sorted(bill.payments, key=lambda payment: payment.credited_on):
        part = min(room, payment.amount)
        room -= part
        if part:
            paid.append(Credit(payment.credited_on.toordinal(), part))
    return tuple(paid)


def _cycle_start(held: Held) -> date:
    if held.bill.cycle_from is not None:
        return min(held.bill.cycle_from, held.bill.statement_on)
    if held.before is not None:
        return held.before.statement_on + timedelta(days=1)
    return held.bill.statement_on - timedelta(days=30)


def _later_statements(held: Held, *, as_of: date, last: date, assumed: list[Assumption]) -> list[Statement]:
    """Statements to come: instalment shares go on, and spending only as far as the user expects some."""
    bill, name = held.bill, name_of(held.face)
    assert bill.due_on is not None
    share = sum(charge.amount for charge in bill.charges if charge.instalment and charge.amount > 0)
    found: list[Statement] = []
    ended = max(bill.due_on, as_of)
    for expected in held.upcoming:
        if expected.statement_on <= ended or expected.statement_on > last or expected.due_on <= expected.statement_on:
            continue
        start = (found[-1].day if found else bill.statement_on.toordinal()) + 1
        day = expected.statement_on.toordinal()
        charges = [Charge(min(start, day), held.spending)] if held.spending else []
        charges += [Charge(day, share, instalment=True)] if share else []
        found.append(Statement(day, expected.due_on.toordinal(), tuple(charges)))
        ended = expected.due_on
    if found:
        sure = held.upcoming[0]
        layer = "user" if sure.sure >= 1 else "guess"
        assumed.append(Assumption(Words("cycle", {"card": name, "why": sure.why}), layer, held.face.account_id))
    if share and found:
        go_on = Words("shares_go_on", {"card": name, "amount": share})
        assumed.append(Assumption(go_on, "guess", held.face.account_id))
    if held.spending:
        spent = Words("spending", {"card": name, "amount": held.spending})
        assumed.append(Assumption(spent, "user", held.face.account_id))
    elif found:
        assumed.append(Assumption(Words("no_spending", {"card": name}), "guess", held.face.account_id))
    return found


def account_of(own: OwnAccount) -> Account:
    """An own account as the request knows it."""
    return Account(str(own.account_id), own.balance, own.reserve)


def channel_of(way: Way, *, accounts: Sequence[str], cards: Sequence[str]) -> Channel:
    """A channel's terms in the planner's words: the slow end of its arrivals in whole days, limits where known."""
    lead = way.lead_days if way.workdays_only else max(way.lead_days, (way.arrival_minutes or 0) // MINUTES_A_DAY)
    return Channel(
        id=way.id, accounts=tuple(accounts), cards=tuple(cards), lead_days=lead, workdays_only=way.workdays_only,
        fee_rate=Fraction(way.fee.rate), free_quota=way.fee.free_quota, fee_minimum=way.fee.floor,
        per_payment_min=way.per_payment_min or 0, per_payment_max=way.per_payment_max or 0,
        per_day_max=way.per_day_max or 0, payments_per_month=way.payments_per_month or 0,
    )  # fmt: skip


def flows_between(
    account: str, amount: int, *, day_of_month: int | None, on_date: date | None, first: date, last: date
) -> Iterable[Flow]:
    """The days an expected flow comes between two days, both included; day 31 is a short month's last day."""
    if on_date is not None:
        if first <= on_date <= last:
            yield Flow(account, on_date.toordinal(), amount)
        return
    assert day_of_month is not None
    year, month = first.year, first.month
    while date(year, month, 1) <= last:
        following = date(year + month // 12, month % 12 + 1, 1)
        on = date(year, month, min(day_of_month, (following - timedelta(days=1)).day))
        if first <= on <= last:
            yield Flow(account, on.toordinal(), amount)
        year, month = following.year, following.month


def without_courtesies(terms: CardTerms) -> CardTerms:
    """The terms with grace and tolerances at nothing: the product's default, for they are the bank's courtesy."""
    return replace(terms, grace_days=0, grace_amount=0, late_tolerance=0)
