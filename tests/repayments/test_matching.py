"""Imported statements prove payments, and an arrival credits the bill once, in whichever order the two come."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.channels.bank import NAME
from tests.repayments.conftest import Home
from tests.statements import world

from anhuan import cards, statements
from anhuan.channels import evidence
from anhuan.channels.evidence_rules import Kind
from anhuan.channels.service import WORKER
from anhuan.kit import jobs
from anhuan.repayments import AmountRule, OrderStatus, OrderView, journey_proofs, matching
from anhuan.repayments.matching import Looked
from anhuan.statements import LineKind

pytestmark = pytest.mark.scope("S3-02", "S2-35")
S = OrderStatus
BY_HAND = "bank_app"


def repaid(day: int = 23, amount: int = 100_000, card: str = "6214", month: int = 11, words: str = "还款") -> Any:
    """A line of a card that shows a repayment."""
    return world.line(day, -amount, words, month=month, card=card, kind=LineKind.REPAYMENT)


def imported(home: Home, *lines: Any, name: str = "export.csv", bank: str = "cmb") -> UUID:
    """An export with these rows, taken in by the web's login; its number."""
    with home.rows() as db:
        return world.take(db, home.party, world.export(*lines, bank=bank), name=name).id


def looked(home: Home) -> Looked:
    with home.worker() as db:
        return matching.look(db, home.party, now=home.clock())


def sent(home: Home, *, channel: str = BY_HAND, amount: int | None = None) -> OrderView:
    """A payment on its way: by hand, or by the little bank, which says that it paid."""
    changes: dict[str, Any] = {} if amount is None else {"rule": AmountRule.CUSTOM, "amount": amount}
    [order] = home.tap(channel=channel, **changes)
    home.deliver(order)
    return home.found(order)


def paid(home: Home) -> int:
    """What the bill counts as paid, in fen."""
    with home.rows() as db:
        return cards.find_bill(db, home.party, home.bill_id).paid


def test_a_payment_by_hand_arrives_by_the_line_of_its_card(home: Home) -> None:
    order = sent(home)
    assert order.status is S.SENT
    imported(home, world.line(22, 5_000, month=11, card="6214"), repaid())
    assert looked(home) == Looked(proved=(order.order_id,))
    arrived = home.found(order)
    assert (arrived.status, arrived.arrived_on, arrived.arrived) == (S.ARRIVED, date(2026, 11, 23), 100_000)
    assert (home.money()["card"], home.money()["transit"]) == (100_000, 0)
    assert looked(home) == Looked(), "twice is once"


@pytest.mark.parametrize("line", [
    repaid(card="3096"),  # another card
    repaid(amount=100_001),  # a fen is a difference
    repaid(21),  # before it was sent
    repaid(day=25, month=12),  # long after the due day of a payment by hand
    world.line(23, -100_000, "退货", month=11, card="6214", kind=LineKind.REFUND),
])  # fmt: skip
def test_no_other_line_proves_it(home: Home, line: Any) -> None:
    with home.rows() as db:
        cards.add_card(db, home.party, "cmb", "3096", now=home.clock())
    order = sent(home)
    imported(home, line)
    assert looked(home) == Looked()
    assert home.found(order).status is S.SENT


def test_what_the_channel_promised_is_proved_by_the_statement_too(home: Home) -> None:
    order = sent(home, channel=NAME)
    assert order.status is S.PROMISED
    imported(home, repaid(22))
    assert looked(home).proved == (order.order_id,)
    assert home.found(order).status is S.ARRIVED


def test_two_equal_payments_need_two_lines_and_one_alone_is_told_to_be_unclear(home: Home) -> None:
    one, other = sent(home, amount=30_000), sent(home, amount=30_000)
    first = imported(home, repaid(amount=30_000))
    assert looked(home) == Looked(unclear=tuple(sorted((one.order_id, other.order_id))))
    assert looked(home).unclear, "still so"
    assert [home.told(order).count("unclear") for order in (one, other)] == [1, 1], "told once"
    with home.rows() as db:
        statements.undo(db, home.party, first, now=home.clock())
    imported(home, repaid(amount=30_000), repaid(amount=30_000))
    assert set(looked(home).proved) == {one.order_id, other.order_id}
    assert paid(home) == 60_000


def test_a_line_that_other_bank_data_explain_proves_nobody_elses_payment(home: Home) -> None:
    shown, waiting = sent(home, channel=NAME, amount=30_000), sent(home, amount=30_000)
    home.prove(shown, on=date(2026, 11, 23))
    imported(home, repaid(amount=30_000))
    assert looked(home).proved == (shown.order_id,)
    assert home.found(waiting).status is S.SENT
    assert paid(home) == 30_000


def test_an_import_taken_back_leaves_a_doubt_and_the_same_file_again_clears_it(home: Home) -> None:
    order = sent(home)
    first = imported(home, repaid())
    looked(home)
    with home.rows() as db:
        statements.undo(db, home.party, first, now=home.clock())
    assert looked(home).doubted == (order.order_id,)
    assert (home.found(order).status, paid(home)) == (S.IN_DOUBT, 0)
    imported(home, repaid())
    assert looked(home).proved == (order.order_id,)
    assert (home.found(order).status, paid(home)) == (S.ARRIVED, 100_000)


