"""The user's own debit accounts: where repayments come from, and what must stay on them."""

from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.cards import store
from anhuan.cards.model import NoSuchCard, OwnAccount
from anhuan.cards.numbers import read_last_digits
from anhuan.cards.tables import OwnAccountRow
from anhuan.kit.ids import new_id


def own_accounts(db: Session, user_id: UUID) -> tuple[OwnAccount, ...]:
    """The user's debit accounts with balance, its day, and the reserve that is never to be spent."""
    return tuple(as_own(row) for row in store.own_accounts(db, user_id))


def set_account(
    db: Session,
    user_id: UUID,
    bank: str,
    number: str,
    *,
    label: str | None = None,
    reserve: int | None = None,
    currency: str = "CNY",
) -> OwnAccount:
    """Add a debit account by its last digits, or change its name and reserve (minor units); never a card."""
    tail = read_last_digits(number)[-4:]
    row = _own_row(db, user_id, bank, tail, currency)
    if row is None:
        row = OwnAccountRow(
            user_id=user_id,
            id=new_id(),
            bank=bank,
            last_digits=tail,
            currency=currency,
            label=label or "",
            balance_minor=0,
            balance_on=None,
            reserve_minor=reserve or 0,
        )
        db.add(row)
    row.label = row.label if label is None else label
    row.reserve_minor = row.reserve_minor if reserve is None else max(0, reserve)
    db.flush()
    return as_own(row)


def record_balance(db: Session, user_id: UUID, account_id: UUID, balance: int, *, balance_on: date) -> OwnAccount:
    """Keep what a debit account holds (minor units); an older figure than the one known changes nothing."""
    row = db.get(OwnAccountRow, (user_id, account_id))
    if row is None:
        raise NoSuchCard("there is no such account", field="account_id")
    if row.balance_on is None or row.balance_on <= balance_on:
        row.balance_minor, row.balance_on = balance, balance_on
    db.flush()
    return as_own(row)


def put_back_balance(db: Session, user_id: UUID, account_id: UUID, balance: int, *, balance_on: date | None) -> None:
    """Let an older figure count again (minor units), because the newer one was taken back."""
    row = db.get(OwnAccountRow, (user_id, account_id))
    if row is None:
        raise NoSuchCard("there is no such account", field="account_id")
    row.balance_minor, row.balance_on = balance, balance_on
    db.flush()


def remove_account(db: Session, user_id: UUID, account_id: UUID) -> None:
    """Forget a debit account."""
    row = db.get(OwnAccountRow, (user_id, account_id))
    if row is None:
        raise NoSuchCard("there is no such account", field="account_id")
    db.delete(row)
    db.flush()


def _own_row(db: Session, user_id: UUID, bank: str, tail: str, currency: str) -> OwnAccountRow | None:
    rows = store.own_accounts(db, user_id)
    return next((row for row in rows if (row.bank, row.last_digits, row.currency) == (bank, tail, currency)), None)


def as_own(row: OwnAccountRow) -> OwnAccount:
    """An own account as the rest of the house sees it."""
    return OwnAccount(
        account_id=row.id,
        bank=row.bank,
        last_digits=row.last_digits,
        label=row.label,
        balance=row.balance_minor,
        balance_on=row.balance_on,
        reserve=row.reserve_minor,
        currency=row.currency,
    )
