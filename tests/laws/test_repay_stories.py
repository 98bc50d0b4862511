"""Random stories of one payer: taps, crashes, lost answers, proofs taken back, returns, pauses; laws after each step.

The bank is a little one with a memory of its own; nothing here knows what the next step will be.
"""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.repayments.conftest import Home, clean, home, house

from anhuan import repayments
from anhuan.channels import delivery, evidence, kept_messages
from anhuan.channels import service as hands
from anhuan.channels.model import OtherBody
from anhuan.channels.service import WORKER
from anhuan.identity import limits, stepup
from anhuan.kit import ids
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.kit.errors import Refused
from anhuan.repayments import AmountRule, OrderStatus, OrderView, journey

__all__ = ["clean", "home", "house"]
S = OrderStatus
HOWS = (
    "success",
    "hang up",
    "lost",
    "busy",
    "error",
    "accepted",
    "processing",
    "no:insufficient_funds",
    "no:card_frozen",
)
STEPS = 22


class Died(BaseException):
    """The process is dead; nothing after this line was done."""


class Story:
    """One payer's life for a few days."""

    def __init__(self, home: Home, dice: random.Random, patch: pytest.MonkeyPatch) -> None:
        self.home, self.dice, self.patch = home, dice, patch
        self.orders: list[OrderView] = []
        self.lived: list[str] = []

    def step(self) -> None:
        acts: tuple[Callable[[], None], ...] = (
            self.tap, self.tap, self.work, self.work, self.work, self.work, self.ask, self.prove, self.doubt,
            self.comes_back, self.cancel, self.pause, self.wait,
        )  # fmt: skip
        act = self.dice.choice(acts)
        self.lived.append(act.__name__)
        try:
            act()
        except (Refused, OtherBody):
            self.lived[-1] += "?"

    def tap(self) -> None:
        key, amount = ids.new_id(), self.dice.choice((10_000, 40_000, 100_000))
        later = self.home.clock().date() + timedelta(days=2) if self.dice.random() < 0.2 else None
        for _ in range(self.dice.choice((1, 2))):  # a double tap
            found = self.home.tap(key=key, rule=AmountRule.CUSTOM, amount=amount, start_on=later)
        self.orders += found

    def work(self) -> None:
        """A worker takes up what waits, and may die between any two of its transactions."""
        one = self._some()
        if one is None:
            return
        if one.key is None:
            with self.home.worker() as db:
                journey.step(db, self.home.party, one.order_id, now=self.home.clock())
            return
        self.home.bank.next = [self.dice.choice(HOWS)]
        if self.dice.random() < 0.3:
            with self.patch.context() as patch:
                fatal = (hands, "note"), (kept_messages, "keep"), (hands, "claim_again")
                patch.setattr(*self.dice.choice(fatal), _die)
                try:
                    delivery.deliver(self.home.party, one.key, now=self.home.clock)
                except Died:
                    self.lived[-1] += "+died"
        delivery.deliver(self.home.party, one.key, now=self.home.clock)

    def ask(self) -> None:
        if (one := self._some()) is not None and one.key is not None:
            self.home.bank.answers = [self.dice.choice(("truth", "silent", "not found", "busy"))]
            delivery.ask(self.home.party, one.key, now=self.home.clock)

    def prove(self) -> None:
        """The bank shows on the card what it took, and nothing else."""
        if (one := self._some()) is not None and self.home.bank.debits[str(one.key)]:
            self.home.prove(one)

    def doubt(self) -> None:
        if (one := self._some()) is None or one.key is None:
            return
        with self.home.worker() as db:
            standing = [row for row in evidence.of(db, self.home.party, one.key).rows if row.kind == "bank_file"]
            if standing:
                evidence.doubt(
                    db, WORKER, self.home.party, one.key, standing[0].id, reason="撤回", now=self.home.clock()
                )
                evidence.weigh(db, self.home.party, one.key, now=self.home.clock())

    def comes_back(self) -> None:
        if (one := self._some()) is not None and self.home.bank.debits[str(one.key)]:
            at = self.home.clock().isoformat()
            self.home.bank.states[str(one.key)]["event"] = {"kind": "returned", "at": at, "amount": one.amount}
            assert one.key is not None
            delivery.ask(self.home.party, one.key, now=self.home.clock)

    def cancel(self) -> None:
        if (one := self._some()) is not None:
            with self.home.rows() as db:
                repayments.cancel(db, self.home.me, self.home.party, one.order_id, now=self.home.clock())

    def pause(self) -> None:
        """The payer stops everything, a worker comes by and sends nothing, then the payer lets it go on."""
        person = Actor(ActorKind.PERSON, self.home.party, self.home.party, session_id=ids.new_id(),
                       strength=Strength.DEMO)  # fmt: skip
        with self.home.rows() as db:
            since = limits.pause_everything(db, person, now=self.home.clock())
        before = sum(self.home.bank.sent.values())
        self.work()
        assert sum(self.home.bank.sent.values()) == before or self._gone_before(), "something went out in a pause"
        with self.home.rows() as db:
            asked = stepup.begin(db, person, limits.lift_act(self.home.party, since), shown="", now=self.home.clock())
            limits.lift_pause(db, person, now=self.home.clock(), answer=stepup.Answer(asked.id))

    def _gone_before(self) -> bool:
        """Whether something had been sent before the pause, whose bytes the bank may count again."""
        return any(one.sent_at is not None for one in map(self.home.found, self.orders))

    def wait(self) -> None:
        self.home.clock.pass_(hours=self.dice.choice((1, 5, 30)))

    def _some(self) -> OrderView | None:
        return self.home.found(self.dice.choice(self.orders)) if self.orders else None

    def judge(self) -> None:
        """What must hold after every step."""
        found = [self.home.found(one) for one in {one.order_id: one for one in self.orders}.values()]
        told = f"after {' '.join(self.lived)}: {[(one.status.value, one.amount) for one in found]}"
        debits = {one.order_id: self.home.bank.debits[str(one.key)] for one in found}
        assert all(count <= 1 for count in debits.values()), f"paid twice {told}"
        for one in found:
            if one.status in (S.PROMISED, S.ARRIVED):
                assert debits[one.order_id] == 1, f"{one.status} without a debit {told}"
            if one.status in (S.SCHEDULED, S.CANCELLED):
                assert debits[one.order_id] == 0, f"{one.status} with a debit {told}"
        standing = sum(one.amount for one in found if one.status in repayments.OPEN or one.status is S.ARRIVED)
        assert standing <= 100_000, f"more than the bill {told}"
        taken = sum(one.amount for one in found if one.taken_at and one.status not in (S.GIVEN_BACK, S.FAILED))
        held = sum(one.amount for one in found if not one.taken_at and one.status in (S.PLACED, S.SENT))
        card = sum(one.arrived or 0 for one in found if one.status in (S.ARRIVED, S.IN_DOUBT))
        money = self.home.money()
        assert (money["bank"], money["card"], money["transit"]) == (-taken, card, taken - card), told
        assert money["held"] >= held, told


def _die(*_: object, **__: object) -> None:
    raise Died


@pytest.mark.scope("S0-42", "S3-26")
@pytest.mark.parametrize("seed", range(8))
def test_no_story_loses_or_doubles_a_fen(home: Home, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(home, random.Random(20261122 + seed), monkeypatch)
    for _ in range(STEPS):
        story.step()
        story.judge()


def test_a_story_can_fail(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(home, random.Random(1), monkeypatch)
    story.orders += home.tap()
    home.deliver(story.orders[0])
    home.bank.debits[str(story.orders[0].key)] += 1
    with pytest.raises(AssertionError, match="paid twice"):
        story.judge()
