"""Many mandates due at once: nearest deadline first, each once, one batch in few transactions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from tests.channels.bank import NAME, Connector
from tests.people import sign_in
from tests.repayments.autopaying import given, until, work
from tests.repayments.conftest import Home, clean, home, house

from anhuan import cards, repayments
from anhuan.cards import BillFacts
from anhuan.channels import registry
from anhuan.channels.model import Answer, Instruction
from anhuan.kit import db as database
from anhuan.kit import ids, jobs, wall
from anhuan.kit.actors import Actor, ActorKind
from anhuan.repayments import OrderStatus, OrderView, autopay, bindings, journey_autopay, moving, placing, quoting

__all__ = ["clean", "home", "house"]
MANY = 12


@pytest.fixture
def street(home: Home, clean: object) -> list[Home]:
    """A dozen households of one lane of the books, their bills due on different days, the last one first."""
    return [neighbour(home, number) for number in range(MANY)]


def neighbour(home: Home, number: int) -> Home:
    """One more household at the same bank, whose bill is due on another day."""
    party = UUID(int=ids.new_id().int >> 8 << 8 | home.party.int & 0xFF)  # the last byte says the lane
    bind = database.sessions().kw["bind"]
    sign_in(bind, party)
    with database.transaction() as db:
        wall.enter(db, party=party, person=party)
        source = cards.set_account(db, party, "icbc", "1024", label="工资卡")
        cards.record_balance(db, party, source.account_id, 2_000_000, balance_on=date(2026, 11, 22))
        facts = BillFacts("cmb", "CNY", 50_000 + number, 5_000, date(2026, 11, 18),
                          date(2026, 12, 20) - timedelta(days=number % 3), ("6214",))  # fmt: skip
        made = cards.record_bill(db, party, facts, now=home.clock())
        me = Actor(ActorKind.COMMAND, person_id=party, party_id=party)
        for kind, subject, ref in (
            (bindings.Kind.SOURCE, source.account_id, "debit-1"), (bindings.Kind.CARD, made.account_id, "card-6214"),
        ):  # fmt: skip
            bindings.bind(db, me, party, kind, subject, NAME, ref=ref, name="林",
                          how=bindings.Proved.DEMONSTRATION, now=home.clock())  # fmt: skip
    return Home(home.bank, home.connector, home.clock, party, made.account_id, source.account_id, made.bill_id)


class PayingMany(Connector):
    """The little bank's connector with a call for several."""

    def pay_many(self, instructions: Sequence[Instruction]) -> Mapping[UUID, Answer]:
        return {one.key: self.pay(one) for one in instructions}


@pytest.fixture
def many(street: list[Home]) -> list[Home]:
    """The same street, told of its debits yesterday, at a bank that takes all of them in one call."""
    first = street[0]
    connector = PayingMany(first.bank, registry._tell)
    connector.record = replace(first.connector.record, batch_max=100)
    registry.register(NAME, lambda witness: connector)
    for one in street:
        given(one, days_before=10)
    until(first, date(2026, 12, 11))
    work(first)
    until(first, date(2026, 12, 12))
    return street


def orders(street: Sequence[Home]) -> list[OrderView]:
    """Every order of the street, in the order in which they were made."""
    found: list[OrderView] = []
    for one in street:
        with one.rows() as db:
            found += repayments.orders(db, one.party)
    return sorted(found, key=lambda one: one.order_id)


@pytest.mark.scope("S2-02")
def test_a_street_of_mandates_is_paid_nearest_deadline_first_and_each_once(street: list[Home]) -> None:
    for one in street:
        given(one, days_before=10)
    until(street[0], date(2026, 12, 11))  # nobody worked for days: all are told now, and debited a day later
    work(street[0])
    until(street[0], date(2026, 12, 12))
    work(street[0])
    made = orders(street)
    assert len(made) == len({one.party for one in made}) == MANY
    assert [one.due_on for one in made] == sorted(one.due_on for one in made if one.due_on)
    assert all(count == 1 for count in street[0].bank.debits.values())
    assert sum(street[0].bank.debits.values()) >= MANY


