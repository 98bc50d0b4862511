"""Many instructions handed over together: each as if it went alone, with a handful of questions for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event
from tests.channels.bank import NAME, RECORD, Bank, Connector, running
from tests.channels.conftest import Clock, clean, house, licensed

from anhuan import channels
from anhuan.channels import above, batches, instructions, registry, store
from anhuan.channels.model import Answer, Ask, Instruction, State
from anhuan.kit import db as database
from anhuan.kit import ids, jobs, wall

__all__ = ["clean", "house"]
MANY = 12


class PayingMany(Connector):
    """The little bank's connector with a call for several; `forgets` are left out of its answer."""

    forgets: frozenset[UUID] = frozenset()
    calls = 0

    def pay_many(self, instructions: Sequence[Instruction]) -> Mapping[UUID, Answer]:
        self.calls += 1
        return {one.key: self.pay(one) for one in instructions if one.key not in self.forgets}


@dataclass
class Street:
    """Some parties with one instruction each, ready to be sent."""

    bank: Bank
    connector: PayingMany
    clock: Clock
    items: list[tuple[UUID, UUID]]

    def send(self) -> int:
        return batches.deliver_many(NAME, self.items, now=self.clock)

    def states(self) -> list[State]:
        with jobs.transaction() as db:
            wall.everybody(db)
            return [instructions.state_of(db, party, key) for party, key in self.items]


@pytest.fixture
def street(clean: Engine) -> Iterator[Street]:
    """A dozen of them, at a bank that takes five in one call."""
    with running(Bank()) as bank:
        connector = PayingMany(bank, registry._tell)
        connector.record = replace(RECORD, batch_max=5)
        with registry.only(**{NAME: connector}):
            licensed()
            made = Street(bank, connector, Clock(), [])
            made.items = [prepared(made) for _ in range(MANY)]
            yield made


def prepared(street: Street, **changes: Any) -> tuple[UUID, UUID]:
    """One instruction of a party of its own."""
    party = ids.new_id()
    ask = replace(Ask(ids.new_id(), 1, 1, NAME, "cmb", "debit-1", f"card-{party.hex}", 50_000, name="林"), **changes)
    with database.transaction() as db:
        wall.enter(db, party=party, person=party)
        return party, channels.prepare(db, party, ask, now=street.clock()).key


def test_many_go_out_in_few_calls_and_each_is_known_by_its_own_answer(street: Street) -> None:
    street.bank.next = ["success", "no:card_frozen", "processing"]
    assert street.send() == MANY
    assert street.connector.calls == 3
    assert street.states() == [State.SUCCESS, State.FAILED, State.PROCESSING, *[State.SUCCESS] * (MANY - 3)]
    assert all(count == 1 for count in street.bank.sent.values())
    with jobs.transaction() as db:
        wall.everybody(db)
        heard = [store.messages(db, party, key) for party, key in street.items]
    assert all([one.verb for one in some] == ["pay"] for some in heard)


def test_handing_over_twice_sends_nothing_twice(street: Street) -> None:
    street.send()
    assert street.send() == 0
    assert sum(street.bank.sent.values()) == MANY


def test_one_that_may_not_go_holds_up_no_other_and_stays_unsent(street: Street) -> None:
    waits = street.items[4]
    before = above._above.may_go
    above._above.may_go = lambda db, keys, now: {
        key: street.clock.now.replace(year=2027) for key in keys if key == waits
    }
    try:
        assert street.send() == MANY - 1
    finally:
        above._above.may_go = before
    assert str(waits[1]) not in street.bank.sent
    assert street.states().count(State.SUCCESS) == MANY - 1
    assert street.send() == 1
    assert street.states().count(State.SUCCESS) == MANY


def test_what_a_call_leaves_out_is_unknown_and_asked_about_never_sent_again(street: Street) -> None:
    lost = street.items[0]
    street.connector.forgets = frozenset({lost[1]})
    street.send()
    assert street.states()[0] is State.UNKNOWN
    assert street.send() == 0  # whoever comes after finds `sent_at` and asks
    assert street.bank.sent[str(lost[1])] == 0


def test_a_card_that_its_bank_stopped_keeps_only_its_own_payment(street: Street) -> None:
    party, _ = street.items[0]
    street.bank.next = ["no:card_frozen"]
    street.send()
    with database.transaction() as db:
        wall.enter(db, party=party, person=party)
        again = Ask(ids.new_id(), 1, 1, NAME, "cmb", "debit-1", f"card-{party.hex}", 50_000, name="林")
        other = replace(again, order_id=ids.new_id(), card_ref="card-of-another")
        stopped, fine = channels.prepare_many(db, [(party, again), (party, other)], now=street.clock())
    assert isinstance(stopped, channels.CardStopped)
    assert isinstance(fine, Instruction)


def test_payments_of_one_batch_count_against_the_day_of_their_payer_one_after_the_other(street: Street) -> None:
    street.connector.record = replace(street.connector.record, per_day_max=100_000)
    party = ids.new_id()
    asks = [Ask(ids.new_id(), 1, 1, NAME, "cmb", "debit-1", "card-1", 40_000, name="林") for _ in range(3)]
    with database.transaction() as db:
        wall.enter(db, party=party, person=party)
        made = channels.prepare_many(db, [(party, ask) for ask in asks], now=street.clock())
    assert [type(one) for one in made] == [Instruction, Instruction, channels.Unfit]


def test_the_questions_to_the_database_do_not_grow_with_the_batch(street: Street) -> None:
    asked: list[str] = []

    def note(*call: Any) -> None:
        asked.append(call[2])

    worker = database.sessions("work").kw["bind"]
    event.listen(worker, "before_cursor_execute", note)
    try:
        counts = []
        for size in (2, 5):
            asked.clear()
            assert batches.deliver_many(NAME, street.items[:size], now=street.clock) > 0
            counts.append(sum("messages" not in one and "set_config" not in one for one in asked))
            street.items = street.items[size:]
    finally:
        event.remove(worker, "before_cursor_execute", note)
    assert counts[0] == counts[1] <= 20  # with the room above that is asked and told, where it is there
