"""Every question that matching asks: whose statements turned a page, which orders they may show, what was credited."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from anhuan.repayments.model import EventKind
from anhuan.repayments.tables import EventRow, OrderRow
from anhuan.repayments.tables_matching import CreditRow, LookRow

WAITING = ("sent", "promised", "in_doubt")
_MOST = 2000
# Parties with a payment that waits for proof, or that was looked at before, whose statements say something new since.
_TURNED = text("""
    SELECT p.user_id FROM statement_pages p JOIN repay_looks l ON l.user_id = p.user_id AND l.page <> p.page
    UNION
    SELECT o.user_id FROM repay_orders o JOIN statement_pages p ON p.user_id = o.user_id
        LEFT JOIN repay_looks l ON l.user_id = o.user_id
        WHERE o.status IN ('sent', 'promised', 'in_doubt') AND (l.user_id IS NULL OR o.sent_at > l.looked_at)
    ORDER BY 1 LIMIT :most""")
_PAGE = text("SELECT page FROM statement_pages WHERE user_id = :party")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:what || ' ' || :whose, 0))")


def turned(db: Session, *, at_most: int) -> Sequence[UUID]:
    """Parties whose payments are to be compared with their statements now; for the worker."""
    return db.scalars(_TURNED, {"most": at_most}).all()


def any_sent(db: Session, party: UUID) -> bool:
    """Whether anything of a party went out, so that lines may show it."""
    asked = select(OrderRow.id).where(OrderRow.user_id == party, OrderRow.sent_at.is_not(None))
    return db.scalar(asked.limit(1)) is not None


def page(db: Session, party: UUID) -> int | None:
    """The page of a party's statements, counted at every import and undo; None before the first."""
    found: int | None = db.scalar(_PAGE, {"party": party})
    return found


def looked(db: Session, party: UUID, page: int, now: datetime) -> None:
    """Write down up to which page was looked."""
    made = insert(LookRow).values(user_id=party, page=page, looked_at=now)
    db.execute(
        made.on_conflict_do_update(
            index_elements=["user_id"], set_={"page": made.excluded.page, "looked_at": made.excluded.looked_at}
        )
    )


def lock(db: Session, what: str, whose: UUID) -> None:
    """Let one transaction at a time compare, or credit, for a party or an account."""
    db.execute(_LOCK, {"what": what, "whose": str(whose)})


def comparable(db: Session, party: UUID, *, since: datetime) -> Sequence[OrderRow]:
    """Orders that lines may show: those that wait for proof, and since then those that ended with money on the card."""
    ended = and_(OrderRow.status.in_(("arrived", "given_back")), OrderRow.sent_at >= since)
    asked = select(OrderRow).where(
        OrderRow.user_id == party, OrderRow.key.is_not(None), OrderRow.sent_at.is_not(None),
        or_(OrderRow.status.in_(WAITING), ended),
    )  # fmt: skip
    return db.scalars(asked.order_by(OrderRow.sent_at.desc(), OrderRow.id).limit(_MOST)).all()


def is_told(db: Session, party: UUID, order_ids: Iterable[UUID], kind: EventKind) -> set[UUID]:
    """Which of these orders have such a line on their timeline."""
    asked = select(EventRow.order_id).where(
        EventRow.user_id == party, EventRow.kind == kind, EventRow.order_id.in_(list(order_ids))
    )
    return set(db.scalars(asked))


def credit_of(db: Session, party: UUID, order_id: UUID) -> CreditRow | None:
    """What was credited for an order."""
    return db.get(CreditRow, (party, order_id))


def credits_on(db: Session, party: UUID, account_id: UUID, day: date, amount: int) -> Sequence[CreditRow]:
    """Credits of one amount to an account on one day, by order."""
    asked = select(CreditRow).where(
        CreditRow.user_id == party, CreditRow.account_id == account_id, CreditRow.credited_on == day
    )
    return [one for one in db.scalars(asked.order_by(CreditRow.order_id)) if one.amount_minor == amount]
