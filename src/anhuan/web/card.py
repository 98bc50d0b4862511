"""The page of one card: what is open until when, where every number came from, bills, transactions, terms."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from anhuan import cards, repayments, statements
from anhuan.cards.consequences import Consequence
from anhuan.cards.model import AccountFace, BillView, BoardEntry, ExpectedBill
from anhuan.cards.pages import AMOUNTS, EDITABLE
from anhuan.kit import page
from anhuan.kit.money import NotMoney, from_text, to_text
from anhuan.kit.terms import Term
from anhuan.repayments import screen_orders
from anhuan.repayments.screen_orders import OnWay, OrderShown
from anhuan.statements.changes import LinesPage
from anhuan.web.effects import effects_of, pay_day

router = APIRouter(prefix="/cards", include_in_schema=False)

LINES: Final = 30
SURE: Final = 0.8  # below this a field wears 请核对
FIELDS: Final = (
    "total_due",
    "minimum_due",
    "statement_on",
    "due_on",
    "cards",
    "credit_limit",
    "cycle_from",
    "cycle_to",
)


@dataclass(frozen=True, slots=True)
class FieldShown:
    """One field of a bill: its value as text, where it stood, how sure, and whether a rule made it."""

    name: str
    value: str
    span: str | None
    confidence: float | None
    inferred: bool


@dataclass(frozen=True, slots=True)
class BillShown:
    """A bill with the versions it replaced, newest first."""

    bill: BillView
    older: tuple[BillView, ...]


@dataclass(frozen=True, slots=True)
class TermShown:
    """One term: as people read it, as the form shows it, and whether it is only somebody's usual value."""

    key: str
    said: str
    typed: str
    assumed: bool
    source: str
    from_on: date


@dataclass(frozen=True, slots=True)
class CardPage:
    """Everything about one billed account."""

    template: ClassVar[str] = "web/card.html"
    account: AccountFace
    entry: BoardEntry | None
    others: tuple[BoardEntry, ...]
    grace_days: int
    fields: tuple[FieldShown, ...]
    doubts: tuple[FieldShown, ...]
    bills: tuple[BillShown, ...]
    upcoming: tuple[ExpectedBill, ...]
    lines: LinesPage
    before: int | None
    after: int | None
    sheet: tuple[TermShown, ...]
    effects: tuple[Consequence, ...]
    assumed_on: date
    part_typed: str
    part_trouble: bool
    way: OnWay | None
    progress: tuple[OrderShown, ...]


@dataclass(frozen=True, slots=True)
class PartNote:
    """The part of the page that answers 如果只还一部分, for htmx."""

    template: ClassVar[str] = "web/_part.html"
    account: AccountFace
    entry: BoardEntry
    effects: tuple[Consequence, ...]
    assumed_on: date
    part_typed: str
    part_trouble: bool


