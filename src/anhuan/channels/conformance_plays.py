"""The scenarios played: the sandbox brings one about, a desk lives through it, and the end is compared.

A play knows neither the connector nor the desk behind it; the same plays judge a third party's connector with a desk in
memory, and the room's own acts with PostgreSQL under them.
"""

import time as passing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Final, assert_never
from uuid import UUID

from anhuan.channels import conformance_files, rules
from anhuan.channels.conformance_model import Desk, Order, RightEnd, Sandbox, Truth, Unreached, View
from anhuan.channels.model import (
    Answer,
    Barred,
    CardStopped,
    Forged,
    OtherBody,
    Rejected,
    Settled,
    Stale,
    State,
    StillOpen,
    Unfit,
    Unknown,
)
from anhuan.kit import calendar
from anhuan.kit.clock import CHINA

PAUSES: Final = (5, 15, 60, 300, 900, 3600, 14400)  # seconds; the kit's own patience
TURNS: Final = 60
LONGEST_CALL: Final = 29.0  # seconds; scenario 22 answers after 30
_DAY: Final = timedelta(days=1)
_DAYS: Final = 12  # the longest break of a Chinese year, and some


@dataclass
class Stage:
    """One play under way: what was done, and what did not hold."""

    sandbox: Sandbox
    desk: Desk
    end: RightEnd
    how: str = ""
    done: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    heard: int = 0
    refused: int = 0

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what did not hold, and go on."""
        if not holds:
            self.faults.append(f"{otherwise} [{self.how}]" if self.how else otherwise)

    def listen(self) -> None:
        """Take in what came; a forged one is refused and counted."""
        for call in self.sandbox.calls():
            try:
                self.desk.hear(call)
                self.heard += 1
            except (Forged, Stale):
                self.refused += 1

    def wait(self, **by: float) -> None:
        """Let time pass and listen."""
        self.sandbox.move(self.sandbox.now() + timedelta(**by))
        self.listen()

    def today(self) -> date:
        """The bank's day."""
        return self.sandbox.now().astimezone(CHINA).date()


def play(end: RightEnd, sandbox: Sandbox, desk: Desk, how: str = "") -> Stage:
    """Play one scenario in one of its ways; raises `Unreached`."""
    stage = Stage(sandbox, desk, end, how)
    _PLAYS.get(end.number, _payment)(stage)
    return stage


def to_its_end(stage: Stage, key: UUID, answer: Answer) -> Answer:
    """Ask with growing pauses until the answer is final, as a worker does; hints are taken in on the way."""
    for turn in range(TURNS):
        match answer:
            case Settled() | Rejected():
                return answer
            case Unknown(again_at=told):
                usual = stage.sandbox.now() + rules.pause(turn, PAUSES)
                stage.sandbox.move(max(told, stage.sandbox.now() + timedelta(seconds=1)) if told else usual)
                stage.listen()
                answer = stage.desk.step(key)
            case _:
                assert_never(answer)
    stage.expect(False, f"no end after {TURNS} questions")
    return answer


def kind(answer: Answer) -> str:
    """The word for an answer."""
    return type(answer).__name__.lower()


def begin(stage: Stage, *, order: Order | None = None) -> tuple[Order, UUID, Answer]:
    """Arrange, prepare, take the first turn; the first answer must be the right one."""
    order = order or stage.sandbox.arrange(stage.end.number, stage.how)
    key = stage.desk.prepare(order)
    answer = stage.desk.step(key)
    stage.done.append(f"paid {order.amount} fen")
    stage.expect(stage.end.first in (kind(answer), ""), f"first {kind(answer)}, not {stage.end.first}")
    stage.listen()
    return order, key, answer


def finish(stage: Stage, order: Order, key: UUID, answer: Answer) -> tuple[View, Truth]:
    """Follow it to its end, let the money arrive or come back, and compare both sides with the right end."""
    last = to_its_end(stage, key, answer)
    stage.done.append("asked to the end" if last is not answer else "answered at once")
    truth = _settle(stage, key)
    view, end = stage.desk.view(key), stage.end
    stage.expect(view.state is end.state, f"{view.state}, not {end.state}")
    stage.expect(view.final_code == end.code, f"code {view.final_code!r}, not {end.code!r}")
    stage.expect(view.events == end.events, f"events {view.events}, not {end.events}")
    moved = (truth.debits, truth.credits, truth.given_back)
    stage.expect(moved == (end.debits, end.credits, end.given_back), f"debits, credits, given back: {moved}")
    left, right = stage.sandbox.spent(order), order.amount * (end.debits - end.given_back)
    stage.expect(left == right, f"{left} fen left the account, not {right}")
    _new_attempt(stage, order, view)
    return view, truth


