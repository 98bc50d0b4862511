"""The acts of room cards: record bills and payments, keep cards, lines and own accounts; the caller commits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.cards import store
from anhuan.cards.model import (
    BillFacts,
    CardFace,
    Level,
    NoSuchCard,
    NotABill,
)
from anhuan.cards.numbers import read_last_digits, same_card
from anhuan.cards.recording import account_row, card_row, payment_row, recording
from anhuan.cards.tables import AccountRow, BillRow, CardRow, LineRow, PaymentRow
from anhuan.kit import terms
from anhuan.kit.ids import new_id


def take_back_bill(db: Session, user_id: UUID, bill_id: UUID, *, now: datetime) -> None:
    """Withdraw one version of a bill; the version it had superseded stands again."""
    row = db.get(BillRow, (user_id, bill_id))
    if row is None or row.taken_back_at is not None:
        raise NoSuchCard("there is no such bill", field="bill_id")
    chain = store.versions(db, user_id, row.account_id, row.currency, row.statement_on)
    heir = row.superseded_by
    row.taken_back_at = now
    db.flush()
    for older in chain:
        if older.superseded_by == row.id:
            older.superseded_by = heir
    db.flush()


def take_back(db: Session, user_id: UUID, source_id: UUID, *, now: datetime) -> int:
    """Undo all that one import brought: bills, payments nobody else vouches for, cards and accounts left empty.

    Returns how many bills were withdrawn. An import that brought nothing is no error.
    """
    bills = store.bills_of_source(db, user_id, source_id)
    for row in bills:
        take_back_bill(db, user_id, row.id, now=now)
    for payment in store.payments_of_source(db, user_id, source_id):
        _unvouch(db, payment, source_id)
    db.flush()
    _drop_made_by(db, user_id, source_id, now=now)
    return len(bills)


def hand_over(
    db: Session, user_id: UUID, told: Mapping[UUID, BillFacts], *, source_id: UUID, to: UUID, now: datetime
) -> None:
    """Let bills that an import brought (`told`: what it said of each) count as brought by another one.

    Done before the first is taken back, they stay with their history, their cards and their repayments.
    """
    bills = store.bills_by_id(db, user_id, told)
    made_cards, made_accounts = store.made_by_source(db, user_id, source_id)
    kept = {row.account_id for row in bills}
    with recording(db, user_id, now=now) as recorder:
        for row in bills:
            recorder.credit(row.account_id, row.currency, told[row.id].payments, source_id=to)
            row.source_id = to if row.source_id == source_id else row.source_id
    tails = {(row.account_id, tail) for row in bills for tail in row.cards}
    for account in made_accounts:
        account.source_id = to if account.id in kept else source_id
    for card in made_cards:
        named = any(card.account_id == at and same_card(card.last_digits, tail) for at, tail in tails)
        card.source_id = to if named else source_id
    db.flush()


def record_payment(db: Session, user_id: UUID, bill_id: UUID, amount: int, credited_on: date, *, now: datetime) -> UUID:
    """Note a repayment the user made for a bill, in minor units, on the day it reached the card.

    When the bank's own row of it is imported later, the two are one. Refunds are never recorded here.
    """
    row = db.get(BillRow, (user_id, bill_id))
    if row is None or row.taken_back_at is not None:
        raise NoSuchCard("there is no such bill", field="bill_id")
    if amount <= 0:
        raise NotABill("a payment is an amount above 0", field="amount")
    if credited_on < row.statement_on:
        raise NotABill("a payment before the statement day counted for the bill before", field="credited_on")
    payment = payment_row(user_id, row.account_id, row.currency, amount, entered_on=credited_on, now=now)
    db.add(payment)
    db.flush()
    return payment.id


def remove_payment(db: Session, user_id: UUID, payment_id: UUID) -> None:
    """Forget a repayment that the user noted by mistake; one that the bank's data prove stays."""
    row = db.get(PaymentRow, (user_id, payment_id))
    if row is None:
        raise NoSuchCard("there is no such payment", field="payment_id")
    if row.posted_on is None:
        db.delete(row)
    else:
        row.entered_on = None
    db.flush()


def add_card(
    db: Session,
    user_id: UUID,
    bank: str,
    number: str,
    *,
    now: datetime,
    label: str = "",
    groups: Iterable[str] = (),
    supplementary: bool = False,
    account_id: UUID | None = None,
) -> CardFace:
    """Keep a card by its last digits (a whole number is checked, cut and forgotten); the same card twice is one.

    At a bank that bills all cards on one account the new card joins it; elsewhere it gets an account of its own.
    """
    tail = read_last_digits(number)
    for row in store.accounts(db, user_id, bank=bank):
        known = next((card for card in store.cards(db, user_id, [row.id]) if same_card(card.last_digits, tail)), None)
        if known is not None:
            return face_of(known, bank)
    account = _account_to_join(db, user_id, bank, account_id)
    if account is None:
        account = account_row(user_id, bank, _usual_level(bank, now), source_id=None, now=now)
        db.add(account)
        db.flush()
    card = card_row(account, tail, source_id=None, now=now)
    db.add(card)
    card.label, card.groups, card.supplementary = label, list(groups), supplementary
    db.flush()
    return face_of(card, bank)


