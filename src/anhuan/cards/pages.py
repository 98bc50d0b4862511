"""The acts of room cards as forms: add and name cards, note payments, correct terms, keep own money in view.

The page that shows one card with its transactions stands in `web`, since it shows several rooms.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from anhuan import cards
from anhuan.cards.model import AccountFace, BillFacts, BoardEntry, LineFace, OwnAccount, TermUnreadable
from anhuan.identity import demonstration
from anhuan.kit import page, terms
from anhuan.kit.money import from_text
from anhuan.kit.terms import Bank

router = APIRouter(include_in_schema=False)

READ: Final = [page.needs("cards.read")]
WRITE: Final = [page.needs("cards.write"), Depends(page.own_form)]
# The terms a card holder can read in a contract, in the order of the form.
EDITABLE: Final = (
    *("daily_rate", "interest_basis", "minimum_rate", "late_fee_rate", "late_fee_minimum"),
    *("grace_days", "grace_amount", "statement_day", "due_day", "due_offset_days"),
)
AMOUNTS: Final = frozenset({"late_fee_minimum"})
COUNTS: Final = frozenset({"grace_days", "statement_day", "due_day", "due_offset_days"})


@dataclass(frozen=True, slots=True)
class CardRow:
    """One billed account in the list, with its bill of now where there is one."""

    account: AccountFace
    entry: BoardEntry | None


@dataclass(frozen=True, slots=True)
class CardList:
    """All cards, by the groups people gave them, with limits counted once."""

    template: ClassVar[str] = "cards/list.html"
    rows: tuple[CardRow, ...]
    groups: tuple[str, ...]
    group: str
    lines: tuple[LineFace, ...]


@dataclass(frozen=True, slots=True)
class NewCard:
    """The form for a card without a bill file; what was typed stays after a refusal."""

    template: ClassVar[str] = "cards/new.html"
    banks: tuple[Bank, ...]
    bank: str
    label: str
    trouble: str


@dataclass(frozen=True, slots=True)
class Money:
    """Own debit accounts: what they hold, since when, and what is never to be spent."""

    template: ClassVar[str] = "cards/money.html"
    accounts: tuple[OwnAccount, ...]
    banks: tuple[Bank, ...]


@router.get("/cards", dependencies=READ)
def card_list(request: Request, db: page.Transaction, group: str = "") -> Response:
    """All cards and what each one wants next."""
    board = cards.due_board(db, page.person(request), on=page.today(request))
    newest: dict[UUID, BoardEntry] = {}
    for entry in board.entries:
        held = newest.get(entry.account.account_id)
        if held is None or (entry.open and not held.open):
            newest[entry.account.account_id] = entry
    faces = {entry.account.account_id: entry.account for entry in board.entries}
    faces.update({account.account_id: account for account in board.waiting})
    rows = [CardRow(account, newest.get(account.account_id)) for account in faces.values()]
    value = CardList(
        rows=tuple(row for row in rows if not group or group in groups_of(row.account)),
        groups=tuple(sorted({name for row in rows for name in groups_of(row.account)})),
        group=group,
        lines=board.lines,
    )
    return page.render(request, value)


def groups_of(account: AccountFace) -> set[str]:
    """The groups of any card of an account."""
    return {name for card in account.cards for name in card.groups}


@router.get("/cards/new", dependencies=[page.needs("cards.write")])
def new_card(request: Request) -> Response:
    """The form for a card entered by hand."""
    return page.render(request, NewCard(_banks(request), "", "", ""))


@router.post("/cards/new", dependencies=WRITE)
def add_card(
    request: Request,
    db: page.Transaction,
    bank: Annotated[str, Form()],
    number: Annotated[str, Form()],
    label: Annotated[str, Form()] = "",
) -> Response:
    """Keep a card by its last digits."""
    try:
        face = cards.add_card(db, page.person(request), bank, number, label=label.strip(), now=page.now(request))
    except cards.NotACard:
        value = NewCard(_banks(request), bank, label, "number")
        return page.render(request, value, status=422)
    return page.go(f"/cards/{face.account_id}", request=request)


@router.post("/cards/lines", dependencies=WRITE)
def share_line(
    request: Request,
    db: page.Transaction,
    account_id: Annotated[list[UUID] | None, Form()] = None,
    label: Annotated[str, Form()] = "",
) -> Response:
    """Let the chosen accounts share one limit, so that it is counted once; one account alone shares with nobody."""
    if len(account_id or ()) > 1:
        cards.share_line(db, page.person(request), list(account_id or ()), label=label.strip()[:40])
    return page.go("/cards", request=request)


@router.post("/cards/lines/{line_id}/remove", dependencies=WRITE)
def unshare_line(request: Request, db: page.Transaction, line_id: UUID) -> Response:
    """Take a shared limit away; each account stands for itself again."""
    cards.unshare_line(db, page.person(request), line_id)
    return page.go("/cards", request=request)


@router.post("/cards/{account_id}/bill", dependencies=WRITE)
def add_bill(
    request: Request,
    db: page.Transaction,
    account_id: UUID,
    total: Annotated[str, Form()],
    statement_on: Annotated[date, Form()],
    due_on: Annotated[date | None, Form()] = None,
    minimum: Annotated[str, Form()] = "",
) -> Response:
    """Keep a bill typed from paper; what the paper does not say is filled by rule and marked."""
    account = cards.account_face(db, page.person(request), account_id)
    facts = BillFacts(
        bank=account.bank,
        currency="CNY",
        total_due=from_text(total),
        minimum_due=from_text(minimum) if minimum.strip() else None,
        statement_on=statement_on,
        due_on=due_on,
        cards=tuple(card.last_digits for card in account.cards),
        level=account.level.value,
    )
    cards.record_bill(db, page.person(request), facts, now=page.now(request))
    return page.go(f"/cards/{account_id}", request=request)


@router.post("/cards/{account_id}/payment", dependencies=WRITE)
def add_payment(
    request: Request,
    db: page.Transaction,
    account_id: UUID,
    bill_id: Annotated[UUID, Form()],
    amount: Annotated[str, Form()],
    credited_on: Annotated[date, Form()],
) -> Response:
    """Note a repayment made elsewhere; it joins the bank's own row when that is imported."""
    user, now = page.person(request), page.now(request)
    cards.record_payment(db, user, bill_id, from_text(amount), credited_on, now=now)
    return page.go(f"/cards/{account_id}", request=request)