def _settle(stage: Stage, key: UUID) -> Truth:
    """Days pass until the other side's books show the right end, a dozen at most; then the question about returns."""
    wanted = (stage.end.debits, stage.end.credits, stage.end.given_back)
    for _ in range(_DAYS):
        truth = stage.sandbox.truth(key)
        if (truth.debits, truth.credits, truth.given_back) == wanted:
            break
        stage.sandbox.move(_morning(stage.sandbox.now()))
        stage.listen()
    stage.desk.step(key)
    return stage.sandbox.truth(key)


def _new_attempt(stage: Stage, order: Order, view: View) -> None:
    """A new attempt exists only after a final no or a return; a frozen card refuses it for another reason."""
    open_again = view.state is State.FAILED or bool(view.events)
    try:
        stage.desk.prepare(order, again=True)
        stage.expect(open_again, "a second attempt was allowed beside one that stands")
    except (StillOpen, Barred):  # barred: where less arrived than was sent, somebody looks first
        stage.expect(not open_again, "no new attempt after a final no")
    except CardStopped:
        stage.expect(stage.end.number == 33, "the card was stopped")


def _payment(stage: Stage) -> None:
    finish(stage, *begin(stage))


def _late(stage: Stage) -> None:
    """Credited on the right day and not before: 3 tomorrow, 4 to 6 on a day on which the bank is open."""
    order, key, answer = begin(stage)
    paid_on = stage.today()
    _, truth = finish(stage, order, key, answer)
    open_days = calendar.current()
    wanted = {
        3: paid_on + _DAY,
        4: open_days.next_workday(paid_on + _DAY),
        5: open_days.next_workday(paid_on),
        6: paid_on,
    }[stage.end.number]
    late = stage.end.number == 6 and stage.how == "unknown_year"
    right = truth.booked_on is not None and (truth.booked_on > wanted if late else truth.booked_on == wanted)
    stage.expect(right, f"credited on {truth.booked_on}, not {'after ' if late else ''}{wanted}")


def _timed(stage: Stage) -> None:
    """7 and 22: our own patience ends long before theirs."""
    began = passing.monotonic()
    begun = begin(stage)
    took = passing.monotonic() - began
    stage.expect(took < LONGEST_CALL, f"the call took {took:.0f} s")
    finish(stage, *begun)


def _never_done(stage: Stage) -> None:
    """8: the bytes were lost. Expired meanwhile, they do not go out again, and "not found" becomes a no."""
    order = replace(stage.sandbox.arrange(8, stage.how), expires_in=timedelta(minutes=1))
    order, key, answer = begin(stage, order=order)
    stage.wait(minutes=2)
    early = stage.desk.step(key)
    stage.expect(isinstance(early, Unknown), "an early not found was taken for a no")
    stage.expect(stage.desk.view(key).sends == 1, "expired bytes went out again")
    finish(stage, order, key, answer)


def _callbacks(stage: Stage) -> None:
    """10 to 13: whatever callbacks say, in whatever order and number, asking decides; forged ones are refused."""
    order, key, answer = begin(stage)
    stage.wait(minutes=5)
    view, _ = finish(stage, order, key, answer)
    stage.listen()
    wanted, forged = {10: (2, 0), 11: (3, 0), 12: (0, 0), 13: (1, 4)}[stage.end.number]
    stage.expect((stage.heard, stage.refused) == (wanted, forged), f"{stage.heard} heard, {stage.refused} refused")
    stage.expect(view.changes <= (1 if stage.end.first == "settled" else 3), f"{view.changes} changes")
    stage.done.append(f"{stage.heard} callbacks heard, {stage.refused} refused")


def _same_body(stage: Stage) -> None:
    """14: the same bytes once more say what they said."""
    order, key, answer = begin(stage)
    again = stage.sandbox.connector.pay(stage.desk.instruction(key))
    stage.expect(again == answer, f"{again}, not {answer}")
    stage.done.append("sent the same bytes again")
    finish(stage, order, key, answer)


def _other_body(stage: Stage) -> None:
    """15: other bytes under the key are refused, and the first payment stands."""
    order, key, answer = begin(stage)
    one = stage.desk.instruction(key)
    other = one.body.replace(str(one.amount).encode(), str(one.amount + 1).encode(), 1)
    if other == one.body:
        raise Unreached("the amount is not plain in these bytes, so the kit cannot change it")
    try:
        found = stage.sandbox.connector.pay(replace(one, body=other))
        stage.expect(False, f"other bytes under the same key were answered with {kind(found)}")
    except OtherBody:
        stage.done.append("sent other bytes: OtherBody")
    finish(stage, order, key, answer)


def _refused(stage: Stage) -> None:
    """16, 18, 19, 33: a final no at once; a limit tells when it resets, and too much is never sent."""
    order, key, answer = begin(stage)
    view, _ = finish(stage, order, key, answer)
    if stage.end.number == 18:
        stage.expect(view.resets_at is not None and view.resets_at > stage.sandbox.now() - _DAY, "no moment of reset")
    most = stage.desk.record(order).per_payment_max
    if stage.end.number == 19 and most is not None:
        try:
            stage.desk.prepare(replace(order, amount=most + 1, card_ref=f"{order.card_ref}-"))
            stage.expect(False, "more than the record allows was prepared")
        except Unfit:
            stage.done.append("more than our record allows is never sent")


