"""Scenarios 31 and 35 end on the card's bill: paid through the channel, printed by the bank's own process, mailed, and
read by the house. A refund after the statement day changes the next bill; a new layout changes nothing here at all.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from tests.bank import running
from tests.statements.world import owed

from anhuan import statements
from anhuan.channels.conformance import Memory, Order
from anhuan.channels.model import Settled
from anhuan.channels.simbank_sandbox import BANK, Person, SimbankSandbox
from anhuan.kit import postgres
from anhuan.kit.clock import CHINA
from anhuan.statements import LineKind, Upload
from anhuan.statements.model import Bill

OPENED = datetime(2026, 3, 6, 10, tzinfo=CHINA)
FIRST, SECOND = date(2026, 4, 5), date(2026, 5, 5)


@pytest.fixture(scope="module")
def sandbox(server: postgres.Access) -> Iterator[SimbankSandbox]:
    with running(server) as bank:
        made = SimbankSandbox(bank.url, bank.token, seconds=6)
        yield made
        made.close()


def card_of(sandbox: SimbankSandbox, number: int) -> Person:
    """Somebody with a card of statement day 5, marked with the scenario, and 1,000.00 spent on it."""
    sandbox.reset(OPENED)
    someone = sandbox.someone(statement_day=5)
    sandbox.control("PUT", f"/sim/cards/{someone.card}/scenario", {"numbers": [number], "params": {}})
    charge = {"card": someone.card, "amount": 100_000, "day": "2026-03-10", "text": "某某百货"}
    sandbox.control("POST", "/sim/charges", {"charges": [charge]})
    sandbox.move(datetime(2026, 4, 6, 10, tzinfo=CHINA))
    return someone


def mailed(sandbox: SimbankSandbox, someone: Person, on: date) -> bytes:
    """The bill of that day as the bank mails it."""
    return sandbox.bank.bill(someone.card, on, "eml")


def read(mail: bytes) -> Bill:
    [bill] = statements.read_file(mail, "bill.eml").bills
    return bill


@pytest.mark.scope("S0-38")
def test_31_a_refund_after_the_statement_day_leaves_the_bill_and_lowers_the_next(sandbox: SimbankSandbox) -> None:
    someone = card_of(sandbox, 31)
    assert list(sandbox.bank.bill_days(someone.card)) == [FIRST]
    before = mailed(sandbox, someone, FIRST)
    sandbox.move(sandbox.now() + timedelta(days=5))
    assert [one.amount for one in sandbox.bank.postings(someone.card, since=FIRST) if one.kind == "refund"] == [50_000]
    assert mailed(sandbox, someone, FIRST) == before, "what was billed stays billed"
    assert read(before).total_due == 100_000

    desk = Memory(sandbox.connector, sandbox.now)
    key = desk.prepare(Order(BANK, someone.funding, someone.card, someone.name, 100_000))
    assert isinstance(desk.step(key), Settled), "the plan pays the bill in full"
    sandbox.move(datetime(2026, 5, 6, 10, tzinfo=CHINA))
    after = read(mailed(sandbox, someone, SECOND))
    assert after.total_due == -50_000, "paid in full, and half of it came back"


@pytest.mark.scope("S0-38")
def test_35_a_bill_in_a_new_layout_imports_nothing_and_the_reader_is_seen_to_fail(
    sandbox: SimbankSandbox, db: Session, user_id: UUID
) -> None:
    someone = card_of(sandbox, 35)
    shown = statements.preview(db, user_id, [Upload("bill.eml", mailed(sandbox, someone, FIRST))], now=sandbox.now())
    assert [file.bills for file in shown.files] == [()]
    assert owed(db, user_id) == []
    [health] = statements.health_report(db, user_id)
    assert (health.bank, health.changed_since) == (BANK, sandbox.now()), "this reader no longer knows what it reads"


def test_1_the_same_bill_in_the_usual_layout_is_read_and_paid(
    sandbox: SimbankSandbox, db: Session, user_id: UUID
) -> None:
    someone = card_of(sandbox, 1)
    shown = statements.preview(db, user_id, [Upload("bill.eml", mailed(sandbox, someone, FIRST))], now=sandbox.now())
    statements.commit(db, user_id, shown.id, now=sandbox.now())
    assert owed(db, user_id) == [100_000]
    kinds = {line.kind for line in statements.lines(db, user_id, at_most=50).lines}
    assert LineKind.PURCHASE in kinds
