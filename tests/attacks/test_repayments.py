"""Attacks on repayments: what an open session, or the web's login in other hands, could make money do."""

from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.channels.bank import NAME
from tests.repayments.autopaying import given, me
from tests.repayments.conftest import Home, clean, home, house

from anhuan.identity import stepup
from anhuan.identity.stepup import Answer, StepUpNeeded, StepUpVoid
from anhuan.kit import ids
from anhuan.kit.actors import Actor
from anhuan.repayments import OrderStatus, bindings, service

__all__ = ["clean", "home", "house"]
REFUSED: Final = r"permission denied|row-level security"
UPDATES: Final = (
    "amount_minor = fee_minor", "fee_minor = amount_minor", "user_id = gen_random_uuid()", "channel = 'other'",
    "account_id = gen_random_uuid()", "source_id = gen_random_uuid()", "taken_at = now()", "sent_at = now()",
    "status = 'sent'", "status = 'promised'", "status = 'failed', final_code = 'x', closed_at = now()",
    "status = 'arrived', arrived_on = current_date, closed_at = now()", "status = 'arrived', closed_at = now()",
    "status = 'cancelled', closed_at = now()", "status = 'in_doubt'",
)  # fmt: skip
INSERTS: Final = (
    '"status": "arrived", "arrived_on": "2026-11-22", "closed_at": "2026-11-22T00:00:00Z"', '"status": "placed"',
    '"status": "promised", "key": null', f'"status": "scheduled", "key": null, "mandate_id": "{ids.new_id()}"',
    '"status": "scheduled", "key": null, "taken_at": "2026-11-22T00:00:00Z"',
)  # fmt: skip
COPY: Final = (
    "INSERT INTO {table} SELECT (jsonb_populate_record(one, CAST(:changed AS jsonb))).* FROM {table} one LIMIT 1"
)


def refused(home: Home, said: str, **facts: str) -> None:
    """This statement of the web's login, with this person's rows open, is refused by the database."""
    with pytest.raises(DBAPIError, match=REFUSED), home.rows() as db:
        db.execute(text(said), facts)


def test_orders_by_hand(home: Home) -> None:
    """Tried: by the web's login, other amounts, fees, cards or owners of an order, and ends that never were.
    Must: refused: it places what is scheduled and takes back what did not go out, with its instruction, and no more.
    Control: the same order is taken back by the act that people have.
    """
    [order] = home.tap()
    for said in UPDATES:
        refused(home, f"UPDATE repay_orders SET {said}")
    for changed in INSERTS:
        fresh = f'{{"id": "{ids.new_id()}", "number": 7, {changed}}}'
        refused(home, COPY.format(table="repay_orders"), changed=fresh)
    for said in ("DELETE FROM repay_orders", "UPDATE repay_groups SET kind = 'plan'", "DELETE FROM repay_events"):
        refused(home, said)
    assert home.found(order).status is OrderStatus.PLACED
    with home.rows() as db:
        assert service.cancel(db, home.me, home.party, order.order_id, now=home.clock()).status is OrderStatus.CANCELLED


def test_instructions_and_mandates_payments_by_hand(home: Home) -> None:
    """Tried: by the web's login, an instruction that is paid already, and a group that a mandate is said to have made.
    Must: refused: it makes instructions that nobody has sent, and groups that a person confirmed.
    Control: an honest copy of the group is taken.
    """
    home.tap()
    made = f'"key": "{ids.new_id()}", "order_id": "{ids.new_id()}"'
    for changed in ('"state": "success", "final_at": "2026-11-22T00:00:00Z"', '"stands": false',
                    '"sent_at": "2026-11-22T00:00:00Z", "sends": 1'):  # fmt: skip
        refused(home, COPY.format(table="channel_instructions"), changed=f"{{{made}, {changed}}}")
    fresh = f'"id": "{ids.new_id()}", "key": "{ids.new_id()}"'
    for changed in ('"kind": "autopay"', f'"mandate_id": "{ids.new_id()}"'):
        refused(home, COPY.format(table="repay_groups"), changed=f"{{{fresh}, {changed}}}")
    with home.rows() as db:
        db.execute(text(COPY.format(table="repay_groups")), {"changed": f"{{{fresh}}}"})


def test_mandates_by_hand(home: Home) -> None:
    """Tried: by the web's login, a mandate without a proof that was used for one, and another card or rule in one.
    Must: refused by the database.
    Control: the mandate that was given with a proof stands, and is narrowed.
    """
    held = given(home)
    other = f'"id": "{ids.new_id()}", "account_id": "{ids.new_id()}"'
    refused(home, COPY.format(table="mandates"), changed=f'{{{other}, "step_up_id": "{ids.new_id()}"}}')
    refused(home, COPY.format(table="mandates"), changed=f'{{{other}, "given_by": "{ids.new_id()}"}}')
    for said in ("account_id = gen_random_uuid()", "source_id = gen_random_uuid()", "rule = 'minimum'", "retries = 9",
                 "channel = NULL", "step_up_id = gen_random_uuid()", "document = cap_minor"):  # fmt: skip
        refused(home, f"UPDATE mandates SET {said}")
    with home.rows() as db:
        db.execute(text("UPDATE mandates SET valid_to = DATE '2027-01-01' WHERE id = :id"), {"id": held.id})


def test_leading_payments_to_another_card(home: Home) -> None:
    """Tried: in an open session, naming another card to the channel for the one that mandates and orders pay.
    Must: one more proof is asked for, bound to the whole number and name; by SQL no binding is turned.
    Control: with its own proof the number is bound.
    """
    kind, account = bindings.Kind.CARD, home.account_id

    def bound(db: Session, who: Actor, ref: str, answer: Answer | None) -> None:
        bindings.confirm(db, who, home.party, kind, account, NAME, ref=ref, name="林", answer=answer,
                         how=bindings.Proved.HOLDER_CHECK, now=home.clock())  # fmt: skip

    def proof(db: Session, who: Actor, ref: str) -> Answer:
        act = bindings.act_of(home.party, kind, account, NAME, ref=ref, name="林")
        return Answer(stepup.begin(db, who, act, shown="x", now=home.clock()).id)

    with home.rows() as db:
        who = me(home, db)
        other = proof(db, who, "card-6214")
        with pytest.raises(StepUpNeeded):
            bound(db, who, "card-9999", None)
        with pytest.raises(StepUpVoid):
            bound(db, who, "card-9999", other)
        bound(db, who, "card-6215", proof(db, who, "card-6215"))
    refused(home, "UPDATE repay_bindings SET ref = name")
    refused(home, "UPDATE repay_bindings SET subject_id = gen_random_uuid()")
    with home.rows() as db:
        found = bindings.find(db, home.party, kind, account, NAME)
    assert found is not None
    assert found.ref == "card-6215"