def test_a_bill_that_tells_the_same_movement_as_an_export_is_no_second_line(home: Home) -> None:
    one, other = sent(home, amount=30_000), sent(home, amount=20_000)
    imported(home, repaid(amount=30_000))
    imported(home, repaid(amount=30_000), repaid(amount=20_000), name="again.csv")
    assert set(looked(home).proved) == {one.order_id, other.order_id}
    assert paid(home) == 50_000


# --- credited once ------------------------------------------------------------------------------------------------


def test_arrived_first_and_imported_later_the_bill_is_credited_once(home: Home) -> None:
    order = sent(home, channel=NAME)
    home.prove(order, on=date(2026, 11, 23))
    assert paid(home) == 100_000
    imported(home, repaid())
    looked(home)
    assert paid(home) == 100_000


def test_imported_first_and_proved_later_the_bill_is_credited_once(home: Home) -> None:
    order = sent(home, channel=NAME)
    imported(home, repaid())
    assert paid(home) == 100_000, "the bank's own row counts already"
    home.prove(order, on=date(2026, 11, 23))
    assert paid(home) == 100_000
    looked(home)
    assert paid(home) == 100_000


def test_the_statements_own_day_beats_the_one_of_a_notice(home: Home) -> None:
    order = sent(home, channel=NAME)
    home.prove(order, on=date(2026, 11, 22))
    imported(home, repaid(24))
    looked(home)
    assert paid(home) == 100_000
    with home.rows() as db:
        days = db.scalars(text("SELECT credited_on FROM card_payments")).all()
    assert days == [date(2026, 11, 24)]


def test_two_equal_arrivals_of_one_day_are_two_credits_and_each_can_go(home: Home) -> None:
    one, other = sent(home, channel=NAME, amount=30_000), sent(home, channel=NAME, amount=30_000)
    home.prove(one)
    home.prove(other)
    assert paid(home) == 60_000
    doubted(home, one)
    assert paid(home) == 30_000
    doubted(home, other)
    assert paid(home) == 0


def test_in_doubt_our_credit_goes_and_the_banks_own_row_stays(home: Home) -> None:
    order = sent(home, channel=NAME)
    home.prove(order, on=date(2026, 11, 23))
    imported(home, repaid())
    doubted(home, order)
    assert home.found(order).status is S.IN_DOUBT
    assert paid(home) == 100_000


def test_what_the_payer_noted_by_hand_is_joined_and_comes_back_when_the_proof_goes(home: Home) -> None:
    with home.rows() as db:
        cards.record_payment(db, home.party, home.bill_id, 30_000, date(2026, 11, 22), now=home.clock())
    order = sent(home, channel=NAME, amount=30_000)
    home.prove(order, on=date(2026, 11, 23))
    assert paid(home) == 30_000
    doubted(home, order)
    assert paid(home) == 30_000


def doubted(home: Home, order: OrderView) -> None:
    """Every proof of an order is taken back by the bank."""
    assert order.key is not None
    with home.worker() as db:
        for row in evidence.standing_proofs(evidence.of(db, home.party, order.key).rows):
            if row.kind == Kind.BANK_FILE:
                evidence.doubt(db, WORKER, home.party, order.key, row.id, reason="银行撤回", now=home.clock())
        evidence.weigh(db, home.party, order.key, now=home.clock())


# --- the round ----------------------------------------------------------------------------------------------------


def promised(home: Home) -> int:
    """How many looks were promised for this person."""
    asked = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name AND args ->> 'party' = :party")
    with jobs.transaction() as db:
        return int(db.execute(asked, {"name": matching.COMPARE, "party": str(home.party)}).scalar_one())


def test_the_round_finds_who_has_something_new_and_nobody_else(home: Home) -> None:
    order = sent(home)
    journey_proofs.match()
    assert promised(home) == 0, "nothing was imported"
    imported(home, repaid())
    journey_proofs.match()
    assert promised(home) == 2, "once by the import itself, once by the round"
    journey_proofs.compare(str(home.party))
    assert home.found(order).status is S.ARRIVED
    journey_proofs.match()
    assert promised(home) == 2, "looked at already"
    with home.rows() as db:
        statements.undo(db, home.party, statements.last_import(db, home.party), now=home.clock())
    journey_proofs.match()
    assert promised(home) == 4, "a page was turned back"


def test_an_import_promises_nothing_where_nothing_was_ever_sent(home: Home) -> None:
    imported(home, repaid())
    assert promised(home) == 0


def test_the_web_promises_and_the_worker_looks(home: Home) -> None:
    order = sent(home)
    imported(home, repaid())
    assert (promised(home), home.found(order).status) == (1, S.SENT)
    with home.rows() as db, pytest.raises(DBAPIError, match=r"web_words|permission denied"):
        matching.look(db, home.party, now=home.clock())
    journey_proofs.compare(str(home.party))
    assert home.found(order).status is S.ARRIVED
