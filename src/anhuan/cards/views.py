"""What room cards shows: the due board, one account's page, bills with what was paid; it writes nothing."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan import channels
from anhuan.cards import contracts, rules, store
from anhuan.cards.model import (
    AccountFace,
    AccountPage,
    BillView,
    BoardEntry,
    CardFace,
    Charge,
    CurrencyTotal,
    DueBoard,
    Level,
    LineFace,
    NoSuchCard,
    Payment,
    Urgency,
)
from anhuan.cards.safety import SafePayBy, safe_pay_by
from anhuan.cards.service import face_of
from anhuan.cards.store import BillSum
from anhuan.cards.tables import AccountRow, LineRow
from anhuan.kit import calendar, terms

USUAL_CHANNEL: Final = "bank_transfer"  # the board's moment is the one of a plain transfer, the way everybody has
MONTH: Final = timedelta(days=30)
PAGE: Final = 36  # bills of three years on one page


def due_board(db: Session, user_id: UUID, *, on: date, channel: str = USUAL_CHANNEL) -> DueBoard:
    """Everything that is due on a day, nearest first, in three questions however many cards there are."""
    faces, lines = _faces(db, user_id)
    learned = channels.arrivals.book(db, on=on)
    views = [view_of(held, faces[held.bill.account_id].bank) for held in store.latest_bills(db, user_id, on=on)]
    entries = sorted((_entry(view, faces[view.account_id], on, channel, learned) for view in views), key=_order)
    groups = [(urgency, tuple(entry for entry in entries if entry.urgency == urgency)) for urgency in Urgency]
    billed = {view.account_id for view in views}
    return DueBoard(
        on=on,
        groups=tuple((urgency, group) for urgency, group in groups if group),
        totals=_totals(entries, on),
        lines=_limits(views, faces, lines),
        waiting=tuple(face for face in faces.values() if face.account_id not in billed),
    )


def current_bills(db: Session, user_id: UUID, *, on: date) -> tuple[BillView, ...]:
    """The newest bill of every account and currency with its charges and payments, in four questions in all."""
    faces, _ = _faces(db, user_id)
    held = store.latest_bills(db, user_id, on=on)
    return _with_rows(db, user_id, held, faces)


def accounts(db: Session, user_id: UUID) -> tuple[AccountFace, ...]:
    """Every billed account with its cards, oldest first."""
    return tuple(_faces(db, user_id)[0].values())


def find_cards(db: Session, user_id: UUID, *, bank: str, last_digits: str) -> tuple[CardFace, ...]:
    """The user's cards of a bank whose last digits these are; more than one where the bank repeats them."""
    faces, _ = _faces(db, user_id)
    return tuple(
        card
        for face in faces.values()
        if face.bank == bank
        for card in face.cards
        if rules.matches([card.last_digits], [last_digits])
    )


def bills_of(db: Session, user_id: UUID, account_id: UUID, *, at_most: int = PAGE) -> tuple[BillView, ...]:
    """The bills of one account, newest first, current versions only, with charges and payments."""
    face = account_face(db, user_id, account_id)
    return _with_rows(db, user_id, store.bills_of(db, user_id, account_id, at_most=at_most), {account_id: face})


def find_bill(db: Session, user_id: UUID, bill_id: UUID) -> BillView:
    """One bill, whatever became of it, with charges and payments; refuses one the user does not have."""
    held = store.one_bill(db, user_id, bill_id)
    if held is None:
        raise NoSuchCard("there is no such bill", field="bill_id")
    face = account_face(db, user_id, held.bill.account_id)
    others = store.bills_of(db, user_id, face.account_id, at_most=store.MANY)
    later = [one for one in others if one.bill.statement_on > held.bill.statement_on]
    return _with_rows(db, user_id, [held], {face.account_id: face}, ends=_ends([held, *later]))[0]


def history_of(db: Session, user_id: UUID, bill_id: UUID) -> tuple[BillView, ...]:
    """Every version of a bill that was not taken back, newest first: nothing that was superseded is lost."""
    held = store.one_bill(db, user_id, bill_id)
    if held is None:
        raise NoSuchCard("there is no such bill", field="bill_id")
    row = held.bill
    versions = store.versions(db, user_id, row.account_id, row.currency, row.statement_on)
    bank = account_face(db, user_id, row.account_id).bank
    kept = [version for version in reversed(versions) if version.taken_back_at is None]
    return tuple(view_of(BillSum(version, held.paid), bank) for version in kept)


