"""Mandates as a payer holds them: given with a proof, only narrowed, revoked with one tap, told honestly."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session
from tests.repayments.autopaying import given, me, wish_of
from tests.repayments.conftest import Home, clean, home, house

from anhuan import cards
from anhuan.identity import stepup
from anhuan.identity.stepup import Answer, StepUpNeeded, StepUpVoid
from anhuan.kit import audit, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import ActorKind
from anhuan.kit.page import NotAllowed
from anhuan.repayments import mandates
from anhuan.repayments.mandate_model import (
    BadMandate,
    MandateOver,
    NeedsNewMandate,
    NeedsPerson,
    NoOwnAccount,
    Stage,
    Timing,
    UnknownMandate,
    Why,
)
from anhuan.repayments.model import AmountRule

__all__ = ["clean", "home", "house"]


@pytest.mark.scope("S0-49", "S3-24")
def test_a_mandate_is_given_with_a_proof_and_keeps_the_text_that_was_confirmed(home: Home) -> None:
    wish = wish_of(home, cap=200_000)
    with home.rows() as db, pytest.raises(StepUpNeeded):
        mandates.give(db, me(home, db), wish, answer=None, now=home.clock())
    with home.rows() as db:
        shown = mandates.document(db, home.party, wish, on=date(2026, 11, 22))
    made = given(home, cap=200_000)
    with home.rows() as db:
        held = mandates.find(db, home.party, made.id)
        (run,) = mandates.runs_of(db, home.party, made.id)
    assert held.document.zh == shown.zh
    assert any("每次最多扣 ¥2,000.00" in line for line in held.document.zh)
    assert any("At most ¥2,000.00" in line for line in held.document.en)
    assert (run.stage, run.statement_on, run.order_id) == (Stage.PLANNED, date(2026, 11, 18), None)
    assert home.money()["held"] == 0, "a mandate moves nothing by itself"


@pytest.mark.parametrize(
    "changed",
    [{"cap": 200_001}, {"valid_to": date(2030, 1, 1)}, {"notice_hours": 48}, {"rule": AmountRule.MINIMUM},
     {"retries": 2}, {"days_before": 1}],
)  # fmt: skip
def test_a_proof_for_one_text_is_void_for_every_other(home: Home, changed: dict[str, Any]) -> None:
    shown = wish_of(home, cap=200_000)
    with home.rows() as db:
        who = me(home, db)
        asked = stepup.begin(db, who, mandates.act_of(db, home.party, shown, now=home.clock()), shown="x",
                             now=home.clock())  # fmt: skip
    with home.rows() as db, pytest.raises(StepUpVoid):
        mandates.give(db, who, replace(shown, **changed), answer=Answer(asked.id), now=home.clock())


def test_without_an_own_debit_account_there_is_no_mandate(home: Home) -> None:
    with home.rows() as db:
        other = cards.set_account(db, home.party, "boc", "7777", currency="USD")
        who = me(home, db)
        for source in (ids.new_id(), home.account_id, other.account_id):
            with pytest.raises(NoOwnAccount):
                mandates.give(db, who, replace(wish_of(home), source_id=source), answer=None, now=home.clock())


def test_a_channel_that_the_payer_has_to_walk_cannot_debit_by_itself(home: Home) -> None:
    with home.rows() as db, pytest.raises(BadMandate) as why:
        mandates.check(db, home.party, replace(wish_of(home), channel="bank_app"), now=home.clock())
    assert why.value.field == "channel"


def test_programs_and_people_without_the_right_give_no_mandate(home: Home) -> None:
    with home.rows() as db:
        who = me(home, db)
        with pytest.raises(NeedsPerson):
            mandates.give(db, replace(who, kind=ActorKind.CLIENT), wish_of(home), answer=None, now=home.clock())
        with pytest.raises(NotAllowed):  # a maker of an organisation proposes, the owner gives
            mandates.give(db, replace(who, rights=frozenset({"repay.read"})), wish_of(home), answer=None,
                          now=home.clock())  # fmt: skip


def test_narrowing_asks_for_nothing_and_widening_is_a_new_mandate(home: Home) -> None:
    made = given(home, cap=200_000)
    with home.rows() as db:
        who = me(home, db)
        narrow = mandates.narrow(db, who, made.id, cap=50_000, valid_to=date(2027, 6, 30), now=home.clock())
        assert (narrow.wish.cap, narrow.wish.valid_to) == (50_000, date(2027, 6, 30))
        assert narrow.document.zh == made.document.zh, "what was confirmed stays as it was"
        for more in ({"cap": 50_001}, {"valid_to": date(2027, 7, 1)}):
            with pytest.raises(NeedsNewMandate):
                mandates.narrow(db, who, made.id, now=home.clock(), **more)


def test_a_new_mandate_for_the_same_card_takes_the_place_of_the_old_one(home: Home) -> None:
    old = given(home, cap=50_000)
    new = given(home, cap=300_000)
    with home.rows() as db:
        assert [one.id for one in mandates.of(db, home.party)] == [new.id]
        assert new.replaces == old.id
        (before,) = mandates.runs_of(db, home.party, old.id)
        (run,) = mandates.runs_of(db, home.party, new.id)
    assert (before.stage, before.why) == (Stage.SKIPPED, Why.REPLACED)
    assert run.stage == Stage.PLANNED
    assert any("取代" in line for line in new.document.zh)


@pytest.mark.scope("S0-49")
def test_revoking_is_one_tap_without_a_proof_and_twice_is_once(home: Home) -> None:
    made = given(home)
    with home.rows() as db:
        who = replace(me(home, db), frozen=True, rights=frozenset({"me.use", "consent.write"}))
        assert mandates.revoke(db, who, made.id, now=home.clock()).stopped == 1
        assert mandates.revoke(db, who, made.id, now=home.clock()).stopped == 0
        assert mandates.of(db, home.party) == ()
        with pytest.raises(MandateOver):
            mandates.narrow(db, who, made.id, cap=1, now=home.clock())
        acts = [one.act for one in audit.page_of(db, subject=f"mandate:{made.id}", at_most=9)]
    assert acts.count("mandate.revoked") == 1


def test_somebody_elses_mandate_is_not_there(home: Home) -> None:
    made = given(home)
    other = ids.new_id()
    with another(home, other) as db, pytest.raises(UnknownMandate):
        mandates.find(db, other, made.id)


def test_one_debit_is_skipped_and_the_mandate_stays(home: Home) -> None:
    made = given(home)
    with home.rows() as db:
        (run,) = mandates.runs_of(db, home.party, made.id)
        done = mandates.skip(db, me(home, db), run.id, now=home.clock())
        assert (done.stage, done.why) == (Stage.SKIPPED, Why.BY_PAYER)
        assert mandates.find(db, home.party, made.id).on


def test_a_resting_mandate_goes_on_only_after_a_proof(home: Home) -> None:
    made = given(home)
    with home.rows() as db:
        who = me(home, db)
        off = mandates.switch_off(db, who, made.id, now=home.clock())
        assert not off.on
        with pytest.raises(StepUpNeeded):
            mandates.switch_on(db, who, made.id, answer=None, now=home.clock())
        asked = stepup.begin(db, who, mandates.switch_act(home.party, off), shown="x", now=home.clock())
        assert mandates.switch_on(db, who, made.id, answer=Answer(asked.id), now=home.clock()).on


@pytest.mark.scope("S3-27")
def test_the_next_three_debits_are_shown_before_anything_is_confirmed(home: Home) -> None:
    with home.rows() as db:
        monthly = replace(wish_of(home), timing=Timing.MONTHLY, day_of_month=31, rule=AmountRule.CUSTOM, amount=20_000)
        shown = mandates.previews(db, home.party, monthly, now=home.clock())
        bills = mandates.previews(db, home.party, wish_of(home, cap=60_000), now=home.clock())
    days = [one.moments.pay_at.date() for one in shown]
    assert days == [date(2026, 11, 30), date(2026, 12, 31), date(2027, 1, 29)]  # Jan 31 is a Sunday
    assert shown[2].moments.provisional, "nobody has published 2027"
    assert (bills[0].amount, bills[0].above, bills[0].due_on) == (60_000, True, date(2026, 12, 8))
    safe = bills[0].moments.safe_by_at
    assert safe is not None
    assert bills[0].moments.pay_at < safe


@contextmanager
def another(home: Home, party: Any) -> Iterator[Session]:
    """Somebody else's rows."""
    with database.transaction() as db:
        wall.enter(db, party=party, person=party)
        yield db
