"""An operator's stop keeps payments from going out; nothing is lost, two people lift it, and what waited arrives."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.channels.bank import NAME
from tests.channels.conftest import NOW, World
from tests.identity.desk import acting, at_desk

from anhuan import channels
from anhuan.channels import breaker, health, stops, store, store_stops
from anhuan.channels.model import State, Unknown, Why
from anhuan.channels.stops import Scope
from anhuan.identity import Role, changes
from anhuan.identity.model import ReasonTooShort
from anhuan.kit import audit, ids, wall
from anhuan.kit import db as database
from anhuan.kit.actors import Actor

WHY = "银行公告系统升级异常，先停用核实"


@pytest.fixture
def two() -> tuple[Actor, Actor]:
    return acting(ids.new_id(), Role.OPERATIONS), acting(ids.new_id(), Role.RISK)


def stopped(who: Actor, scope: Scope = Scope.CHANNEL, name: str = NAME, minutes: int | None = None) -> stops.Stop:
    """A stop by this operator from now on."""
    until = None if minutes is None else NOW + timedelta(minutes=minutes)
    with at_desk(who) as db:
        made = stops.stop(db, who, scope, name, reason=WHY, until=until, now=NOW)
        return stops.find(db, made).stop


def lift(stop: stops.Stop, one: Actor, other: Actor) -> None:
    """Lifted by these two."""
    with at_desk(one) as db:
        stops.ask_lift(db, one, stop.id, reason=WHY, now=NOW)
    with at_desk(other) as db:
        waiting = stops.find(db, stop.id).waiting
        assert waiting is not None
        stops.confirm_lift(db, other, stop.id, shown=waiting.shown_hash.hex(), now=NOW)


@pytest.mark.scope("S0-14")
def test_a_stopped_channel_takes_orders_that_wait_and_go_on_by_themselves(
    world: World, two: tuple[Actor, Actor]
) -> None:
    stop = stopped(two[0])
    made = world.prepare()  # a new payment is taken in, and waits
    assert world.deliver(made) == Unknown(Why.BUSY, NOW + timedelta(minutes=1))
    assert (world.state(made), dict(world.bank.sent)) == (State.CREATED, {})
    lift(stop, *two)
    world.clock.pass_(minutes=1)
    assert isinstance(world.deliver(made), channels.Settled)
    assert len(world.bank.debits) == 1
    with database.sessions("audit").begin() as log:
        acts = [one.act for one in audit.page_of(log, subject=f"stop:{stop.id}")]
    assert acts == ["stop.lifted", "stop.lift_asked", "stop.made"]


def test_a_stop_with_an_end_ends_by_itself(world: World, two: tuple[Actor, Actor]) -> None:
    stopped(two[0], minutes=3)
    made = world.prepare()
    for minute in (1, 2, 3):  # it looks again each minute, and at the end at the latest
        assert world.deliver(made) == Unknown(Why.BUSY, NOW + timedelta(minutes=minute))
        world.clock.pass_(minutes=1)
    assert isinstance(world.deliver(made), channels.Settled)


def test_what_was_sent_before_the_stop_is_asked_about_and_never_sent_again(
    world: World, two: tuple[Actor, Actor]
) -> None:
    made = world.prepare()
    world.bank.next = ["lost"]
    world.deliver(made)
    stopped(two[0])
    world.again(made)
    answer = world.deliver(made)
    assert isinstance(answer, Unknown)
    assert (world.bank.sent[str(made.key)], world.bank.asked[str(made.key)] > 0) == (1, True)


def test_a_stop_closes_what_it_names_and_nothing_else(world: World, two: tuple[Actor, Actor]) -> None:
    bank = stopped(two[0], Scope.BANK, "cmb", minutes=5)
    with database.sessions("work").begin() as db:
        assert stops.standing(db, NAME, "icbc", NOW) is None
        assert stops.standing(db, "bank_app", "cmb", NOW) == bank
        assert stops.standing(db, NAME, "cmb", NOW + timedelta(minutes=5)) is None
    everything = stopped(two[0], Scope.EVERYTHING, "")
    with database.sessions("work").begin() as db:
        assert stops.standing(db, "bank_app", "icbc", NOW) == everything
        assert stops.standing(db, NAME, "cmb", NOW) == everything, "the one without an end keeps it longest"
        shown = next(one for one in health.health(db, now=NOW) if one.channel == "bank_app")
    assert shown.stop == everything


def test_nobody_lifts_alone_and_what_was_shown_is_what_is_confirmed(world: World, two: tuple[Actor, Actor]) -> None:
    (one, other), stop = two, stopped(two[0])
    with at_desk(one) as db:
        with pytest.raises(stops.NoLift):
            stops.confirm_lift(db, one, stop.id, shown="00" * 32, now=NOW)
        with pytest.raises(ReasonTooShort):
            stops.ask_lift(db, one, stop.id, reason="好", now=NOW)
        stops.ask_lift(db, one, stop.id, reason=WHY, now=NOW)
        waiting = stops.find(db, stop.id).waiting
        assert waiting is not None
        with pytest.raises(stops.OwnLift):
            stops.confirm_lift(db, one, stop.id, shown=waiting.shown_hash.hex(), now=NOW)
    with at_desk(other) as db:
        with pytest.raises(stops.LiftWaits):
            stops.ask_lift(db, other, stop.id, reason=WHY, now=NOW)
        with pytest.raises(changes.NotAsShown):
            stops.confirm_lift(db, other, stop.id, shown="00" * 32, now=NOW)
        stops.refuse_lift(
            db, other, stop.id, shown=waiting.shown_hash.hex(), reason="银行还没有给出书面的答复", now=NOW
        )
    assert standing()
    lift(stop, other, one)  # a no is not the end: it may be asked anew
    assert not standing()
    with at_desk(one) as db, pytest.raises(stops.NoStop):
        stops.ask_lift(db, one, stop.id, reason=WHY, now=NOW)


def standing() -> bool:
    """Whether the little bank is stopped."""
    with database.sessions("work").begin() as db:
        return stops.standing(db, NAME, "cmb", NOW) is not None


@pytest.mark.parametrize(
    ("scope", "name", "minutes"),
    [(Scope.CHANNEL, "nobody", None), (Scope.BANK, NAME, None), (Scope.EVERYTHING, NAME, None), (Scope.BANK, "cmb", 0)],
)
def test_a_stop_names_what_there_is_and_ends_later_than_now(
    world: World, two: tuple[Actor, Actor], scope: Scope, name: str, minutes: int | None
) -> None:
    with pytest.raises(stops.BadStop):
        stopped(two[0], scope, name, minutes)


def test_the_database_keeps_no_lifting_by_one_person_and_no_stop_of_the_web(
    world: World, two: tuple[Actor, Actor]
) -> None:
    one, stop = two[0], stopped(two[0])
    alone = text("UPDATE channel_stops SET lifted_at = now(), lifted_by = :who")
    with at_desk(one) as db:
        stops.ask_lift(db, one, stop.id, reason=WHY, now=NOW)
        with pytest.raises(DBAPIError, match="row-level security"), db.begin_nested():
            db.execute(alone, {"who": one.person_id})
        with pytest.raises(DBAPIError, match="nobody_confirms_the_own"), db.begin_nested():
            db.execute(text(
                "INSERT INTO channel_stop_words SELECT uuidv7(), stop_id, 'confirmed', id, asked_by, said_by,"
                " shown_hash, reason, said_at FROM channel_stop_words"
            ))  # fmt: skip
    for login, what in (("app", "INSERT INTO channel_stops DEFAULT VALUES"), ("work", "DELETE FROM channel_stops")):
        with database.sessions(login).begin() as db, pytest.raises(DBAPIError, match="permission denied"):
            db.execute(text(what))


def test_an_open_breaker_is_closed_by_one_person_with_a_reason(world: World, two: tuple[Actor, Actor]) -> None:
    made, who = world.prepare(), two[0]
    with database.sessions("work").begin() as db:
        breaker.trip(db, NAME, why="shift", until=NOW + timedelta(hours=1), now=NOW)
    assert world.deliver(made) == Unknown(Why.BUSY, NOW + timedelta(hours=1))
    with at_desk(who) as db:
        with pytest.raises(ReasonTooShort):
            stops.close_breaker(db, who, NAME, reason="", now=NOW)
        stops.close_breaker(db, who, NAME, reason=WHY, now=NOW)
        with pytest.raises(stops.NothingOpen):
            stops.close_breaker(db, who, NAME, reason=WHY, now=NOW)
    assert isinstance(world.deliver(made), channels.Settled)
    with at_desk(who) as db, pytest.raises(DBAPIError, match="row-level security"), db.begin_nested():
        db.execute(text("UPDATE channel_breakers SET open_until_at = now()"))


def test_a_stopped_card_waits_and_goes_on_when_it_is_released(world: World, two: tuple[Actor, Actor]) -> None:
    made, who = world.prepare(), two[0]
    with database.sessions("work").begin() as db:
        wall.everybody(db)
        row = store.instruction(db, world.party, made.key)
        assert row is not None
        breaker.stop_card(db, world.party, NAME, row.card_key, code="card_frozen", now=NOW, on=NOW.date())
    assert isinstance(world.deliver(made), Unknown)
    with at_desk(who) as db:
        (party, channel, card, code, since, _, waiting) = store_stops.cards(db, NOW)[0]
        assert (party, channel, code, since, waiting) == (world.party, NAME, "card_frozen", NOW, 1)
        wall.enter(db, party=party, person=who.person_id)
        stops.release_card(db, who, party, channel, card, now=NOW)
    assert isinstance(world.deliver(made), channels.Settled)


def test_what_waits_behind_a_stop_is_counted_without_names_or_amounts(world: World, two: tuple[Actor, Actor]) -> None:
    stop, made = stopped(two[0]), world.prepare()
    world.deliver(made)
    with at_desk(two[0]) as db:
        behind = [row for row in store_stops.unsent(db) if stop.closes(row[0], row[1])]
    assert [row[:2] for row in behind] == [(NAME, "cmb")]
    assert behind[0][2] >= 1
