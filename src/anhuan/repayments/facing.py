"""An order as messages name it: which card, how much, and sentences in both languages."""

from datetime import datetime

from sqlalchemy.orm import Session

from anhuan import cards
from anhuan.cards.model import AccountFace
from anhuan.repayments.model import OrderView

Facts = dict[str, str | int | None]


def facts(db: Session, order: OrderView) -> Facts:
    """Which card and how much."""
    return named(order, cards.account_face(db, order.party, order.account_id))


def named(order: OrderView, face: AccountFace) -> Facts:
    """The same with a card that is known already."""
    return said("card", face.name("zh"), face.name("en")) | {"amount": order.amount}


def said(name: str, zh: str, en: str) -> Facts:
    """One thing in both languages."""
    return {f"{name}_zh": zh, f"{name}_en": en}


def moment(at: datetime | None) -> str | None:
    """A moment as a message keeps it."""
    return None if at is None else at.isoformat()
