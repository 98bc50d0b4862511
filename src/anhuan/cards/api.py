"""Room cards as JSON: the due board, accounts, bills, terms, own accounts, and what a choice would cost.

Money is decimal text in its currency, days are ISO 8601 in China's time, rates are decimal text.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from anhuan import cards, channels
from anhuan.cards.wire import (
    AccountOut,
    BillOut,
    BoardOut,
    CardChange,
    CardOut,
    ChoiceOut,
    NewCard,
    NewLine,
    NewPayment,
    NewTerm,
    OwnChange,
    OwnOut,
    PageOut,
    RateOut,
    SafeOut,
    TermOut,
    account_out,
    bill_out,
    card_out,
    choice_out,
    entry_out,
    expected_out,
    line_out,
    own_out,
    term_out,
    total_out,
)
from anhuan.kit import calendar, page, terms
from anhuan.kit.money import from_text, to_text

router = APIRouter(tags=["cards"])
On = Annotated[date | None, Query(description="the day asked about; today in China if left out")]
Lang = Annotated[str, Query(pattern="^(zh|en)$")]
Days = Annotated[int, Query(ge=0, le=3660)]


@router.get("/board", dependencies=[page.needs("cards.read")])
def due_board(request: Request, db: page.Transaction, on: On = None) -> BoardOut:
    """What is due: overdue, today, this week, later, with totals and limits."""
    board = cards.due_board(db, page.person(request), on=on or page.today(request))
    return BoardOut(
        on=board.on,
        entries=[entry_out(entry) for entry in board.entries],
        totals=[total_out(total) for total in board.totals],
        lines=[line_out(line) for line in board.lines],
        waiting=[account_out(face) for face in board.waiting],
        calendar=calendar.current().version,
    )


@router.get("/accounts", dependencies=[page.needs("cards.read")])
def list_accounts(request: Request, db: page.Transaction) -> list[AccountOut]:
    """Every billed account with its cards."""
    return [account_out(face) for face in cards.accounts(db, page.person(request))]


@router.get("/accounts/{account_id}", dependencies=[page.needs("cards.read")])
def show_account(request: Request, db: page.Transaction, account_id: UUID, on: On = None) -> PageOut:
    """One account: its bills with charges and payments, and the statements expected next."""
    shown = cards.account_page(db, page.person(request), account_id, on=on or page.today(request))
    return PageOut(
        account=account_out(shown.account),
        bills=[bill_out(view) for view in shown.bills],
        upcoming=[expected_out(one) for one in shown.upcoming],
    )


@router.get("/accounts/{account_id}/terms", dependencies=[page.needs("cards.read")])
def list_terms(request: Request, db: page.Transaction, account_id: UUID, on: On = None) -> list[TermOut]:
    """Every term of an account on a day, with its layer and source."""
    sheet = cards.terms_sheet(db, page.person(request), account_id, on=on or page.today(request))
    return [term_out(term) for term in sheet]


@router.put("/accounts/{account_id}/terms/{key}", dependencies=[page.needs("cards.write")])
def set_term(request: Request, db: page.Transaction, account_id: UUID, key: str, new: NewTerm) -> TermOut:
    """Keep what the user's own contract says from a day on; earlier days keep what held then."""
    user, now = page.person(request), page.now(request)
    term = cards.set_term(
        db,
        user,
        account_id,
        key,
        new.value,
        valid_from=new.valid_from,
        valid_to=new.valid_to,
        source=new.source,
        now=now,
    )
    return term_out(term)


@router.post("/cards", status_code=201, dependencies=[page.needs("cards.write")])
def add_card(request: Request, db: page.Transaction, new: NewCard) -> CardOut:
    """Keep a card; the same card twice is one."""
    face = cards.add_card(
        db,
        page.person(request),
        new.bank,
        new.number,
        now=page.now(request),
        label=new.label,
        groups=new.groups,
        supplementary=new.supplementary,
    )
    return card_out(face)


@router.patch("/cards/{card_id}", dependencies=[page.needs("cards.write")])
def edit_card(request: Request, db: page.Transaction, card_id: UUID, change: CardChange) -> CardOut:
    """Name a card, group it."""
    user = page.person(request)
    face = cards.edit_card(
        db, user, card_id, label=change.label, groups=change.groups, supplementary=change.supplementary
    )
    return card_out(face)


@router.delete("/cards/{card_id}", status_code=204, dependencies=[page.needs("cards.write")])
def remove_card(request: Request, db: page.Transaction, card_id: UUID) -> Response:
    """Put a card away; its bills stay in history."""
    cards.remove_card(db, page.person(request), card_id, now=page.now(request))
    return Response(status_code=204)


