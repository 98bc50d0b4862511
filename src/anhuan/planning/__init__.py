"""Advice that moves nothing: which own money pays which bill, through which channel, on which day, at the least cost.

`read_request` turns JSON into a request, `plan` answers with a proved bound, `cost_of` is the simulator of the rules.
There is no leg that charges a card.
"""

from anhuan.planning.costing import cost_of, settle_fees
from anhuan.planning.model import BadPlan, BadRequest, Legs, Payment, Plan, Request, Status
from anhuan.planning.planner import plan
from anhuan.planning.wire import read_request, request_from

__all__ = [
    "BadPlan",
    "BadRequest",
    "Legs",
    "Payment",
    "Plan",
    "Request",
    "Status",
    "cost_of",
    "plan",
    "read_request",
    "request_from",
    "settle_fees",
]
