"""The JSON of room cards: what requests and answers look like. Money is decimal text, days are ISO 8601."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from anhuan.cards.consequences import Consequence
from anhuan.cards.model import (
    AccountFace,
    BillView,
    BoardEntry,
    CardFace,
    Charge,
    CurrencyTotal,
    ExpectedBill,
    Level,
    LineFace,
    OwnAccount,
    Payment,
    Step,
    Urgency,
)
from anhuan.kit import terms
from anhuan.kit.money import digits_of, to_text
from anhuan.kit.terms import Term


class CardOut(BaseModel):
    """A card by its last digits; no more of its number is kept."""

    card_id: UUID
    bank: str
    last_digits: str
    label: str
    groups: list[str]
    supplementary: bool


class AccountOut(BaseModel):
    """The unit that is billed and repaid."""

    account_id: UUID
    bank: str
    bank_name: str
    level: Level
    label: str
    cards: list[CardOut]
    credit_line_id: UUID | None


class ChargeOut(BaseModel):
    """One charge of a bill, by the bank's posting day."""

    posted_on: date
    amount: str
    instalment: bool


class PaymentOut(BaseModel):
    """A repayment credited to the account."""

    credited_on: date
    amount: str


class BillOut(BaseModel):
    """One bill with what was paid of it; `inferred` names what a rule filled in."""

    bill_id: UUID
    account_id: UUID
    currency: str
    statement_on: date
    due_on: date | None
    total_due: str
    minimum_due: str | None
    paid: str
    open: str
    minimum_open: str
    credit_limit: str | None
    level: Level
    version: int
    known_at: datetime
    inferred: list[str]
    confidence: dict[str, float]
    spans: dict[str, str]
    known_complete: bool
    charges: list[ChargeOut]
    payments: list[PaymentOut]


class EntryOut(BaseModel):
    """One line of the due board."""

    urgency: Urgency
    account: AccountOut
    bill: BillOut
    days_left: int | None
    safe_pay_by: datetime | None
    provisional: bool


class TotalOut(BaseModel):
    """Sums of the board in one currency."""

    currency: str
    open: str
    minimum_open: str
    overdue: str
    next_30_days: str


class LineOut(BaseModel):
    """A limit, counted once however many accounts share it."""

    line_id: UUID | None
    label: str
    currency: str
    limit: str
    owed: str
    available: str
    account_ids: list[UUID]


class BoardOut(BaseModel):
    """Everything that is due, nearest first within each urgency."""

    on: date
    entries: list[EntryOut]
    totals: list[TotalOut]
    lines: list[LineOut]
    waiting: list[AccountOut]
    calendar: str = Field(description="version of the calendar of working days behind the safe moments")


class TermOut(BaseModel):
    """One dated number with the layer it came from; bank and typical values are assumed."""

    key: str
    value: Any
    unit: str
    layer: str
    assumed: bool
    confidence: str
    basis: str
    source: str
    valid_from: date
    valid_to: date | None


class ExpectedOut(BaseModel):
    """A statement to come, by the account's cycle."""

    statement_on: date
    due_on: date
    sure: float
    why: str


class PageOut(BaseModel):
    """One account with its bills, newest first, and what is expected."""

    account: AccountOut
    bills: list[BillOut]
    upcoming: list[ExpectedOut]


class StepOut(BaseModel):
    """One step of a worked sum; the amount is exact, in the currency's main unit, as a decimal or a fraction."""

    label: str
    working: str
    amount: str


class ChoiceOut(BaseModel):
    """What one choice costs until the next statement."""

    choice: str
    amount: str
    paid_on: date | None
    interest: str
    late_fee: str
    missed: bool
    cost: str
    next_balance: str
    next_minimum: str | None
    assumed: bool
    steps: list[StepOut]


class RateOut(BaseModel):
    """The price of an instalment plan: yearly rates as shares, nominal 12 r and effective (1 + r)^12 - 1."""

    fees: str
    nominal: str
    effective: str
    payments: list[str]


class SafeOut(BaseModel):
    """Until when a channel is safe for a bill."""

    channel: str
    name: str
    start_by: datetime
    by_hand_from: datetime
    provisional: bool


class OwnOut(BaseModel):
    """A debit account of the user."""

    account_id: UUID
    bank: str
    last_digits: str
    label: str
    currency: str
    balance: str
    balance_on: date | None
    reserve: str


class NewCard(BaseModel):
    """A card to keep: its last digits, or the number, which is checked, cut and forgotten."""

    bank: str
    number: str
    label: str = ""
    groups: list[str] = []
    supplementary: bool = False


class CardChange(BaseModel):
    """What the user calls a card and where they group it; what is left out stays."""

    label: str | None = None
    groups: list[str] | None = None
    supplementary: bool | None = None


class NewPayment(BaseModel):
    """A repayment that reached the card."""

    amount: str
    credited_on: date


class NewLine(BaseModel):
    """Accounts that share one limit."""

    label: str
    account_ids: list[UUID]
    limit: str | None = None
    currency: str = "CNY"


class NewTerm(BaseModel):
    """What the user read in their own contract: rates as decimal text, money in minor units, days as numbers."""

    value: Any
    valid_from: date
    valid_to: date | None = None
    source: str


