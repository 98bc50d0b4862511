"""What many people owe at once, for the worker that debits by mandate: two questions for a whole batch."""

from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.cards import store_bulk
from anhuan.cards.model import AccountFace, CardFace, Level, OpenBill, OwnAccount
from anhuan.cards.own import as_own
from anhuan.cards.service import face_of
from anhuan.cards.tables import AccountRow


def open_of_many(
    db: Session, accounts: Collection[tuple[UUID, UUID]], *, on: date, currency: str = "CNY"
) -> Mapping[tuple[UUID, UUID], OpenBill]:
    """The current bill of each (party, billed account) that has one."""
    found = store_bulk.latest_of_many(db, accounts, currency, on=on)
    return {
        (one.bill.user_id, one.bill.account_id): OpenBill(
            one.bill.id, one.bill.statement_on, one.bill.due_on, one.bill.total_minor, one.paid,
            one.bill.minimum_minor or 0,
        )
        for one in found
    }  # fmt: skip


def own_of_many(db: Session, accounts: Collection[tuple[UUID, UUID]]) -> Mapping[tuple[UUID, UUID], OwnAccount]:
    """The own debit accounts of many, by (party, account); one that was put away is missing."""
    return {key: as_own(row) for key, row in store_bulk.own_of_many(db, accounts).items()}


def faces_of_many(
    db: Session, accounts: Collection[tuple[UUID, UUID]]
) -> Mapping[tuple[UUID, UUID], AccountFace]:  # fmt: skip
    """The billed accounts of many with their cards, by (party, account)."""
    rows: dict[tuple[UUID, UUID], AccountRow] = {}
    held: dict[tuple[UUID, UUID], list[CardFace]] = {}
    for account, card in store_bulk.accounts_of_many(db, accounts):
        key = (account.user_id, account.id)
        rows[key] = account
        mine = held.setdefault(key, [])
        if card is not None:
            mine.append(face_of(card, account.bank))
    return {
        key: AccountFace(row.id, row.bank, Level(row.level), tuple(held[key]), row.label, row.credit_line_id)
        for key, row in rows.items()
    }
