"""What tests of repayments share: a household with a bill, and a little bank with a memory of its own that pays it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.channels.bank import NAME, RECORD, Bank, Connector, running
from tests.channels.conftest import NOW, Clock, clean, house, licensed
from tests.laws.ledger_laws import laws_hold
from tests.people import sign_in

from anhuan import cards, channels, ledger, repayments
from anhuan.cards import BillFacts
from anhuan.channels import delivery, evidence, registry
from anhuan.channels.evidence_rules import Kind
from anhuan.channels.service import WORKER
from anhuan.identity.stepup import Answer
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.kit.actors import Actor, ActorKind
from anhuan.ledger import AccountKind, AccountName
from anhuan.repayments import AmountRule, OrderView, Quote, RepayAsk, bindings

__all__ = ["clean", "house"]
TRACKED = "CNY/tracked"


@dataclass
class Home:
    """A person with a salary account, one card with a bill of 1,000.00 due on 8 December, and a bank that pays."""

    bank: Bank
    connector: Connector
    clock: Clock
    party: UUID
    account_id: UUID
    source_id: UUID
    bill_id: UUID
    before: int = 0  # what others have in transit in the same lane

    @property
    def me(self) -> Actor:
        """The person on the command line, where nobody asks for one more proof."""
        return Actor(ActorKind.COMMAND, person_id=self.party, party_id=self.party)

    @contextmanager
    def rows(self) -> Iterator[Session]:
        """The person's rows, by the web's login."""
        with database.transaction() as db:
            wall.enter(db, party=self.party, person=self.party)
            yield db

    @contextmanager
    def worker(self) -> Iterator[Session]:
        """The person's rows, by the worker's login."""
        with delivery._transaction(self.party, self.clock()) as db:
            yield db

    def ask(self, **changes: Any) -> RepayAsk:
        return replace(RepayAsk(self.account_id, self.source_id, AmountRule.FULL, channel=NAME), **changes)

    def quote(self, **changes: Any) -> Quote:
        with self.rows() as db:
            return repayments.quote(db, self.party, self.ask(**changes), now=self.clock())

    def tap(self, *, key: UUID | None = None, answer: Answer | None = None, **changes: Any) -> tuple[OrderView, ...]:
        """Pay, as the last tap of a page does."""
        with self.rows() as db:
            return repayments.pay(
                db, self.me, [self.ask(**changes)], key=key or ids.new_id(), answer=answer, now=self.clock()
            )  # fmt: skip

    def deliver(self, order: OrderView) -> channels.Answer:
        """What the worker of channels does with the order's instruction."""
        assert order.key is not None
        return delivery.deliver(self.party, order.key, now=self.clock)

    def prove(self, order: OrderView, on: date | None = None, amount: int | None = None) -> None:
        """Bank data show the money on the card."""
        assert order.key is not None
        proof = evidence.Proof(Kind.BANK_FILE, f"line {order.key}", on or date(2026, 11, 22), amount=amount)
        with self.worker() as db:
            evidence.give(db, WORKER, self.party, order.key, proof, now=self.clock())
            evidence.weigh(db, self.party, order.key, now=self.clock())

    def found(self, order: OrderView) -> OrderView:
        with self.rows() as db:
            return repayments.find(db, self.party, order.order_id)

    def told(self, order: OrderView) -> list[str]:
        """The kinds on the timeline."""
        with self.rows() as db:
            return [one.kind.value for one in repayments.timeline(db, self.party, order.order_id)]

    def money(self) -> dict[str, int]:
        """Fen on this person's accounts in the books."""
        names = {
            "bank": AccountName(TRACKED, AccountKind.BANK, self.party, str(self.source_id)),
            "card": AccountName(TRACKED, AccountKind.CARD, self.party, str(self.account_id)),
        }
        with self.rows() as db:
            found = {word: ledger.balance(db, name) for word, name in names.items()}
            lane = ledger.lane_of(db, self.party)
        with database.sessions("audit").begin() as db:  # the web's login sees no account of the house
            asked = text("SELECT posted FROM ledger.account WHERE shard = :lane AND kind = :kind AND sub = :sub")
            kind = {"lane": lane, "kind": int(AccountKind.TRANSIT), "sub": NAME}
            transit = db.execute(asked, kind).scalar() or 0
        said = {word: one.posted if one else 0 for word, one in found.items()}
        held = found["bank"]
        return {**said, "held": held.held if held else 0, "transit": transit - self.before}


def settle(db: Session, party: UUID) -> tuple[UUID, UUID, UUID]:
    """The salary account, the card account and its bill of one person."""
    source = cards.set_account(db, party, "icbc", "1024", label="工资卡")
    cards.record_balance(db, party, source.account_id, 2_000_000, balance_on=date(2026, 11, 22))
    facts = BillFacts("cmb", "CNY", 100_000, 10_000, date(2026, 11, 18), date(2026, 12, 8), ("6214",))
    made = cards.record_bill(db, party, facts, now=NOW)
    return source.account_id, made.account_id, made.bill_id


@pytest.fixture
def home(clean: Engine) -> Iterator[Home]:
    """The household, bound at a licensed little bank behind a port; the books' laws hold in the end."""
    party = ids.new_id()
    sign_in(clean, party)
    with running(Bank()) as bank:
        connector = Connector(bank, registry._tell)
        connector.record = replace(RECORD, per_payment_max=5_000_000, per_day_max=20_000_000)
        with registry.only(**{NAME: connector}):
            licensed()
            with database.transaction() as db:
                wall.enter(db, party=party, person=party)
                source, account, bill = settle(db, party)
                me = Actor(ActorKind.COMMAND, person_id=party, party_id=party)
                for kind, subject, ref in (
                    (bindings.Kind.SOURCE, source, "debit-1"), (bindings.Kind.CARD, account, "card-6214"),
                ):  # fmt: skip
                    bindings.bind(db, me, party, kind, subject, NAME, ref=ref, name="林",
                                  how=bindings.Proved.DEMONSTRATION, now=Clock().now)  # fmt: skip
            made = Home(bank, connector, Clock(), party, account, source, bill)
            made.before = made.money()["transit"]
            yield made
    with database.sessions("audit").begin() as db:
        laws_hold(db)
