"""The 35 scenarios of the simulated bank through the real room: a tap, the worker's steps, looks at the card.

Each is played calmly, and once more with our process dead between `sent_at` and the answer. In the end the order stands
where the scenario says, one debit at most was made, the books hold and nothing closed is in transit, the bill is
credited with exactly what arrived, and the payer was told. 31 and 35, of bills, are played where bills are read.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

import psycopg
import pytest
from sqlalchemy import Engine
from tests.bank import running
from tests.channels.conftest import house
from tests.conftest import _on
from tests.laws.ledger_laws import laws_hold
from tests.people import sign_in
from tests.stories.repay_desk import RepayDesk, Showing

from anhuan.channels import registry
from anhuan.channels.conformance import RIGHT_ENDS, Stage
from anhuan.channels.conformance_plays import play, to_its_end
from anhuan.channels.evidence_rules import Arrival
from anhuan.channels.model import OtherBody, Rejected, Seen, Settled, StillOpen
from anhuan.channels.simbank_sandbox import SimbankSandbox
from anhuan.identity import demonstration
from anhuan.kit import clock, postgres
from anhuan.kit import db as database
from anhuan.repayments import OrderStatus

__all__ = ["house"]
pytestmark = pytest.mark.scope("S0-38", "S0-42", "S3-02", "S3-26")

S = OrderStatus
ELSEWHERE: Final = (8, 31, 35)  # 8 is played below with the room's own hours, the others in the story of bills
BOTH: Final = (6, 29)  # the others' ways differ for a connector alone, and are played in its own story
PLAYED: Final = [(number, how) for number, end in RIGHT_ENDS.items() if number not in ELSEWHERE
                 for how in (end.hows if number in BOTH else end.hows[:1])]  # fmt: skip
CRASHED: Final = (1, 2, 3, 7, 9, 13, 15, 16, 17, 20, 26, 32, 33, 34)
ENDS: Final = {16: S.FAILED, 17: S.GIVEN_BACK, 18: S.FAILED, 19: S.FAILED, 33: S.FAILED}
TOLD: Final = {S.ARRIVED: "repay_arrived", S.FAILED: "repay_failed", S.GIVEN_BACK: "repay_given_back"}


class Town:
    """The bank, and a payer whom nobody has seen for every play."""

    def __init__(self, sandbox: SimbankSandbox, seen: list[Seen], house: Engine, owner_url: str) -> None:
        self.sandbox, self.seen, self.house, self.owner_url = sandbox, seen, house, owner_url
        self.recorder = Showing(sandbox.bank)
        self.die = False

    def desk(self) -> RepayDesk:
        """A payer at a channel without a history."""
        with psycopg.connect(self.owner_url, autocommit=True) as inside:
            inside.execute("SET ROLE anhuan_owner")
            inside.execute("TRUNCATE channel_breakers, channel_flags, channel_callbacks CASCADE")
        made = RepayDesk(self.sandbox, self.recorder, self.seen, die=self.die)
        sign_in(self.house, made.party)
        return made


@pytest.fixture(scope="module")
def bank(server: postgres.Access, house: Engine) -> Iterator[Town]:
    """One bank for the module, in a demonstration."""
    with database.transaction() as db:
        demonstration.declare(db, demonstration.DEMONSTRATION, now=clock.now())
    seen: list[Seen] = []

    def witness(one: Seen) -> None:
        seen.append(one)
        registry._tell(one)

    with running(server) as process:
        sandbox = SimbankSandbox(process.url, process.token, seconds=6, witness=witness)
        town = Town(sandbox, seen, house, _on(server.owner, str(house.url.database)))
        with registry.only(simbank=town.recorder):
            yield town
        sandbox.close()


@pytest.fixture
def town(bank: Town) -> Town:
    """The same bank for this test."""
    bank.die = False
    return bank


# --- the plays ---


@pytest.mark.parametrize(("number", "how"), PLAYED)
def test_the_order_comes_to_the_right_end(town: Town, number: int, how: str) -> None:
    desk = town.desk()
    assert play(RIGHT_ENDS[number], town.sandbox, desk, how).faults == []
    settle(desk)
    right_end_of(town, desk, number)


@pytest.mark.parametrize("number", CRASHED)
def test_killed_between_sent_at_and_the_answer_the_order_comes_to_the_same_end(town: Town, number: int) -> None:
    town.die = True
    desk, end = town.desk(), RIGHT_ENDS[number]
    stage = play(replace(end, first=""), town.sandbox, desk, end.hows[0])
    # A bank that was busy once only has taken it by the time that somebody asks.
    beside = ("not told when to come back", "taken all the same") if number in (20, 21) else ()
    assert [fault for fault in stage.faults if fault not in beside] == []
    assert desk.deaths == 1
    assert town.recorder.of(desk.keys[0])[:2] == ["pay", "ask"], "asked before anything went out again"
    settle(desk)
    right_end_of(town, desk, number)


def settle(desk: RepayDesk) -> None:
    """The worker's last looks at the cards."""
    for key in desk.keys:
        desk.look(key)