@router.post("/cards/{account_id}/bills/{bill_id}/take-back", dependencies=WRITE)
def take_back_bill(request: Request, db: page.Transaction, account_id: UUID, bill_id: UUID) -> Response:
    """Withdraw one bill; the version before it stands again."""
    cards.take_back_bill(db, page.person(request), bill_id, now=page.now(request))
    return page.go(f"/cards/{account_id}", request=request)


@router.post("/cards/{account_id}/name", dependencies=WRITE)
def name_account(
    request: Request, db: page.Transaction, account_id: UUID, label: Annotated[str, Form()] = ""
) -> Response:
    """The user's own name for an account."""
    cards.name_account(db, page.person(request), account_id, label.strip()[:40])
    return page.go(f"/cards/{account_id}", request=request)


@router.post("/cards/{account_id}/cards/{card_id}", dependencies=WRITE)
def edit_card(
    request: Request,
    db: page.Transaction,
    account_id: UUID,
    card_id: UUID,
    label: Annotated[str, Form()] = "",
    groups: Annotated[str, Form()] = "",
) -> Response:
    """Name and group one card; groups are words with blanks or commas between them."""
    words = groups.replace(",", " ").replace("，", " ").replace("、", " ").split()
    cards.edit_card(db, page.person(request), card_id, label=label.strip()[:40], groups=[word[:20] for word in words])
    return page.go(f"/cards/{account_id}", request=request)


@router.post("/cards/{account_id}/cards/{card_id}/remove", dependencies=WRITE)
def remove_card(request: Request, db: page.Transaction, account_id: UUID, card_id: UUID) -> Response:
    """Put a card away; its bills stay in history."""
    cards.remove_card(db, page.person(request), card_id, now=page.now(request))
    return page.go("/cards", request=request)


@router.post("/cards/{account_id}/terms", dependencies=WRITE)
def set_term(
    request: Request,
    db: page.Transaction,
    account_id: UUID,
    key: Annotated[str, Form()],
    value: Annotated[str, Form()],
    valid_from: Annotated[date, Form()],
) -> Response:
    """Keep what the user read in their own contract."""
    if key not in EDITABLE:
        raise TermUnreadable("这一项不能在这里修改。", field="key")
    cards.set_term(
        db,
        page.person(request),
        account_id,
        key,
        term_value(key, value),
        valid_from=valid_from,
        source="合同",
        now=page.now(request),
    )
    return page.go(f"/cards/{account_id}", request=request)


def term_value(key: str, typed: str) -> Any:
    """What people type as the store keeps it: percentages become rates, yuan become fen, days are counts."""
    text = typed.strip()
    try:
        if key in COUNTS:
            return int(text)
        if key in AMOUNTS:
            return from_text(text)
        if key == "grace_amount":
            return {"amount": from_text(text)}
        if key.endswith("_rate"):
            return str((Decimal(text.removesuffix("%")) / 100).normalize())
    except (ValueError, InvalidOperation):
        raise TermUnreadable("这个数值没有看懂,请只填数字。", field=key) from None
    return text


@router.get("/me/money", dependencies=READ)
def own_money(request: Request, db: page.Transaction) -> Response:
    """Own debit accounts."""
    return page.render(request, Money(cards.own_accounts(db, page.person(request)), _banks(request)))


@router.post("/me/money", dependencies=WRITE)
def set_account(
    request: Request,
    db: page.Transaction,
    bank: Annotated[str, Form()],
    number: Annotated[str, Form()],
    balance: Annotated[str, Form()],
    reserve: Annotated[str, Form()] = "",
    label: Annotated[str, Form()] = "",
) -> Response:
    """Add a debit account, or bring its balance and reserve up to date."""
    user, today = page.person(request), page.today(request)
    kept = from_text(reserve) if reserve.strip() else 0
    held = cards.set_account(db, user, bank, number, label=label.strip()[:40], reserve=kept)
    cards.record_balance(db, user, held.account_id, from_text(balance), balance_on=today)
    return page.go("/me/money", request=request)


@router.post("/me/money/{account_id}/remove", dependencies=WRITE)
def remove_account(request: Request, db: page.Transaction, account_id: UUID) -> Response:
    """Forget a debit account."""
    cards.remove_account(db, page.person(request), account_id)
    return page.go("/me/money", request=request)


def _banks(request: Request) -> tuple[Bank, ...]:
    return terms.banks_to_choose(demonstration=demonstration.is_served(request))
