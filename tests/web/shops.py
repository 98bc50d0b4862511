"""A person who can repay in a browser: a bill, a salary account, and a licensed little bank that knows both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session
from tests.channels.bank import NAME, RECORD, Bank, Connector, running
from tests.channels.conftest import licensed
from tests.people import as_party

from anhuan import cards, repayments
from anhuan.channels import delivery, evidence, registry
from anhuan.channels.evidence_rules import Kind
from anhuan.channels.service import WORKER
from anhuan.kit import db as database
from anhuan.kit import wall
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.ids import LOCAL_USER
from anhuan.repayments import OrderView, bindings


@dataclass
class Shop:
    """What the browser's person has, and the bank behind it."""

    bank: Bank
    account_id: UUID
    source_id: UUID
    other_id: UUID
    moment: list[datetime]

    @property
    def me(self) -> Actor:
        return Actor(ActorKind.COMMAND, person_id=LOCAL_USER, party_id=LOCAL_USER)

    @contextmanager
    def rows(self) -> Iterator[Session]:
        """The person's rows, by the web's login."""
        with database.transaction() as db:
            wall.enter(db, party=LOCAL_USER, person=LOCAL_USER)
            yield db

    def orders(self) -> list[OrderView]:
        with self.rows() as db:
            return list(repayments.orders(db, LOCAL_USER))

    def deliver(self, order: OrderView) -> None:
        """What the worker of channels does with the order's instruction."""
        assert order.key is not None
        delivery.deliver(LOCAL_USER, order.key, now=lambda: self.moment[0])

    def prove(self, order: OrderView, on: date = date(2026, 11, 22)) -> None:
        """Bank data show the money on the card."""
        assert order.key is not None
        now = self.moment[0]
        proof = evidence.Proof(Kind.BANK_FILE, f"line {order.key}", on)
        with delivery._transaction(LOCAL_USER, now) as db:
            evidence.give(db, WORKER, LOCAL_USER, order.key, proof, now=now)
            evidence.weigh(db, LOCAL_USER, order.key, now=now)


@contextmanager
def open_shop(moment: list[datetime]) -> Iterator[Shop]:
    """Two cards with bills (12,860.50 at cmb, 3,000.00 at icbc), 20,000.00 to pay them from, the first bound."""
    now = moment[0]
    with running(Bank()) as bank:
        connector = Connector(bank, registry._tell)
        connector.record = replace(RECORD, per_payment_max=5_000_000, per_day_max=20_000_000)
        with registry.only(**{NAME: connector}):
            licensed(now=now)
            with database.transaction() as db:
                as_party(db, LOCAL_USER)
                source = cards.set_account(db, LOCAL_USER, "ccb", "0099", label="工资卡")
                cards.record_balance(db, LOCAL_USER, source.account_id, 2_000_000, balance_on=date(2026, 11, 22))
                first = _bill(db, "cmb", "6214", 1_286_050, 128_605, date(2026, 12, 3), now)
                other = _bill(db, "icbc", "3096", 300_000, 30_000, date(2026, 12, 8), now)
                made = Shop(bank, first, source.account_id, other, moment)
                for kind, subject, ref in (
                    (bindings.Kind.SOURCE, source.account_id, "debit-0099"), (bindings.Kind.CARD, first, "card-6214"),
                ):  # fmt: skip
                    bindings.bind(db, made.me, LOCAL_USER, kind, subject, NAME, ref=ref, name="林晓",
                                  how=bindings.Proved.HOLDER_CHECK, now=now)  # fmt: skip
            yield made


def _bill(db: Session, bank: str, tail: str, total: int, minimum: int, due_on: date, now: datetime) -> UUID:
    facts = cards.BillFacts(
        bank, "CNY", total, minimum, date(2026, 11, 14), due_on, (tail,),
        charges=(cards.Charge(date(2026, 10, 20), total),), known_complete=True,
    )  # fmt: skip
    return cards.record_bill(db, LOCAL_USER, facts, now=now).account_id