def edit_card(
    db: Session,
    user_id: UUID,
    card_id: UUID,
    *,
    label: str | None = None,
    groups: Iterable[str] | None = None,
    supplementary: bool | None = None,
) -> CardFace:
    """Change what the user calls a card and where they group it; what is not given stays."""
    card = _card(db, user_id, card_id)
    card.label = card.label if label is None else label
    card.groups = card.groups if groups is None else sorted(set(groups))
    card.supplementary = card.supplementary if supplementary is None else supplementary
    db.flush()
    return face_of(card, _account(db, user_id, card.account_id).bank)


def name_account(db: Session, user_id: UUID, account_id: UUID, label: str) -> None:
    """Give an account the user's own name for it; an empty name takes it away."""
    _account(db, user_id, account_id).label = label
    db.flush()


def remove_card(db: Session, user_id: UUID, card_id: UUID, *, now: datetime) -> None:
    """Put a card away; its account leaves the board with its last card, and what was billed stays in history."""
    card = _card(db, user_id, card_id)
    others = [row for row in store.cards(db, user_id, [card.account_id]) if row.id != card_id]
    if others or store.has_rows(db, user_id, card.account_id):
        if not others:
            _account(db, user_id, card.account_id).removed_at = now
        db.delete(card)
    else:
        store.drop_account(db, user_id, card.account_id)
    db.flush()


def share_line(
    db: Session,
    user_id: UUID,
    account_ids: Sequence[UUID],
    *,
    label: str,
    currency: str = "CNY",
    limit: int | None = None,
) -> UUID:
    """Let accounts share one limit (minor units; None: the largest their bills print), so that it is counted once."""
    line = LineRow(user_id=user_id, id=new_id(), label=label, currency=currency, limit_minor=limit)
    db.add(line)
    db.flush()
    for account_id in account_ids:
        _account(db, user_id, account_id).credit_line_id = line.id
    db.flush()
    return line.id


def unshare_line(db: Session, user_id: UUID, line_id: UUID) -> None:
    """Take a shared limit away; each of its accounts stands for itself again."""
    line = db.get(LineRow, (user_id, line_id))
    if line is None:
        raise NoSuchCard("there is no such line", field="line_id")
    for account in store.accounts(db, user_id, removed=True):
        if account.credit_line_id == line_id:
            account.credit_line_id = None
    db.flush()
    db.delete(line)
    db.flush()


def face_of(card: CardRow, bank: str) -> CardFace:
    """A card row as the rest of the house sees it."""
    return CardFace(
        card.id, card.account_id, bank, card.last_digits, card.label, tuple(card.groups), card.supplementary
    )


def _usual_level(bank: str, now: datetime) -> Level:
    return Level(terms.ask("bill_level", on=now.date(), scopes=terms.layers(bank=bank)).value)


def _account_to_join(db: Session, user_id: UUID, bank: str, account_id: UUID | None) -> AccountRow | None:
    if account_id is not None:
        account = _account(db, user_id, account_id)
        if account.bank != bank:
            raise NoSuchCard("the account belongs to another bank", field="account_id")
        return account
    whole = [row for row in store.accounts(db, user_id, bank=bank) if row.level == Level.ACCOUNT]
    return whole[0] if whole else None


def _unvouch(db: Session, payment: PaymentRow, source_id: UUID) -> None:
    """One source less for a payment: nobody left deletes it, the user alone left brings back the user's day."""
    payment.source_ids = [source for source in payment.source_ids if source != source_id]
    if payment.source_ids:
        return
    if payment.entered_on is None:
        db.delete(payment)
    else:
        payment.posted_on, payment.credited_on = None, payment.entered_on


def _drop_made_by(db: Session, user_id: UUID, source_id: UUID, *, now: datetime) -> None:
    cards, accounts = store.made_by_source(db, user_id, source_id)
    for account in accounts:
        if not store.has_standing_bills(db, user_id, account.id):
            account.removed_at = now  # its withdrawn bills keep their history; a later bill brings it back
    standing = {row.id for row in store.accounts(db, user_id)}
    for card in cards:
        named = any(same_card(card.last_digits, tail) for tail in _billed_tails(db, user_id, card.account_id))
        if not named or card.account_id not in standing:
            db.delete(card)
    db.flush()


def _billed_tails(db: Session, user_id: UUID, account_id: UUID) -> list[str]:
    return [tail for held in store.bills_of(db, user_id, account_id, at_most=store.MANY) for tail in held.bill.cards]


def _account(db: Session, user_id: UUID, account_id: UUID) -> AccountRow:
    account = db.get(AccountRow, (user_id, account_id))
    if account is None:
        raise NoSuchCard("there is no such account", field="account_id")
    return account


def _card(db: Session, user_id: UUID, card_id: UUID) -> CardRow:
    card = db.get(CardRow, (user_id, card_id))
    if card is None:
        raise NoSuchCard("there is no such card", field="card_id")
    return card
