"""Every question that room cards asks of the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import Range, distinct_on
from sqlalchemy.orm import Session, aliased

from anhuan.cards.tables import (
    AccountRow,
    BillRow,
    CardRow,
    ChargeRow,
    LineRow,
    OwnAccountRow,
    PaymentRow,
    TermRow,
)

MANY = 10_000  # more rows than any person has; a list without an end is a bug
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class BillSum:
    """A bill row with what was credited to its account while it was the current one."""

    bill: BillRow
    paid: int


def accounts(db: Session, user_id: UUID, *, bank: str | None = None, removed: bool = False) -> Sequence[AccountRow]:
    """The user's billed accounts, oldest first; removed ones only where asked."""
    asked = select(AccountRow).where(AccountRow.user_id == user_id)
    if bank is not None:
        asked = asked.where(AccountRow.bank == bank)
    if not removed:
        asked = asked.where(AccountRow.removed_at.is_(None))
    return db.scalars(asked.order_by(AccountRow.added_at, AccountRow.id).limit(MANY)).all()


def cards(db: Session, user_id: UUID, account_ids: Iterable[UUID] | None = None) -> Sequence[CardRow]:
    """The user's cards, oldest first; of some accounts where asked."""
    asked = select(CardRow).where(CardRow.user_id == user_id)
    if account_ids is not None:
        asked = asked.where(CardRow.account_id.in_(list(account_ids)))
    return db.scalars(asked.order_by(CardRow.added_at, CardRow.id).limit(MANY)).all()


def accounts_with_cards(db: Session, user_id: UUID) -> Sequence[tuple[AccountRow, CardRow | None, LineRow | None]]:
    """Standing accounts, each with its cards and its shared line, one row per card, in one question."""
    asked = (
        select(AccountRow, CardRow, LineRow)
        .outerjoin(CardRow, and_(CardRow.user_id == AccountRow.user_id, CardRow.account_id == AccountRow.id))
        .outerjoin(LineRow, and_(LineRow.user_id == AccountRow.user_id, LineRow.id == AccountRow.credit_line_id))
        .where(AccountRow.user_id == user_id, AccountRow.removed_at.is_(None))
        .order_by(AccountRow.added_at, AccountRow.id, CardRow.added_at, CardRow.id)
    )
    return [(row[0], row[1], row[2]) for row in db.execute(asked.limit(MANY))]


def standing_bill(db: Session, user_id: UUID, account_id: UUID, currency: str, statement_on: date) -> BillRow | None:
    """The current version of one bill."""
    return db.scalars(
        _standing(user_id).where(
            BillRow.account_id == account_id, BillRow.currency == currency, BillRow.statement_on == statement_on
        )
    ).one_or_none()


def versions(db: Session, user_id: UUID, account_id: UUID, currency: str, statement_on: date) -> Sequence[BillRow]:
    """Every version of one bill, taken back or not, oldest first."""
    asked = select(BillRow).where(
        BillRow.user_id == user_id,
        BillRow.account_id == account_id,
        BillRow.currency == currency,
        BillRow.statement_on == statement_on,
    )
    return db.scalars(asked.order_by(BillRow.version).limit(MANY)).all()


def bills_of_source(db: Session, user_id: UUID, source_id: UUID) -> Sequence[BillRow]:
    """What one import brought and nobody took back, newest version first."""
    asked = select(BillRow).where(
        BillRow.user_id == user_id, BillRow.source_id == source_id, BillRow.taken_back_at.is_(None)
    )
    return db.scalars(asked.order_by(BillRow.statement_on, BillRow.version.desc()).limit(MANY)).all()


def latest_bills(db: Session, user_id: UUID, *, on: date) -> list[BillSum]:
    """Per account and currency the newest standing bill issued by the day, with what was paid of it: one question."""
    newest = (
        select(BillRow.id)
        .join(AccountRow, and_(AccountRow.user_id == BillRow.user_id, AccountRow.id == BillRow.account_id))
        .where(
            BillRow.user_id == user_id,
            BillRow.superseded_by.is_(None),
            BillRow.taken_back_at.is_(None),
            BillRow.statement_on <= on,
            AccountRow.removed_at.is_(None),
        )
        .ext(distinct_on(BillRow.account_id, BillRow.currency))
        .order_by(BillRow.account_id, BillRow.currency, BillRow.statement_on.desc())
        .subquery()
    )
    return _sums(db, _with_paid(user_id, until=on).where(BillRow.id.in_(select(newest.c.id))))