def right_end_of(town: Town, desk: RepayDesk, number: int) -> None:
    """The first order stands where the scenario says; and the laws, of all of them."""
    first, wanted = desk.keys[0], ENDS.get(number, S.ARRIVED)
    order = desk.order(first)
    assert order.status is wanted
    assert TOLD[wanted] in desk.told(first)
    assert "repay_placed" in desk.told(first)
    if wanted is S.FAILED:
        assert order.final_code == RIGHT_ENDS[number].code
    laws_after(town, desk)


def laws_after(town: Town, desk: RepayDesk) -> None:
    """One debit for each key at the bank; nothing closed in transit; the bill and the books show what arrived."""
    books = town.sandbox.control("GET", "/sim/books")
    assert (books["sound"], books["transit"]) == (True, 0)
    assert desk.unkept() == []
    credited: dict[str, int] = {}
    for key in desk.keys:
        order, truth = desk.order(key), town.sandbox.truth(key)
        assert max(truth.debits, truth.credits) <= 1
        arrived = order.arrived or 0 if order.status is S.ARRIVED else 0
        assert desk.card_of(key) == arrived
        if order.closed_at is not None:
            assert desk.transit_of(key) == 0
        place = desk.order_of[key].card_ref
        credited[place] = credited.get(place, 0) + arrived
    for key in desk.keys:
        assert desk.paid(key) == credited[desk.order_of[key].card_ref]


# --- what the payer sees of some of them ---


def test_8_never_taken_it_fails_once_not_found_is_final_and_the_payer_may_pay_again(town: Town) -> None:
    desk = town.desk()
    wanted = town.sandbox.arrange(8)
    key = desk.prepare(wanted)
    desk.step(key)
    assert desk.order(key).status is S.SENT
    town.sandbox.move(town.sandbox.now() + timedelta(days=30))  # beyond the last moment at which it may go out again
    assert isinstance(desk.step(key), Rejected)
    order = desk.order(key)
    assert (order.status, order.final_code, desk.transit_of(key)) == (S.FAILED, "not_found", 0)
    assert town.sandbox.spent(wanted) == 0


@pytest.mark.parametrize("die", [False, True])
def test_8_sent_again_in_time_the_same_bytes_are_taken_once(town: Town, die: bool) -> None:
    town.die = die
    desk = town.desk()
    wanted = town.sandbox.arrange(8)
    key = desk.prepare(wanted)
    stage = Stage(town.sandbox, desk, RIGHT_ENDS[8])
    assert isinstance(to_its_end(stage, key, desk.step(key)), Settled)
    assert (desk.look(key).status, desk.view(key).sends) == (S.ARRIVED, 2)
    assert town.sandbox.spent(wanted) == wanted.amount
    laws_after(town, desk)


def test_1_taken_is_a_promise_until_the_card_shows_it(town: Town) -> None:
    desk = town.desk()
    key = desk.prepare(town.sandbox.arrange(3))
    desk.step(key)
    assert (desk.order(key).status, desk.paid(key)) == (S.PROMISED, 0)
    town.sandbox.move(town.sandbox.now() + timedelta(days=1))
    order = desk.look(key)
    assert (order.status, desk.paid(key)) == (S.ARRIVED, 50_000)
    assert order.arrived_on == (town.sandbox.now()).astimezone(clock.CHINA).date()