def account_face(db: Session, user_id: UUID, account_id: UUID) -> AccountFace:
    """One account with its cards, also one that was put away; refuses what the user does not have."""
    row = next((row for row in store.accounts(db, user_id, removed=True) if row.id == account_id), None)
    if row is None:
        raise NoSuchCard("there is no such account", field="account_id")
    return _face(row, [face_of(card, row.bank) for card in store.cards(db, user_id, [account_id])])


def account_page(db: Session, user_id: UUID, account_id: UUID, *, on: date) -> AccountPage:
    """Everything one page shows about one account: cards, bills, terms in force, statements of the next 100 days."""
    bills = bills_of(db, user_id, account_id)
    held = contracts.contracts_of(db, user_id)
    printed = store.printed_days(db, user_id, [account_id]).get(account_id, ())
    cycle = contracts.cycle_of(held, account_id, printed, on=on)
    newest = bills[0] if bills else None
    return AccountPage(
        account=account_face(db, user_id, account_id),
        bills=bills,
        terms=held.card_terms(
            account_id,
            on=newest.statement_on if newest else on,
            total=newest.total_due if newest else 0,
            minimum=(newest.minimum_due or 0) if newest else 0,
        ),
        upcoming=contracts.upcoming(cycle, account_id, after=on, until=on + timedelta(days=100)) if cycle else (),
    )


def safe_moments(bill: BillView, *, on: date, learned: channels.arrivals.Book | None = None) -> tuple[SafePayBy, ...]:
    """The latest safe moment of every channel that reaches a bill's bank, earliest first; none without a due day."""
    if bill.due_on is None:
        return ()
    reach = [one for one in terms.channel_ids() if channels.capabilities.reaches(one, bill.bank, on=on)]
    known, today = [terms.channel(channel_id, on=on) for channel_id in reach], calendar.current()
    found = (
        safe_pay_by(
            bill.due_on, one, calendar=today,
            learned=learned.of(one.id, bill.bank, due_on=bill.due_on) if learned else None,
        )
        for one in known
    )  # fmt: skip
    return tuple(sorted(found, key=lambda moment: (moment.start_by, moment.channel)))


def view_of(held: BillSum, bank: str, charges: Iterable[Charge] = (), payments: Iterable[Payment] = ()) -> BillView:
    """A bill row as the rest of the house sees it."""
    row = held.bill
    return BillView(
        bill_id=row.id,
        account_id=row.account_id,
        bank=bank,
        currency=row.currency,
        statement_on=row.statement_on,
        due_on=row.due_on,
        total_due=row.total_minor,
        minimum_due=row.minimum_minor,
        paid=held.paid,
        level=Level(row.level),
        version=row.version,
        known_at=row.known_at,
        credit_limit=row.limit_minor,
        cycle_from=row.cycle_from,
        cycle_to=row.cycle_to,
        inferred=tuple(row.inferred),
        confidence=dict(row.confidence),
        spans=dict(row.spans),
        source_id=row.source_id,
        superseded_by=row.superseded_by,
        known_complete=row.known_complete,
        charges=tuple(charges),
        payments=tuple(payments),
    )


def _faces(db: Session, user_id: UUID) -> tuple[dict[UUID, AccountFace], dict[UUID, LineRow]]:
    rows: dict[UUID, AccountRow] = {}
    cards: dict[UUID, list[CardFace]] = {}
    lines: dict[UUID, LineRow] = {}
    for account, card, line in store.accounts_with_cards(db, user_id):
        rows[account.id] = account
        mine = cards.setdefault(account.id, [])
        if card is not None:
            mine.append(face_of(card, account.bank))
        if line is not None:
            lines[line.id] = line
    return {account_id: _face(row, cards[account_id]) for account_id, row in rows.items()}, lines


def _face(row: AccountRow, cards: Sequence[CardFace]) -> AccountFace:
    return AccountFace(row.id, row.bank, Level(row.level), tuple(cards), row.label, row.credit_line_id)