@router.get("/bills/{bill_id}", dependencies=[page.needs("bills.read")])
def show_bill(request: Request, db: page.Transaction, bill_id: UUID) -> list[BillOut]:
    """A bill and its earlier versions, newest first."""
    return [bill_out(view) for view in cards.history_of(db, page.person(request), bill_id)]


@router.post("/bills/{bill_id}/payments", status_code=201, dependencies=[page.needs("cards.write")])
def add_payment(request: Request, db: page.Transaction, bill_id: UUID, new: NewPayment) -> BillOut:
    """Note a repayment; when the bank's own row of it is imported, the two are one."""
    user = page.person(request)
    view = cards.find_bill(db, user, bill_id)
    cards.record_payment(
        db, user, bill_id, from_text(new.amount, view.currency), new.credited_on, now=page.now(request)
    )
    return bill_out(cards.find_bill(db, user, bill_id))


@router.get("/bills/{bill_id}/choices", dependencies=[page.needs("bills.read")])
def show_choices(
    request: Request,
    db: page.Transaction,
    bill_id: UUID,
    pay: Annotated[list[str] | None, Query(description="amounts to try")] = None,
    on: On = None,
    lang: Lang = "zh",
) -> list[ChoiceOut]:
    """What paying in full, the minimum, nothing or an amount costs, least first, with every step."""
    user = page.person(request)
    view = cards.find_bill(db, user, bill_id)
    amounts = [from_text(text, view.currency) for text in pay or ()]
    found = cards.choices_of(db, user, view, amounts, pay_on=on, lang=lang)
    return [choice_out(one, view.currency) for one in found]


@router.get("/bills/{bill_id}/late", dependencies=[page.needs("bills.read")])
def show_late(request: Request, db: page.Transaction, bill_id: UUID, days: Days, lang: Lang = "zh") -> ChoiceOut:
    """What it costs to pay everything some days after the due day."""
    user = page.person(request)
    view = cards.find_bill(db, user, bill_id)
    return choice_out(cards.late_cost_of(db, user, view, days_late=days, lang=lang), view.currency)


@router.get("/bills/{bill_id}/safe", dependencies=[page.needs("bills.read")])
def show_safe(request: Request, db: page.Transaction, bill_id: UUID, lang: Lang = "zh") -> list[SafeOut]:
    """The latest safe moment of every channel for one bill."""
    view, today = cards.find_bill(db, page.person(request), bill_id), page.today(request)
    return [
        SafeOut(
            channel=one.channel,
            name=terms.channel(one.channel, on=today).name(lang),
            start_by=one.start_by,
            by_hand_from=one.by_hand_from,
            provisional=one.provisional,
        )
        for one in cards.safe_moments(view, on=today, learned=channels.arrivals.book(db, on=today))
    ]


@router.post("/lines", status_code=201, dependencies=[page.needs("cards.write")])
def share_line(request: Request, db: page.Transaction, new: NewLine) -> dict[str, UUID]:
    """Let accounts share one limit, so that it is counted once."""
    limit = None if new.limit is None else from_text(new.limit, new.currency)
    user = page.person(request)
    line_id = cards.share_line(db, user, new.account_ids, label=new.label, currency=new.currency, limit=limit)
    return {"line_id": line_id}


@router.get("/own-accounts", dependencies=[page.needs("cards.read")])
def list_own(request: Request, db: page.Transaction) -> list[OwnOut]:
    """The user's debit accounts."""
    return [own_out(one) for one in cards.own_accounts(db, page.person(request))]


@router.put("/own-accounts", dependencies=[page.needs("cards.write")])
def set_own(request: Request, db: page.Transaction, change: OwnChange) -> OwnOut:
    """Add a debit account, or change its name, reserve or balance."""
    user = page.person(request)
    reserve = None if change.reserve is None else from_text(change.reserve, change.currency)
    one = cards.set_account(
        db, user, change.bank, change.number, label=change.label, reserve=reserve, currency=change.currency
    )
    if change.balance is not None:
        balance, day = from_text(change.balance, change.currency), change.balance_on or page.today(request)
        one = cards.record_balance(db, user, one.account_id, balance, balance_on=day)
    return own_out(one)


@router.get("/instalment-rate", dependencies=[page.needs("public")])
def instalment_rate(
    principal: str, periods: Annotated[int, Query(ge=1, le=360)], fee_rate: Decimal, up_front: bool = False
) -> RateOut:
    """The true yearly rate behind an instalment fee; `fee_rate` is a share of the principal per period, or at once."""
    cost = cards.plan_cost(from_text(principal), periods, fee_rate, up_front=up_front)
    rates = (str(round(rate, 6)) for rate in (cost.nominal, cost.effective))
    nominal, effective = rates
    payments = [to_text(row.amount) for row in cost.rows]
    return RateOut(fees=to_text(cost.fees), nominal=nominal, effective=effective, payments=payments)