def bills_of(db: Session, user_id: UUID, account_id: UUID, *, at_most: int) -> list[BillSum]:
    """The standing bills of one account, newest first, each with what was credited until the next one."""
    asked = _with_paid(user_id, until=None).where(BillRow.account_id == account_id)
    return _sums(db, asked.order_by(BillRow.statement_on.desc(), BillRow.currency).limit(at_most))


def one_bill(db: Session, user_id: UUID, bill_id: UUID) -> BillSum | None:
    """One bill, whatever became of it, with what was credited while it was the current one."""
    paid = _paid(user_id, until=None)
    row = db.execute(select(BillRow, paid).where(BillRow.user_id == user_id, BillRow.id == bill_id)).one_or_none()
    return None if row is None else BillSum(row[0], int(row[1] or 0))


def printed_days(db: Session, user_id: UUID, account_ids: Iterable[UUID]) -> Mapping[UUID, list[BillRow]]:
    """The standing bills of several accounts, newest first, for learning their cycles; at most 24 of each."""
    ranked = select(
        BillRow.id,
        func.row_number().over(partition_by=BillRow.account_id, order_by=BillRow.statement_on.desc()).label("nth"),
    ).where(
        BillRow.user_id == user_id,
        BillRow.superseded_by.is_(None),
        BillRow.taken_back_at.is_(None),
        BillRow.account_id.in_(list(account_ids)),
    )
    nth = ranked.subquery()
    asked = select(BillRow).join(nth, nth.c.id == BillRow.id).where(BillRow.user_id == user_id, nth.c.nth <= 24)
    found: dict[UUID, list[BillRow]] = {}
    for bill in db.scalars(asked.order_by(BillRow.account_id, BillRow.statement_on.desc())):
        found.setdefault(bill.account_id, []).append(bill)
    return found


def charges(db: Session, user_id: UUID, bill_ids: Iterable[UUID]) -> Mapping[UUID, list[ChargeRow]]:
    """The charges of several bills, in the bills' order."""
    asked = select(ChargeRow).where(ChargeRow.user_id == user_id, ChargeRow.bill_id.in_(list(bill_ids)))
    found: dict[UUID, list[ChargeRow]] = {}
    for charge in db.scalars(asked.order_by(ChargeRow.bill_id, ChargeRow.seq)):
        found.setdefault(charge.bill_id, []).append(charge)
    return found