def _entry(view: BillView, face: AccountFace, on: date, channel: str, learned: channels.arrivals.Book) -> BoardEntry:
    urgency = rules.urgency(view, on=on)
    waits = view.due_on is not None and view.due_on >= on and urgency != Urgency.SETTLED
    safe = (
        safe_pay_by(
            view.due_on,
            terms.channel(channel, on=on),
            calendar=calendar.current(),
            learned=learned.of(channel, view.bank, due_on=view.due_on),
        )
        if waits and view.due_on
        else None
    )
    return BoardEntry(
        bill=view,
        account=face,
        urgency=urgency,
        days_left=None if view.due_on is None else (view.due_on - on).days,
        safe_pay_by=safe.start_by if safe else None,
        provisional=safe.provisional if safe else False,
    )


def _order(entry: BoardEntry) -> tuple[date, int, str, str]:
    return (entry.bill.due_on or date.max, -entry.open, entry.account.name(), entry.bill.currency)


def _totals(entries: Sequence[BoardEntry], on: date) -> tuple[CurrencyTotal, ...]:
    currencies = sorted({entry.bill.currency for entry in entries}, key=lambda code: (code != "CNY", code))
    return tuple(_total(code, [entry for entry in entries if entry.bill.currency == code], on) for code in currencies)


def _total(currency: str, entries: Sequence[BoardEntry], on: date) -> CurrencyTotal:
    soon = (entry for entry in entries if entry.bill.due_on is not None and on <= entry.bill.due_on <= on + MONTH)
    return CurrencyTotal(
        currency=currency,
        open=sum(entry.open for entry in entries),
        minimum_open=sum(entry.bill.minimum_open for entry in entries),
        overdue=sum(entry.open for entry in entries if entry.urgency == Urgency.OVERDUE),
        next_30_days=sum(entry.open for entry in soon),
    )


def _limits(
    views: Sequence[BillView], faces: dict[UUID, AccountFace], lines: dict[UUID, LineRow]
) -> tuple[LineFace, ...]:
    """Each shared limit once; an account that shares with nobody is a line of its own where its bill prints a limit."""
    found: list[LineFace] = []
    for line in lines.values():
        sharing = tuple(face.account_id for face in faces.values() if face.credit_line_id == line.id)
        mine = [view for view in views if view.account_id in sharing and view.currency == line.currency]
        printed = max((view.credit_limit or 0 for view in mine), default=0)
        owed = sum(view.open for view in mine)
        limit = printed if line.limit_minor is None else line.limit_minor
        found.append(LineFace(line.id, line.label, line.currency, limit, owed, sharing))
    for view in views:
        face = faces[view.account_id]
        if face.credit_line_id is None and view.credit_limit is not None:
            found.append(LineFace(None, face.name(), view.currency, view.credit_limit, view.open, (view.account_id,)))
    return tuple(found)


def _with_rows(
    db: Session,
    user_id: UUID,
    held: Sequence[BillSum],
    faces: dict[UUID, AccountFace],
    *,
    ends: dict[UUID, date] | None = None,
) -> tuple[BillView, ...]:
    if not held:
        return ()
    charges = store.charges(db, user_id, [one.bill.id for one in held])
    account_ids = {one.bill.account_id for one in held}
    paid = store.payments(db, user_id, account_ids, since=min(one.bill.statement_on for one in held))
    until = _ends(held) if ends is None else ends
    return tuple(
        view_of(
            one,
            faces[one.bill.account_id].bank,
            charges.get(one.bill.id, ()),
            [
                Payment(row.credited_on, row.amount_minor)
                for row in paid
                if row.account_id == one.bill.account_id
                and row.currency == one.bill.currency
                and one.bill.statement_on <= row.credited_on < until[one.bill.id]
            ],
        )
        for one in held
    )


def _ends(held: Sequence[BillSum]) -> dict[UUID, date]:
    """The next statement day after each bill among the given ones of its account and currency."""
    ends: dict[UUID, date] = {}
    following: dict[tuple[UUID, str], date] = {}
    for one in sorted(held, key=lambda one: one.bill.statement_on, reverse=True):
        key = (one.bill.account_id, one.bill.currency)
        ends[one.bill.id] = following.get(key, date.max)
        following[key] = one.bill.statement_on
    return ends