@router.get("/{account_id}", dependencies=[page.needs("cards.read")])
def show_card(request: Request, db: page.Transaction, account_id: UUID, offset: int = 0, part: str = "") -> Response:
    """One account; with `part` also what paying that much would cost."""
    user, today = page.person(request), page.today(request)
    held = cards.account_page(db, user, account_id, on=today)
    mine = [one for one in cards.due_board(db, user, on=today).entries if one.account.account_id == account_id]
    entry = next((one for one in mine if one.open), mine[0] if mine else None)
    amount, trouble = part_of(part, entry)
    lang = page.visitor(request).lang
    effects = effects_of(held, entry, today, custom=amount, lang=lang) if entry else ()
    assumed_on = pay_day(entry, today) if entry else today
    if page.is_partial(request) and entry is not None:
        return page.render(
            request, PartNote(held.account, entry, effects, assumed_on, part, trouble), status=422 if trouble else 200
        )
    fields = fields_of(entry.bill) if entry else ()
    under_way = screen_orders.shown(
        db, user, repayments.orders(db, user, account_id=account_id, open_only=True), today=today
    )
    lines = lines_of(db, user, held.account, offset)
    last = lines.offset + len(lines.lines)
    value = CardPage(
        account=held.account,
        entry=entry,
        others=tuple(one for one in mine if one is not entry),
        grace_days=held.terms.grace_days,
        fields=fields,
        doubts=tuple(one for one in fields if one.inferred or (one.confidence is not None and one.confidence < SURE)),
        bills=tuple(BillShown(bill, older_of(db, user, bill)) for bill in held.bills),
        upcoming=held.upcoming,
        lines=lines,
        before=max(0, lines.offset - LINES) if lines.offset else None,
        after=last if last < lines.total else None,
        sheet=sheet_of(db, user, account_id, today),
        effects=effects,
        assumed_on=assumed_on,
        part_typed=part or (to_text(entry.open // 2, entry.bill.currency) if entry else ""),
        part_trouble=trouble,
        way=screen_orders.ways_of(mine, under_way).get(entry.bill.bill_id) if entry else None,
        progress=under_way,
    )
    return page.render(request, value)


def part_of(typed: str, entry: BoardEntry | None) -> tuple[int | None, bool]:
    """The custom amount in minor units, and whether what was typed is no amount."""
    if not typed.strip() or entry is None:
        return None, False
    try:
        return max(0, from_text(typed, entry.bill.currency)), False
    except NotMoney:
        return None, True


def older_of(db: Session, user_id: UUID, bill: BillView) -> tuple[BillView, ...]:
    """The versions that this bill replaced."""
    return cards.history_of(db, user_id, bill.bill_id)[1:] if bill.version > 1 else ()


def lines_of(db: Session, user_id: UUID, account: AccountFace, offset: int) -> LinesPage:
    """The transactions of an account; of one card where the bank bills each card alone."""
    tail = account.cards[0].last_digits if len(account.cards) == 1 else None
    return statements.lines_of_card(db, user_id, bank=account.bank, card=tail, offset=max(0, offset), at_most=LINES)


def fields_of(bill: BillView) -> tuple[FieldShown, ...]:
    """The fields of a bill as text, each with its source."""
    values = {
        "total_due": to_text(bill.total_due, bill.currency),
        "minimum_due": None if bill.minimum_due is None else to_text(bill.minimum_due, bill.currency),
        "statement_on": bill.statement_on.isoformat(),
        "due_on": bill.due_on and bill.due_on.isoformat(),
        "credit_limit": None if bill.credit_limit is None else to_text(bill.credit_limit, bill.currency),
        "cycle_from": bill.cycle_from and bill.cycle_from.isoformat(),
        "cycle_to": bill.cycle_to and bill.cycle_to.isoformat(),
    }
    return tuple(
        FieldShown(name, said, bill.spans.get(name), bill.confidence.get(name), name in bill.inferred)
        for name in FIELDS
        if (said := values.get(name))
    )


def sheet_of(db: Session, user_id: UUID, account_id: UUID, today: date) -> tuple[TermShown, ...]:
    """The terms a card holder can check against the contract, each with its layer."""
    known = {term.key: term for term in cards.terms_sheet(db, user_id, account_id, on=today)}
    return tuple(_term_shown(known[key], today) for key in EDITABLE if key in known)


def _term_shown(term: Term, today: date) -> TermShown:
    typed, said = _as_typed(term.key, term.value)
    return TermShown(term.key, said, typed, term.assumed, term.source, term.valid_from if not term.assumed else today)


def _as_typed(key: str, value: Any) -> tuple[str, str]:
    """A term as its form field holds it, and as the line above says it."""
    if key.endswith("_rate"):
        text = f"{(Decimal(str(value)) * 100).normalize():f}"
        return text, f"{text}%"
    if key in AMOUNTS:
        return to_text(int(value)), f"¥{to_text(int(value))}"
    if isinstance(value, dict):
        amount = to_text(int(value.get("amount", 0)))
        return amount, f"¥{amount}"
    if key == "grace_amount":
        return to_text(int(value)), f"¥{to_text(int(value))}"
    return str(value), str(value)
