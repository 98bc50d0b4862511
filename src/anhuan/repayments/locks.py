"""In which order a transaction holds what it changes: the payer, then instructions, then their orders, the books last.

Whoever is told by a channel holds an instruction before its order, and the books stay locked until the commit; so who
changes several orders at once holds every instruction before the first of them moves.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.channels import evidence
from anhuan.repayments import store


def hold(db: Session, party: UUID, order_ids: Collection[UUID]) -> None:
    """Hold the payer, so that none of these orders starts meanwhile, and then all instructions in their one order."""
    store.lock_party(db, party)
    now = store.as_they_stand(db, party, order_ids)
    evidence.hold(db, party, [row.key for row in now if row.key is not None])
