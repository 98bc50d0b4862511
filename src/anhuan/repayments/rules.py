"""Decisions about orders: which step may follow which, what an answer and its proof make of an order, what is posted.

Values in, values out. The table NEXT is the drawing of the state machine.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from anhuan.channels.evidence_rules import Arrival
from anhuan.channels.model import WITHDRAWN, Answer, Rejected, Settled, Unknown, Why
from anhuan.repayments.model import BadStep, OrderStatus

S = OrderStatus
NEXT: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    S.SCHEDULED: frozenset({S.PLACED, S.CANCELLED, S.FAILED}),
    S.PLACED: frozenset({S.SENT, S.PROMISED, S.ARRIVED, S.FAILED, S.CANCELLED, S.GIVEN_BACK, S.IN_DOUBT}),
    S.SENT: frozenset({S.PROMISED, S.ARRIVED, S.FAILED, S.IN_DOUBT, S.GIVEN_BACK}),
    S.PROMISED: frozenset({S.ARRIVED, S.IN_DOUBT, S.GIVEN_BACK}),
    S.ARRIVED: frozenset({S.IN_DOUBT, S.GIVEN_BACK}),
    S.IN_DOUBT: frozenset({S.ARRIVED, S.PROMISED, S.GIVEN_BACK, S.FAILED}),
    S.FAILED: frozenset({S.IN_DOUBT}),  # 先失败后成功: the bank contradicts its own final no
    S.GIVEN_BACK: frozenset(),
    S.CANCELLED: frozenset(),
}


def may_become(status: OrderStatus, wanted: OrderStatus) -> bool:
    """Whether the table knows this step."""
    return wanted in NEXT[status]


def step(status: OrderStatus, wanted: OrderStatus) -> OrderStatus:
    """The wanted status, if the table knows the step; raises `BadStep`."""
    if not may_become(status, wanted):
        raise BadStep(f"an order that is {status} cannot become {wanted}")
    return wanted


def status_of(
    known: Answer, arrival: Arrival, *, sent_at: datetime | None, contradicted: bool, now_is: OrderStatus
) -> OrderStatus:
    """Where an order stands by what is known of its instruction: answer, proof, and whether they contradict.

    Money that came back ends it whatever else is said; a contradiction or a withdrawn proof leaves it in doubt.
    """
    if isinstance(known, Settled) and known.event is not None:
        return S.GIVEN_BACK
    if contradicted or arrival is Arrival.IN_DOUBT:
        return S.IN_DOUBT
    if arrival is Arrival.ARRIVED:
        return S.ARRIVED
    match known:
        case Settled():
            return S.PROMISED
        case Rejected(final_code=code):
            return S.CANCELLED if code == WITHDRAWN else S.FAILED
        case Unknown(why=Why.BUSY) if sent_at is None:
            return now_is
        case Unknown():
            return S.PLACED if sent_at is None else S.SENT