def test_16_what_was_missing_is_told_with_the_next_best_action(town: Town) -> None:
    desk = town.desk()
    key = desk.prepare(town.sandbox.arrange(16))
    desk.step(key)
    said = desk.told(key)["repay_failed"]
    assert "还差 ¥500.00" in str(said["next_zh"])


def test_17_given_back_the_bill_is_due_again_and_the_card_must_be_proved_anew(town: Town) -> None:
    desk = town.desk()
    play(RIGHT_ENDS[17], town.sandbox, desk)
    first, second = desk.keys
    assert (desk.order(first).status, desk.order(second).retry_of) == (S.GIVEN_BACK, desk.order(first).order_id)
    assert (desk.proved_anew, desk.paid(first)) == (1, 0)


def test_18_the_moment_at_which_the_limit_opens_again_stands_on_the_order(town: Town) -> None:
    desk = town.desk()
    key = desk.prepare(town.sandbox.arrange(18))
    desk.step(key)
    tomorrow = (town.sandbox.now().astimezone(clock.CHINA) + timedelta(days=1)).date()
    resets = desk.order(key).resets_at
    assert resets is not None
    assert resets.astimezone(clock.CHINA).date() == tomorrow


def test_26_less_arrived_than_was_sent_is_told_and_only_that_is_credited(town: Town) -> None:
    desk = town.desk()
    play(RIGHT_ENDS[26], town.sandbox, desk)
    [key] = desk.keys
    order = desk.order(key)
    assert order.arrived is not None
    assert 0 < order.arrived < order.amount
    assert {"repay_short", "repay_short_of_minimum"} & set(desk.told(key))
    assert desk.paid(key) == order.arrived


def test_32_in_doubt_the_credit_goes_and_comes_back_with_the_correction(town: Town) -> None:
    desk = town.desk()
    key = desk.prepare(town.sandbox.arrange(32))
    desk.step(key)
    seen = []
    for _ in range(6):
        order = desk.look(key)
        seen.append((order.status, desk.paid(key)))
        town.sandbox.move(town.sandbox.now() + timedelta(days=1))
    assert list(dict.fromkeys(seen)) == [(S.ARRIVED, 50_000), (S.IN_DOUBT, 0)]
    assert seen[-1] == (S.ARRIVED, 50_000)
    kinds = [kind for kind in desk.timeline(key) if kind in ("arrived", "in_doubt")]
    assert kinds == ["arrived", "in_doubt", "arrived"]
    assert desk.arrival(key)[0] is Arrival.ARRIVED


def test_34_too_late_to_take_back_it_is_followed_to_its_end(town: Town) -> None:
    desk = town.desk()
    key = desk.prepare(town.sandbox.arrange(34))
    desk.step(key)
    desk.withdraw(key)
    assert desk.order(key).status is S.SENT
    desk.withdraw(desk.prepare(town.sandbox.arrange(1)))
    assert desk.order(desk.keys[-1]).status is S.CANCELLED
    assert desk.transit_of(desk.keys[-1]) == 0


def test_15_another_body_leaves_a_doubt_and_what_the_card_shows_ends_it(town: Town) -> None:
    """Somebody else's bytes came first under our key: nobody sends or asks any more, and the money moved once."""
    desk = town.desk()
    wanted = town.sandbox.arrange(1)
    key = desk.prepare(wanted)
    one = desk.instruction(key)
    other = replace(one, body=one.body.replace(b'"amount":50000', b'"amount":40000'))
    assert isinstance(town.sandbox.bank.pay(other), Settled)
    with pytest.raises(OtherBody):
        desk.step(key)
    assert desk.order(key).status is S.IN_DOUBT
    assert "repay_in_doubt" in desk.told(key)
    with pytest.raises(StillOpen):
        desk.prepare(wanted)
    assert (desk.look(key).status, desk.arrival(key)[0]) == (S.IN_DOUBT, Arrival.ARRIVED)
    assert town.sandbox.spent(wanted) == 40_000


def test_after_all_of_it_the_laws_of_the_ledger_hold(town: Town) -> None:
    with psycopg.connect(town.owner_url) as reader:
        assert laws_hold(reader) > 0
