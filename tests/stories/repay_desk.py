"""The payer's side of a play through the real room: a bill, both ends bound, a tap, and what the worker makes of it.

It stands where `RoomDesk` stands, one floor up: `prepare` is an order that somebody confirmed, the postings are the
room's own, and after every step the card is looked at as the worker's job does.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from tests.stories.room_desk import CHANNEL, RoomDesk

from anhuan import cards, repayments
from anhuan.cards import BillFacts
from anhuan.channels import proofs
from anhuan.channels.conformance import Order, Recorder
from anhuan.channels.model import Booked, CardStopped, ShowsPostings, State, StillOpen, Unfit
from anhuan.kit import db as database
from anhuan.kit import ids
from anhuan.kit.actors import Actor, ActorKind
from anhuan.ledger import AccountKind
from anhuan.notify.tables import MessageRow
from anhuan.repayments import AmountRule, OrderStatus, OrderView, RepayAsk, bindings
from anhuan.repayments.model import AlreadyOnItsWay, NothingToPay, TooLateToCancel, Wait

HELD = 100_000_000  # fen that the payer says to have


class Showing(Recorder):
    """A recorder that also shows cards, as the connector behind it does."""

    def postings(self, card: str, *, since: date) -> Sequence[Booked]:
        """What the bank booked on a card."""
        assert isinstance(self.inner, ShowsPostings)
        return self.inner.postings(card, since=since)


@dataclass(frozen=True)
class Place:
    """What one card of the payer is here: its billed account, the bill, and the account it is paid from."""

    account_id: UUID
    bill_id: UUID
    source_id: UUID


@dataclass
class RepayDesk(RoomDesk):
    """One payer in one play."""

    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    placed: dict[UUID, UUID] = field(default_factory=dict)  # instruction to order
    proved_anew: int = 0  # how often the card had to be proved to be the payer's own again

    @property
    def me(self) -> Actor:
        """The payer on the command line, where nobody asks for one more proof."""
        return Actor(ActorKind.COMMAND, person_id=self.party, party_id=self.party)

    def prepare(self, order: Order, *, again: bool = False) -> UUID:
        """A tap; what the room refuses because of the payment before is told in the words of the plays."""
        place, now = self._place(order), self.sandbox.now()
        before = [one for one in self.orders_of(order) if one.status in (OrderStatus.FAILED, OrderStatus.GIVEN_BACK)]
        if again:
            self._prove_anew(order, place)
        ask = RepayAsk(place.account_id, place.source_id, AmountRule.CUSTOM, order.amount, CHANNEL)
        try:
            with self._rows() as db:
                quote = repayments.quote(db, self.party, ask, now=now)
                if len(quote.parts) > 1:
                    raise Unfit("more than one payment may be: it is cut before anything is sent")
                [made] = repayments.pay(
                    db, self.me, [ask], key=ids.new_id(), answer=None, now=now,
                    retry_of=before[-1].order_id if before else None,
                )  # fmt: skip
        except (AlreadyOnItsWay, NothingToPay) as open_still:
            raise StillOpen(open_still.message) from open_still
        if made.key is None:
            assert made.wait is Wait.CHANNEL_STOPPED
            raise CardStopped("the card takes nothing")
        self.order_of[made.key], self.placed[made.key] = order, made.order_id
        return made.key

    def withdraw(self, key: UUID) -> None:
        """The payer takes it back; what has gone out is followed, and the payer is told so."""
        with self._rows() as db:
            try:
                repayments.cancel(db, self.me, self.party, self.placed[key], now=self.sandbox.now())
            except TooLateToCancel:
                return

    def look(self, key: UUID) -> OrderView:
        """What the worker's job about the card does once, and the order after it."""
        proofs.look(self.party, key, now=self.sandbox.now)
        return self.order(key)

    # --- what a test looks at afterwards ---

    def order(self, key: UUID) -> OrderView:
        """The order of an instruction."""
        with self._rows() as db:
            return repayments.find(db, self.party, self.placed[key])

    def orders_of(self, order: Order) -> list[OrderView]:
        """The payer's orders for one card, first to last."""
        keys = [key for key, one in self.order_of.items() if one.card_ref == order.card_ref]
        return [self.order(key) for key in keys]

    def timeline(self, key: UUID) -> list[str]:
        """The kinds on an order's timeline."""
        with self._rows() as db:
            return [one.kind.value for one in repayments.timeline(db, self.party, self.placed[key])]

    def told(self, key: UUID) -> dict[str, Mapping[str, object]]:
        """What the payer was told about an order: kind and facts."""
        with self._rows() as db:
            rows = [row for row in db.query(MessageRow) if row.key.startswith(str(self.placed[key]))]
            return {row.kind: json.loads(row.facts) for row in rows}

    def paid(self, key: UUID) -> int:
        """What the bill counts as paid, in fen."""
        with self._rows() as db:
            return cards.find_bill(db, self.party, self._place(self.order_of[key]).bill_id).paid

    def transit_of(self, key: UUID) -> int:
        """What of an order is in transit, in fen: the sum of its entries there."""
        return self._posted(key, AccountKind.TRANSIT)

    def card_of(self, key: UUID) -> int:
        """What of an order the books show on the card."""
        return self._posted(key, AccountKind.CARD)

    # --- inside ---

    def _after(self, key: UUID, before: State) -> None:
        """Count a change, and look at the card; everything else the room has done by itself."""
        if self.view(key).state is not before:
            self.changed[key] = self.changed.get(key, 0) + 1
        proofs.look(self.party, key, now=self.sandbox.now)

    def _posted(self, key: UUID, kind: AccountKind) -> int:
        asked = text(
            "SELECT coalesce(sum(e.delta), 0) FROM ledger.entry e JOIN ledger.account a"
            " ON (a.shard, a.id) = (e.shard, e.account) WHERE e.ref = :ref AND a.kind = :kind"
        )
        with database.sessions("audit").begin() as db:
            return int(db.execute(asked, {"ref": self.placed[key], "kind": int(kind)}).scalar_one())

    def _place(self, order: Order) -> Place:
        """The card with a bill that is due in three weeks, and the account it is paid from; both bound."""
        known = self.places.get((order.funding_ref, order.card_ref))
        if known is not None:
            return known
        today, now = self._today(), self.sandbox.now()
        tail = f"{len(self.places) + 1:04d}"
        facts = BillFacts(
            order.bank, "CNY", order.amount, order.amount // 10, today - timedelta(days=5), today + timedelta(days=21),
            (tail,),
        )  # fmt: skip
        with self._rows() as db:
            source = cards.set_account(db, self.party, order.bank, tail).account_id
            cards.record_balance(db, self.party, source, HELD, balance_on=today)
            bill = cards.record_bill(db, self.party, facts, now=now)
        place = Place(bill.account_id, bill.bill_id, source)
        self.places[order.funding_ref, order.card_ref] = place
        self._bind(bindings.Kind.SOURCE, source, order.funding_ref, order.name)
        self._bind(bindings.Kind.CARD, bill.account_id, order.card_ref, order.name)
        return place

    def _prove_anew(self, order: Order, place: Place) -> None:
        """After a return for a wrong card the payer shows once more that it is the own one."""
        with self._rows() as db:
            bound = bindings.find(db, self.party, bindings.Kind.CARD, place.account_id, CHANNEL)
        if bound is not None and bound.doubtful:
            self.proved_anew += 1
            self._bind(bindings.Kind.CARD, place.account_id, order.card_ref, order.name)

    def _bind(self, kind: bindings.Kind, subject: UUID, ref: str, name: str) -> None:
        with self._rows() as db:
            bindings.bind(db, self.me, self.party, kind, subject, CHANNEL, ref=ref, name=name,
                          how=bindings.Proved.DEMONSTRATION, now=self.sandbox.now())  # fmt: skip
