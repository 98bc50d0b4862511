"""Every question that room cards asks of the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Date,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, Range, distinct_on
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from anhuan.cards.model import Charge, PrintedDays
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
from anhuan.kit.vault import keyed_hash

LEARNED_FROM = 24  # bills of an account that its cycle is learned from: two years
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


def versions(db: Session, user_id: UUID, account_id: UUID, currency: str, statement_on: date) -> Sequence[BillRow]:
    """Every version of one bill, taken back or not, oldest first."""
    asked = select(BillRow).where(
        BillRow.user_id == user_id,
        BillRow.account_id == account_id,
        BillRow.currency == currency,
        BillRow.statement_on == statement_on,
    )
    return db.scalars(asked.order_by(BillRow.version).limit(MANY)).all()


def all_versions(db: Session, user_id: UUID, account_id: UUID) -> Sequence[BillRow]:
    """Every version of every bill of an account, taken back or not, oldest version first."""
    asked = select(BillRow).where(BillRow.user_id == user_id, BillRow.account_id == account_id)
    return db.scalars(asked.order_by(BillRow.statement_on, BillRow.version).limit(MANY)).all()


def bills_by_id(db: Session, user_id: UUID, bill_ids: Iterable[UUID]) -> Sequence[BillRow]:
    """These versions of bills, whatever became of them."""
    return db.scalars(select(BillRow).where(BillRow.user_id == user_id, BillRow.id.in_(list(bill_ids)))).all()


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
        .where(*_stands(user_id), BillRow.statement_on <= on, AccountRow.removed_at.is_(None))
        .ext(distinct_on(BillRow.account_id, BillRow.currency))
        .order_by(BillRow.account_id, BillRow.currency, BillRow.statement_on.desc())
        .subquery()
    )
    paid = _credited(user_id).where(PaymentRow.credited_on <= on).correlate(BillRow).scalar_subquery()
    asked = select(BillRow, paid).join(newest, newest.c.id == BillRow.id).where(BillRow.user_id == user_id)
    return _sums(db, asked)


def bills_of(db: Session, user_id: UUID, account_id: UUID, *, at_most: int) -> list[BillSum]:
    """The standing bills of one account, newest first, each with what was credited until the next one."""
    following = func.lead(BillRow.statement_on).over(partition_by=BillRow.currency, order_by=BillRow.statement_on)
    mine = select(BillRow.id, following.label("next_on")).where(*_stands(user_id), BillRow.account_id == account_id)
    each = mine.subquery()
    until_next = or_(each.c.next_on.is_(None), PaymentRow.credited_on < each.c.next_on)
    paid = _credited(user_id).where(until_next).correlate(BillRow, each).scalar_subquery()
    asked = select(BillRow, paid).join(each, each.c.id == BillRow.id).where(BillRow.user_id == user_id)
    return _sums(db, asked.order_by(BillRow.statement_on.desc(), BillRow.currency).limit(at_most))


def one_bill(db: Session, user_id: UUID, bill_id: UUID) -> BillSum | None:
    """One bill, whatever became of it, with what was credited while it was the current one."""
    bill = db.get(BillRow, (user_id, bill_id))
    if bill is None:
        return None
    following = select(func.min(BillRow.statement_on)).where(
        *_stands(user_id),
        BillRow.account_id == bill.account_id,
        BillRow.currency == bill.currency,
        BillRow.statement_on > bill.statement_on,
    )
    credited = select(func.array_agg(PaymentRow.amount_minor)).where(
        PaymentRow.user_id == user_id,
        PaymentRow.account_id == bill.account_id,
        PaymentRow.currency == bill.currency,
        PaymentRow.credited_on >= bill.statement_on,
    )
    if (next_on := db.scalar(following)) is not None:
        credited = credited.where(PaymentRow.credited_on < next_on)
    return BillSum(bill, sum(db.scalar(credited) or ()))


def printed_days(db: Session, user_id: UUID, account_ids: Iterable[UUID]) -> Mapping[UUID, list[PrintedDays]]:
    """The days of the standing bills of several accounts, newest first, for learning cycles; two years of each."""
    newest_first = func.row_number().over(partition_by=BillRow.account_id, order_by=BillRow.statement_on.desc())
    columns = (BillRow.account_id, BillRow.statement_on, BillRow.due_on, BillRow.inferred)
    mine = select(*columns, newest_first.label("nth")).where(
        *_stands(user_id), BillRow.account_id.in_(list(account_ids))
    )
    nth = mine.subquery()
    asked = select(nth.c.account_id, nth.c.statement_on, nth.c.due_on, nth.c.inferred).where(nth.c.nth <= LEARNED_FROM)
    found: dict[UUID, list[PrintedDays]] = {}
    for account_id, statement_on, due_on, inferred in db.execute(asked.order_by(nth.c.account_id, nth.c.nth)):
        found.setdefault(account_id, []).append(PrintedDays(statement_on, due_on, tuple(inferred)))
    return found


def charges(db: Session, user_id: UUID, bill_ids: Iterable[UUID]) -> Mapping[UUID, list[Charge]]:
    """The charges of several bills, in the bills' order."""
    columns = (ChargeRow.bill_id, ChargeRow.posted_on, ChargeRow.amount_minor, ChargeRow.instalment)
    asked = select(*columns).where(ChargeRow.user_id == user_id, ChargeRow.bill_id.in_(list(bill_ids)))
    found: dict[UUID, list[Charge]] = {}
    for bill_id, posted_on, amount, instalment in db.execute(asked.order_by(ChargeRow.bill_id, ChargeRow.seq)):
        found.setdefault(bill_id, []).append(Charge(posted_on, amount, instalment))
    return found