def test_a_batch_asks_for_bills_accounts_and_sums_once_and_not_for_each_debit(street: list[Home]) -> None:
    for one in street:
        given(one, days_before=10)
    until(street[0], date(2026, 12, 8))
    asked: list[str] = []
    worker = database.sessions("work").kw["bind"]
    event.listen(worker, "before_cursor_execute", lambda *call: asked.append(call[2]))
    with jobs.transaction() as db:
        wall.everybody(db)
        done = autopay.run_due(db, now=street[0].clock(), at_most=100)
    assert done.taken >= MANY / 3
    assert sum("FROM bills" in one for one in asked) == 1
    assert sum("FROM own_accounts" in one for one in asked) == 1
    assert sum("FROM card_accounts" in one for one in asked) == 1


def test_one_run_that_breaks_keeps_nobody_else_waiting(street: list[Home], monkeypatch: pytest.MonkeyPatch) -> None:
    for one in street:
        given(one, days_before=10)
    until(street[0], date(2026, 12, 11))  # nobody worked for days: all are told now, and debited a day later
    work(street[0])
    until(street[0], date(2026, 12, 12))
    bad, real = street[5], quoting.quote_of

    def broken(db: Any, party: UUID, *rest: Any, **more: Any) -> Any:
        if party == bad.party:
            raise ValueError("a mistake in the program")
        return real(db, party, *rest, **more)

    monkeypatch.setattr(quoting, "quote_of", broken)
    work(street[0])
    assert {one.party for one in orders(street)} == {one.party for one in street} - {bad.party}
    monkeypatch.undo()
    street[0].clock.pass_(hours=1)
    journey_autopay.round_of_one(now=street[0].clock)
    assert len(orders(street)) == MANY


def test_a_batch_is_sent_together_and_every_order_follows(many: list[Home]) -> None:
    work(many[0])
    made = orders(many)
    assert {one.status for one in made} == {OrderStatus.PROMISED}
    assert all(one.money()["transit"] > 0 for one in many)
    for order in made:
        told = next(one for one in many if one.party == order.party).told(order)
        assert told == ["confirmed", "placed", "sent", "promised"]
    assert all(count == 1 for count in many[0].bank.debits.values())


def test_one_that_breaks_while_it_is_placed_leaves_nothing_and_harms_no_other(
    many: list[Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, real = many[5], placing._ask

    def broken(db: Any, row: Any, *rest: Any, **more: Any) -> Any:
        if row.user_id == bad.party:
            raise ValueError("a mistake in the program")
        return real(db, row, *rest, **more)

    monkeypatch.setattr(placing, "_ask", broken)
    work(many[0])
    assert {one.party for one in orders(many)} == {one.party for one in many} - {bad.party}
    assert bad.money()["held"] == 0
    monkeypatch.undo()
    many[0].clock.pass_(hours=1)
    work(many[0])
    assert len(orders(many)) == MANY


def test_an_order_that_cannot_follow_holds_up_no_other_and_is_looked_at_at_once(
    many: list[Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, real = many[5], moving._learnt

    def broken(db: Any, row: Any, *rest: Any) -> Any:
        if row.user_id == bad.party:
            raise ValueError("a mistake in the program")
        return real(db, row, *rest)

    monkeypatch.setattr(moving, "_learnt", broken)
    work(many[0])
    found = {one.party: one for one in orders(many)}
    late = found.pop(bad.party)
    assert {one.status for one in found.values()} == {OrderStatus.PROMISED}
    assert (late.status, late.next_at) == (OrderStatus.PLACED, many[0].clock())
    monkeypatch.undo()
    with bad.worker() as db:
        assert late.key is not None
        repayments.record(db, bad.party, late.key, now=many[0].clock())
    assert bad.found(late).status is OrderStatus.PROMISED


def test_a_batch_asks_few_questions_for_each_debit(many: list[Home]) -> None:
    asked: list[str] = []

    def note(*call: Any) -> None:
        asked.append(call[2])

    worker = database.sessions("work").kw["bind"]
    event.listen(worker, "before_cursor_execute", note)
    try:
        with jobs.transaction() as db:
            wall.everybody(db)
            done = autopay.run_due(db, now=many[0].clock(), at_most=100)
    finally:
        event.remove(worker, "before_cursor_execute", note)
    assert done.ordered >= MANY / 3
    by_debit = [one for one in set(asked) if asked.count(one) >= done.ordered]
    assert len(by_debit) <= 7, by_debit  # what a quote asks; everything else is asked for all of them