def add_charges(db: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Write the charges of a bill in one go."""
    if rows:
        db.execute(insert(ChargeRow), [dict(row) for row in rows])


def payments(db: Session, user_id: UUID, account_ids: Iterable[UUID], *, since: date) -> Sequence[PaymentRow]:
    """What was credited to accounts from a day on, oldest first."""
    asked = select(PaymentRow).where(
        PaymentRow.user_id == user_id,
        PaymentRow.account_id.in_(list(account_ids)),
        PaymentRow.credited_on >= since,
    )
    return db.scalars(asked.order_by(PaymentRow.credited_on, PaymentRow.added_at, PaymentRow.id).limit(MANY)).all()


def payments_of_source(db: Session, user_id: UUID, source_id: UUID) -> Sequence[PaymentRow]:
    """The payments that an import vouches for."""
    asked = select(PaymentRow).where(PaymentRow.user_id == user_id, PaymentRow.source_ids.contains([source_id]))
    return db.scalars(asked.order_by(PaymentRow.credited_on, PaymentRow.id).limit(MANY)).all()


def made_by_source(db: Session, user_id: UUID, source_id: UUID) -> tuple[Sequence[CardRow], Sequence[AccountRow]]:
    """The cards and accounts that an import brought into being."""
    cards_made = select(CardRow).where(CardRow.user_id == user_id, CardRow.source_id == source_id)
    made = select(AccountRow).where(AccountRow.user_id == user_id, AccountRow.source_id == source_id)
    return db.scalars(cards_made.limit(MANY)).all(), db.scalars(made.limit(MANY)).all()


def has_standing_bills(db: Session, user_id: UUID, account_id: UUID) -> bool:
    """Whether any bill of the account stands."""
    return db.scalars(_standing(user_id).where(BillRow.account_id == account_id).limit(1)).first() is not None


def has_rows(db: Session, user_id: UUID, account_id: UUID) -> bool:
    """Whether anything, taken back or not, hangs on the account."""
    bill = select(BillRow.id).where(BillRow.user_id == user_id, BillRow.account_id == account_id).limit(1)
    payment = select(PaymentRow.id).where(PaymentRow.user_id == user_id, PaymentRow.account_id == account_id).limit(1)
    return db.scalar(bill) is not None or db.scalar(payment) is not None


def move_cards(db: Session, user_id: UUID, *, from_account: UUID, to_account: UUID) -> None:
    """Put all cards of one account under another."""
    db.execute(
        update(CardRow)
        .where(CardRow.user_id == user_id, CardRow.account_id == from_account)
        .values(account_id=to_account)
    )


def drop_account(db: Session, user_id: UUID, account_id: UUID) -> None:
    """Delete an account that nothing hangs on, with its cards."""
    db.execute(delete(CardRow).where(CardRow.user_id == user_id, CardRow.account_id == account_id))
    db.execute(delete(AccountRow).where(AccountRow.user_id == user_id, AccountRow.id == account_id))


def lines(db: Session, user_id: UUID) -> Sequence[LineRow]:
    """The user's shared limits."""
    asked = select(LineRow).where(LineRow.user_id == user_id).order_by(LineRow.label, LineRow.id)
    return db.scalars(asked.limit(MANY)).all()


def own_accounts(db: Session, user_id: UUID) -> Sequence[OwnAccountRow]:
    """The user's debit accounts, by bank and digits."""
    asked = select(OwnAccountRow).where(OwnAccountRow.user_id == user_id)
    return db.scalars(asked.order_by(OwnAccountRow.bank, OwnAccountRow.last_digits, OwnAccountRow.id).limit(MANY)).all()


def terms(db: Session, user_id: UUID) -> Sequence[TermRow]:
    """Every standing term of the user and of the operator (who has the nil id)."""
    asked = select(TermRow).where(
        or_(TermRow.user_id == user_id, TermRow.user_id == NOBODY), TermRow.retired_by == NOBODY
    )
    return db.scalars(asked.order_by(TermRow.scope, TermRow.key, TermRow.valid).limit(MANY)).all()


def terms_touching(db: Session, user_id: UUID, scope: str, key: str, days: Range[date]) -> Sequence[TermRow]:
    """The standing rows of one key whose days overlap the given ones, earliest first, locked until the end."""
    asked = select(TermRow).where(
        TermRow.user_id == user_id,
        TermRow.scope == scope,
        TermRow.key == key,
        TermRow.retired_by == NOBODY,
        TermRow.valid.overlaps(days),
    )
    return db.scalars(asked.order_by(TermRow.valid).with_for_update().limit(MANY)).all()


def _standing(user_id: UUID) -> Select[BillRow]:
    return select(BillRow).where(
        BillRow.user_id == user_id, BillRow.superseded_by.is_(None), BillRow.taken_back_at.is_(None)
    )


def _with_paid(user_id: UUID, *, until: date | None) -> Select[BillRow, int | None]:
    return select(BillRow, _paid(user_id, until=until)).where(
        BillRow.user_id == user_id, BillRow.superseded_by.is_(None), BillRow.taken_back_at.is_(None)
    )


def _paid(user_id: UUID, *, until: date | None) -> ScalarSelect[int]:
    """Credited from the statement day until the day before the account's next statement (planning.md, rule 1)."""
    later = aliased(BillRow)
    next_statement = (
        select(func.min(later.statement_on))
        .where(
            later.user_id == user_id,
            later.account_id == BillRow.account_id,
            later.currency == BillRow.currency,
            later.statement_on > BillRow.statement_on,
            later.superseded_by.is_(None),
            later.taken_back_at.is_(None),
        )
        .correlate(BillRow)
        .scalar_subquery()
    )
    credited = select(func.sum(PaymentRow.amount_minor)).where(
        PaymentRow.user_id == user_id,
        PaymentRow.account_id == BillRow.account_id,
        PaymentRow.currency == BillRow.currency,
        PaymentRow.credited_on >= BillRow.statement_on,
        or_(next_statement.is_(None), PaymentRow.credited_on < next_statement),
    )
    if until is not None:
        credited = credited.where(PaymentRow.credited_on <= until)
    return credited.correlate(BillRow).scalar_subquery()


def _sums(db: Session, asked: Select[BillRow, int | None]) -> list[BillSum]:
    return [BillSum(row[0], int(row[1] or 0)) for row in db.execute(asked)]