class OwnChange(BaseModel):
    """A debit account, found by bank and last digits, and what changes on it."""

    bank: str
    number: str
    label: str | None = None
    reserve: str | None = None
    balance: str | None = None
    balance_on: date | None = None
    currency: str = "CNY"


def entry_out(entry: BoardEntry) -> EntryOut:
    """A line of the board."""
    return EntryOut(
        urgency=entry.urgency,
        account=account_out(entry.account),
        bill=bill_out(entry.bill),
        days_left=entry.days_left,
        safe_pay_by=entry.safe_pay_by,
        provisional=entry.provisional,
    )


def account_out(face: AccountFace) -> AccountOut:
    """An account."""
    return AccountOut(
        account_id=face.account_id,
        bank=face.bank,
        bank_name=terms.bank(face.bank).name(),
        level=face.level,
        label=face.label,
        cards=[card_out(card) for card in face.cards],
        credit_line_id=face.credit_line_id,
    )


def card_out(face: CardFace) -> CardOut:
    """A card."""
    return CardOut(
        card_id=face.card_id,
        bank=face.bank,
        last_digits=face.last_digits,
        label=face.label,
        groups=list(face.groups),
        supplementary=face.supplementary,
    )


def bill_out(view: BillView) -> BillOut:
    """A bill, its money as text."""

    def told(minor: int) -> str:
        return to_text(minor, view.currency)

    return BillOut(
        bill_id=view.bill_id,
        account_id=view.account_id,
        currency=view.currency,
        statement_on=view.statement_on,
        due_on=view.due_on,
        total_due=told(view.total_due),
        minimum_due=None if view.minimum_due is None else told(view.minimum_due),
        paid=told(view.paid),
        open=told(view.open),
        minimum_open=told(view.minimum_open),
        credit_limit=None if view.credit_limit is None else told(view.credit_limit),
        level=view.level,
        version=view.version,
        known_at=view.known_at,
        inferred=list(view.inferred),
        confidence=view.confidence,
        spans=view.spans,
        known_complete=view.known_complete,
        charges=charges_out(view.charges, view.currency),
        payments=payments_out(view.payments, view.currency),
    )


def charges_out(charges: Iterable[Charge], currency: str) -> list[ChargeOut]:
    """Charges, in the bill's order."""
    return [
        ChargeOut(posted_on=one.posted_on, amount=to_text(one.amount, currency), instalment=one.instalment)
        for one in charges
    ]


def payments_out(payments: Iterable[Payment], currency: str) -> list[PaymentOut]:
    """Payments, oldest first."""
    return [PaymentOut(credited_on=one.credited_on, amount=to_text(one.amount, currency)) for one in payments]


def total_out(total: CurrencyTotal) -> TotalOut:
    """Sums of one currency."""
    code = total.currency
    return TotalOut(
        currency=code,
        open=to_text(total.open, code),
        minimum_open=to_text(total.minimum_open, code),
        overdue=to_text(total.overdue, code),
        next_30_days=to_text(total.next_30_days, code),
    )


def line_out(line: LineFace) -> LineOut:
    """A limit."""
    return LineOut(
        line_id=line.line_id,
        label=line.label,
        currency=line.currency,
        limit=to_text(line.limit, line.currency),
        owed=to_text(line.owed, line.currency),
        available=to_text(line.available, line.currency),
        account_ids=list(line.account_ids),
    )


def term_out(term: Term) -> TermOut:
    """A term."""
    return TermOut(
        key=term.key,
        value=term.value,
        unit=term.unit,
        layer=term.layer,
        assumed=term.assumed,
        confidence=term.confidence,
        basis=term.basis,
        source=term.source,
        valid_from=term.valid_from,
        valid_to=term.valid_to,
    )


def expected_out(one: ExpectedBill) -> ExpectedOut:
    """A statement to come."""
    return ExpectedOut(statement_on=one.statement_on, due_on=one.due_on, sure=round(one.sure, 3), why=one.why)


def choice_out(one: Consequence, currency: str) -> ChoiceOut:
    """A choice with its steps."""
    return ChoiceOut(
        choice=one.choice,
        amount=to_text(one.amount, currency),
        paid_on=one.paid_on,
        interest=to_text(one.interest, currency),
        late_fee=to_text(one.late_fee, currency),
        missed=one.missed,
        cost=to_text(one.cost, currency),
        next_balance=to_text(one.next_balance, currency),
        next_minimum=None if one.next_minimum is None else to_text(one.next_minimum, currency),
        assumed=one.assumed,
        steps=[step_out(step, currency) for step in one.steps],
    )


def step_out(step: Step, currency: str) -> StepOut:
    """A step, its amount exact."""
    exact = step.amount / 10 ** digits_of(currency)
    return StepOut(label=step.label, working=step.working, amount=str(exact))


def own_out(one: OwnAccount) -> OwnOut:
    """A debit account."""
    return OwnOut(
        account_id=one.account_id,
        bank=one.bank,
        last_digits=one.last_digits,
        label=one.label,
        currency=one.currency,
        balance=to_text(one.balance, one.currency),
        balance_on=one.balance_on,
        reserve=to_text(one.reserve, one.currency),
    )
