"""Room repayments: the heart. Orders that move a person's own money to the person's own card, once; mandates, autopay,
tracking from the tap to the day on which the bank shows it on the card.

Others import this front door alone: `from anhuan import repayments`, then `repayments.confirm(...)`.
"""

from anhuan import channels
from anhuan.planning import above
from anhuan.repayments import bindings, following, matching, plans, proposing, rules
from anhuan.repayments import journey_plans as _jobs  # noqa: F401 - whoever ends an order promises a look at its plan
from anhuan.repayments import journey_proofs as _proofs  # noqa: F401 - whoever imports a bill promises a comparison
from anhuan.repayments.holdings import HOLDINGS, erase, export, held
from anhuan.repayments.model import (
    CLOSED,
    ON_ITS_WAY,
    OPEN,
    AmountRule,
    Effect,
    EventKind,
    FeeLine,
    GroupKind,
    OrderStatus,
    OrderView,
    PayPart,
    Quote,
    RepayAsk,
    Stamp,
    TooLateToCancel,
    Trouble,
    UnknownOrder,
    Wait,
    Way,
)
from anhuan.repayments.quoting import quote
from anhuan.repayments.service import act_of, cancel, confirm, pay, place, record, start
from anhuan.repayments.under_way import of_party as on_its_way
from anhuan.repayments.views import find, of_group, orders, timeline
from anhuan.statements import above as intake

above.know(counts=plans.counted, stands=proposing.standing)  # a plan counts what is on its way
intake.know(turned=matching.turned)  # imported lines prove payments
channels.above.know(
    may_go=following.may_go, told=following.told
)  # whoever knows this room follows instructions with it

__all__ = [
    "CLOSED", "HOLDINGS", "ON_ITS_WAY", "OPEN", "AmountRule", "Effect", "EventKind", "FeeLine", "GroupKind",
    "OrderStatus", "OrderView", "PayPart", "Quote", "RepayAsk", "Stamp", "TooLateToCancel", "Trouble", "UnknownOrder",
    "Wait", "Way", "act_of", "bindings", "cancel", "confirm", "erase", "export", "find", "held", "of_group",
    "on_its_way", "orders", "pay", "place", "quote", "record", "rules", "start", "timeline",
]  # fmt: skip