def _busy(stage: Stage) -> None:
    """20, 21: nothing was taken, and we come back when told."""
    order, key, answer = begin(stage)
    stage.expect(isinstance(answer, Unknown) and answer.again_at is not None, "not told when to come back")
    stage.expect(stage.sandbox.truth(key).debits == 0, "taken all the same")
    finish(stage, order, key, answer)


def _batch(stage: Stage) -> None:
    """30: each item has its own answer; what was accepted is not sent again."""
    orders = [stage.sandbox.arrange(30, "" if place == 0 else "more") for place in range(4)]
    keys = [stage.desk.prepare(order) for order in orders]
    answers = stage.desk.batch(keys)
    taken = [key for key in keys if not isinstance(answers[key], Unknown)]
    stage.expect(0 < len(taken) < len(keys), f"{len(taken)} of {len(keys)} taken")
    for order, key in zip(orders, keys, strict=True):
        finish(stage, order, key, answers[key])
    stage.expect(all(stage.desk.view(key).sends == 1 for key in taken), "an accepted item was sent again")
    stage.done.append(f"sent {len(keys)} at once, {len(taken)} taken")


def _day_by_zone(stage: Stage) -> None:
    """29: the bank's day is counted in UTC+8, to the second."""
    order, key, answer = begin(stage)
    day = stage.today()
    stage.expect(
        stage.sandbox.now().astimezone(CHINA).time() in (time(23, 59, 59), time(0)), "the clock stands elsewhere"
    )
    finish(stage, order, key, answer)
    found = conformance_files.on_day(stage, [(key, order.amount)], day)
    stage.expect(found == set(), f"the file of {day} differs: {sorted(found)}")


def _files(stage: Stage) -> None:
    """1 to 26 and 28 of the files: comparing finds the one difference, and no other; the payment stays as it was."""
    order, key, answer = begin(stage)
    day = stage.today()
    finish(stage, order, key, answer)
    found = conformance_files.on_day(stage, [(key, order.amount)], day)
    wanted = {stage.end.difference} if stage.end.difference else set()
    stage.expect(found == wanted, f"differences {sorted(found)}, not {sorted(wanted)}")
    stage.done.append(f"compared the files of {day}")


def _reference_again(stage: Stage) -> None:
    """28: the old order is untouched, the new one is matched within its own business day."""
    order, key, answer = begin(stage)
    first_day = stage.today()
    finish(stage, order, key, answer)
    later = stage.sandbox.arrange(28, "next_year")
    order, second, answer = begin(stage, order=later)
    second_day = stage.today()
    finish(stage, order, second, answer)
    stage.expect(second_day - first_day > timedelta(days=360), "not a year later")
    for one, day, amount in ((key, first_day, order.amount), (second, second_day, later.amount)):
        try:
            found = conformance_files.on_day(stage, [(one, amount)], day)
        except Unreached:
            continue  # a file of last year is no longer offered
        stage.expect(found == set(), f"the file of {day} differs: {sorted(found)}")
    stage.done.append("paid again a year later under the same reference")


def _withdrawn_evidence(stage: Stage) -> None:
    """32: bank data take their own proof back, and give it again."""
    order, key, answer = begin(stage)
    finish(stage, order, key, answer)
    stage.wait(days=5)
    kinds = [proof.kind for proof in stage.sandbox.proofs(order, key)]
    stage.expect(kinds == ["payment", "withdrawn", "corrected"], f"bank data say {kinds}")


def _consent(stage: Stage) -> None:
    """34: what was sent is followed to its end, and nothing more is sent."""
    order, key, answer = begin(stage)
    stage.desk.withdraw(key)
    finish(stage, order, key, answer)
    stage.expect(stage.desk.view(key).sends == 1, "sent again after the consent was withdrawn")
    stage.done.append("withdrew while it was under way")


def _elsewhere(stage: Stage) -> None:
    raise Unreached("cards' bills are read by the room `statements`; a connector of payments has no part in it")


def _morning(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(CHINA).date() + _DAY, time(12), CHINA)


_PLAYS: Final[Mapping[int, Callable[[Stage], None]]] = {
    **dict.fromkeys((3, 4, 5, 6), _late),
    **dict.fromkeys((7, 22), _timed),
    8: _never_done,
    **dict.fromkeys((10, 11, 12, 13), _callbacks),
    14: _same_body,
    15: _other_body,
    **dict.fromkeys((16, 18, 19, 33), _refused),
    **dict.fromkeys((20, 21), _busy),
    **dict.fromkeys((23, 24, 25, 26), _files),
    27: conformance_files.whole_file,
    28: _reference_again,
    29: _day_by_zone,
    30: _batch,
    **dict.fromkeys((31, 35), _elsewhere),
    32: _withdrawn_evidence,
    34: _consent,
}