def sum_of(user_id: UUID, told: str) -> bytes:
    """The keyed sum by which a bill that was told before is recognised; another person's has another one."""
    return keyed_hash("bills.fingerprint", told, party=user_id)


def add_charges(db: Session, user_id: UUID, held: Mapping[UUID, Sequence[Charge]]) -> None:
    """Write the charges of many bills in one statement, as columns: thousands of rows cost one round trip."""
    rows = [(bill_id, seq, charge) for bill_id, charges in held.items() for seq, charge in enumerate(charges)]
    if not rows:
        return
    amounts = ChargeRow.__table__.c.amount_minor.type  # seals each one
    columns = {
        "bills": array_of([bill_id for bill_id, _, _ in rows], Uuid),
        "seqs": array_of([seq for _, seq, _ in rows], Integer),
        "days": array_of([charge.posted_on for _, _, charge in rows], Date),
        "amounts": array_of([charge.amount for _, _, charge in rows], amounts),
        "shares": array_of([charge.instalment for _, _, charge in rows], Boolean),
    }
    names = ["bill_id", "seq", "posted_on", "amount_minor", "instalment"]
    unnested = func.unnest(*columns.values()).table_valued(*names).render_derived(name="told")
    picked = select(literal(user_id, Uuid), *unnested.c)
    db.execute(insert(ChargeRow).from_select(["user_id", *names], picked))


def array_of(values: Sequence[object], kind: TypeEngine[Any] | type[TypeEngine[Any]]) -> BindParameter[Any]:
    """One bound array, so that a column of values is one parameter."""
    return bindparam(None, list(values), type_=ARRAY(kind))


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
    asked = select(BillRow.id).where(*_stands(user_id), BillRow.account_id == account_id)
    return db.scalar(asked.limit(1)) is not None


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
    found = db.scalars(select(LineRow).where(LineRow.user_id == user_id).order_by(LineRow.id).limit(MANY))
    return sorted(found, key=lambda line: (line.label, line.id))


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


def _stands(user_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """What makes a bill of the user the current version."""
    return (BillRow.user_id == user_id, BillRow.superseded_by.is_(None), BillRow.taken_back_at.is_(None))


def _credited(user_id: UUID) -> Select[Sequence[int]]:
    """What was credited to a bill's account from its statement day on (planning.md, rule 1), each by itself.

    The database cannot add what is sealed, so it gathers the amounts and we add them.
    """
    return select(func.array_agg(PaymentRow.amount_minor)).where(
        PaymentRow.user_id == user_id,
        PaymentRow.account_id == BillRow.account_id,
        PaymentRow.currency == BillRow.currency,
        PaymentRow.credited_on >= BillRow.statement_on,
    )


def _sums(db: Session, asked: Select[BillRow, Sequence[int]]) -> list[BillSum]:
    return [BillSum(row[0], sum(row[1] or ())) for row in db.execute(asked)]
